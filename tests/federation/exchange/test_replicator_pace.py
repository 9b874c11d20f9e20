# SPDX-License-Identifier: Apache-2.0
"""When a copy is brought up to date: polls, pokes, the back-off and the pace."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from tests.support.members import (
    Fetched,
    Log,
    MemoryShelf,
    Turns,
    make_log,
    patience,
    replicator,
    world,
)

from fedsafe_federation.charter.charter import Member
from fedsafe_federation.errors import (
    FeedError,
    NotWitnessedError,
    PeerError,
    PeerRefusedError,
    PeerUnreachableError,
)
from fedsafe_federation.exchange import replication
from fedsafe_federation.exchange.replication import Replicator
from fedsafe_federation.feed.batch import FeedRequest, decode_batch, encode_batch
from fedsafe_federation.wire.bulk import frame
from fedsafe_federation.wire.compression import squeeze
from fedsafe_federation.wire.pace import (
    BURST,
    FIRST_BACKOFF,
    IDLE_BURST,
    IDLE_BYTES,
    LONGEST_BACKOFF,
    PER_SECOND,
    Patience,
)

REQUEST = FeedRequest("a.example", 0, 0, 0)


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
    "fault",
    [
        PeerUnreachableError("a.example", "away"),
        PeerRefusedError("a.example", 503, "busy"),
        NotWitnessedError("a.example"),
    ],
    ids=["unreachable", "refused", "not witnessed"],
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
    rounds, shelf, turns = Rounds(make_log(1, 0), fault=spent), MemoryShelf(), Turns()
    machine = replicator(shelf, rounds, poll=3600, bears=patience(turns))
    async with running(machine):
        await rounds.asked.get()
        rounds.fault = None
        for _ in range(9):
            machine.wake()
            machine.heard()
            await asyncio.sleep(0)
        await rounds.asked.get()
        await shelf.moved.wait()

    assert turns.now == pytest.approx(0.15)
    assert len(shelf.records) == 1


async def test_nobody_is_told_to_wait_longer_than_the_cap() -> None:
    spent = PeerRefusedError("a.example", 429, "budget", retry_after=86_400.0)
    bears = patience()
    rounds = Rounds(make_log(1, 0), fault=spent)
    await replicator(MemoryShelf(), rounds, bears=bears)._round()  # noqa: SLF001

    assert bears.left("a.example") == LONGEST_BACKOFF


async def test_a_courier_that_was_read_enough_is_passed_over() -> None:
    spent = PeerRefusedError("b.example", 429, "budget", retry_after=60.0)
    rounds = Rounds(make_log(1, 0), fault=spent)
    couriers = world().charter.members[1:2]
    machine = replicator(MemoryShelf(), rounds, couriers=lambda: couriers)
    await machine.carry()
    await machine.carry()

    assert rounds.asked.qsize() == 1


@dataclass(slots=True)
class Liar:
    """An origin that pokes and asks whenever it is asked, and gives what is no batch.

    It notes when it was asked, in the seconds that only waits move on.
    """

    turns: Turns
    give: Callable[[FeedRequest], bytes]
    enough: int
    asked: list[float] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    poke: Callable[[], None] = lambda: None

    async def __call__(self, member: Member, request: FeedRequest) -> bytes:
        del member
        self.asked.append(self.turns.now)
        if len(self.asked) >= self.enough:
            self.done.set()
            await asyncio.Event().wait()
        self.poke()
        return self.give(request)


def too_large(request: FeedRequest) -> bytes:
    del request
    raise PeerError("a.example", "the answer is too large")


def of_another(request: FeedRequest) -> bytes:
    return Log("b.example").fill(3).batch(request)


def broken(request: FeedRequest) -> bytes:
    del request
    raise RuntimeError("what it sent has broken a decoder")


LIES: dict[str, Callable[[FeedRequest], bytes]] = {
    "lines of nothing": lambda _: b"\n" * 1_000,
    "nothing": lambda _: b"",
    "cut off": lambda request: make_log(3, 0).batch(request)[:-9],
    "too large": too_large,
    "of another": of_another,
    "breaks": broken,
}


async def lied_to(liar: Liar, bears: Patience) -> list[float]:
    """Give the waits between the rounds of a node that such an origin pokes."""
    machine = replicator(MemoryShelf(), liar, poll=3600, bears=bears)

    def poke() -> None:
        machine.wake()
        machine.heard()
        asyncio.get_running_loop().call_soon(machine.wake)

    liar.poke = poke
    async with running(machine):
        async with asyncio.timeout(60):
            await liar.done.wait()
    return [after - before for before, after in pairwise(liar.asked)]


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
async def test_no_poke_ends_the_wait_after_what_is_no_batch(
    lie: Callable[[FeedRequest], bytes],
) -> None:
    turns = Turns()
    waits = await lied_to(Liar(turns, lie, enough=12), patience(turns))

    assert waits == pytest.approx(
        [min(FIRST_BACKOFF * 2**n, LONGEST_BACKOFF) for n in range(11)]
    )


@pytest.mark.parametrize(("size", "given"), [(1_000, 0), (3 << 20, 4)])
async def test_memory_is_given_back_after_a_large_lie(size: int, given: int) -> None:
    turns, count = Turns(), 0

    def give_back() -> None:
        nonlocal count
        count += 1

    body = squeeze(b"", frame(b"e", bytes(size)))
    liar = Liar(turns, lambda _: body, enough=5)
    machine = replicator(
        MemoryShelf(), liar, poll=3600, bears=patience(turns), give_back=give_back
    )
    async with running(machine):
        await liar.done.wait()

    assert count == given


async def test_the_wait_outlasts_a_replicator_and_ends_with_a_batch() -> None:
    turns = Turns()
    bears = patience(turns)
    await lied_to(Liar(turns, LIES["nothing"], enough=6), bears)
    first, again = await lied_to(Liar(turns, LIES["nothing"], enough=3), bears)
    assert (first, again) == pytest.approx((FIRST_BACKOFF * 32, FIRST_BACKOFF * 64))

    rounds = Rounds(make_log(1, 0))
    await replicator(MemoryShelf(), rounds, bears=bears).catch_up()
    (anew,) = await lied_to(Liar(turns, LIES["nothing"], enough=2), bears)
    assert anew == pytest.approx(FIRST_BACKOFF)


async def test_what_verifies_and_brings_nothing_is_paced() -> None:
    log, turns = make_log(0, 100), Turns()

    def repeated(request: FeedRequest) -> bytes:
        return log.batch(replace(request, restrictions=0))

    count = 150
    liar = Liar(turns, repeated, enough=count)
    waits = await lied_to(liar, patience(turns))

    again = replace(REQUEST, since=log.size, known=log.size)
    a_round = (100 * 1_024 + len(repeated(again))) / IDLE_BYTES
    assert sum(waits) == pytest.approx((count - 2) * a_round - IDLE_BURST, rel=0.01)
    assert max(waits) <= LONGEST_BACKOFF


def saying_again(log: Log, request: FeedRequest, index: int) -> bytes:
    log.add_signal(log.size)
    batch = decode_batch("a.example", log.batch(request))
    return encode_batch(
        batch.restrictions,
        batch.records,
        next_index=batch.trailer.next,
        checkpoint=batch.trailer.checkpoint,
        consistency=batch.trailer.consistency,
        extends=batch.trailer.extends,
        again=index,
    )


async def test_an_origin_that_always_says_again_is_paced() -> None:
    log, turns, shelf = make_log(1, 0), Turns(), MemoryShelf()
    await replicator(shelf, Rounds(log)).catch_up()
    liar = Liar(turns, lambda request: saying_again(log, request, 0), enough=8)
    machine = replicator(shelf, liar, poll=3600, bears=patience(turns))
    liar.poke = machine.wake
    async with running(machine):
        async with asyncio.timeout(60):
            await liar.done.wait()

    assert len(shelf.records) == 8
    assert turns.now == pytest.approx(7 * 8 - IDLE_BURST, rel=0.01)


async def test_what_is_read_already_is_not_read_again_for_ever() -> None:
    log, turns, shelf = make_log(1, 0), Turns(), MemoryShelf()
    await replicator(shelf, Rounds(log)).catch_up()
    liar = Liar(turns, lambda request: saying_again(log, request, 1), enough=2)

    with pytest.raises(FeedError, match="already"):
        await replicator(shelf, liar).catch_up()
    assert len(shelf.records) == 1


async def test_a_request_of_the_origin_ends_a_long_back_off() -> None:
    rounds = Rounds(make_log(1, 0), fault=PeerUnreachableError("a.example", "away"))
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


async def waits(fetch: Fetched, count: int, jitter: float) -> list[float]:
    machine = replicator(MemoryShelf(), fetch, poll=-1, jitter=lambda: jitter)
    return [await machine._round() for _ in range(count)]  # noqa: SLF001


async def test_the_wait_doubles_up_to_the_cap_and_starts_anew() -> None:
    rounds = Rounds(make_log(1, 0), fault=PeerUnreachableError("a.example", "away"))
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
    rounds.fault = PeerUnreachableError("a.example", "away")
    assert await machine._round() == FIRST_BACKOFF  # noqa: SLF001


async def test_hours_of_failures_do_not_overflow() -> None:
    rounds = Rounds(make_log(1, 0), fault=PeerUnreachableError("a.example", "away"))

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
            raise PeerUnreachableError("a.example", "has had enough")
        self.log.add_signal(self.log.size)
        return self.log.batch(replace(request, limit=self.limit))


async def test_an_origin_that_is_always_one_record_ahead_is_paced() -> None:
    turns, more = Turns(), 40
    ahead = Ahead(make_log(1, 0), int(BURST) + more)
    machine = replicator(MemoryShelf(), ahead, pace=turns.pace())
    with pytest.raises(PeerUnreachableError):
        await machine.catch_up()

    assert len(turns.waits) == more
    assert turns.now == pytest.approx(more / PER_SECOND)


async def test_full_batches_follow_each_other_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replication, "MAX_RECORDS", 1)
    turns, count = Turns(), int(BURST) + 40
    ahead = Ahead(make_log(1, 0), count)
    with pytest.raises(PeerUnreachableError):
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
