# SPDX-License-Identifier: Apache-2.0
"""What each member may have evaluated here: bounded, durable, charged once."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from secrets import token_bytes

import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import Clocked, Federation, Node, NodeMaker

from fedsafe_federation.charter.charter import Backfill
from fedsafe_federation.evaluation.metering import (
    LOOKUPS,
    PUBLISHING,
    RIGHTS,
    Budget,
    Recent,
)
from fedsafe_node.ground.errors import OverBudgetError, WrongStateError
from fedsafe_node.ground.shared_nonces import SharedNonces, make_shared
from fedsafe_node.ground.trace import begin
from fedsafe_node.log.audit import Event
from fedsafe_node.rules.budgets.evaluations import EvaluationBudgets, charges_with
from fedsafe_node.rules.budgets.own_questions import AskedLedger
from fedsafe_node.rules.budgets.service import BudgetService
from fedsafe_node.store.peering_rows import Side
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.vocabulary import EvaluationPurpose

NUMBERS = count(1)
DAY, HOUR = 100, 40
MEMBER = "b.demo"


def limited(policy: Policy) -> Policy:
    names = (EvaluationPurpose.LOOKUP, EvaluationPurpose.RIGHTS)
    budgets = replace(
        policy.document.budgets,
        evaluations_a_day={**dict.fromkeys(names, DAY), EvaluationPurpose.BACKFILL: 50},
        evaluations_an_hour=dict.fromkeys((*names, EvaluationPurpose.BACKFILL), HOUR),
    )
    return Policy(replace(policy.document, budgets=budgets), policy.digest)


@pytest.fixture
def node(make_node: NodeMaker) -> Node:
    """A node that evaluates forty elements an hour and a hundred a day."""
    made = make_node(joined=False)
    made.desk.situation.policy = limited(made.desk.situation.policy)
    return made


def process_of(node: Node) -> EvaluationBudgets:
    """Start a process of the node; the one before it may have been killed."""
    desk, charges = node.desk, Recent(token_bytes(32))
    return EvaluationBudgets(
        desk.situation, desk.store, desk.trail, desk.clock, charges
    )


def elements(number: int) -> list[bytes]:
    return [next(NUMBERS).to_bytes(32) for _ in range(number)]


async def spent_of(
    process: EvaluationBudgets, step: int = 1, budget: Budget = LOOKUPS
) -> int:
    """Ask until it is refused; say how many were admitted."""
    admitted = 0
    while admitted < 10 * DAY:
        try:
            await process.admit(MEMBER, budget, elements(step))
        except OverBudgetError:
            break
        admitted += step
    return admitted


async def leased(node: Node) -> int:
    rows = await node.desk.store.scan(lambda reader: reader.all_leased(0, 1 << 40))
    return sum(row.elements for row in rows if row.side is Side.ANSWERED)


async def test_beyond_the_hour_and_the_day_a_member_is_refused(
    node: Node, clock: Clocked
) -> None:
    process = process_of(node)
    by_hour = []
    for _ in range(4):
        by_hour.append(await spent_of(process))
        clock.advance(timedelta(hours=1))

    assert by_hour == [40, 40, 20, 0]
    assert await leased(node) == DAY


async def test_it_says_when_there_is_more(node: Node, clock: Clocked) -> None:
    process = process_of(node)
    await process.admit(MEMBER, LOOKUPS, elements(40))
    with pytest.raises(OverBudgetError) as refused:
        await process.admit(MEMBER, LOOKUPS, elements(1))
    clock.advance(timedelta(seconds=refused.value.retry_after))
    await process.admit(MEMBER, LOOKUPS, elements(1))

    assert refused.value.decision.code == "budget"
    assert refused.value.decision.about == "lookup"
    assert 0 < refused.value.retry_after <= 3_600


async def test_each_member_and_purpose_has_a_budget_of_its_own(node: Node) -> None:
    process = process_of(node)
    await process.admit(MEMBER, LOOKUPS, elements(40))
    await process.admit(MEMBER, RIGHTS, elements(40))
    await process.admit("c.demo", LOOKUPS, elements(40))
    with pytest.raises(OverBudgetError):
        await process.admit(MEMBER, PUBLISHING, elements(1))  # none is named


async def test_a_restart_resets_nothing(node: Node) -> None:
    admitted = 0
    for _ in range(2 * HOUR):  # killed after each evaluation
        try:
            await process_of(node).admit(MEMBER, LOOKUPS, elements(1))
        except OverBudgetError:
            break
        admitted += 1

    assert admitted == 10  # a kill loses what was leased ahead, and resets nothing
    assert await leased(node) == HOUR


async def test_a_process_that_ends_gives_back_what_it_has_not_spent(node: Node) -> None:
    admitted = 0
    while True:
        process = process_of(node)
        try:
            await process.admit(MEMBER, LOOKUPS, elements(1))
        except OverBudgetError:
            break
        await process.settle(whole=True)
        admitted += 1

    assert admitted == HOUR


async def test_two_processes_have_one_budget_together(node: Node) -> None:
    both = process_of(node), process_of(node)
    admitted = 0
    for turn in range(4 * HOUR):
        try:
            await both[turn % 2].admit(MEMBER, LOOKUPS, elements(1))
        except OverBudgetError:
            continue
        admitted += 1

    assert admitted == HOUR
    assert await leased(node) == HOUR


async def test_of_many_at_once_so_many_are_admitted_as_the_hour_holds(
    node: Node,
) -> None:
    process = process_of(node)
    done = await asyncio.gather(
        *(process.admit(MEMBER, LOOKUPS, elements(3)) for _ in range(30)),
        return_exceptions=True,
    )

    assert sum(each is None for each in done) == 13


async def test_the_clock_going_back_gives_no_second_day(
    node: Node, clock: Clocked
) -> None:
    process, admitted = process_of(node), 0
    for _ in range(3):
        admitted += await spent_of(process)
        clock.advance(timedelta(hours=1))
    for back in (2, 30, 24 * 40):
        clock.advance(-timedelta(hours=back))
        admitted += await spent_of(process_of(node))

    assert admitted == DAY


async def test_a_retry_is_not_charged_twice(node: Node, clock: Clocked) -> None:
    process, same = process_of(node), elements(20)
    for _ in range(10):
        await process.admit(MEMBER, LOOKUPS, same)
        clock.advance(timedelta(seconds=5))
    await process.settle(whole=True)
    once = await leased(node)
    clock.advance(timedelta(minutes=1))
    await process.admit(MEMBER, LOOKUPS, same)
    await process.settle(whole=True)

    assert (once, await leased(node)) == (20, 40)


async def test_an_element_is_charged_once_within_one_request(node: Node) -> None:
    process = process_of(node)
    await process.admit(MEMBER, LOOKUPS, elements(1) * 1_000)
    await process.settle(whole=True)

    assert await leased(node) == 1


async def test_what_was_refused_is_not_free_later(node: Node) -> None:
    process, same = process_of(node), elements(41)
    for _ in range(2):
        with pytest.raises(OverBudgetError):
            await process.admit(MEMBER, LOOKUPS, same)


async def test_who_goes_on_when_the_day_is_spent_raises_an_alarm_once(
    node: Node, clock: Clocked
) -> None:
    process = process_of(node)
    for _ in range(3):
        await spent_of(process)
        clock.advance(timedelta(hours=1))
    refused = []
    for _ in range(3):
        with pytest.raises(OverBudgetError) as caught:
            await process.admit(MEMBER, LOOKUPS, elements(1))
        refused.append(caught.value.decision.code)
    await process.admit(MEMBER, RIGHTS, elements(1))

    assert refused == ["enumeration"] * 3
    alarms = [each for each in await node.events() if each[0] is Event.BUDGET_BROKEN]
    assert alarms == [(Event.BUDGET_BROKEN, "enumeration")]


async def test_a_member_is_told_how_its_budgets_stand(node: Node) -> None:
    process, asking = process_of(node), begin()
    await process.admit(MEMBER, LOOKUPS, elements(15))
    hour, day = asking.limits
    with pytest.raises(OverBudgetError):
        await process.admit(MEMBER, LOOKUPS, elements(26))

    assert (hour.name, hour.quota, hour.left, hour.window) == ("hour", 40, 25, 3_600)
    assert (day.name, day.quota, day.left, day.window) == ("day", 100, 85, 86_400)
    assert [limit.left for limit in asking.limits] == [25, 85]


async def test_a_backfill_takes_a_grant_that_is_in_force(
    make_node: NodeMaker, federation: Federation, clock: Clocked
) -> None:
    now = int(clock.now().timestamp())
    grant = Backfill(MEMBER, 60, now, now + 12 * 24 * 3_600)
    federation.charter = replace(federation.charter, backfills=[grant])
    node = make_node()
    node.desk.situation.policy = limited(node.desk.situation.policy)
    process = process_of(node)
    budget = Budget(EvaluationPurpose.BACKFILL, grant.digest)
    for who, grants in (("c.demo", grant.digest), (MEMBER, bytes(32))):
        other = Budget(EvaluationPurpose.BACKFILL, grants)
        with pytest.raises(WrongStateError):
            await process.admit(who, other, elements(1))
    admitted = []
    for _ in range(60):
        admitted.append(await spent_of(process, budget=budget))
        clock.advance(timedelta(hours=1))
    clock.advance(timedelta(days=10))
    with pytest.raises(WrongStateError):
        await process.admit(MEMBER, budget, elements(1))

    assert [each for each in admitted if each] == [40, 10, 10]
    assert sum(admitted) == grant.elements


@pytest.fixture
def files(tmp_path: Path, clock: Clocked) -> Iterator[list[SharedNonces]]:
    """Open what the processes of a node share, as two of them."""
    make_shared(tmp_path / "nonces", began=clock.now(), pages=4)
    opened = [SharedNonces(tmp_path / "nonces") for _ in range(2)]
    yield opened
    for file in opened:
        file.close()


async def test_a_retry_that_meets_another_process_is_not_charged_twice(
    node: Node, clock: Clocked, files: list[SharedNonces]
) -> None:
    desk = node.desk
    both = [
        EvaluationBudgets(
            desk.situation, desk.store, desk.trail, desk.clock, charges_with(file)
        )
        for file in files
    ]
    same, leases = elements(10), list[int]()
    for seconds in (0, 30, 31):
        clock.advance(timedelta(seconds=seconds))
        for process in both:
            await process.admit(MEMBER, LOOKUPS, same)
            await process.settle(whole=True)
        leases.append(await leased(node))
    await both[0].admit("c.demo", LOOKUPS, same)

    assert leases == [10, 10, 20]


async def test_the_day_of_each_member_is_shown(node: Node, clock: Clocked) -> None:
    process, desk = process_of(node), node.desk
    ledger = AskedLedger(desk.store, desk.clock)
    await process.admit(MEMBER, LOOKUPS, elements(15))
    await ledger.asks("c.demo", RIGHTS, elements(7))
    await process.settle(whole=True)
    await ledger.settle(whole=True)
    service = BudgetService(desk.situation, desk.store, desk.clock)
    shown = (await service.show()).budgets
    clock.advance(timedelta(days=1))
    later = (await service.show()).budgets

    assert [(each.holder, each.purpose, each.spent, each.left) for each in shown] == [
        (MEMBER, "evaluate.lookup", 15, 85),
        ("c.demo", "ask.rights", 7, None),
    ]
    assert later == []


# --- what this node asks of others ----------------------------------------------------


async def rows_of(node: Node, side: Side) -> dict[str, int]:
    rows = await node.desk.store.scan(lambda reader: reader.all_leased(0, 1 << 40))
    return {row.member: row.elements for row in rows if row.side is side}


async def test_a_crash_never_makes_less_of_what_was_asked_nor_more_of_what_came(
    node: Node,
) -> None:
    ledger, batch = AskedLedger(node.desk.store, node.desk.clock), elements(10)
    await ledger.asks(MEMBER, LOOKUPS, batch)
    ledger.answered(MEMBER, LOOKUPS, batch)
    killed = await rows_of(node, Side.ASKED), await rows_of(node, Side.RECEIVED)
    await ledger.settle(whole=True)

    assert killed[0][MEMBER] >= 10
    assert killed[1] == {}
    assert await rows_of(node, Side.ASKED) == {MEMBER: 10}
    assert await rows_of(node, Side.RECEIVED) == {MEMBER: 10}


async def test_the_same_element_under_two_epochs_is_counted_once_by_both(
    node: Node,
) -> None:
    ledger, batch = AskedLedger(node.desk.store, node.desk.clock), elements(10)
    process = process_of(node)
    for _ in range(2):
        await ledger.asks(MEMBER, LOOKUPS, batch)
        await process.admit(MEMBER, LOOKUPS, batch)
        ledger.answered(MEMBER, LOOKUPS, batch)
    await ledger.settle(whole=True)
    await process.settle(whole=True)

    sides = [await rows_of(node, side) for side in Side]
    assert sides == [{MEMBER: 10}] * 3


async def test_whoever_refuses_is_asked_again_after_minutes_at_most(
    node: Node, clock: Clocked
) -> None:
    ledger = AskedLedger(node.desk.store, node.desk.clock)
    ledger.refused(MEMBER, LOOKUPS, 7_200)
    waits = ledger.wait(MEMBER, LOOKUPS), ledger.wait(MEMBER, RIGHTS)
    clock.advance(timedelta(minutes=5))
    later = ledger.wait(MEMBER, LOOKUPS)

    assert [*waits, later] == [7_200, 0, 0]
