# SPDX-License-Identifier: Apache-2.0
"""When a copy is brought up to date: polls, pokes, the back-off and the pace."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from tests.federation.conftest import (
    Log,
    MemoryShelf,
    Turns,
    make_log,
    replicator,
    world,
)

from fedsafe_federation import replication
from fedsafe_federation.charter import Member
from fedsafe_federation.errors import FeedError, PeerError, PeerRefusedError
from fedsafe_federation.feed import FeedRequest
from fedsafe_federation.pacing import BURST, PER_SECOND
from fedsafe_federation.replication import (
    FIRST_BACKOFF,
    LONGEST_BACKOFF,
    Fetch,
    Replicator,
)


@asynccontextmanager
async def running(machine: Replicator) -> AsyncIterator[None]:
    task = asyncio.create_task(machine.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@dataclass(slots=True)
class Rounds:
    """A fetch that says when it is asked, and fails as long as it is told to."""

    log: Log
    asked: "asyncio.Queue[float]" = field(default_factory=asyncio.Queue)
    fault: Exception | None = None

    async def __call__(self, member: Member, request: FeedRequest) -> bytes:
        del member
        self.asked.put_nowait(asyncio.get_running_loop().time())
        if self.fault is not None:
            raise self.fault.with_traceback(None)  # the same object, over and over
        return self.log.batch(request)


async def test_a_poke_ends_the_wait() -> None:
    rounds, shelf = Rounds(make_log(1, 0)), MemoryShelf()
    machine = replicator(shelf, rounds, poll=3600)
    async with running(machine):
        await rounds.asked.get()
        await shelf.moved.wait()
        shelf.moved.clear()
        rounds.log.add_signal(9)
        machine.wake()
        await shelf.moved.wait()
        assert len(shelf.records) == 2


async def test_a_poke_within_a_round_is_not_lost() -> None:
    shelf = MemoryShelf()
    rounds = Rounds(make_log(1, 0))
    machine = replicator(shelf, rounds, poll=3600)

    async def fetch(member: Member, request: FeedRequest) -> bytes:
        machine.wake()
        return await rounds(member, request)

    machine = replicator(shelf, fetch, poll=3600)
    async with running(machine):
        await rounds.asked.get()
        await rounds.asked.get()


async def test_without_a_poke_it_polls() -> None:
    rounds = Rounds(make_log(1, 0))
    async with running(replicator(MemoryShelf(), rounds, poll=0.001)):
        for _ in range(3):
            await rounds.asked.get()


@pytest.mark.parametrize(
    "fault", [PeerError("a.example", "away"), FeedError("a.example", "bad")]
)
async def test_a_poke_ends_a_back_off_too(fault: Exception) -> None:
    rounds, shelf = Rounds(make_log(1, 0), fault=fault), MemoryShelf()
    machine = replicator(shelf, rounds)
    async with running(machine):
        await rounds.asked.get()
        rounds.fault = None
        machine.wake()
        await shelf.moved.wait()
        assert len(shelf.records) == 1


async def test_who_says_that_it_was_read_enough_is_left_alone_that_long() -> None:
    spent = PeerRefusedError("a.example", 429, "budget", retry_after=0.15)
    rounds, shelf = Rounds(make_log(1, 0), fault=spent), MemoryShelf()
    machine = replicator(shelf, rounds)
    async with running(machine):
        first = await rounds.asked.get()
        rounds.fault = None
        for _ in range(9):
            machine.wake()
            machine.heard()
            await asyncio.sleep(0)
        second = await rounds.asked.get()
        await shelf.moved.wait()

    assert second - first >= 0.15
    assert len(shelf.records) == 1


async def test_nobody_is_told_to_wait_longer_than_the_cap() -> None:
    spent = PeerRefusedError("a.example", 429, "budget", retry_after=86_400.0)
    machine = replicator(MemoryShelf(), Rounds(make_log(1, 0), fault=spent))
    await machine._round()  # noqa: SLF001

    assert 0 < machine._rest(machine.origin) <= LONGEST_BACKOFF  # noqa: SLF001


async def test_a_courier_that_was_read_enough_is_passed_over() -> None:
    spent = PeerRefusedError("b.example", 429, "budget", retry_after=60.0)
    rounds = Rounds(make_log(1, 0), fault=spent)
    couriers = world().charter.members[1:2]
    machine = replicator(MemoryShelf(), rounds, couriers=lambda: couriers)
    await machine.carry()
    await machine.carry()

    assert rounds.asked.qsize() == 1


async def test_a_request_of_the_origin_ends_a_long_back_off() -> None:
    rounds = Rounds(make_log(1, 0), fault=PeerError("a.example", "away"))
    shelf = MemoryShelf()
    machine = replicator(shelf, rounds)
    for _ in range(12):
        await machine._round()  # noqa: SLF001
        await rounds.asked.get()
    async with running(machine):
        await rounds.asked.get()
        rounds.fault = None
        machine.heard()
        await shelf.moved.wait()

        assert len(shelf.records) == 1


async def test_a_request_of_an_origin_that_answers_changes_nothing() -> None:
    rounds, shelf = Rounds(make_log(1, 0)), MemoryShelf()
    machine = replicator(shelf, rounds, poll=3600)
    async with running(machine):
        await shelf.moved.wait()
        machine.heard()
        for _ in range(20):
            await asyncio.sleep(0)

        assert rounds.asked.qsize() == 1


async def waits(fetch: Fetch, count: int, jitter: float) -> list[float]:
    machine = replicator(MemoryShelf(), fetch, poll=-1, jitter=lambda: jitter)
    return [await machine._round() for _ in range(count)]  # noqa: SLF001


async def test_the_wait_doubles_up_to_the_cap_and_starts_anew() -> None:
    rounds = Rounds(make_log(1, 0), fault=PeerError("a.example", "away"))
    grown = await waits(rounds, 12, 1.0)

    assert grown[0] == FIRST_BACKOFF
    for before, after in pairwise(grown):
        assert after == min(2 * before, LONGEST_BACKOFF)
    assert grown[-1] == LONGEST_BACKOFF
    assert await waits(rounds, 12, 0.0) == [wait / 2 for wait in grown]

    machine = replicator(MemoryShelf(), rounds, poll=7)
    await machine._round()  # noqa: SLF001
    rounds.fault = None
    assert await machine._round() == 7  # noqa: SLF001
    rounds.fault = PeerError("a.example", "away")
    assert await machine._round() == FIRST_BACKOFF  # noqa: SLF001


async def test_hours_of_failures_do_not_overflow() -> None:
    rounds = Rounds(make_log(1, 0), fault=PeerError("a.example", "away"))

    assert max(await waits(rounds, 1_100, 1.0)) == LONGEST_BACKOFF


async def test_a_fault_of_our_own_is_logged_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "fedsafe.replication")
    rounds = Rounds(make_log(1, 0), fault=RuntimeError("broken"))

    assert await waits(rounds, 1, 1.0) == [FIRST_BACKOFF]
    assert caplog.records[0].exc_info is not None
    assert caplog.records[0].message == "replication broke"


@dataclass(slots=True)
class Ahead:
    """An origin that always has one record more than it gives."""

    log: Log
    most: int
    asked: int = 0
    limit: int = 1

    async def __call__(self, member: Member, request: FeedRequest) -> bytes:
        del member
        self.asked += 1
        if self.asked > self.most:
            raise PeerError("a.example", "has had enough")
        self.log.add_signal(self.log.size)
        return self.log.batch(replace(request, limit=self.limit))


async def test_an_origin_that_is_always_one_record_ahead_is_paced() -> None:
    turns, more = Turns(), 40
    ahead = Ahead(make_log(1, 0), int(BURST) + more)
    machine = replicator(MemoryShelf(), ahead, pace=turns.pace())
    with pytest.raises(PeerError):
        await machine.catch_up()

    assert len(turns.waits) == more
    assert turns.now == pytest.approx(more / PER_SECOND)


async def test_full_batches_follow_each_other_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replication, "MAX_RECORDS", 1)
    turns, count = Turns(), int(BURST) + 40
    ahead = Ahead(make_log(1, 0), count)
    with pytest.raises(PeerError):
        await replicator(MemoryShelf(), ahead, pace=turns.pace()).catch_up()

    assert ahead.asked > count
    assert turns.waits == []


async def test_a_flood_of_pokes_gets_no_more_than_its_turns() -> None:
    turns, more = Turns(), 40
    rounds, done = Rounds(make_log(1, 0)), asyncio.Event()

    async def fetch(member: Member, request: FeedRequest) -> bytes:
        machine.wake()
        if len(turns.waits) == more or rounds.asked.qsize() == 2 * BURST:
            done.set()
        return await rounds(member, request)

    machine = replicator(MemoryShelf(), fetch, poll=3600, pace=turns.pace())
    async with running(machine):
        await done.wait()

    assert rounds.asked.qsize() == 1 + BURST + more
    assert turns.now == pytest.approx(more / PER_SECOND)


async def test_turns_come_back_up_to_the_burst() -> None:
    turns = Turns()
    pace = turns.pace()
    turns.now = 3600.0
    for _ in range(int(BURST)):
        await pace.turn()
    assert turns.waits == []
    turns.now += 3 / PER_SECOND
    for _ in range(4):
        await pace.turn()

    assert turns.waits == [pytest.approx(1 / PER_SECOND)]
