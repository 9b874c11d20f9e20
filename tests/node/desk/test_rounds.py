# SPDX-License-Identifier: Apache-2.0
"""The review round at the desk: opened, gone through, marked, signed, and printed."""

import re

from tests.node.desk.conftest import Readers
from tests.support.desk import Reader
from tests.support.desk_house import ROUNDS, House

from fedsafe_node.log.audit import Event

QUESTIONS = "/desk/today/questions"
ONE = re.compile(rf"{ROUNDS}/[0-9a-f]{{32}}")
WHY = {"verdict": "plausible", "note": "as the minutes say"}


async def opened(browser: Reader) -> str:
    """Open a round, or find the one that is open; return its page."""
    await browser.open(f"{ROUNDS}/new/open")
    shown = await browser.send(f"{ROUNDS}/new/open", {"sample": "2"})
    if shown.status == 409:
        shown = await browser.open(ROUNDS)
    first = next(link for link in shown.links if ONE.match(link))
    return first.rpartition("/")[0] if first.endswith("/next") else first


async def with_something_read(reader: Readers) -> Reader:
    """Let somebody read, and give an officer who may review that."""
    rita = await reader("rita")
    for path in ("/desk/reviews/matches", "/desk/signals/own"):
        await rita.open(path)
    return await reader("dora")


async def test_a_round_goes_from_its_opening_to_its_signature_and_its_record(
    office: House, reader: Readers
) -> None:
    dora = await with_something_read(reader)
    one = await opened(dora)
    assert f"{ROUNDS}/new/open" not in (await dora.open(ROUNDS)).links
    assert "Entries to be reviewed" in (await dora.open(one)).text

    wrong = await dora.send(one, WHY)
    assert wrong.status == 422
    assert "Choose at least one entry" in wrong.text
    await dora.open(f"{one}/sign")
    early = await dora.send(f"{one}/sign", {})
    assert early.status == 409
    marked = 0
    page = await dora.open(f"{one}/next")
    while at := re.search(r'action="(/desk/log/rounds/\w+/entries/\d+)"', page.html):
        page = await dora.send(at[1], WHY)
        marked += 1
    assert marked > 0
    await dora.open(f"{one}/sign")
    signed = await dora.send(f"{one}/sign", {})
    assert "signed" in signed.text
    record = await dora.open(f"{one}/record")

    assert record.text.count("as the minutes say") == marked
    assert "Signature" in record.text
    for account in ("konto-1041", "local/"):
        assert account not in record.text
    assert len(await office.written(Event.ROUND_SIGNED)) >= 1


async def test_chosen_entries_are_marked_alike(reader: Readers) -> None:
    dora = await with_something_read(reader)
    one = await opened(dora)
    shown = await dora.open(one)
    chosen = re.findall(r'name="entries" value="(\d+)"', shown.html)
    assert len(chosen) > 1
    again = await dora.send(one, {"entries": chosen, "verdict": "ask"})
    assert again.status == 422  # without a reason; what was chosen stays
    assert again.html.count(" checked") == len(chosen) + 1

    asked = await dora.send(one, {"entries": chosen, "verdict": "ask", "note": "why?"})

    assert asked.text.count("to be asked about") >= len(chosen)


async def test_an_entry_that_a_round_does_not_review_is_not_shown(
    reader: Readers,
) -> None:
    dora = await reader("dora")
    page = await dora.open(f"{await opened(dora)}/entries/9999999")
    assert page.status == 404


async def test_today_tells_officers_of_an_open_round(reader: Readers) -> None:
    dora, anna = await reader("dora"), await reader("anna")
    await opened(dora)
    assert "Open review round of the log: 1" in (await dora.open("/desk/today")).text
    assert "review round" not in (await anna.open("/desk/today")).text


async def test_who_acted_finds_the_question_on_today_and_answers(
    reader: Readers,
) -> None:
    dora, rita = await with_something_read(reader), await reader("rita")
    one = await opened(dora)
    shown = await dora.open(one)
    chosen = re.findall(r'name="entries" value="(\d+)"', shown.html)
    await dora.send(one, {"entries": chosen, "verdict": "ask", "note": "what for?"})
    today = await rita.open("/desk/today")
    assert "Questions to you about own acts" in today.text
    listed = await rita.open("/desk/today/questions")
    assert "what for?" in listed.text
    asked = [link for link in listed.links if re.search(r"/questions/\d+$", link)]
    for link in dict.fromkeys(asked):
        await rita.open(f"{link}/answer")
        done = await rita.send(f"{link}/answer", {"answer": "for ticket 7"})
        assert "Done." in done.text

    assert "Nobody asks you anything." in (await rita.open(QUESTIONS)).text
    assert "for ticket 7" in (await dora.open(f"{one}/record")).text
