# SPDX-License-Identifier: Apache-2.0
"""What a member's restrictions change, and how little a liar's can make us keep."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from tests.support.members import restriction, signal_id, world
from tests.support.restrictions import TRAIL, A, B, events, hold

from fedsafe_federation.feed.verification import (
    VerifiedRestriction,
    verify_restrictions,
)
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.signals import restrictions as restricting
from fedsafe_node.signals.restrictions import (
    MAX_NAMES,
    Applied,
    Restricting,
    in_acts,
)
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import PeerRow, SignalStatus, sequence_key
from fedsafe_policies.documents.legal_calendar import shipped_calendar
from fedsafe_policies.documents.policy import shipped
from fedsafe_policies.engine import decide
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.disputes import DisputeRequest
from fedsafe_policies.rules.gate import Site
from fedsafe_policies.vocabulary import Effect

AT = datetime(2026, 11, 24, tzinfo=UTC)


def verified(*statements: Signed) -> list[VerifiedRestriction]:
    good, faults = verify_restrictions(statements, world().charter)
    assert faults == []
    return good


def judge(request: DisputeRequest) -> Decision:
    at = int(AT.timestamp())
    return decide(request, shipped("strict"), shipped_calendar(), at, Site((), ()))


async def apply(
    store: Store, *statements: Signed, courier: str = A, scarce: bool = False
) -> Applied:
    said = verified(*statements)
    act = Restricting(courier, said, TRAIL, AT, judge, due=0, scarce=scarce)
    return await store.write(act.run)


async def copied(store: Store, size: int, origin: str = A) -> None:
    row = PeerRow(
        origin=origin, cursor=size, root=bytes(32), checkpoint="", synced_at=0
    )
    await store.write(lambda tx: tx.put_peer(row))


async def kept(store: Store) -> int:
    return (await store.scan(lambda r: r.counts())).restrictions


async def counted(store: Store, author: str = A) -> int:
    return int(await store.read(lambda r: r.meta(sequence_key(author))) or 0)


async def told_by(store: Store) -> list[bytes]:
    openings = await store.scan(lambda r: r.openings(TRAIL.log, 0, 99, group="detail"))
    return [each.opening.payload for each in openings if each.opening is not None]


async def statuses(store: Store, *numbers: int) -> list[SignalStatus]:
    named = [signal_id(number) for number in numbers]
    rows = await store.read(lambda r: r.signals_named(A, named))
    return [row.status for row in rows]


async def remembered(store: Store, *numbers: int) -> list[int]:
    named = [signal_id(number) for number in numbers]
    found = await store.read(lambda r: r.settled(A, named))
    return [number for number in numbers if signal_id(number) in found]


def invented(sequence: int, first: int, count: int, author: str = A) -> Signed:
    names = [signal_id(number) for number in range(first, first + count)]
    return restriction(author, sequence, names)


@pytest.fixture(autouse=True)
def ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restricting, "AHEAD", 10)


async def test_invented_names_are_remembered_up_to_the_bound_only(
    store: Store,
) -> None:
    first = await apply(store, invented(1, 100, 6), invented(2, 200, 5))
    again = await apply(store, invented(2, 200, 5), invented(3, 300, 4))

    assert (first.beyond, again.beyond) == (A, A)
    assert await remembered(store, 100, 105, 200, 204, 300) == [100, 105, 300]
    assert await kept(store) == 2
    assert await counted(store) == 1


async def test_on_a_full_disk_far_fewer_invented_names_are_remembered(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restricting, "AHEAD_WITHOUT_ROOM", 3)
    await hold(store, 1, 2)
    full = await apply(
        store,
        *(invented(1, 100, 3), invented(2, 200, 1), invented(3, 1, 1)),
        restriction(A, 4, [signal_id(2), signal_id(300)]),
        scarce=True,
    )
    asked_again = await counted(store) + 1
    before = await remembered(store, 100, 200, 300)
    again = await apply(store, invented(2, 200, 1), invented(3, 1, 1))

    assert (full.beyond, before, asked_again) == (A, [100], 2)
    assert await statuses(store, 1, 2) == [SignalStatus.REVOKED] * 2
    assert again.beyond == ""
    assert await remembered(store, 200) == [200]
    assert await counted(store) == 3


async def test_every_copied_record_makes_room_for_each_effect_once(
    store: Store,
) -> None:
    await copied(store, 3)
    most = 10 + 3 * len(Effect)

    assert (await apply(store, invented(1, 100, most))).beyond == ""
    assert (await apply(store, invented(2, 500, 1))).beyond == A


async def test_a_signal_that_is_here_stops_although_the_bound_is_reached(
    store: Store,
) -> None:
    await hold(store, 1)
    await apply(store, invented(1, 100, 10))
    mixed = restriction(A, 2, [signal_id(1), signal_id(999)])
    applied = await apply(store, mixed)
    alone = await apply(store, restriction(A, 2, [signal_id(1)], effect=Effect.ERASED))

    assert applied.beyond == A
    assert list(applied.removed) == list(alone.removed)
    assert await statuses(store, 1) == [SignalStatus.ERASED]
    assert await kept(store) == 1
    assert alone.beyond == ""
    assert await counted(store) == 2
    assert [b'"unkept":1' in told for told in await told_by(store)] == [
        False,
        True,
        True,
    ]


async def test_a_restatement_is_counted_and_not_kept(store: Store) -> None:
    await hold(store, 1)
    await apply(store, restriction(A, 1, [signal_id(1), signal_id(2)]))
    for sequence in range(2, 30):
        effect = (Effect.REVOKED, Effect.EXPIRED)[sequence % 2]
        names = [signal_id(1), signal_id(2)]
        applied = await apply(store, restriction(A, sequence, names, effect=effect))
        assert applied == Applied([], "")

    assert await kept(store) == 1
    assert await counted(store) == 29
    assert await events(store) == 1


async def test_a_stricter_effect_is_no_restatement(store: Store) -> None:
    await hold(store, 1)
    ladder = (Effect.EXPIRED, Effect.REVOKED, Effect.ERASED)
    for sequence, effect in enumerate(ladder, start=1):
        applied = await apply(
            store, restriction(A, sequence, [signal_id(1)], effect=effect)
        )
        assert len(applied.removed) == 1
        assert [status.value for status in await statuses(store, 1)] == [effect.value]

    assert await kept(store) == len(ladder)


async def test_one_event_counts_all_statements_of_a_batch(store: Store) -> None:
    await hold(store, 1, 2, 3)
    await apply(
        store,
        restriction(A, 1, [signal_id(1), signal_id(2)]),
        restriction(A, 2, [signal_id(3), signal_id(4)], effect=Effect.EXPIRED),
        restriction(A, 3, [signal_id(1)]),
    )
    opening = await store.read(lambda r: r.opening(TRAIL.log, 0, "detail"))

    assert opening is not None
    assert await events(store) == 1
    for part in (
        b'"origin":"a.example"',
        b'"statements":2',
        b'"revoked":2',
        b'"expired":1',
        b'"remembered":1',
    ):
        assert part in opening.payload


async def test_a_courier_stops_what_is_here_and_uses_up_nobodys_bound(
    store: Store,
) -> None:
    await hold(store, 1)
    await apply(store, restriction(A, 1, [signal_id(1)]), courier=B)
    carried = await apply(store, invented(2, 100, 500), courier=B)
    own = await apply(store, restriction(A, 1, [signal_id(1)]), invented(2, 100, 9))

    assert await statuses(store, 1) == [SignalStatus.REVOKED]
    assert carried == Applied([], "")
    assert own.beyond == ""
    assert await counted(store) == 2
    assert await remembered(store, 100, 108, 109) == [100, 108]


async def test_a_newcomer_catches_up_with_an_origin_that_revoked_all(
    store: Store,
) -> None:
    # As feeds are served: so many statements lead, whatever the records are, and
    # of the revoked the records come without openings: they never become signals.
    count, leads, page = 400, 10, 50
    for batch in range(2 * count // page + 1):
        led = range(batch * leads, min((batch + 1) * leads, count))
        statements = [invented(n + 1, n, 1) for n in led]
        assert (await apply(store, *statements)).beyond == ""
        first, last = batch * page, (batch + 1) * page
        repeated = range(max(0, first - count), min(count, max(0, last - count)))
        records = [invented(n + 1, n, 1) for n in repeated]
        assert (await apply(store, *records)).beyond == ""
        await copied(store, min(last, 2 * count))

    assert await remembered(store, *range(count)) == list(range(count))


def names_of(part: Sequence[VerifiedRestriction]) -> int:
    return sum(len(item.restriction.signals) for item in part)


def test_acts_are_of_a_bounded_size_and_lose_nothing() -> None:
    (large,), (small,) = verified(invented(1, 0, 1_000)), verified(invented(2, 0, 1))
    items = [large] * 45 + [small] * 3
    parts = list(in_acts(items))

    assert [item for part in parts for item in part] == items
    assert [names_of(part) for part in parts] == [MAX_NAMES, MAX_NAMES, 5_003]
    assert list(in_acts([])) == []
