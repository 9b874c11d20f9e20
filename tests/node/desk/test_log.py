# SPDX-License-Identifier: Apache-2.0
"""The log: three questions, and that each page which shows an account is told of it."""

import io
import re
import zipfile
from html import unescape
from random import Random  # noqa: TID251 - seeded, and the seed is told
from typing import Any

import pytest
from tests.node.desk.conftest import Readers
from tests.support.desk import Shown
from tests.support.desk_house import NODE, House

from fedsafe_node.acts.account_reports import AccountReport, ReportRequest
from fedsafe_node.audit.compliance.events import chapters, meanings
from fedsafe_node.desk.view import View
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Event
from fedsafe_policies.vocabulary import Purpose, Role

ACCOUNT = "konto-1041"
NAMED = f"local/{ACCOUNT}"
ASK = "/desk/log/account"
_MOST = 50


async def size(office: House) -> int:
    """Return how many entries the log has."""
    base = office.fleet[NODE].base

    async def read() -> int:
        return await base.store.read(lambda reader: reader.log_size(base.trail.log))

    return await office.beside(read())


async def report(office: House) -> AccountReport:
    """Ask the node itself about the account."""
    node = office.fleet[NODE]

    async def asked() -> AccountReport:
        return await node.services.keeping.reports.report(
            ReportRequest(subject_ref=NAMED, after=0, purpose=Purpose.AUDIT_REVIEW),
            Principal("dora", Role.DPO),
        )

    return await office.beside(asked())


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_page_that_shows_an_account_is_in_the_answer_about_it_and_no_other(
    office: House, reader: Readers, seed: int
) -> None:
    draw = Random(seed)  # noqa: S311 - seeded
    shown: dict[tuple[str, str], tuple[int, int]] = {}
    hidden: dict[tuple[str, str], tuple[int, int]] = {}
    for name in draw.sample(["dora", "rita", "arno"], 2):
        browser = await reader(name)
        tasks = "/desk/reviews/matches"
        open_, seen = ["/desk/today", ASK, tasks, "/desk/log/holds"], set[str]()
        listed = await browser.open(tasks)
        first = [link for link in listed.links if f"{tasks}/" in link]
        while (first or open_) and len(seen) < _MOST:
            path = first.pop() if first else open_.pop(draw.randrange(len(open_)))
            if path in seen or not path.startswith("/desk/") or "/static/" in path:
                continue
            seen.add(path)
            before = await size(office)
            page = await browser.open(path)
            after = await size(office)
            place = shown if ACCOUNT in page.html else hidden
            place[name, path] = before, after
            open_ += page.links

    told = {each.index for each in (await report(office)).entries}

    assert len(shown) >= 2, f"seed {seed}"
    for where, (begin, end) in shown.items():
        assert told & set(range(begin, end)), (
            f"{where} is told of nowhere (seed {seed})"
        )
    for where, (begin, end) in hidden.items():
        assert not told & set(range(begin, end)), f"{where} is told of (seed {seed})"
    assert len(hidden) > len(shown)


async def test_who_looked_at_an_account_is_answered_with_its_ground(
    reader: Readers,
) -> None:
    dora = await reader("dora")
    await dora.open("/desk/log/account")  # one

    answer = await dora.send(ASK, {"subject_ref": NAMED, "days": "7"})  # two

    assert answer.status == 200
    assert ACCOUNT in answer.text
    assert "Looks at it:" in answer.text
    assert "check at sign-up" in answer.text
    assert "Art. 6 (1) (f) GDPR, legitimate interests" in answer.text
    assert "anna" not in answer.text  # under pseudonyms


async def test_an_account_of_nobody_is_an_answer_too(reader: Readers) -> None:
    dora = await reader("dora")
    await dora.open(ASK)

    answer = await dora.send(ASK, {"subject_ref": "konto-0000", "days": "30"})

    assert answer.status == 200
    assert "No entry of this time names anybody who looked at it." in answer.text
    assert re.search(r"about accounts of the service \w+ only", answer.text)


async def test_the_state_of_the_log_is_verified_on_request(
    office: House, reader: Readers
) -> None:
    arno = await reader("arno")
    state = await arno.open("/desk/log/state")

    verified = await arno.send(state.forms[-1].action)

    assert (state.status, verified.status) == (200, 200)
    assert await size(office) > 0
    assert "All logs and tables verify" in verified.text


async def test_the_state_of_the_log_says_in_words_why_something_is_erased(
    reader: Readers,
) -> None:
    state = (await (await reader("dora")).open("/desk/log/state")).text

    assert "its time was over" in state
    assert "retention" not in state


async def test_a_pack_is_made_verified_and_taken_out(reader: Readers) -> None:
    dora = await reader("dora")
    await dora.open("/desk/log/pack")

    pack = await dora.send("/desk/log/pack", {"first": "0", "last": "10"})

    assert pack.status == 200
    assert pack.headers["Content-Type"] == "application/zip"
    names = zipfile.ZipFile(io.BytesIO(pack.body)).namelist()
    assert len(names) > 3
    assert "attachment" in pack.headers["Content-Disposition"]


async def test_no_page_of_events_has_a_column_of_who_acted(reader: Readers) -> None:
    dora = await reader("dora")
    events = await dora.open("/desk/log/events")
    entry = await dora.open(next(x for x in events.links if "/log/entries/" in x))

    for page in (events, entry):
        assert page.status == 200
        for name in ("rita", "anna", "olaf", "pseudonym of who acted"):
            main = page.html.partition("<main")[2].partition("</main")[0]
            assert name not in main
    query = await dora.open("/desk/log/events?sort=actor&actor=rita")
    assert query.status == 200
    assert _main(query.html).count("<tr>") == _main(events.html).count("<tr>")


def _main(html: str) -> str:
    return html.partition("<main")[2].partition("</main")[0]


async def test_events_are_read_page_by_page_without_a_gap(reader: Readers) -> None:
    dora = await reader("dora")
    page = await dora.open("/desk/log/events")
    seen: list[int] = []
    while True:
        seen += [
            int(link.rpartition("/")[2])
            for link in page.links
            if "/log/entries/" in link
        ]
        onward = [link for link in page.links if "before=" in link]
        if not onward:
            break
        page = await dora.open(onward[0])

    assert seen == list(range(seen[0], -1, -1))


async def test_events_are_chosen_by_their_chapter_and_by_one_class_of_it(
    reader: Readers,
) -> None:
    dora = await reader("dora")
    whole = await dora.open("/desk/log/events")
    assert "events" not in whole.form("/desk/log/events").names

    of_people = await dora.send("/desk/log/events", {"about": "staff"})
    one = await dora.send("/desk/log/events", {"events": "account.set_up"})
    of_node = await dora.send("/desk/log/events", {"about": "node"})

    assert "somebody locked an account" in of_people.text
    assert set(_classes(of_people)) <= set(chapters()["staff"].events)
    assert len(set(_classes(of_people))) > 1
    assert set(_classes(one)) == {Event.ACCOUNT_SET_UP}
    assert Event.NODE_STARTED in _classes(of_node)
    assert set(_classes(of_node)) <= set(chapters()["node"].events)


def _classes(page: Shown) -> list[Event]:
    """Name the classes of the events in the rows of a page."""
    rows = _main(page.html).partition("<tbody>")[2]
    said = {
        re.split("[:;(]", meaning.en)[0].replace("`", "").strip(): event
        for event, meaning in meanings().items()
    }
    cells = re.findall(r'<td data-label="event">(.*?)</td>', rows)
    return [said[unescape(cell)] for cell in cells]


async def test_a_pack_that_does_not_verify_is_not_handed_out(
    reader: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    dora = await reader("dora")
    taken = View.taken

    async def changed(view: View, name: str, **asked: Any) -> bytes:  # noqa: ANN401
        pack = await taken(view, name, **asked)
        return _with_changed_entry(pack) if name == "exportAudit" else pack

    monkeypatch.setattr(View, "taken", changed)
    await dora.open("/desk/log/pack")

    shown = await dora.send("/desk/log/pack", {"first": "0", "last": "10"})

    assert shown.status == 500
    assert "attachment" not in shown.headers.get("Content-Disposition", "")
    assert "Traceback" not in shown.html


def _with_changed_entry(pack: bytes) -> bytes:
    """Change one octet of the longest file of a pack, and pack it again."""
    before, after = zipfile.ZipFile(io.BytesIO(pack)), io.BytesIO()
    longest = max(before.infolist(), key=lambda each: each.file_size).filename
    with zipfile.ZipFile(after, "w") as made:
        for each in before.infolist():
            content = bytearray(before.read(each))
            if each.filename == longest:
                content[len(content) // 2] ^= 1
            made.writestr(each, bytes(content))
    return after.getvalue()
