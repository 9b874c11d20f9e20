# SPDX-License-Identifier: Apache-2.0
"""How pages show what the API answers: links, days, and what a person would say."""

import re
from unittest.mock import patch

import pytest
from tests.node.desk.conftest import Readers
from tests.support.desk_house import NODE, House

from fedsafe_node.acts.audit import TableCheck, VerifyAnswer
from fedsafe_node.acts.bodies import sentence_of
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.ground.catalogue import Phrase

TASKS = "/desk/reviews/matches"
OWN = "/desk/signals/own"
_FOREIGN = "theirs@mail.example"
_ISO_DAY = re.compile(r">[^<]*\b\d{4}-\d\d-\d\d\b")


async def _foreign_task(office: House) -> tuple[str, str]:
    """Let another member's signal match here; give its id and the review's path."""
    fleet = office.fleet
    signal = await office.beside(
        fleet.publish(_FOREIGN, at="b.demo", by=("a.demo", "c.demo"))
    )
    found = await office.beside(office.look_up(_FOREIGN, "konto-8001"))
    return signal, f"{TASKS}/{found.task}"


async def test_another_members_signal_leads_nowhere_and_says_whose_it_is(
    office: House, reader: Readers
) -> None:
    signal, path = await _foreign_task(office)
    rita = await reader("rita")

    page = await rita.open(path)

    assert signal in page.text
    assert f"{OWN}/{signal}" not in page.links
    assert "of b.demo, whose desk shows it" in page.text
    assert "signal that members share" in page.text


async def test_each_link_of_a_review_leads_to_a_page(reader: Readers) -> None:
    rita = await reader("rita")
    paths = [link for link in (await rita.open(TASKS)).links if f"{TASKS}/" in link]
    led = {link for path in paths for link in (await rita.open(path)).links}
    own = [link for link in led if link.startswith(f"{OWN}/")]

    seen = {link: (await rita.open(link)).status for link in led if "/desk/" in link}

    assert own
    assert {link: status for link, status in seen.items() if status != 200} == {}


async def test_who_may_not_open_a_signal_is_led_to_none(reader: Readers) -> None:
    erik = await reader("erik")
    lena = await reader("lena")
    for browser in (erik, lena):
        page = await browser.open("/desk/persons/disputes")
        if page.status == 200:
            led = [link for link in page.links if link.startswith(f"{OWN}/")]
            assert {(await browser.open(link)).status for link in led} <= {200}


@pytest.mark.parametrize(
    ("language", "day"),
    [("de", r"\b\d\d\.\d\d\.\d{4}\b"), ("en", r"\b\d+ \w{3} \d{4}")],
)
async def test_a_day_is_written_as_its_readers_do(
    reader: Readers, language: str, day: str
) -> None:
    rita = await reader("rita", language)
    listed = await rita.open(OWN)
    path = next(link for link in listed.links if link.startswith(f"{OWN}/"))

    for page in (listed, await rita.open(path)):
        shown = page.html.partition("<main")[2].partition("</main>")[0]
        assert re.search(rf'<time datetime="\d{{4}}-\d\d-\d\d">{day}</time>', shown)
        assert not _ISO_DAY.search(shown)


async def test_what_says_nothing_stands_nowhere(reader: Readers) -> None:
    rita = await reader("rita", "de")
    listed = await rita.open(OWN)
    path = next(link for link in listed.links if link.startswith(f"{OWN}/"))
    shown = await rita.open(path)

    assert "unbekannt" not in listed.text
    assert "niemand mehr lesen kann" not in listed.text  # there is none
    assert "schon gelistet" not in shown.text


async def test_an_officer_reads_who_rules_in_words(reader: Readers) -> None:
    rita = await reader("rita", "de")
    listed = await rita.open("/desk/persons/disputes")
    path = next(link for link in listed.links if "/desk/persons/disputes/" in link)

    text = (await rita.open(path)).text

    assert "wer entscheidet dieser Knoten" in text
    assert "unserer" not in text


@pytest.mark.parametrize(
    ("language", "words"), [("en", "is missing"), ("de", "fehlt")], ids=["en", "de"]
)
async def test_a_sentence_of_the_node_is_said_in_the_readers_language(
    office: House, reader: Readers, language: str, words: str
) -> None:
    why = Phrase("{name} is missing").filled(name="guard")
    made = sentence_of(why)
    assert made is not None
    check = TableCheck("seal", 1, ok=False, why=str(why), why_made=made)
    dora = await reader("dora", language)
    audits = office.fleet[NODE].services.audits
    verify = audits.verify

    async def lacking(who: Principal) -> VerifyAnswer:
        await verify(who)
        return VerifyAnswer(ok=False, logs=[], tables=[check])

    with patch.object(audits, "verify", lacking):
        await dora.open("/desk/log/state")
        page = await dora.send("/desk/log/verify")

    assert f"guard {words}" in page.text
    assert "made" not in page.text
    assert "{name}" not in page.text
