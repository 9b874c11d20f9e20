# SPDX-License-Identifier: Apache-2.0
"""A feed that others carry while its origin is away."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import (
    NOW,
    Log,
    MemoryShelf,
    Turns,
    in_trailer,
    key_of,
    known_of,
    make_log,
    patience,
    replicator,
    restriction,
    served,
    signal_id,
    world,
)

from fedsafe_crypto.tlog.cosignature import cosign
from fedsafe_federation.charter.charter import Member
from fedsafe_federation.errors import (
    EquivocationError,
    FederationError,
    FeedError,
    PeerUnreachableError,
)
from fedsafe_federation.exchange import replication
from fedsafe_federation.exchange.replication import COURIERS
from fedsafe_federation.exchange.transfer import Take
from fedsafe_federation.feed.batch import (
    MAX_RECORDS,
    Batch,
    FeedRequest,
    decode_batch,
    encode_batch,
)
from fedsafe_federation.feed.verification import verify_batch

CHARTER = world().charter
ORIGIN, *OTHERS = CHARTER.members
COURIER, WITNESS, *_ = OTHERS


def carried(log: Log, request: FeedRequest) -> bytes:
    """Serve a copy, as a member that holds no more of the feed than records."""
    bare = Log(log.name, log.records, {}, log.statements)
    return bare.batch(request)


@dataclass(slots=True)
class Members:
    """Who answers, and with which log; all others are away."""

    logs: Mapping[str, Log]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, member: Member, request: FeedRequest) -> bytes:
        await asyncio.sleep(0)
        self.asked.append(member.name)
        log = self.logs.get(member.name)
        if log is None or log.size < max(request.since, request.known):
            raise PeerUnreachableError(member.name, "is away")
        return log.batch(request) if member == ORIGIN else carried(log, request)


def couriers() -> list[Member]:
    return OTHERS


async def test_records_and_restrictions_come_from_another_member() -> None:
    log, shelf = make_log(7, 2), MemoryShelf()
    machine = replicator(
        shelf, Members({OTHERS[0].name: log}), couriers=lambda: OTHERS[:1]
    )

    assert await machine.carry() == 9

    assert shelf.records == log.records
    assert shelf.restricted == {signal_id(0), signal_id(1)}
    assert shelf.signals == set()
    assert shelf.carried == 9


async def test_what_a_courier_has_forged_is_laid_at_its_door(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log, shelf = make_log(3, 0), MemoryShelf()
    forged = restriction("a.example", 1, [signal_id(1)], signer=COURIER.name)
    log.statements.append(forged)
    members = Members({COURIER.name: log})

    await replicator(shelf, members, couriers=lambda: [COURIER]).carry()

    said = [entry.__dict__["fedsafe"] for entry in caplog.records]
    assert said == [{"origin": ORIGIN.name, "peer": COURIER.name, "reason": "refused"}]
    assert shelf.restricted == set()


async def test_a_carried_copy_is_never_seen_as_complete() -> None:
    log, shelf = make_log(3, 0), MemoryShelf()
    machine = replicator(shelf, Members({OTHERS[0].name: log}), couriers=couriers)

    await machine.carry()
    await machine.carry()

    assert shelf.touched == 0
    assert shelf.asked_of_couriers


def cosigned(data: bytes, times: Mapping[str, int]) -> bytes:
    batch = decode_batch(ORIGIN.name, data)
    note = batch.trailer.checkpoint
    text = note.partition("\n\n")[0] + "\n"
    for name, at in times.items():
        note += cosign(text, f"{name}/witness", key_of(name, "witness"), at=at)
    return encode_batch(
        batch.restrictions,
        batch.records,
        next_index=batch.trailer.next,
        checkpoint=note,
        consistency=batch.trailer.consistency,
        extends=batch.trailer.extends,
    )


@pytest.mark.parametrize(
    ("times", "until"),
    [
        ({}, []),
        ({COURIER.name: 2_000}, []),
        ({COURIER.name: 2_000, WITNESS.name: 1_000}, [1_000]),
        ({WITNESS.name: int(NOW.timestamp()) + 60}, [int(NOW.timestamp())]),
    ],
    ids=["nobody", "the courier", "another", "one whose clock is ahead"],
)
async def test_a_courier_renews_no_more_than_others_have_witnessed(
    times: Mapping[str, int], until: list[int]
) -> None:
    log, shelf = make_log(3, 1), MemoryShelf()
    await replicator(shelf, Members({ORIGIN.name: log})).catch_up()
    shelf.touched = 0

    async def fetch(member: Member, request: FeedRequest) -> bytes:
        if member != COURIER:
            raise PeerUnreachableError(member.name, "is away")
        await asyncio.sleep(0)
        return cosigned(carried(log, request), times)

    charter = msgspec.structs.replace(CHARTER, witness_quorum="majority")
    machine = replicator(shelf, fetch, couriers=lambda: [COURIER], charter=charter)
    await machine.carry()

    assert [int(each.timestamp()) for each in shelf.vouched] == until
    assert (shelf.touched, shelf.waited) == (0, 0)


async def test_a_copy_that_is_not_whole_renews_nothing() -> None:
    log, shelf = make_log(3, 0), MemoryShelf()
    await replicator(shelf, Members({ORIGIN.name: log})).catch_up()
    size = log.size
    for number in range(4):
        log.add_signal(50 + number)

    async def fetch(member: Member, request: FeedRequest) -> bytes:
        del member
        await asyncio.sleep(0)
        part = carried(log, replace(request, limit=1))
        return cosigned(part, {WITNESS.name: 1_000})

    charter = msgspec.structs.replace(CHARTER, witness_quorum="majority")
    machine = replicator(shelf, fetch, couriers=lambda: [COURIER], charter=charter)
    await machine.carry()

    assert len(shelf.records) == size + 1
    assert shelf.vouched == []


async def test_couriers_are_asked_only_once_the_origin_has_failed() -> None:
    log, shelf = make_log(3, 0), MemoryShelf()
    members = Members({member.name: log for member in CHARTER.members})
    machine = replicator(shelf, members, couriers=couriers, poll=3600)
    task = asyncio.create_task(machine.run())
    await shelf.moved.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    assert set(members.asked) == {ORIGIN.name}


async def test_a_run_goes_on_with_couriers_while_the_origin_is_away() -> None:
    log, shelf = make_log(3, 0), MemoryShelf()
    members = Members({OTHERS[-1].name: log})
    machine = replicator(shelf, members, couriers=couriers)
    task = asyncio.create_task(machine.run())
    await shelf.moved.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    assert members.asked[0] == ORIGIN.name
    assert shelf.records == log.records


async def test_a_revocation_does_not_wait_for_an_origin_that_lies() -> None:
    log, shelf, turns = make_log(3, 0), MemoryShelf(), Turns()
    asked: list[tuple[str, float]] = []
    poll, done = 5.0, asyncio.Event()

    async def fetch(member: Member, request: FeedRequest) -> bytes:
        await asyncio.sleep(0)
        asked.append((member.name, turns.now))
        machine.wake()  # as it pokes without end
        if member == ORIGIN:
            return b"\n" * 1_000
        if turns.now > 100 and not log.statements:
            log.add_restriction(1)
        if shelf.restricted:
            done.set()
        return carried(log, request)

    machine = replicator(
        shelf,
        fetch,
        couriers=lambda: [COURIER],
        poll=poll,
        bears=patience(turns),
    )
    task = asyncio.create_task(machine.run())
    async with asyncio.timeout(60):
        await done.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    assert shelf.restricted == {signal_id(1)}
    told = [at for name, at in asked if name == COURIER.name]
    assert max(after - before for before, after in pairwise(told)) < poll + 0.01
    assert 100 < turns.now < 100 + 2 * poll + 0.01
    assert len([name for name, _ in asked if name == ORIGIN.name]) < 15


async def test_a_courier_that_lies_is_left_alone_and_the_next_is_asked() -> None:
    log, shelf, turns = make_log(3, 0), MemoryShelf(), Turns()
    bears = patience(turns)
    asked: list[str] = []

    async def fetch(member: Member, request: FeedRequest) -> bytes:
        asked.append(member.name)
        return b"\n" if member == COURIER else carried(log, request)

    machine = replicator(shelf, fetch, couriers=couriers, bears=bears)
    for _ in range(4):
        await machine.carry()
    assert asked.count(COURIER.name) == 1
    assert shelf.records == log.records

    turns.now += bears.left(COURIER.name)
    await machine.carry()
    assert asked.count(COURIER.name) == 2


async def test_a_slow_courier_does_not_keep_an_origin_waiting_that_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replication, "GRACE", 0.01)
    log, shelf, slow = make_log(3, 0), MemoryShelf(), asyncio.Event()
    is_back = False

    async def fetch(member: Member, request: FeedRequest) -> bytes:
        if member != ORIGIN:
            slow.set()
            await asyncio.Event().wait()
        if not is_back:
            raise PeerUnreachableError(member.name, "is away")
        return log.batch(request)

    machine = replicator(shelf, fetch, couriers=couriers)
    task = asyncio.create_task(machine.run())
    await slow.wait()
    is_back = True
    machine.heard()
    async with asyncio.timeout(10):
        await shelf.moved.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    assert shelf.records == log.records


async def test_a_courier_that_drips_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replication, "HAND_OVER", 0.05)
    log, shelf, turns = make_log(3, 1), MemoryShelf(), Turns()
    bears = patience(turns)
    asked: list[tuple[str, int]] = []

    async def fetch(member: Member, request: FeedRequest, take: Take) -> None:
        asked.append((member.name, request.limit))
        whole = carried(log, request)
        if member == COURIER:
            first, _, rest = whole.partition(b"\n")
            await take(first + b"\n" + rest[:1])
            await asyncio.Event().wait()
        assert shelf.restricted == {signal_id(0)}  # what came first was not lost
        await take(whole)

    machine = replicator(
        shelf, Members({}), couriers=lambda: OTHERS[:2], bears=bears, by_pieces=fetch
    )
    async with asyncio.timeout(10):
        assert await machine.carry() == log.size
    assert bears.left(COURIER.name) > 0
    assert asked == [(COURIER.name, MAX_RECORDS), (OTHERS[1].name, MAX_RECORDS // 2)]

    await machine.carry()
    assert asked[2:] == [(OTHERS[1].name, MAX_RECORDS)]


async def test_a_courier_on_a_slow_line_hands_all_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replication, "HAND_OVER", 0.05)
    log, shelf, turns = make_log(150, 0), MemoryShelf(), Turns()
    bears = patience(turns)

    async def fetch(member: Member, request: FeedRequest, take: Take) -> None:
        del member
        if min(request.limit, log.size - request.since) > 80:
            await asyncio.Event().wait()  # it would take too long
        await take(carried(log, request))

    machine = replicator(
        shelf, Members({}), couriers=lambda: [COURIER], bears=bears, by_pieces=fetch
    )
    async with asyncio.timeout(10):
        while len(shelf.records) < log.size:
            await machine.carry()
            turns.now += bears.left(COURIER.name)

    assert shelf.records == log.records


async def test_a_courier_that_trickles_is_asked_once_a_turn() -> None:
    log, shelf = make_log(9, 0), MemoryShelf()
    asked: list[str] = []

    async def fetch(member: Member, request: FeedRequest) -> bytes:
        asked.append(member.name)
        return carried(log, replace(request, limit=1))

    machine = replicator(shelf, fetch, couriers=couriers)

    assert await machine.carry() == len(OTHERS)
    assert asked == [member.name for member in OTHERS]


async def test_a_courier_changes_nothing_of_the_cosignatures_of_a_known_tree() -> None:
    log, shelf = make_log(4, 0), MemoryShelf()
    await replicator(shelf, Members({ORIGIN.name: log})).catch_up()
    before = (await shelf.position(ORIGIN.name)).known.note

    async def fetch(member: Member, request: FeedRequest) -> bytes:
        del member
        batch = decode_batch(ORIGIN.name, carried(log, request))
        note = batch.trailer.checkpoint + "\u2014 b.example/witness AAAAAAAA\n"
        return encode_batch(
            [],
            batch.records,
            next_index=batch.trailer.next,
            checkpoint=note,
            consistency=[],
            extends=[],
        )

    await replicator(shelf, fetch, couriers=couriers).carry()

    assert (await shelf.position(ORIGIN.name)).known.note == before


async def test_each_failure_asks_a_few_and_the_next_time_others() -> None:
    many = [
        msgspec.structs.replace(OTHERS[0], name=f"m{number}.example")
        for number in range(2 * COURIERS)
    ]
    members = Members({})
    machine = replicator(MemoryShelf(), members, couriers=lambda: many)

    await machine.carry()
    first = list(members.asked)
    await machine.carry()

    assert len(first) == COURIERS
    assert members.asked == [member.name for member in many]


async def test_a_courier_that_has_less_accuses_nobody() -> None:
    log, shelf = make_log(6, 0), MemoryShelf()
    await replicator(shelf, Members({ORIGIN.name: log})).catch_up()

    async def older(member: Member, request: FeedRequest) -> bytes:
        del member, request
        return carried(make_log(4, 0), FeedRequest("a.example", 4, 4, 0))

    machine = replicator(shelf, older, couriers=couriers)

    assert await machine.carry() == 0
    assert shelf.suspended is None


async def test_two_trees_convict_the_origin_whoever_carries_one() -> None:
    log, other, shelf = make_log(5, 0), Log(), MemoryShelf()
    await replicator(shelf, Members({ORIGIN.name: log})).catch_up()
    for number in range(5):
        other.add_signal(50 + number)
    members = Members({OTHERS[0].name: other})

    await replicator(shelf, members, couriers=couriers).carry()

    assert shelf.suspended is not None
    assert shelf.suspended.evidence == (log.note(), other.note())


def test_a_courier_brings_no_opening() -> None:
    log = make_log(3, 0)
    known = known_of(log, 1, 1)

    with pytest.raises(FeedError, match="courier gave an opening"):
        verify_batch(served(log, known), ORIGIN, known, CHARTER, carried=True)


@pytest.mark.parametrize(
    "lie",
    [
        lambda batch: Batch(
            batch.restrictions,
            [msgspec.structs.replace(line, erased=True) for line in batch.records],
            batch.trailer,
        ),
        lambda batch: in_trailer(batch, again=0),
    ],
    ids=["erased", "again"],
)
def test_what_a_courier_says_of_openings_is_not_believed(
    lie: Callable[[Batch], Batch],
) -> None:
    log = make_log(3, 0)
    request = FeedRequest("a.example", 0, 0, 0)
    batch = lie(decode_batch("a.example", carried(log, request)))

    verified = verify_batch(batch, ORIGIN, known_of(log, 0, 0), CHARTER, carried=True)

    assert all(record.withheld for record in verified.records)
    assert verified.again is None


@given(
    have=st.integers(0, 6),
    theirs=st.integers(0, 6),
    place=st.integers(0, 5_000),
    flip=st.integers(0, 255),
)
def test_nothing_that_a_courier_changes_is_kept_or_convicts(
    have: int, theirs: int, place: int, flip: int
) -> None:
    log, shelf = make_log(6, 0), MemoryShelf()

    async def fetch(member: Member, request: FeedRequest) -> bytes:
        if member == ORIGIN:
            return log.batch(request, size=have)
        part = Log(log.name, log.records[:theirs], {}, [])
        start = min(request.since, theirs), min(request.known, theirs)
        data = bytearray(part.batch(FeedRequest("a.example", *start, 0)))
        data[place % len(data)] ^= flip
        return bytes(data)

    async def story() -> None:
        machine = replicator(shelf, fetch, couriers=couriers)
        with suppress(FederationError):
            await machine.catch_up()
        await machine.carry()

    asyncio.run(story())

    assert shelf.suspended is None
    assert shelf.records == log.records[: len(shelf.records)]


def test_an_equivocation_needs_two_signatures_even_of_a_courier() -> None:
    log, other = make_log(4, 0), Log()
    for number in range(4):
        other.add_signal(9 + number)
    known = known_of(log, 4, 4)
    forged = encode_batch(
        [], [], next_index=4, checkpoint=log.note(3), consistency=[], extends=[]
    )
    batch = decode_batch("a.example", forged)

    with pytest.raises(FeedError) as raised:
        verify_batch(batch, ORIGIN, known, CHARTER, carried=True)
    with pytest.raises(EquivocationError):
        verify_batch(batch, ORIGIN, known, CHARTER)

    assert not isinstance(raised.value, EquivocationError)
