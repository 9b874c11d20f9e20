# SPDX-License-Identifier: Apache-2.0
"""What a member is handed first is entered, and what it is handed again is counted."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fleet import Fleet, Written, eventually
from tests.support.peering import DORA

from fedsafe_federation.feed.batch import FeedRequest, decode_batch
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.acts.recipients import RecipientShown
from fedsafe_node.ground.errors import StoreError
from fedsafe_node.members.peering.disclosure import Hander
from fedsafe_node.members.peering.repeats import Repeats, count_again, end_grant, split
from fedsafe_node.store.peering_rows import HandedRow, LedgerRow, RepeatRow
from fedsafe_node.store.reader import Reader
from fedsafe_policies.rules.gate import LegalGate

REPEATS = 1_000
MINUTE = timedelta(minutes=1)


async def ask(
    fleet: Fleet, since: int = 0, limit: int = 10, *, by: str = "b.demo"
) -> list[int]:
    """Let a member read a.demo's feed; give the entries whose openings it got."""
    node = fleet["a.demo"]
    hander = Hander(node.base.situation, by, fleet.clock.now())
    request = FeedRequest("a.demo", since, 0, 0, limit)
    served = await node.feed.batch(request, by, hander)
    records = decode_batch("a.demo", served.data).records
    return [each.index for each in records if each.opening is not None]


async def lines(fleet: Fleet, by: str = "b.demo") -> list[tuple[int, int]]:
    """Give the lines of a.demo's ledger about a member."""

    async def query(reader: Reader) -> list[LedgerRow]:
        return await reader.handed_to(by, 0, 5_000, 5_000, after=0)

    found = await fleet["a.demo"].base.store.read(query)
    in_order = sorted(found, key=lambda each: each.number)
    return [(each.first, each.last) for each in in_order]


async def in_one_line(fleet: Fleet, count: int) -> list[str]:
    """Publish signals that b.demo then gets in one batch; it asks no more itself."""
    await fleet.stop("b.demo")
    signals = [
        await fleet.publish(f"{number}@mail.example", by=("c.demo",))
        for number in range(count)
    ]
    assert await ask(fleet) == list(range(count))
    assert await lines(fleet) == [(0, count - 1)]
    return signals


async def events(fleet: Fleet, outcome: str) -> list[Written]:
    found = await fleet.audit("a.demo", "feed.served")
    return [each for each in found if each.record.outcome == outcome]


async def tell(fleet: Fleet) -> None:
    """Write the events of the hours that are over."""
    base = fleet["a.demo"].base
    await Repeats(base.store, base.trail, base.clock).run()


async def shown(fleet: Fleet, signal: str, to: str = "b.demo") -> RecipientShown:
    answer = await fleet["a.demo"].services.recipients.show(signal, DORA)
    (found,) = [each for each in answer.recipients if each.recipient == to]
    return found


async def test_a_thousand_repeats_add_no_row_and_one_event_an_hour(
    trio: Fleet,
) -> None:
    await trio.publish("person@mail.example")
    before, first = await lines(trio), await events(trio, "ok")
    for _ in range(REPEATS):
        assert await ask(trio) == [0]
    trio.clock.advance(timedelta(hours=1))
    await tell(trio)
    await tell(trio)
    (told,) = await events(trio, "repeated")
    said = decode(told.openings["detail"], dict)

    assert await lines(trio) == before
    assert await events(trio, "ok") == first
    assert said["peer"] == "b.demo"
    assert (said["times"], said["openings"]) == (REPEATS, REPEATS)
    assert (said["first"], said["last"]) == (0, 0)


async def test_a_first_hand_over_among_repeats_has_its_own_line_and_event(
    trio: Fleet,
) -> None:
    for name in ("one", "two"):
        await trio.publish(f"{name}@mail.example")
    await trio.stop("b.demo")
    await trio.publish("three@mail.example", by=("c.demo",))
    before = await events(trio, "ok")
    assert await ask(trio) == [0, 1, 2]
    (event,) = (await events(trio, "ok"))[len(before) :]
    said = decode(event.openings["detail"], dict)

    assert await lines(trio) == [(0, 0), (1, 1), (2, 2)]
    assert (said["openings"], said["again"]) == (3, 2)
    assert await ask(trio) == [0, 1, 2]
    assert len(await events(trio, "ok")) == len(before) + 1


async def test_each_entry_knows_how_often_and_when_it_was_handed(trio: Fleet) -> None:
    signals = await in_one_line(trio, 3)
    began = trio.clock.now()
    trio.clock.advance(MINUTE)
    await ask(trio, limit=2)
    trio.clock.advance(MINUTE)
    await ask(trio, since=1, limit=1)
    found = [await shown(trio, signal) for signal in signals]

    assert [each.times for each in found] == [2, 3, 1]
    assert {each.first_at for each in found} == {began.isoformat(timespec="seconds")}
    assert [each.last_at for each in found] == [
        (began + minutes * MINUTE).isoformat(timespec="seconds")
        for minutes in (1, 2, 0)
    ]


async def test_what_has_ended_is_never_counted_as_handed_again(trio: Fleet) -> None:
    first, _ = await in_one_line(trio, 2)
    assert await ask(trio) == [0, 1]
    await trio.revoke(first, by=["c.demo"])
    before = await shown(trio, first)
    trio.clock.advance(MINUTE)

    assert await ask(trio) == [1]
    assert await shown(trio, first) == before


async def test_a_new_grant_makes_a_hand_over_a_first_one_again(trio: Fleet) -> None:
    await trio.publish("person@mail.example")
    base = trio["a.demo"].base
    assert await ask(trio) == [0]
    once = await lines(trio)

    await base.store.write(lambda tx: end_grant(tx, "b.demo"))
    assert await ask(trio) == [0]
    assert await ask(trio) == [0]
    after_a_gate = await lines(trio)
    base.situation.record_gate(LegalGate(valid_until=None))
    assert await ask(trio) == [0]
    assert await ask(trio) == [0]
    after_a_record = await lines(trio)
    base.situation.record_gate(LegalGate(legal_basis="file-2026-17"))
    assert await ask(trio) == [0]

    assert [len(each) for each in (once, after_a_gate, after_a_record)] == [1, 2, 3]
    assert len(await lines(trio)) == 4
    assert await lines(trio, "c.demo") == once


async def test_a_member_that_relocked_gets_all_for_the_first_time_again(
    trio: Fleet,
) -> None:
    await trio.publish("person@mail.example")
    before = await lines(trio)
    trio.clock.advance(timedelta(hours=25))  # no attestation lasts so long
    await trio.attested()

    async def handed() -> bool:
        return await ask(trio) == [0] and await lines(trio) == before * 2

    assert await eventually(handed)
    assert await ask(trio) == [0]
    assert await lines(trio) == before * 2


async def test_a_restart_loses_no_count(trio: Fleet) -> None:
    signal = await trio.publish("person@mail.example")
    for _ in range(3):
        await ask(trio)
    before = await shown(trio, signal)
    await trio.stop("a.demo")
    await trio.start("a.demo")
    await trio.attested()

    assert before.times == 4
    assert (await shown(trio, signal)).times == 4
    trio.clock.advance(timedelta(hours=1))
    await tell(trio)
    assert [
        decode(each.openings["detail"], dict)["times"]
        for each in await events(trio, "repeated")
    ] == [3]


async def test_no_repeat_leaves_that_is_not_counted(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal = await trio.publish("person@mail.example")
    store = trio["a.demo"].base.store

    async def fail(*_: object, **__: object) -> None:
        raise StoreError

    with monkeypatch.context() as broken:
        broken.setattr(store, "write", fail)
        with pytest.raises(StoreError):
            await ask(trio)

    assert (await shown(trio, signal)).times == 1


def run(first: int, last: int, basis: str = "x") -> HandedRow:
    return HandedRow(
        recipient="b.demo", first=first, last=last, at=9, purpose="p", basis=basis
    )


def line(number: int, first: int, last: int, basis: str = "x") -> LedgerRow:
    return LedgerRow(
        recipient="b.demo",
        first=first,
        last=last,
        at=1,
        purpose="p",
        basis=basis,
        number=number,
    )


spans = st.lists(st.integers(1, 6), min_size=1, max_size=8)


@given(gaps=spans, lengths=spans, runs=spans, begin=st.integers(0, 9))
def test_every_entry_is_either_first_or_again_and_never_both(
    gaps: list[int], lengths: list[int], runs: list[int], begin: int
) -> None:
    known: list[LedgerRow] = []
    at = 0
    for number, (gap, length) in enumerate(zip(gaps, lengths, strict=False)):
        known.append(line(number, at + gap - 1, at + gap + length - 2))
        at = known[-1].last + 1
    other = line(99, 0, 60, "another basis")
    asked: list[HandedRow] = []
    for length in runs:
        asked.append(run(begin, begin + length - 1))
        begin += length + 1
    first, again = split(asked, sorted([*known, other], key=lambda each: each.first))
    wanted = {n for each in asked for n in range(each.first, each.last + 1)}
    had = {n for each in known for n in range(each.first, each.last + 1)}
    entered = [n for each in first for n in range(each.first, each.last + 1)]
    counted = [n for each in again.values() for part in each for n in part]

    assert sorted(entered) == sorted(wanted - had)
    assert sorted(counted) == sorted(wanted & had)
    assert 99 not in again


@given(asked=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=9))
def test_repeats_are_counted_for_each_entry_by_itself(
    asked: list[tuple[int, int]],
) -> None:
    parts: tuple[RepeatRow, ...] = ()
    times = dict.fromkeys(range(10), 0)
    newest = dict.fromkeys(range(10), 0)
    for at, (one, other) in enumerate(asked, start=1):
        first, last = sorted((one, other))
        parts = count_again(parts, first, last, at=at)
        for index in range(first, last + 1):
            times[index] += 1
            newest[index] = at
    found = {n: each for each in parts for n in range(each.first, each.last + 1)}

    assert {n: each.times for n, each in found.items()} == {
        n: each for n, each in times.items() if each
    }
    assert all(found[n].last_at == newest[n] for n in found)
    assert len(parts) <= len(found)
    assert list(parts) == sorted(parts, key=lambda each: each.first)
