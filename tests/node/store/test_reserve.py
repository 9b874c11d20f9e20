# SPDX-License-Identifier: Apache-2.0
"""On a full disk only what makes things safer is kept, out of the reserve."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
from tests.support.fleet import BEGAN
from tests.support.sqlite import FailAt, sqlite_error

from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.errors import NoRoomError, StoreFailedError
from fedsafe_node.ground.faults import NO_FAULTS, FaultPoint, Faults
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.log.reserve_use import BESIDE, RELIEVING, AuditRelief
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reserve import Reserve
from fedsafe_node.store.rows import Trouble
from fedsafe_node.store.transaction import Transaction

MIB: Final = 1 << 20
TOO_MUCH: Final = 1 << 60  # no disk has room for it
TRAIL: Final = AuditTrail("a.demo")


def reserve_of(directory: Path, size: int) -> Reserve:
    return Reserve(directory / "reserve", size, AuditRelief("a.demo"))


async def open_with(
    directory: Path, reserve: Reserve, faults: Faults = NO_FAULTS
) -> Store:
    keys = await asyncio.to_thread(PeriodKeys, directory / "keys")
    url = f"sqlite://{directory}/node.db"
    return await open_store(
        url, keys=keys, clock=SystemClock(), reserve=reserve, faults=faults
    )


@pytest.fixture
async def scarce(tmp_path: Path) -> AsyncIterator[Store]:
    """Give a store for whose reserve the disk has no room."""
    store = await open_with(tmp_path, reserve_of(tmp_path, TOO_MUCH))
    yield store
    await store.close()


async def leave(store: Store, *events: Event, outcome: str = "ok") -> None:
    """Run an act that leaves these events."""
    entries = [TRAIL.entry(event, at=BEGAN, outcome=outcome) for event in events]

    async def act(tx: Transaction) -> None:
        await tx.set_meta("changed", b"1")
        for entry in entries:
            await tx.append(TRAIL.log, entry.record, entry.openings)

    await store.write(act)


async def size_of(store: Store) -> int:
    return await store.read(lambda reader: reader.log_size(TRAIL.log))


@pytest.mark.parametrize("event", sorted(set(Event) - RELIEVING))
async def test_what_does_not_make_safer_waits_for_room(
    scarce: Store, event: Event
) -> None:
    with pytest.raises(NoRoomError):
        await leave(scarce, event)

    assert await size_of(scarce) == 0
    assert await scarce.read(lambda reader: reader.meta("changed")) is None


@pytest.mark.parametrize("event", sorted(RELIEVING))
async def test_what_makes_safer_is_kept_without_room(
    scarce: Store, event: Event
) -> None:
    await leave(scarce, event)

    assert await size_of(scarce) == 1
    trouble = scarce.trouble()
    assert trouble is not None
    assert trouble.kind is Trouble.FULL


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (Event.GATE_RECORDED, "incomplete"),
        (Event.RULED, "lapsed"),
        (Event.RULED, "revoked"),
        (Event.AUDIT_HELD, "expired"),
    ],
)
async def test_an_event_that_may_widen_is_kept_only_where_it_ends_something(
    scarce: Store, event: Event, outcome: str
) -> None:
    await leave(scarce, event, outcome=outcome)

    assert await size_of(scarce) == 1


@pytest.mark.parametrize("event", sorted(BESIDE))
async def test_what_comes_along_is_kept_with_what_makes_safer(
    scarce: Store, event: Event
) -> None:
    await leave(scarce, Event.REVOKED, event)

    assert await size_of(scarce) == 2


async def test_nothing_else_comes_along_with_what_makes_safer(scarce: Store) -> None:
    with pytest.raises(NoRoomError):
        await leave(scarce, Event.REVOKED, Event.PUBLISHED)

    assert await size_of(scarce) == 0


async def test_an_act_without_events_is_kept_if_it_is_vital(scarce: Store) -> None:
    with pytest.raises(NoRoomError):
        await scarce.write(lambda tx: tx.set_meta("key", b"1"))
    await scarce.write(lambda tx: tx.set_meta("vital", b"1"), vital=True)

    assert await scarce.read(lambda reader: reader.meta("key")) is None
    assert await scarce.read(lambda reader: reader.meta("vital")) == b"1"


async def test_an_act_that_only_reads_needs_no_room(scarce: Store) -> None:
    tail = await scarce.write(lambda tx: tx.tail(TRAIL.log))

    assert tail.size == 0


async def test_what_waits_takes_nothing_else_of_its_batch_back(scarce: Store) -> None:
    results = await asyncio.gather(
        *(
            leave(scarce, event)
            for _ in range(20)
            for event in (Event.LOOKUP, Event.REVOKED)
        ),
        return_exceptions=True,
    )

    assert [type(each) for each in results[::2]] == [NoRoomError] * 20
    assert results[1::2] == [None] * 20
    assert await size_of(scarce) == 20


async def test_a_full_disk_gives_the_reserve_up_and_it_comes_back(
    tmp_path: Path,
) -> None:
    full = FailAt(FaultPoint.WRITER_BEFORE_COMMIT, sqlite_error(sqlite3.SQLITE_FULL))
    store = await open_with(tmp_path, reserve_of(tmp_path, MIB), full)
    file = tmp_path / "reserve"
    before = file.stat()

    with pytest.raises(StoreFailedError):
        await leave(store, Event.LOOKUP)
    given_up = not file.exists()
    await leave(store, Event.LOOKUP)

    assert before.st_blocks * 512 >= before.st_size == MIB
    assert given_up
    assert file.stat().st_size == MIB
    assert store.trouble() is None
    assert [outage.kind for outage in store.take_outages()] == [Trouble.FULL]
    await store.close()


def test_a_reserve_that_has_no_blocks_of_its_own_is_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "reserve"
    with file.open("wb") as sparse:
        sparse.truncate(MIB)
    reserve = reserve_of(tmp_path, MIB)
    reserve.begin()

    assert reserve.held
    assert file.stat().st_blocks * 512 >= MIB


def test_a_reserve_takes_the_size_that_is_configured(tmp_path: Path) -> None:
    reserve_of(tmp_path, 2 * MIB).begin()
    reserve = reserve_of(tmp_path, MIB)
    reserve.begin()

    assert reserve.room().held
    assert (tmp_path / "reserve").stat().st_size == MIB
    assert (tmp_path / "reserve").stat().st_mode & 0o777 == 0o600
