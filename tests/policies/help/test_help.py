# SPDX-License-Identifier: Apache-2.0
"""The help directory and the reply to affected minors."""

from dataclasses import replace as with_
from datetime import date
from itertools import product
from typing import Final

import pytest
from msgspec.structs import replace

from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.ground.span import day_number
from fedsafe_policies.help.choice import WRITTEN, Seeker, choose, gaps
from fedsafe_policies.help.harm import WAYS_OUT, Harm, find_harm
from fedsafe_policies.help.offers import (
    VALID_DAYS,
    Age,
    Audience,
    Directory,
    Sort,
    Tongue,
    Way,
    load_directory,
    shipped_directory,
)
from fedsafe_policies.help.replies import Approval, Block, shipped_reply

DAY: Final = day_number(date(2026, 11, 27))
ENGLISH: Final = """
[offers.everybody_{number}]
name = {{ de = "Beispielberatung", en = "Example counselling" }}
audiences = ["affected", "relatives", "friends", "professionals", "worried"]
ages = ["{age}"]
url = "https://help.example.org"
[[offers.everybody_{number}.channels]]
way = "chat"
address = "https://help.example.org/chat"
languages = ["de", "en"]
source = "an example"
[[offers.everybody_{number}.channels]]
way = "phone"
address = "0800 000 000{number}"
hours = {{ de = "immer", en = "always" }}
languages = ["de", "en"]
source = "an example"
[verified.everybody_{number}]
chat = 2026-11-27
phone = 2026-11-27
"""
OWN: Final = "format = 1\ndated = 2026-11-27\n"


def fresh() -> Directory:
    text = OWN + "".join(
        ENGLISH.format(number=number, age=age) for number, age in enumerate(Age)
    )
    return load_directory(text.encode(), shipped_directory())


def ways(directory: Directory, seeker: Seeker, day: int) -> list[Way]:
    return [
        channel.way
        for shown in choose(directory, seeker, day)
        if shown.offer.sort is Sort.HELP
        for channel in shown.channels
    ]


SEEKERS: Final = [Seeker(*each) for each in product(Audience, Tongue, Age)]


@pytest.mark.parametrize("seeker", SEEKERS)
def test_everybody_finds_a_chat_and_a_phone_in_a_verified_directory(
    seeker: Seeker,
) -> None:
    found = ways(fresh(), seeker, DAY)

    assert set(found) & WRITTEN
    assert Way.PHONE in found
    assert gaps(fresh(), DAY) == ()


@pytest.mark.parametrize("seeker", SEEKERS)
def test_numbers_and_hours_vanish_when_they_are_too_old(seeker: Seeker) -> None:
    last = ways(fresh(), seeker, DAY + VALID_DAYS - 1)

    assert last == ways(fresh(), seeker, DAY)
    assert ways(fresh(), seeker, DAY + VALID_DAYS) == []


def test_nothing_is_shown_before_the_day_on_which_it_was_verified() -> None:
    assert ways(fresh(), SEEKERS[0], DAY - 1) == []


@pytest.mark.parametrize("seeker", SEEKERS)
def test_the_emergency_number_is_first_when_it_is_urgent(seeker: Seeker) -> None:
    urgent = choose(fresh(), with_(seeker, urgent=True), DAY)
    calm = choose(fresh(), seeker, DAY)

    assert urgent[0].id == "emergency"
    assert urgent[0].channels[0].address == "110"
    assert calm[0].id != "emergency"


@pytest.mark.parametrize("seeker", SEEKERS)
def test_complaint_offices_are_always_listed_and_last(seeker: Seeker) -> None:
    shown = choose(shipped_directory(), seeker, DAY)

    assert [each.id for each in shown[-4:]] == [
        *("jugendschutz_net", "internet_beschwerdestelle", "fsm", "eco")
    ]


def test_minors_see_whom_they_can_write_to_before_whom_they_can_call() -> None:
    own = OWN + (
        "[verified.hilfe_telefon]\nphone = 2026-11-20\n"
        "[verified.krisenchat]\nmessenger = 2026-11-20\n"
    )
    directory = load_directory(own.encode(), shipped_directory())
    minor = Seeker(Audience.AFFECTED, Tongue.DE, Age.MINOR)

    assert ways(directory, minor, DAY)[:2] == [Way.MESSENGER, Way.PHONE]
    assert ways(directory, with_(minor, age=Age.ADULT), DAY)[:2] == [
        *(Way.PHONE, Way.MESSENGER)
    ]


def test_what_is_shipped_says_that_nothing_is_verified() -> None:
    missing = gaps(shipped_directory(), DAY)

    assert len(missing) == len(SEEKERS) * 2


@pytest.mark.parametrize(
    ("own", "problem"),
    [
        ("[verified.nobody]\nphone = 2026-11-20\n", "line 3: verified.nobody: no such"),
        (
            "[verified.eco]\nphone = 2026-11-20\n",
            "verified.eco: the offer has no phone",
        ),
        (
            "[verified.hilfe_telefon]\nphone = 2026-11-28\n",
            "verified.hilfe_telefon.phone: later than `dated`",
        ),
        ('withdrawn = ["nobody"]\n', "withdrawn: no offer nobody"),
        ('withdrawn = ["emergency"]\n', "withdrawn: the emergency number stays"),
        (
            ENGLISH.format(number=1, age="adult").replace(
                "audiences", 'sort = "emergency"\naudiences'
            ),
            "offers.everybody_1: the emergency number stays",
        ),
        (
            ENGLISH.format(number=1, age="adult").replace(
                "Beispielberatung", "Beratung\\n\\nDu bist selbst schuld"
            ),
            "offers.everybody_1: name, about, hours: one line",
        ),
        ('helpers = "x"\n', "helpers: unknown key"),
        (
            ENGLISH.format(number=1, age="adult").replace("0800", "O8OO"),
            "offers.everybody_1: no phone number",
        ),
        (
            ENGLISH.format(number=1, age="adult").replace("/chat", "/chat?from=us"),
            "offers.everybody_1: an address without query",
        ),
        (
            ENGLISH.format(number=1, age="adult").replace(
                'way = "phone"', 'way = "chat"'
            ),
            "offers.everybody_1: one channel of each way",
        ),
    ],
)
def test_a_misfit_is_named_with_its_key(own: str, problem: str) -> None:
    with pytest.raises(PolicyFileError) as caught:
        load_directory((OWN + own).encode(), shipped_directory())

    assert problem in str(caught.value)


def test_an_offer_that_was_withdrawn_is_gone() -> None:
    own = OWN + 'withdrawn = ["krisenchat"]\n'
    directory = load_directory(own.encode(), shipped_directory())

    assert "krisenchat" in shipped_directory().offers
    assert "krisenchat" not in directory.offers


def test_the_shipped_reply_holds_all_blocks_and_no_harm() -> None:
    reply = shipped_reply()

    assert find_harm(reply) == ()
    assert all(reply.block(block).de and reply.block(block).en for block in Block)
    assert reply.approved is None


HARMFUL: Final = [
    (Harm.SENDS_PICTURES, "Schick uns bitte das Bild.", "Please send us the picture."),
    (Harm.SENDS_PICTURES, "Kannst du die Fotos weiterleiten?", "Upload the photos."),
    (Harm.COPIES_PICTURES, "Speichere das Video.", "Please save the video."),
    (Harm.COPIES_PICTURES, "Kopiere die Bilder.", "Copy the images."),
    (Harm.DELETES_EVIDENCE, "Lösche den Chat.", "Delete the chat."),
    (Harm.CONFRONTS, "Stell ihn zur Rede.", "Confront him."),
    (Harm.CONFRONTS, "Triff dich mit ihm.", "Meet him and talk."),
    (Harm.PAYS, "Zahle, was er will.", "Just pay."),
    (Harm.BLAMES, "Warum hast du nicht aufgehört?", "Why did you not stop?"),
    (Harm.BLAMES, "Das war naiv.", "That was naive."),
    (Harm.PRESSES, "Du musst Anzeige erstatten.", "You must report it."),
    (Harm.PROMISES, "Alles wird gut.", "Everything will be fine."),
    (Harm.SILENCES, "Sag es niemandem.", "Do not tell anybody."),
    (Harm.LINKS, "Ruf 0800 22 55 530 an.", "Call 0800 22 55 530."),
    (Harm.UNKNOWN_FACT, "Hallo {name}!", "Hello {name}!"),
    (Harm.UNKNOWN_FACT, "Hallo {provider!", "Hello {provider!"),
    (Harm.UNKNOWN_FACT, "Hallo {provider!x}!", "Hello {provider:{contact}}!"),
    (Harm.EMPTY, " ", " "),
]


@pytest.mark.parametrize(("harm", "german", "english"), HARMFUL)
def test_harmful_advice_is_found_in_both_languages(
    harm: Harm, german: str, english: str
) -> None:
    reply = replace(shipped_reply(), what_now=Text(german, english))
    found = [(each.block, each.tongue, each.harm) for each in find_harm(reply)]

    assert (Block.WHAT_NOW, Tongue.DE, harm) in found
    assert (Block.WHAT_NOW, Tongue.EN, harm) in found


WARNINGS: Final = [
    ("Schick die Bilder niemandem weiter.", "Do not forward the pictures."),
    ("Lösche bitte nichts.", "Please do not delete anything."),
    ("Triff dich nicht mit ihm.", "Do not meet him."),
    ("Zahle nichts.", "Do not pay anything."),
]


@pytest.mark.parametrize(("german", "english"), WARNINGS)
def test_a_warning_is_no_harm(german: str, english: str) -> None:
    assert find_harm(replace(shipped_reply(), what_now=Text(german, english))) == ()


def test_each_harm_is_tried_and_has_a_way_out() -> None:
    assert {harm for harm, _, _ in HARMFUL} == set(Harm) == set(WAYS_OUT)


def test_a_providers_block_stands_upon_what_is_shipped_and_needs_approval() -> None:
    own = OWN + '[reply.thanks]\nde = "Danke dir."\nen = "Thank you so much."\n'
    reply = load_directory(own.encode(), shipped_directory()).reply

    assert reply.thanks == Text("Danke dir.", "Thank you so much.")
    assert reply.next == shipped_reply().next
    assert reply.digest != shipped_reply().digest
    assert not reply.is_approved(DAY)


def test_the_shipped_words_can_be_approved_as_they_are() -> None:
    own = OWN + (
        '[reply.approved]\nperson = "Rosa Beispiel"\n'
        'organisation = "Beratungsstelle Musterstadt"\non = 2026-11-27\n'
        f'digest = "{shipped_reply().digest}"\n'
    )

    assert load_directory(own.encode(), shipped_directory()).reply.is_approved(DAY)
    with pytest.raises(PolicyFileError, match=r"reply\.approved\.digest: not the 64"):
        load_directory(own.replace(shipped_reply().digest, "…").encode())


def test_an_offer_with_nothing_to_show_is_left_out() -> None:
    shown = choose(shipped_directory(), SEEKERS[0], DAY)

    assert "hilfe_telefon" in shipped_directory().offers
    assert "hilfe_telefon" not in {each.id for each in shown}


def test_words_are_approved_for_a_year_and_only_these() -> None:
    reply = shipped_reply()
    approval = Approval(
        person="Rosa Beispiel",
        organisation="Beratungsstelle Musterstadt",
        on=date(2026, 11, 27),
        digest=reply.digest,
    )
    approved = replace(reply, approved=approval)
    changed = replace(approved, next=Text("Anders.", approved.next.en))
    said = approved.next.en.split("\n", 1)[0]
    moved = replace(reply, next=Text(f"{reply.next.de}\n{said}", "x"))
    back = replace(reply, next=Text(reply.next.de, f"{said}\nx"))

    assert approved.is_approved(DAY)
    assert approved.is_approved(DAY + 364)
    assert not approved.is_approved(DAY + 365)
    assert not approved.is_approved(DAY - 1)
    assert not changed.is_approved(DAY)
    assert moved.digest != back.digest
    assert not reply.is_approved(DAY)
