# SPDX-License-Identifier: Apache-2.0
"""Budgets of publications: the own ones, and how fast another feed may grow."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.node.signals.conftest import (
    ANNA,
    DRAFTS,
    RITA,
    Clocked,
    Node,
    NodeMaker,
    request_for,
)
from tests.support.fleet import Fleet, eventually
from tests.support.limits import limited

from fedsafe_node.acts.bodies import (
    ImportRequest,
    Kind,
)
from fedsafe_node.ground.errors import OverBudgetError
from fedsafe_node.log.audit import Event
from fedsafe_node.rules.budgets.meter import DAY, HOUR
from fedsafe_node.rules.budgets.publications import PublicationBudget, arrived_beyond
from fedsafe_node.store.oversight_rows import MarkRow
from fedsafe_policies.vocabulary import Scope

BEGAN = 1_800_000_000
FILES = [f"{n:064x}" for n in range(9)]


@pytest.fixture
def node(make_node: NodeMaker) -> Node:
    """A node that may publish two signals an hour and three a day."""
    made = make_node()
    situation = made.desk.situation
    situation.policy = limited(situation.policy, hour=2, day=3)
    return made


async def publish(node: Node, file: str) -> None:
    await node.publish(file)


async def refused(node: Node, file: str) -> OverBudgetError:
    with pytest.raises(OverBudgetError) as caught:
        await publish(node, file)
    return caught.value


@pytest.mark.promise("LR-05")
async def test_mass_listing_breaks_the_circuit(node: Node, clock: Clocked) -> None:
    for file in FILES[:2]:
        await publish(node, file)
    first = await refused(node, FILES[2])
    clock.advance(timedelta(seconds=first.retry_after - 1))
    again = await refused(node, FILES[2])
    clock.advance(timedelta(seconds=1))
    await publish(node, FILES[2])
    beyond = await refused(node, FILES[3])

    assert [first.decision.code, again.decision.code] == ["mass_listing"] * 2
    assert beyond.decision.code == "budget"
    assert len(await node.feed()) == 3
    events = [event for event, _ in await node.events()]
    assert events.count(Event.BUDGET_BROKEN) == 1


async def test_a_restart_refills_no_budget(node: Node) -> None:
    desk = node.desk
    for file in FILES[:2]:
        await publish(node, file)
    node.signals._budget = PublicationBudget(  # noqa: SLF001
        desk.situation, desk.store, desk.trail, desk.clock
    )

    await refused(node, FILES[2])


@pytest.mark.parametrize("kind", [Kind.EMAIL, Kind.SHA256])
async def test_an_approval_counts_and_an_import_does_not(
    node: Node, kind: Kind
) -> None:
    values = FILES if kind is Kind.SHA256 else [f"p{n}@mail.example" for n in range(9)]
    signals = [
        request_for(value, kind=kind, scope=Scope.FEDERATION) for value in values[:4]
    ]
    drafts = await node.signals.add_many(ImportRequest(signals=signals), ANNA)
    names = [str(signal) for signal in drafts.signals]
    with pytest.raises(OverBudgetError):
        await node.signals.approve(names, RITA)
    answer = await node.signals.approve(names[:2], RITA)

    assert answer.approved == names[:2]
    assert len((await node.signals.listed(DRAFTS, RITA)).signals) == 2


async def test_a_feed_that_grows_too_fast_is_not_taken(trio: Fleet) -> None:
    await trio.publish("first@mail.example")
    situation = trio["b.demo"].base.situation
    assert situation.agreed is not None
    trio.clock.advance(timedelta(hours=2))  # marks of a whole copy, an hour apart
    await trio.publish("second@mail.example")
    situation.agreed = limited(situation.agreed, hour=3, day=4)
    signals = trio["a.demo"].services.signals
    for file in FILES[:8]:
        added = await signals.add(
            request_for(file, kind=Kind.SHA256, scope=Scope.FEDERATION), ANNA
        )
        await signals.approve([added.signal], RITA)

    async def alarmed() -> bool:
        return bool(await trio.audit("b.demo", Event.BUDGET_BROKEN.value))

    await eventually(alarmed)
    taken = await trio.cursor("b.demo", "a.demo")
    await trio.reached("a.demo", 10, ["c.demo"])  # whose policy allows it

    assert taken < 10


@given(
    st.lists(st.tuples(st.integers(0, 3 * DAY), st.integers(1, 10)), max_size=40),
    st.integers(0, 40),
)
def test_no_honest_feed_is_ever_refused(
    steps: list[tuple[int, int]], seen: int
) -> None:
    """Whoever keeps to ten a day, both ends of it counted, is always within budget."""
    now, published = BEGAN, list[tuple[int, int]]()
    marks: list[MarkRow] = []
    for number, (wait, wanted) in enumerate(steps):
        now += wait
        today = sum(n for at, n in published if at >= now - DAY)
        count = min(wanted, 10 - today)
        size = sum(n for _, n in published)
        if number < seen:
            marks.append(MarkRow("a.demo", now, size))
        published.append((now, count))

        assert arrived_beyond(marks, size, now, DAY, 10, BEGAN) + count <= 10


def test_what_comesarrived_beyond_counts() -> None:
    marks = [MarkRow("a.demo", BEGAN, 100)]
    fast = arrived_beyond(marks, 115, BEGAN + HOUR, HOUR, 10, 0)
    late = arrived_beyond(marks, 115, BEGAN + 2 * HOUR, HOUR, 10, 0)
    new = arrived_beyond([], 115, BEGAN + 2 * HOUR, HOUR, 10, BEGAN)

    assert (fast, late, new) == (15, 5, 105)
