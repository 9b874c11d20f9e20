# SPDX-License-Identifier: Apache-2.0
"""What disputes and rulings do at a node that hears of them, in whatever order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.node.conftest import FixedClock
from tests.support.members import TERMS, restriction, signal_id, world
from tests.support.restrictions import TRAIL, events, hold

from fedsafe_federation.evaluation.statements import digest
from fedsafe_federation.feed.records import RestrictionRecord, encode_record
from fedsafe_federation.feed.restrictions import Restriction, Terms
from fedsafe_federation.feed.rulings import Outcome, Ruling
from fedsafe_federation.feed.verification import (
    VerifiedRestriction,
    verify_restrictions,
)
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.log.audit import decode_audit_record
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.rights.unrecorded_disputes import recorded_in
from fedsafe_node.signals import restrictions as restricting
from fedsafe_node.signals.dispute_intake import Dispute, let_go, take_ruling
from fedsafe_node.signals.double_disputes import (
    double_digest,
    excuse_double,
    read_double,
)
from fedsafe_node.signals.restrictions import Applied, Restricting
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import SignalStatus
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.reasons import Grant
from fedsafe_policies.rules.decision import Decision, Obligation, allow
from fedsafe_policies.rules.disputes import DisputeRequest
from fedsafe_policies.vocabulary import Contention, Control, Effect

A, B, C = "a.example", "b.example", "c.example"
BUDGET = 2
ATTESTED_BUDGET = 1
BY_WORD = Control.ACCOUNT_LOGIN
OTHER_TERMS = replace(TERMS, contention=Contention.MINOR)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def judge(request: DisputeRequest) -> Decision:
    """Weigh as policy does, with a budget that a test can spend."""
    duties = {Obligation.REVIEW_TASK}
    if not request.repeated:
        budget = ATTESTED_BUDGET if request.attested else BUDGET
        flood = request.suspended_today >= budget
        duties.add(Obligation.ALARM if flood else Obligation.SUSPEND_MATCHING)
    return allow(Grant.DISPUTE_OPEN, "test@00000000", frozenset(duties))


def dispute(author: str, sequence: int, number: int, terms: Terms = TERMS) -> Signed:
    names, effect = [signal_id(number)], Effect.DISPUTED
    return restriction(author, sequence, names, origin=A, effect=effect, terms=terms)


def dated(sequence: int, number: int, days_ago: int) -> Signed:
    at = int((NOON - timedelta(days=days_ago)).timestamp())
    terms = replace(TERMS, deadline=at + 60)
    names, effect = [signal_id(number)], Effect.DISPUTED
    return restriction(B, sequence, names, origin=A, effect=effect, terms=terms, at=at)


def checked(*statements: Signed) -> list[VerifiedRestriction]:
    good, faults = verify_restrictions(statements, world().charter)
    assert faults == []
    return good


async def hear(
    store: Store,
    *statements: Signed,
    courier: str = B,
    at: datetime = NOON,
    ended: frozenset[Dispute] = frozenset(),
    recorded: bool = False,
) -> Applied:
    act = Restricting(
        courier,
        checked(*statements),
        TRAIL,
        at,
        judge,
        7,
        ended,
        recorded=recorded,
    )
    return await store.write(act.run)


async def rule(
    store: Store,
    number: int,
    *disputes: Signed,
    outcome: Outcome = Outcome.RESTORED,
    origin: str = A,
) -> bool:
    ruling = Ruling(
        v=1,
        origin=origin,
        signal=signal_id(number),
        disputes=[digest(statement) for statement in disputes],
        outcome=outcome,
        at=0,
    )
    return await store.write(lambda tx: take_ruling(tx, ruling, at=0))


async def status(store: Store, number: int) -> SignalStatus:
    row = await store.read(lambda r: r.signal(A, signal_id(number)))
    assert row is not None
    return row.status


async def test_a_dispute_of_any_member_rests_a_signal_until_the_ruling(
    store: Store,
) -> None:
    await hold(store, 1)
    first = dispute(B, 1, 1)
    applied = await hear(store, first)

    assert applied == Applied([], "")  # its token stays in the index
    assert await status(store, 1) is SignalStatus.DISPUTED
    assert await rule(store, 1, first)
    assert await status(store, 1) is SignalStatus.ACTIVE


async def test_the_same_facts_do_not_rest_a_signal_again(store: Store) -> None:
    await hold(store, 1)
    first = dispute(B, 1, 1)
    await hear(store, first)
    await rule(store, 1, first)
    await hear(store, dispute(B, 2, 1), dispute(B, 3, 1))
    await hear(store, dispute(C, 1, 1), courier=C)
    kept = await store.read(lambda r: r.disputes_on(A, signal_id(1)))

    assert await status(store, 1) is SignalStatus.ACTIVE
    assert [row.weight.value for row in kept] == ["suspends", *["repeat"] * 3]
    assert await store.read(lambda r: r.suspensions_since(C, 0, attested=False)) == 0


@pytest.mark.parametrize(
    ("author", "terms"),
    [
        (A, TERMS),  # the origin, whatever it claims
        (B, replace(TERMS, control=Control.OFFICER)),
        (B, replace(TERMS, control=Control.ACCOUNT_LOGIN)),  # a member attests it
        (B, replace(TERMS, contention=Contention.MINOR)),
    ],
)
@pytest.mark.parametrize("ruled", [False, True])
async def test_no_other_facts_use_up_the_suspension_of_a_person(
    store: Store, author: str, terms: Terms, *, ruled: bool
) -> None:
    await hold(store, 1)
    other = dispute(author, 1, 1, terms)
    await hear(store, other, courier=author)
    if ruled:
        await rule(store, 1, other)
    mine = dispute(C, 1, 1)
    await hear(store, mine, courier=C)
    await rule(store, 1, other)  # said before it knew of mine

    assert await status(store, 1) is SignalStatus.DISPUTED
    await rule(store, 1, mine)
    assert await status(store, 1) is SignalStatus.ACTIVE


async def test_a_signal_rests_once_for_each_thing_contended_and_no_more(
    store: Store,
) -> None:
    await hold(store, 1)
    said = [replace(TERMS, contention=each) for each in Contention]
    for day, terms in enumerate(said, 1):
        at = NOON + timedelta(days=day)
        mine = dispute(B, day, 1, terms)
        await hear(store, mine, at=at)
        assert await status(store, 1) is SignalStatus.DISPUTED
        await rule(store, 1, mine)
        assert await status(store, 1) is SignalStatus.ACTIVE
    for author in (B, C):
        for day, terms in enumerate(said, 1 + len(said)):
            again = dispute(author, day, 1, terms)
            at = NOON + timedelta(days=day)
            await hear(store, again, courier=author, at=at)
            assert await status(store, 1) is SignalStatus.ACTIVE

    # Each has cost its author one.
    charged = await store.read(lambda r: r.suspensions_since(B, 0, attested=False))
    assert charged == len(Contention)
    assert await store.read(lambda r: r.suspensions_since(C, 0, attested=False)) == 0


async def test_members_that_attest_rest_no_more_than_their_small_budget(
    store: Store,
) -> None:
    numbers = range(1, 9)
    await hold(store, *numbers)
    attests = replace(TERMS, control=BY_WORD)
    for liar, first in ((B, 1), (C, 4)):
        said = [dispute(liar, n, first + n - 1, attests) for n in range(1, 4)]
        await hear(store, *said, courier=liar)
    proved = [dispute(B, n, n + 3) for n in range(4, 6)]
    await hear(store, *proved)
    resting = [n for n in numbers if await status(store, n) is SignalStatus.DISPUTED]

    assert resting == [1, 4, 7, 8]  # one of each, and those that have their proof
    assert await store.read(lambda r: r.floods_since(0)) == {B: 2, C: 2}


async def test_a_proof_that_was_ruled_on_is_not_rested_by_a_word_again(
    store: Store,
) -> None:
    await hold(store, 1)
    first = dispute(B, 1, 1)
    await hear(store, first)
    await rule(store, 1, first)
    await hear(store, dispute(C, 1, 1, replace(TERMS, control=BY_WORD)), courier=C)

    assert await status(store, 1) is SignalStatus.ACTIVE


async def test_a_flood_rests_nothing_beyond_its_budget_and_alarms(
    store: Store,
) -> None:
    numbers = range(1, 8)
    await hold(store, *numbers)
    await hear(store, *(dispute(B, number, number) for number in numbers))
    await hear(store, dispute(C, 1, 7), courier=C)
    resting = [n for n in numbers if await status(store, n) is SignalStatus.DISPUTED]
    log = TRAIL.log
    alarm = await store.read(lambda r: r.record(log, 1))
    told = await store.read(lambda r: r.opening(log, 1, "detail"))

    assert resting == [1, 2, 7]  # the last by an honest dispute of the same facts
    assert await store.read(lambda r: r.floods_since(0)) == {B: 5}
    assert alarm is not None
    assert told is not None
    assert decode_audit_record(alarm).event == "rights.disputes_flooded"
    assert b'"author":"b.example","disputes":5' in told.payload


async def test_one_person_listed_often_costs_once(store: Store) -> None:
    often, others = range(1, 8), range(8, 11)
    await hold(store, *often, token=b"t" * 16)
    await hold(store, *others)
    await hear(store, *(dispute(B, number, number) for number in often))
    assert await resting(store, *often) == [*often]

    # Erased meanwhile, they cost no more than they did.
    async def erase(tx: Transaction) -> None:
        for row in await tx.signals_named(A, [signal_id(number) for number in often]):
            await tx.relock_signal(row, event=row.index)

    await store.write(erase)
    await hear(store, *(dispute(B, number, number) for number in others))

    assert await resting(store, *others) == [8]  # the budget is of two listings
    assert await store.read(lambda r: r.floods_since(0)) == {B: 2}
    assert await store.read(lambda r: r.suspensions_since(B, 0, attested=False)) == 2


async def test_each_origin_and_each_way_is_charged_for_itself(store: Store) -> None:
    await hold(store, 1, 2, 3, token=b"t" * 16)
    await hear(store, dispute(B, 1, 1), dispute(B, 2, 2))
    await hear(store, dispute(C, 1, 3, replace(TERMS, control=BY_WORD)), courier=C)

    for author, attested, count in ((B, False, 1), (C, False, 0), (C, True, 1)):
        assert count == await store.read(
            lambda r, who=author, way=attested: r.suspensions_since(  # type: ignore[misc]
                who, 0, attested=way
            )
        )
    # Another thing said of the same signal costs as it did.
    other = replace(TERMS, contention=Contention.MINOR)
    await hear(store, dispute(B, 3, 1, other))
    assert await store.read(lambda r: r.suspensions_since(B, 0, attested=False)) == 2


async def test_a_budget_is_a_days(store: Store) -> None:
    await hold(store, 1, 2, 3, 4)
    await hear(store, *(dispute(B, number, number) for number in (1, 2, 3)))
    await hear(store, dispute(B, 4, 4), at=NOON + timedelta(days=1))

    assert await status(store, 3) is SignalStatus.ACTIVE
    assert await status(store, 4) is SignalStatus.DISPUTED


async def resting(store: Store, *numbers: int) -> list[int]:
    return [n for n in numbers if await status(store, n) is SignalStatus.DISPUTED]


async def test_a_backlog_counts_by_the_days_on_which_it_was_said(
    store: Store,
) -> None:
    await hold(store, *range(1, 8))
    said = [dated(n, n, days_ago=2 - (n - 1) // 2) for n in range(1, 8)]
    await hear(store, *said)

    assert await resting(store, *range(1, 8)) == [1, 2, 3, 4, 5, 6]


async def test_no_author_goes_back_to_the_budget_of_a_day_before(
    store: Store,
) -> None:
    await hold(store, *range(1, 5))
    await hear(store, dated(1, 1, 0), dated(2, 2, 0))
    await hear(store, dated(3, 3, 1), dated(4, 4, 2))

    assert await resting(store, *range(1, 5)) == [1, 2]


@pytest.mark.parametrize("beside", [False, True])
async def test_what_has_its_ruling_uses_up_no_budget(
    store: Store, *, beside: bool
) -> None:
    await hold(store, *range(1, 6))
    old = {number: dispute(B, number, number) for number in range(1, 5)}
    ended = frozenset((digest(each), A, signal_id(n)) for n, each in old.items())
    for number, each in old.items() if not beside else ():
        await rule(store, number, each)
    said = [*old.values(), dispute(B, 5, 5)]
    await hear(store, *said, ended=ended if beside else frozenset())

    assert await resting(store, *range(1, 6)) == [5]
    assert await store.read(lambda r: r.floods_since(0)) == {}


async def test_what_names_no_signal_here_hides_nothing(store: Store) -> None:
    await hold(store, 1, 2)
    junk = [dispute(B, number, 1_000 + number) for number in range(1, 21)]
    await hear(store, *junk)
    real = dispute(C, 1, 1)
    await hear(store, real, courier=C, at=NOON + timedelta(days=1))

    async def listed() -> list[bytes]:
        rows = await store.read(lambda r: r.disputes_here(2, ruled=False))
        return [row.digest for row in rows]

    assert await listed() == [digest(real)]
    assert await store.read(lambda r: r.open_disputes()) == 1
    due = await store.read(lambda r: r.disputes_due(A, 1 << 40, 100))
    assert [row.digest for row in due] == [digest(real)]
    await hold(store, 1_001)  # it comes
    assert set(await listed()) == {digest(real), digest(junk[0])}


async def test_a_statement_that_is_repeated_counts_once(store: Store) -> None:
    await hold(store, 1, 2)
    first, second = dispute(B, 1, 1), dispute(B, 2, 2)
    for _ in range(5):
        await hear(store, first)
    before = await events(store)
    await hear(store, first, courier=C)

    assert await events(store) == before
    assert await status(store, 2) is SignalStatus.ACTIVE
    await hear(store, second)
    assert await status(store, 2) is SignalStatus.DISPUTED


async def classes(store: Store) -> list[str]:
    log = TRAIL.log
    size = await store.read(lambda r: r.log_size(log))
    kept = await store.read(lambda r: r.records(log, 0, size))
    return [decode_audit_record(each).event.value for each in kept]


@pytest.mark.parametrize("shown", [1, 2])
@pytest.mark.parametrize("first", [1, 2])
async def test_two_disputes_with_one_number_are_kept_and_one_rests_at_all(
    store: Store, shown: int, first: int
) -> None:
    await hold(store, 1, 2, 3)
    said = {1: dispute(B, 1, 1), 2: dispute(B, 1, 2)}
    order = [said[first], said[3 - first]]
    applied = [await hear(store, order[0]), await hear(store, order[1], courier=C)]
    again = await hear(store, *order)

    assert [each.doubted for each in (*applied, again)] == [(), (B,), ()]
    assert (await classes(store)).count("rights.disputed_twice") == 1
    for each in order:  # whoever is the origin can rule on either
        assert await store.read(lambda r, each=each: r.dispute(digest(each)))  # type: ignore[misc]
    assert await resting(store, 1, 2) == []
    await hear(store, dispute(B, 2, 3))
    assert await resting(store, 3) == []  # until people have decided
    await hear(store, said[shown], recorded=True)
    assert await resting(store, 1, 2) == [shown]
    await hear(store, dispute(C, 1, 3 - shown), courier=C)
    assert await resting(store, 1, 2) == [1, 2]  # nobody's suspension is used up


async def test_what_people_excuse_rests_again_and_convicts_no_more(
    store: Store,
) -> None:
    await hold(store, 1, 2, 3)
    one, two = dispute(B, 1, 1), dispute(B, 1, 2)
    await hear(store, one, two)
    name = double_digest(one, two)

    assert not await store.write(lambda tx: excuse_double(tx, B, "0" * 64))
    assert await store.read(lambda r: read_double(r, B)) == [one, two]
    assert await store.write(lambda tx: excuse_double(tx, B, name))
    assert await store.read(lambda r: read_double(r, B)) == []
    await hear(store, dispute(B, 2, 3))
    assert await resting(store, 3) == [3]
    await hear(store, dispute(B, 2, 2))  # another contradiction
    assert (await classes(store)).count("rights.disputed_twice") == 2


async def test_what_no_feed_shows_uses_up_nobody_elses_suspension(
    store: Store,
) -> None:
    await hold(store, 1)
    hidden, honest = dispute(B, 1, 1), dispute(C, 1, 1)
    await hear(store, hidden)
    await hear(store, dispute(B, 2, 1))
    await hear(store, honest, courier=C, recorded=True)
    await hear(store, dispute(C, 2, 1), courier=C)
    kept = await store.read(lambda r: r.disputes_on(A, signal_id(1)))

    assert [(row.author, row.weight.value) for row in kept] == [
        (B, "suspends"),
        (B, "repeat"),
        (C, "suspends"),
        (C, "repeat"),
    ]
    assert [row.recorded for row in kept] == [False, False, True, False]


async def test_what_was_let_go_rests_once_it_is_a_record(store: Store) -> None:
    await hold(store, 1)
    first, other = dispute(B, 1, 1), dispute(B, 2, 1, OTHER_TERMS)
    await hear(store, first)
    row = await store.read(lambda r: r.dispute(digest(first)))
    assert row is not None
    assert await store.write(lambda tx: let_go(tx, row, at=9))

    assert await resting(store, 1) == []
    await hear(store, first)
    await hear(store, other)  # by other facts, and no feed shows them either
    assert await resting(store, 1) == []
    await hear(store, first, recorded=True, courier=C)  # no feed of its author
    assert await resting(store, 1) == []
    await hear(store, first, recorded=True)
    assert await resting(store, 1) == [1]


async def test_a_ruling_lifts_only_the_dispute_that_it_names(store: Store) -> None:
    await hold(store, 1, 2)
    first, second = dispute(B, 1, 1), dispute(B, 2, 2)
    await hear(store, first, second)

    assert not await rule(store, 1, second)  # it is about another signal
    assert not await rule(store, 2, first)
    assert not await rule(store, 2, second, origin=C)
    assert await status(store, 1) is await status(store, 2) is SignalStatus.DISPUTED
    assert await rule(store, 2, second)
    assert await status(store, 1) is SignalStatus.DISPUTED


async def test_a_ruling_of_another_holds_no_place_of_the_origins(
    store: Store,
) -> None:
    await hold(store, 1)
    first = dispute(B, 1, 1)
    await rule(store, 1, first, origin=C)
    await rule(store, 2, first)
    await hear(store, first)

    assert await status(store, 1) is SignalStatus.DISPUTED
    assert await rule(store, 1, first)


@pytest.mark.parametrize("effect", set(Effect) - {Effect.DISPUTED})
async def test_no_ruling_brings_back_what_was_stopped(
    store: Store, effect: Effect
) -> None:
    await hold(store, 1)
    first = dispute(B, 1, 1)
    await hear(store, first)
    await hear(store, restriction(A, 1, [signal_id(1)], effect=effect), courier=A)

    assert not await rule(store, 1, first)
    assert (await status(store, 1)).value == effect.value


async def test_a_ruling_to_revoke_restores_nothing_until_the_revocation(
    store: Store,
) -> None:
    await hold(store, 1)
    first, again = dispute(B, 1, 1), dispute(C, 1, 1)
    await hear(store, first)
    await hear(store, again, courier=C)
    await rule(store, 1, first, outcome=Outcome.REVOKED)
    await rule(store, 1, again)

    assert await status(store, 1) is SignalStatus.DISPUTED


async def test_disputes_are_kept_within_the_bound_of_their_author(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restricting, "AHEAD", 3)
    statements = [dispute(B, number, number) for number in range(1, 9)]

    assert (await hear(store, *statements)).beyond == B
    kept = await store.read(lambda r: r.disputes(100, ruled=False))
    assert len(kept) == 3


async def test_what_the_copy_of_a_feed_shows_is_found_in_it(store: Store) -> None:
    shown, hidden = dispute(B, 1, 1), dispute(B, 2, 2)
    record, log = encode_record(RestrictionRecord(shown)), f"{B}/feed"
    for data in (b"junk", record):
        await store.write(lambda tx, data=data: tx.append(log, data))  # type: ignore[misc]
    names = {digest(shown), digest(hidden)}
    found = await store.scan(lambda r: recorded_in(r, log=log, names=names))

    assert found == {digest(shown)}


# --- every order --------------------------------------------------------------------

_NUMBERS = range(1, 4)
_HONEST, _LIAR = B, C


@dataclass
class Told:
    """Everything that a node will hear of; a dispute's order is its author's."""

    flood: list[Signed] = field(default_factory=list)
    honest: list[Signed] = field(default_factory=list)
    ruled: set[int] = field(default_factory=set)
    revoked: set[int] = field(default_factory=set)


@st.composite
def tales(draw: st.DrawFn) -> Told:
    numbers = st.sampled_from(_NUMBERS)
    flood = draw(st.lists(numbers, max_size=6))
    honest = draw(st.lists(numbers, max_size=BUDGET, unique=True))
    return Told(
        [dispute(_LIAR, seq, n) for seq, n in enumerate(flood, start=1)],
        [dispute(_HONEST, seq, n) for seq, n in enumerate(honest, start=1)],
        draw(st.sets(numbers)),
        draw(st.sets(numbers)),
    )


def number_of(statement: Signed) -> int:
    (name,) = decode(statement.payload, Restriction).signals
    return next(number for number in _NUMBERS if signal_id(number) == name)


Step = Callable[[], Awaitable[object]]


def steps_of(store: Store, told: Told) -> dict[str, list[Step]]:
    said = [*told.flood, *told.honest]
    named = {n: [s for s in said if number_of(s) == n] for n in sorted(told.ruled)}
    stops = [
        restriction(A, sequence, [signal_id(number)])
        for sequence, number in enumerate(sorted(told.revoked), start=1)
    ]
    return {
        "flood": [partial(hear, store, s, courier=s.signer) for s in told.flood],
        "honest": [partial(hear, store, s, courier=s.signer) for s in told.honest],
        "ruling": [partial(rule, store, n, *those) for n, those in named.items()],
        "revocation": [partial(hear, store, s, courier=A) for s in stops],
    }


async def deliver(store: Store, told: Told, order: Sequence[str]) -> None:
    waiting = {kind: iter(steps) for kind, steps in steps_of(store, told).items()}
    for kind in order:
        step = next(waiting[kind], None)
        if step is not None:
            await step()


async def outcome_of(
    place: Path, keys: PeriodKeys, told: Told, order: Sequence[str]
) -> dict[int, SignalStatus]:
    url, clock = f"sqlite://{place}/node.db", FixedClock(NOON)
    store = await open_store(url, keys=keys, clock=clock)
    try:
        await hold(store, *_NUMBERS)
        await deliver(store, told, order)
        suspended = await store.read(
            lambda r: r.suspensions_since(_LIAR, 0, attested=False)
        )
        assert suspended <= BUDGET
        return {number: await status(store, number) for number in _NUMBERS}
    finally:
        await store.close()


@settings(max_examples=25)
@given(
    tales(),
    st.permutations(
        ["flood"] * 6 + ["honest"] * 2 + ["ruling"] * 3 + ["revocation"] * 3
    ),
)
def test_any_order_keeps_the_promises(told: Told, order: list[str]) -> None:
    with TemporaryDirectory() as directory:
        place = Path(directory)
        keys = PeriodKeys(place / "periods")
        found = asyncio.run(outcome_of(place, keys, told, order))
    honest = {number_of(statement) for statement in told.honest}
    named = {number_of(statement) for statement in (*told.flood, *told.honest)}

    for number, now in found.items():
        if number in told.revoked:
            assert now is SignalStatus.REVOKED
        elif number in told.ruled & named:
            assert now is SignalStatus.ACTIVE
        elif number in honest:
            assert now is SignalStatus.DISPUTED
        elif number not in named:
            assert now is SignalStatus.ACTIVE
