# SPDX-License-Identifier: Apache-2.0
"""Whom a case dropped stays silenced by what stood: overlaps, late entries, clocks."""

from datetime import timedelta

import pytest
from tests.support.fleet import Fleet
from tests.support.told_persons import (
    ADA,
    A,
    node,
    open_case,
    publish,
    secret_order,
    sign_all,
    tend,
    told,
)

from fedsafe_node.acts.cases import AssessCase, NewHold
from fedsafe_node.casework.cases.content import CaseVault
from fedsafe_policies.escalation.package import Elements, Suspect

__all__ = ["node"]

DAYS = 86_400


async def bind(node: Fleet, case: str, why: str, begin: int, days: int) -> None:
    """Let a case be under a hold, or a secret order that began then, for days."""
    until = moment(node) + days * DAYS
    if why == "order":
        await node[A].services.orders.add(secret_order(begin, until, case), ADA)
        return
    hold = NewHold(authority="sta-7", basis="stpo-95a", until=until)
    await node[A].services.cases.assess(case, AssessCase(hold=hold), ADA)


async def name(node: Fleet, case: str, *accounts: str) -> None:
    suspects = tuple(Suspect(account_id=each) for each in accounts)
    named = AssessCase(elements=Elements(suspects=suspects))
    await node[A].services.cases.assess(case, named, ADA)


def moment(node: Fleet) -> int:
    return int(node[A].base.clock.now().timestamp())


async def whom_it_told(node: Fleet) -> set[str | None]:
    await tend(node)
    return {each.subject_ref for each in await told(node)}


@pytest.mark.parametrize("first", ["hold", "order"])
@pytest.mark.parametrize("second", ["hold", "order"])
@pytest.mark.parametrize("gap", [-2, 0])
async def test_who_was_dropped_stays_silenced_by_what_extends_what_stood(
    node: Fleet, first: str, second: str, gap: int
) -> None:
    await sign_all(node)
    case = await open_case(node)
    await name(node, case, "user-1", "user-9")
    node.clock.advance(timedelta(seconds=1))
    begin = moment(node)
    await bind(node, case, first, begin, 6)
    node.clock.advance(timedelta(seconds=9))
    await name(node, case, "user-9")
    await publish(node)
    node.clock.advance(timedelta(seconds=6 * DAYS - 9) + timedelta(days=gap))
    await bind(node, case, second, moment(node), 6)
    node.clock.advance(timedelta(days=6, seconds=-1))
    meanwhile = await whom_it_told(node)
    node.clock.advance(timedelta(seconds=1))

    assert meanwhile == set()
    assert await whom_it_told(node) == {"user-1"}


async def test_an_order_binds_from_when_it_came_in_though_entered_later(
    node: Fleet,
) -> None:
    await sign_all(node)
    case = await open_case(node)
    await name(node, case, "user-1", "user-9")
    received = moment(node)
    node.clock.advance(timedelta(seconds=5))
    await name(node, case, "user-9")
    node.clock.advance(timedelta(seconds=5))
    await bind(node, case, "order", received, 20)
    await publish(node)

    assert await whom_it_told(node) == set()


@pytest.mark.parametrize("why", ["hold", "order"])
async def test_a_clock_that_stepped_back_frees_nobody(node: Fleet, why: str) -> None:
    await sign_all(node)
    case = await open_case(node)
    await name(node, case, "user-1", "user-9")
    node.clock.advance(timedelta(seconds=5))
    await bind(node, case, why, moment(node), 20)
    node.clock.advance(timedelta(seconds=-3))
    await name(node, case, "user-9")
    node.clock.advance(timedelta(seconds=10))
    await publish(node)

    assert await whom_it_told(node) == set()


async def test_a_case_forgets_whom_nothing_can_silence_any_more(node: Fleet) -> None:
    case = await open_case(node)
    store, vault = node[A].base.store, CaseVault(node[A].base.periods)

    async def remembered() -> set[str]:
        row = await store.read(lambda reader: reader.case(case))
        assert row is not None
        return set(vault.open(row).named)

    await name(node, case, "user-1")
    await name(node, case, "user-2")
    node.clock.advance(timedelta(days=29))
    await bind(node, case, "hold", moment(node), 2)
    await name(node, case, "user-3")
    before = await remembered()
    node.clock.advance(timedelta(days=31))
    await name(node, case, "user-4")
    then = await remembered()
    node.clock.advance(timedelta(days=31))
    await name(node, case, "user-4", "user-5")

    assert before == {"user-1", "user-2"}
    assert then == {"user-2", "user-3"}
    assert await remembered() == set()
