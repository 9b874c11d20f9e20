# SPDX-License-Identifier: Apache-2.0
"""Somebody silences a signal by SQL and clears away what would show it."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from tests.node.signals.conftest import ANNA, request_for
from tests.support.attested_gates import close_gate, found, gated, open_gate
from tests.support.changed_rows import (
    bad_rows,
    change,
    copy,
    full,
    past_triggers,
    verify,
)
from tests.support.fleet import Fleet
from tests.support.gates import COMPLETE, MET
from tests.support.origin import WHO

from fedsafe_node.log.audit import Event
from fedsafe_node.signals.relock import relock
from fedsafe_node.store.keeping_rows import EffectKind
from fedsafe_policies.vocabulary import Scope

__all__ = ["full", "gated"]

PEER = (
    "grp = 'signal' AND log = (SELECT id FROM logs WHERE origin = 'a.demo/feed') "
    "AND idx = (SELECT idx FROM signals WHERE row = 1)"
)
OWN = (
    "grp = 'signal' AND log = (SELECT id FROM logs WHERE origin = 'b.demo/audit') "
    "AND idx = (SELECT idx FROM signals WHERE own AND status = 'active')"
)
MINE = (
    "grp = 'signal' AND log = (SELECT id FROM logs WHERE origin = 'b.demo/feed') "
    "AND idx = (SELECT idx FROM signals WHERE origin = 'b.demo')"
)
WIPE = "UPDATE openings SET sealed = NULL, erased_at = 1 WHERE "
OLDER = "UPDATE openings SET period = '2001-01' WHERE "
LOSE = "DELETE FROM openings WHERE "
NO_ROW = "DELETE FROM signals WHERE "
ENDED = "UPDATE signals SET status = 'erased', token = NULL, erase_after = 1 WHERE "
ACTIVE_OWN = (
    "row = (SELECT row FROM signals WHERE own AND status = 'active' ORDER BY row)"
)
FORGED = (
    "INSERT INTO relocked SELECT origin, signal_id, log, idx, grp, {event} "
    "FROM signals WHERE origin = 'a.demo'"
)
THEIRS = "log = (SELECT id FROM logs WHERE origin = 'a.demo/feed')"
SWEPT = (
    WIPE + "grp = 'signal' AND " + THEIRS,
    "UPDATE signals SET status = 'erased', token = NULL WHERE origin = 'a.demo'",
)
KNOWN = "grp = 'detail' AND log = (SELECT id FROM logs WHERE origin = 'b.demo/audit')"
SILENCED = {
    "a peer's, opening erased": (WIPE + PEER, NO_ROW + "row = 1"),
    "a peer's, opening deleted": (LOSE + PEER, NO_ROW + "row = 1"),
    "a peer's, as if its date had passed": (WIPE + PEER, ENDED + "row = 1"),
    "a peer's, and what the events say": (
        LOSE + PEER,
        NO_ROW + "row = 1",
        WIPE + KNOWN,
    ),
    "a peer's, and the month of what they say": (
        LOSE + PEER,
        NO_ROW + "row = 1",
        OLDER + KNOWN,
    ),
    "a peer's token, and the month of its opening": (
        OLDER + PEER,
        "UPDATE signals SET token = zeroblob(16) WHERE row = 1",
    ),
    "an own ban, erased": (WIPE + OWN, ENDED + ACTIVE_OWN),
    "an own ban, opening erased": (WIPE + OWN, NO_ROW + ACTIVE_OWN),
    "an own ban, opening deleted": (LOSE + OWN, NO_ROW + ACTIVE_OWN),
    "a publication, opening deleted": (LOSE + MINE, NO_ROW + "origin = 'b.demo'"),
}


@pytest.mark.embedded
async def test_who_silences_a_signal_is_found(full: Fleet) -> None:
    assert await unnoticed(full, [("signals", sql) for sql in SILENCED.values()]) == []


async def unnoticed(
    fleet: Fleet, attacks: Sequence[tuple[str, Sequence[str]]]
) -> list[object]:
    """Try attacks, one after the other; return those that verification misses."""
    # A note that somebody cosigns late would else be kept, and its row put back.
    await fleet["b.demo"].replicating.rest()
    database, saved = fleet.place("b.demo").database, fleet.root / "saved.db"
    missed: list[object] = []
    for table, sql in attacks:
        await asyncio.to_thread(attack, database, saved, sql)
        answer = await verify(fleet)
        if [check.table for check in answer.tables if not check.ok][:1] != [table]:
            missed.append((sql, answer))
        await asyncio.to_thread(put_back, database, saved)
    last = await verify(fleet)
    assert last.ok, last
    return missed


def attack(database: Path, saved: Path, sql: Sequence[str]) -> None:
    """Save what there is and change it, while the node cannot write in between."""
    with past_triggers(database) as target:
        copy(database, saved)
        changed = [target.execute(each).rowcount for each in sql]
    assert all(changed), changed


def put_back(database: Path, saved: Path) -> None:
    """Give the tables the rows that they had; the logs go on."""
    with closing(sqlite3.connect(saved)) as source, past_triggers(database) as target:
        for table in ("signals", "register", "gate", "peers"):
            target.execute(f"DELETE FROM {table}")  # noqa: S608
        for table in ("signals", "register", "gate", "peers", "openings"):
            for row in source.execute(f"SELECT * FROM {table}"):  # noqa: S608
                marks = ", ".join("?" * len(row))
                target.execute(f"REPLACE INTO {table} VALUES ({marks})", row)  # noqa: S608


async def test_what_ended_by_itself_is_no_finding(full: Fleet) -> None:
    node = full["b.demo"]
    shared = request_for("draft@mail.example", scope=Scope.FEDERATION)
    for request in (request_for("more@mail.example"), shared):
        made = await node.services.signals.add(request, ANNA)
        await full.revoke(made.signal, at="b.demo")

    assert (await verify(full)).ok


async def test_a_month_whose_key_was_destroyed_is_no_finding(full: Fleet) -> None:
    periods, store = full["b.demo"].desk.periods, full["b.demo"].base.store
    (month,) = periods.periods()
    full.clock.advance(timedelta(days=8))  # what happens meanwhile is another month's
    kind = EffectKind.PERIOD_KEY
    await store.write(lambda tx: tx.begin_effect(kind, month, at=7))
    await asyncio.to_thread(periods.destroy, month, present="9999-12")
    answer = await verify(full)

    assert answer.ok, answer


async def test_a_relock_that_was_taken_back_excuses_nothing(gated: Fleet) -> None:
    await gated.publish(WHO)
    await found(gated, "b.demo")
    close_gate(gated, "b.demo")
    await relock(gated["b.demo"].desk)
    assert (await verify(gated)).ok
    open_gate(gated, "b.demo")
    await found(gated, "b.demo")
    assert (await verify(gated)).ok

    events = [each.record.event for each in await gated.audit("b.demo")]
    sql = FORGED.format(event=events.index(Event.GATE_RELOCKED))
    await asyncio.to_thread(change, gated, sql, *SWEPT)
    (bad,) = bad_rows(await verify(gated))

    assert bad.table == "signals"
    assert "relocked" in str(bad.why)


async def test_a_relock_must_go_on_asking_for_what_it_lacks(gated: Fleet) -> None:
    await gated.publish(WHO)
    await found(gated, "b.demo")
    close_gate(gated, "b.demo")
    await relock(gated["b.demo"].desk)
    sql = "UPDATE meta SET value = x'' WHERE key = 'lacking/a.demo'"
    await asyncio.to_thread(change, gated, sql)
    (bad,) = bad_rows(await verify(gated))

    assert (bad.table, bad.first_bad) == ("signals", "a.demo")


RECORDS = [
    ("register", ("DELETE FROM register WHERE number = 1",)),
    ("register", ("DELETE FROM register WHERE number = 2",)),
    ("register", ("UPDATE register SET record = x'7b7d' WHERE number = 1",)),
    ("gate", ("DELETE FROM gate",)),
    ("gate", ("UPDATE gate SET record = x'7b7d'",)),
    ("peers", ("UPDATE peers SET state = 'suspended' WHERE origin = 'a.demo'",)),
]


@pytest.mark.embedded
async def test_a_changed_record_is_not_the_recorded_one(trio: Fleet) -> None:
    await trio.publish(WHO)
    services = trio["b.demo"].services
    await trio.open_gate("b.demo", COMPLETE)
    for item in ("S-V-1", "S-I-1"):
        await services.registers.enter(item, MET, ANNA)

    assert await unnoticed(trio, RECORDS) == []
