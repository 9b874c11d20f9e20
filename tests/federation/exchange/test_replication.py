# SPDX-License-Identifier: Apache-2.0
"""A copy under faults: whatever happens on the way, all copies become equal."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import (
    Fetched,
    Log,
    MemoryShelf,
    known_of,
    make_log,
    replicator,
    restriction,
    signal_id,
    world,
)

from fedsafe_federation.charter.charter import Member
from fedsafe_federation.errors import (
    EquivocationError,
    FederationError,
    PeerUnreachableError,
)
from fedsafe_federation.feed.batch import MAX_RESTRICTIONS, FeedRequest
from fedsafe_federation.feed.verification import SLICE
from fedsafe_federation.wire.signed import Signed

T = TypeVar("T")
CHARTER = world().charter
ORIGIN = CHARTER.members[0]


class Fault(Enum):
    """What can happen to one fetch."""

    NONE = auto()
    UNREACHABLE = auto()
    BROKEN = auto()
    TRUNCATED = auto()
    FLIPPED = auto()
    REPEATED = auto()
    OLDER = auto()
    REORDERED = auto()
    DOUBLED = auto()
    CANCELLED = auto()


@dataclass(slots=True)
class Line:
    """The line to the origin, with its faults; the log grows meanwhile."""

    log: Log
    faults: Iterator[tuple[Fault, int]]
    limit: int = 3
    seen: list[bytes] = field(default_factory=list)
    cancel: Callable[[int], None] = lambda _: None

    async def __call__(self, member: Member, request: FeedRequest) -> bytes:
        assert member == ORIGIN
        await asyncio.sleep(0)
        fault, number = next(self.faults, (Fault.NONE, 0))
        smaller = FeedRequest(
            request.origin,
            request.since,
            request.known,
            request.restrictions,
            self.limit,
        )
        size = max(request.since, request.known, self.log.size - number % 4)
        data = self.log.batch(smaller, size=size)
        self.seen.append(data)
        if fault is Fault.CANCELLED:
            self.cancel(number % 12)
        return damaged(data, fault, number, self.seen)


def damaged(data: bytes, fault: Fault, number: int, seen: Sequence[bytes]) -> bytes:
    lines = data.splitlines(keepends=True)
    place = number % len(data)
    match fault:
        case Fault.UNREACHABLE:
            raise PeerUnreachableError(ORIGIN.name, "is away")
        case Fault.BROKEN:
            raise RuntimeError("a fault of our own")
        case Fault.TRUNCATED:
            data = data[:place]  # to nothing, too
        case Fault.FLIPPED:
            data = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        case Fault.REPEATED:
            data = seen[-min(2, len(seen))]
        case Fault.OLDER:
            data = seen[number % len(seen)]
        case Fault.REORDERED:
            data = b"".join(reversed(lines))
        case Fault.DOUBLED:
            data = lines[0] + data
        case Fault.NONE | Fault.CANCELLED:
            pass
    return data


async def cancelled_after(task: "asyncio.Task[int]", steps: int) -> None:
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()


async def replicate(log: Log, schedule: Sequence[tuple[Fault, int]]) -> MemoryShelf:
    """Try again and again, as `run` does, until the faults are used up."""
    shelf = MemoryShelf()
    line = Line(log, iter(schedule))
    machine = replicator(shelf, line)
    for _ in range(len(schedule) + 1):
        task = asyncio.create_task(machine.catch_up())
        killers: list[asyncio.Task[None]] = []
        line.cancel = lambda steps, task=task, killers=killers: killers.append(  # type: ignore[misc]
            asyncio.create_task(cancelled_after(task, steps))
        )
        with suppress(FederationError, RuntimeError, asyncio.CancelledError):
            await task
        await asyncio.gather(*killers)
    return shelf


schedules = st.lists(
    st.tuples(st.sampled_from(Fault), st.integers(0, 5_000)), max_size=12
)


@given(signals=st.integers(0, 8), restrictions=st.integers(0, 3), schedule=schedules)
def test_every_schedule_of_faults_ends_in_the_same_state(
    signals: int, restrictions: int, schedule: list[tuple[Fault, int]]
) -> None:
    log = make_log(signals, min(signals, restrictions))

    async def both() -> tuple[MemoryShelf, MemoryShelf]:
        return await replicate(log, schedule), await replicate(log, [])

    faulty, clean = asyncio.run(both())

    assert faulty.state() == clean.state()
    assert clean.records == log.records
    assert clean.restricted == {
        signal_id(number) for number in range(min(signals, restrictions))
    }
    assert faulty.suspended is None


@given(cut=st.integers(0, 60))
def test_cancelling_at_any_await_loses_and_doubles_nothing(cut: int) -> None:
    log = make_log(7, 2)

    async def story() -> MemoryShelf:
        shelf = MemoryShelf()
        machine = replicator(shelf, Line(log, iter(())))
        task = asyncio.create_task(machine.catch_up())
        await cancelled_after(task, cut)
        with suppress(asyncio.CancelledError):
            await task
        await machine.catch_up()
        return shelf

    assert asyncio.run(story()).records == log.records


async def test_catching_up_counts_the_records_and_then_touches() -> None:
    log, shelf = make_log(7, 1), MemoryShelf()
    machine = replicator(shelf, Line(log, iter(())))

    assert await machine.catch_up() == 8
    assert shelf.touched == 0
    assert await machine.catch_up() == 0
    assert shelf.touched == 1


async def test_an_empty_feed_is_known_too() -> None:
    shelf = MemoryShelf()

    assert await replicator(shelf, Line(Log(), iter(()))).catch_up() == 0
    assert shelf.known.note == Log().note()


async def test_large_batches_are_read_off_the_loop_in_slices() -> None:
    log, shelf, offloaded = make_log(2 * SLICE, SLICE + 1), MemoryShelf(), 0

    async def offload(work: Callable[[], T]) -> T:
        nonlocal offloaded
        offloaded += 1
        return work()

    line = Line(log, iter(()), limit=5_000)
    machine = replicator(shelf, line, offload=offload)
    assert await machine.catch_up() == 3 * SLICE + 1
    reading, leading, records, statements, end = 1, 2, 4, 2, 1
    assert offloaded == reading + leading + records + statements + end


def constant(data: bytes) -> Fetched:
    async def fetch(member: Member, request: FeedRequest) -> bytes:
        del member, request
        return data

    return fetch


REVOKED = restriction("a.example", 1, [signal_id(3)])
FORGED = restriction("a.example", 2, [signal_id(4)], signer="b.example")


def batch_with(*statements: Signed, log: Log | None = None) -> bytes:
    log = log or make_log(2, 0)
    log.statements = list(statements)
    return log.batch(FeedRequest("a.example", 0, 0, 0))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data[: data.index(b"\n") + 1],
        lambda data: data.replace(b'"next":2', b'"next":3'),
        lambda data: data.replace(b'"index":1', b'"index":2'),
        lambda data: data.replace(b"a.example/feed", b"b.example/feed"),
        lambda data: data + b"junk\n",
    ],
    ids=["cut", "no trailer", "next", "digest", "checkpoint", "more lines"],
)
async def test_restrictions_apply_although_the_rest_is_bad(
    spoil: Callable[[bytes], bytes],
) -> None:
    shelf = MemoryShelf()
    machine = replicator(shelf, constant(spoil(batch_with(REVOKED))))

    with pytest.raises(FederationError):
        await machine.catch_up()

    assert shelf.restricted == {signal_id(3)}
    assert shelf.records == []


async def test_a_forged_restriction_does_not_hold_up_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shelf = MemoryShelf()

    await replicator(shelf, constant(batch_with(FORGED, REVOKED))).catch_up()

    assert shelf.restricted == {signal_id(3)}
    assert len(shelf.records) == 2
    assert [entry.message for entry in caplog.records] == ["restriction refused"]


async def test_only_forged_restrictions_change_nothing() -> None:
    shelf = MemoryShelf()

    await replicator(shelf, constant(batch_with(FORGED))).catch_up()

    assert shelf.restricted == set()


async def test_equivocation_suspends_the_origin() -> None:
    log, shelf = make_log(5, 0), MemoryShelf()
    await replicator(shelf, Line(log, iter(()))).catch_up()
    other = Log()
    for number in range(5):
        other.add_signal(50 + number)

    with pytest.raises(EquivocationError):
        await replicator(shelf, Line(other, iter(()))).catch_up()

    assert shelf.suspended is not None
    assert shelf.suspended.evidence == (log.note(), other.note())
    assert shelf.records == log.records


async def test_more_restrictions_than_a_batch_holds_follow_each_other_at_once() -> None:
    log, shelf = make_log(1, 2 * MAX_RESTRICTIONS + 1), MemoryShelf()
    shelf.known = known_of(log, log.size, log.size)  # no record is lacking
    machine = replicator(shelf, Line(log, iter(())))
    await machine.catch_up()

    assert shelf.sequence == 2 * MAX_RESTRICTIONS + 1
    assert shelf.touched == 1  # only then is the copy said to be complete
