# SPDX-License-Identifier: Apache-2.0
import re

import pytest

from fedsafe_node.acts.notices import TextName
from fedsafe_node.notices.texts import FACTS, Trigger, facts_named, texts, words
from fedsafe_node.rights.signed_texts import rights_texts
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.rules.hearings import HearingException
from fedsafe_policies.vocabulary import Detection, Grade, Source, Surface

NEEDED = {
    TextName.STATEMENT_OF_REASONS: (
        *("Art. 17", "Art. 20", "Art. 21", "Art. 77", "Art. 79", "{rule}"),
        *("{recipients}", "{source}", "{detection}", "{complaints}", "{bodies}"),
        "{authority}",
    ),
    TextName.DATA_PROTECTION_NOTICE: (
        *("Art. 14", "Art. 22", "{contact}", "{recipients}", "{match_until}"),
        *("{basis}", "{transfers}", "{phenomenon}"),
        *("{dpo}", "Art. 26", "{arrangement}", "{controller}", "{authority}"),
        *("Art. 77", "Art. 79"),
    ),
    TextName.REVIEW_REASONS: (
        *("Art. 17", "Art. 20", "Art. 21", "Art. 22", "Art. 77", "Art. 79", "{rule}"),
        *("{complaints}", "{bodies}", "{authority}", "{reach}"),
        *("{measure}", "{duration}", "{trigger}", "{source}", "{deciders}"),
        *("{phenomenon}", "{hearing}", "{decided_on}"),
    ),
    TextName.END_OF_SIGNAL: (
        *("Art. 19", "Art. 77", "Art. 79", "{recipients}", "{ended_on}"),
        *("{reach}", "{complaints}", "{authority}"),
    ),
}


@pytest.mark.parametrize("name", texts())
def test_a_text_uses_known_facts_and_the_same_in_both_languages(
    name: TextName,
) -> None:
    text = texts()[name]
    named = [set(re.findall(r"{(\w+)}", body)) for body in (text.body.de, text.body.en)]
    minor = text.minor
    assert minor is not None  # each letter has one for children and young people
    plain = [set(re.findall(r"{(\w+)}", body)) for body in (minor.de, minor.en)]

    assert named[0] == named[1]
    assert plain[0] == plain[1]
    assert facts_named(text) == named[0] | plain[0]
    assert "help" in plain[0]
    assert facts_named(text) <= FACTS


@pytest.mark.promise("LR-43", "LR-48")
@pytest.mark.parametrize("name", texts())
def test_a_text_says_what_the_law_asks_for(name: TextName) -> None:
    text = texts()[name]

    for body in (text.title.de + text.body.de, text.title.en + text.body.en):
        assert [word for word in NEEDED[name] if word not in body] == []


def test_an_end_is_not_said_to_be_whose_it_may_not_be() -> None:
    text = texts()[TextName.END_OF_SIGNAL]
    assert text.minor is not None

    for body in (text.body, text.minor):  # an appeal or the clock ends it as well
        assert "beendet worden" in " ".join(body.de.split())
        assert "was ended on {ended_on}" in " ".join(body.en.split())
        assert "zurückgenommen" not in body.de
        assert "took" not in body.en


def test_a_filled_text_has_no_gap_left() -> None:
    facts = {name: Text(f"<{name}>", f"<{name}>") for name in FACTS}
    filled = texts()[TextName.STATEMENT_OF_REASONS].fill(facts)

    assert "<rule>" in filled.de
    assert "{" not in filled.de + filled.en


def test_a_missing_fact_is_no_gap_in_a_letter() -> None:
    with pytest.raises(KeyError):
        texts()[TextName.END_OF_SIGNAL].fill({})


def test_every_code_has_words() -> None:
    assert set(words().surface) == set(Surface)
    assert set(words().grade) == set(Grade)
    assert set(words().source) == set(Source)
    assert set(words().detection) == set(Detection)
    assert set(words().trigger) == set(Trigger)
    assert set(words().hearing) == {"heard", "none", *HearingException}


def test_the_digest_changes_with_the_words() -> None:
    every = {**texts(), **rights_texts()}

    assert set(every) == set(TextName)
    assert len({text.digest for text in every.values()}) == len(TextName)


@pytest.mark.parametrize("name", rights_texts())
def test_a_text_of_rights_is_there_in_both_languages(name: TextName) -> None:
    text = rights_texts()[name]
    german, english = text.body.de.splitlines(), text.body.en.splitlines()

    assert len(german) >= 5
    assert german != english
    assert text.title.de != text.title.en
    assert facts_named(text)


def test_whatever_a_person_reads_of_rights_is_signed_off() -> None:
    every = rights_texts()
    for name, sentence in (
        (TextName.RIGHTS_FORM, "Was möchten Sie?"),
        (TextName.CODE_LETTER, "Er gilt eine Viertelstunde."),
        (TextName.RIGHTS_ANSWER, "Zu dieser Kennung ist kein Signal gespeichert."),
        (TextName.RIGHTS_ANSWER, "Zu Ihrem Konto haben wir keine Prüfung gespeichert."),
        (TextName.RIGHTS_OUTCOME, "Ihr Antrag ist am {day} abgelehnt worden."),
        (TextName.RIGHTS_OUTCOME, "Der Antrag ist offenkundig unbegründet"),
    ):
        assert sentence in every[name].body.de, sentence
