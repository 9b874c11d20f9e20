# SPDX-License-Identifier: Apache-2.0
import asyncio
import sqlite3
from pathlib import Path

import pytest
from tests.node.fleet import Fleet
from tests.node.signals.conftest import ANNA, BOT

from fedsafe_node.errors import CorruptLogError, RolledBackError
from fedsafe_node.log.audit import decode_audit_record
from fedsafe_node.messages import Kind

WHO = "somebody@mail.example"


async def test_all_logs_of_a_node_verify(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    await trio.publish("ab" * 32, Kind.SHA256)
    await trio.revoke(signal, by=["b.demo"])
    answer = await trio["b.demo"].services.audits.verify(ANNA)
    logs = {check.log: check for check in answer.logs}

    assert answer.ok
    assert set(logs) == {"a.demo/feed", "b.demo/audit"}
    assert (logs["a.demo/feed"].size, logs["a.demo/feed"].erased) == (3, 1)
    (event,) = await trio.audit("b.demo", "audit.verified")
    assert event.record.outcome == "ok"
    assert b"anna" in event.openings["actor"]


async def test_the_own_feed_verifies_as_well(trio: Fleet) -> None:
    await trio.publish(WHO)
    answer = await trio["a.demo"].services.audits.verify(BOT)

    assert {check.log for check in answer.logs} == {"a.demo/feed", "a.demo/audit"}
    assert answer.ok


async def test_events_are_read_in_order_and_by_page(trio: Fleet) -> None:
    await trio.look_up("b.demo", WHO)
    audits = trio["b.demo"].services.audits
    first = await audits.events(0, 2, ANNA)
    rest = await audits.events(first.next, 1_000, ANNA)
    indices = [event.index for event in (*first.events, *rest.events)]

    assert first.events[0].event == "node.created"
    assert first.events[0].actor == "setup"
    assert indices == list(range(rest.next))
    assert rest.events[-1].event == "audit.read"
    assert rest.events[-1].detail == {"since": 0, "events": 2}


async def test_a_page_behind_the_end_is_empty_and_no_subject_is_shown(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    await trio.look_up("b.demo", WHO)
    audits = trio["b.demo"].services.audits
    beyond = await audits.events(9_999, 10, ANNA)
    events = (await audits.events(0, 1_000, ANNA)).events

    assert (beyond.events, beyond.next) == ([], 9_999)
    assert any(event.event == "lookup" for event in events)
    assert "account-1" not in str(events)
    assert WHO not in str(events)


def tamper(database: Path, log: str, change: str) -> None:
    """Change the disk behind the node's back, triggers or not."""
    connection = sqlite3.connect(database)
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    for (name,) in names.fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    sql = f"UPDATE {change} WHERE log = (SELECT id FROM logs WHERE origin = ?)"  # noqa: S608
    changed = connection.execute(f"{sql} AND idx = 0", (log,)).rowcount
    connection.commit()
    connection.close()
    assert changed > 0


SPACE = "entries SET record = CAST(record || x'20' AS BLOB)"
JUNK = "entries SET record = x'00'"


@pytest.mark.parametrize(
    ("log", "change", "place"),
    [
        ("a.demo/feed", SPACE, 1),
        ("a.demo/feed", JUNK, 0),
        ("b.demo/audit", JUNK, 0),
    ],
)
async def test_a_changed_record_is_found_and_its_place_named(
    trio: Fleet, log: str, change: str, place: int
) -> None:
    await trio.publish(WHO)
    await trio.stop("b.demo")
    await asyncio.to_thread(without_guard, trio, log, change)
    await trio.start("b.demo")
    answer = await trio["b.demo"].services.audits.verify(BOT)
    (bad,) = [check for check in answer.logs if not check.ok]

    assert not answer.ok
    assert (bad.log, bad.first_bad_index) == (log, place)
    assert bad.why
    assert await last_outcome(trio) == "tampered"


def without_guard(fleet: Fleet, log: str, change: str) -> None:
    """Tamper as somebody who removes the guard's file as well."""
    place = fleet.place("b.demo")
    for path in place.guard.glob("*audit*"):
        path.unlink()
    tamper(place.database, log, change)


@pytest.mark.parametrize("change", [SPACE, JUNK])
async def test_a_node_whose_audit_log_was_changed_does_not_start(
    trio: Fleet, change: str
) -> None:
    await trio["b.demo"].feed.checkpoint()
    await trio.stop("b.demo")
    database = trio.place("b.demo").database
    await asyncio.to_thread(tamper, database, "b.demo/audit", change)

    with pytest.raises(RolledBackError, match=r"b\.demo/audit"):
        await trio.start("b.demo")


async def test_a_change_under_a_running_node_is_found(trio: Fleet) -> None:
    await trio["b.demo"].feed.checkpoint()
    database = trio.place("b.demo").database
    await asyncio.to_thread(tamper, database, "b.demo/audit", SPACE)
    answer = await trio["b.demo"].services.audits.verify(BOT)

    assert [check.log for check in answer.logs if not check.ok] == ["b.demo/audit"]


async def last_outcome(fleet: Fleet) -> str:
    base = fleet["b.demo"].base
    size = await base.store.read(lambda reader: reader.log_size(base.trail.log))
    record = await base.store.read(lambda r: r.record(base.trail.log, size - 1))
    assert record is not None
    return decode_audit_record(record).outcome


async def test_a_page_with_a_damaged_event_is_not_shown(trio: Fleet) -> None:
    await trio.stop("b.demo")
    await asyncio.to_thread(without_guard, trio, "b.demo/audit", JUNK)
    await trio.start("b.demo")

    with pytest.raises(CorruptLogError) as caught:
        await trio["b.demo"].services.audits.events(0, 10, ANNA)

    assert caught.value.index == 0
