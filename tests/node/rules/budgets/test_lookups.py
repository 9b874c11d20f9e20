# SPDX-License-Identifier: Apache-2.0
"""The budget of lookups at a node: what is refused, what alarms, what outlives it."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import BOT, Clocked, Node, NodeMaker

from fedsafe_node.acts.bodies import (
    Kind,
    Question,
)
from fedsafe_node.acts.lookup import (
    BatchRequest,
    LookupAnswer,
    LookupRequest,
    Subject,
)
from fedsafe_node.ground.errors import OverBudgetError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Event
from fedsafe_node.rules.budgets.lookups import (
    MANY,
    LookupBudgets,
    Wanted,
    unnamed_share,
)
from fedsafe_node.rules.budgets.meter import HOUR
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.vocabulary import Purpose, Role

OTHER = Principal("shop", Role.SERVICE)
ONE = Wanted([("account-1", [b"a"])])


def limited(policy: Policy, lookups: int, identifiers: int) -> Policy:
    budgets = replace(
        policy.document.budgets,
        lookups_an_hour={Purpose.SIGNUP_CHECK: lookups, Purpose.RECHECK: 5},
        identifiers_an_account=identifiers,
    )
    return Policy(replace(policy.document, budgets=budgets), policy.digest)


@pytest.fixture
def node(make_node: NodeMaker) -> Node:
    """A node with three sign-up checks an hour, and 20 identifiers an account."""
    made = make_node(joined=False)
    situation = made.desk.situation
    situation.policy = limited(situation.policy, 3, 20)
    return made


async def ask(
    node: Node,
    *values: str,
    who: Principal = BOT,
    purpose: Purpose = Purpose.SIGNUP_CHECK,
    account: str | None = None,
) -> LookupAnswer:
    questions = [Question(kind=Kind.EMAIL, value=value) for value in values]
    request = LookupRequest(questions=questions, purpose=purpose, subject_ref=account)
    return await node.lookups.lookup(request, who)


async def refused(node: Node, *values: str, **more: object) -> OverBudgetError:
    with pytest.raises(OverBudgetError) as caught:
        await ask(node, *values, **more)  # type: ignore[arg-type]
    return caught.value


async def test_beyond_the_budget_a_lookup_is_refused_and_free_again_later(
    node: Node, clock: Clocked
) -> None:
    for name in ("a", "b", "c"):
        await ask(node, f"{name}@mail.example")
    error = await refused(node, "d@mail.example")
    clock.advance(timedelta(seconds=error.retry_after))
    await ask(node, "d@mail.example")

    assert error.decision.code == "budget"
    assert error.decision.about == "signup_check"
    assert HOUR <= error.retry_after <= HOUR + 300


async def test_what_another_process_has_spent_counts(
    node: Node, clock: Clocked
) -> None:
    other = LookupBudgets(
        node.desk.situation, node.desk.store, node.desk.trail, node.desk.clock
    )
    await other.admit(BOT, Purpose.SIGNUP_CHECK, ONE)
    for name in ("a", "b", "c"):
        await ask(node, f"{name}@mail.example")
    clock.advance(timedelta(seconds=1))

    with pytest.raises(OverBudgetError):
        await other.admit(BOT, Purpose.SIGNUP_CHECK, ONE)


async def test_what_two_processes_spend_is_added_up(node: Node, clock: Clocked) -> None:
    desk = node.desk
    both = [
        LookupBudgets(desk.situation, desk.store, desk.trail, desk.clock)
        for _ in range(2)
    ]
    for each in (*both, both[0]):
        spending = await each.admit(BOT, Purpose.SIGNUP_CHECK, ONE)
        await desk.store.write(spending.keep)

    rows = await desk.store.read(lambda reader: reader.spent(0))
    assert [row.spent for row in rows] == [3]
    clock.advance(timedelta(seconds=1))
    for each in both:
        with pytest.raises(OverBudgetError):
            await each.admit(BOT, Purpose.SIGNUP_CHECK, ONE)


async def test_each_purpose_and_credential_has_a_budget_of_its_own(node: Node) -> None:
    for name in ("a", "b", "c"):
        await ask(node, f"{name}@mail.example")
    await refused(node, "d@mail.example")
    await ask(node, "d@mail.example", who=OTHER)
    await ask(node, "d@mail.example", purpose=Purpose.RECHECK)


async def test_a_batch_is_admitted_whole_or_not_at_all(node: Node) -> None:
    subjects = [
        Subject(questions=[Question(kind=Kind.EMAIL, value=f"p{n}@mail.example")])
        for n in range(4)
    ]
    with pytest.raises(OverBudgetError):
        await node.lookups.batch(
            BatchRequest(lookups=subjects, purpose=Purpose.SIGNUP_CHECK), BOT
        )
    answer = await node.lookups.batch(
        BatchRequest(lookups=subjects[:3], purpose=Purpose.SIGNUP_CHECK), BOT
    )

    assert len(answer.answers) == 3


async def test_of_many_at_once_so_many_are_answered_as_the_budget_holds(
    node: Node,
) -> None:
    done = await asyncio.gather(
        *(ask(node, f"p{n}@mail.example") for n in range(9)), return_exceptions=True
    )

    assert sum(isinstance(each, LookupAnswer) for each in done) == 3
    assert sum(isinstance(each, OverBudgetError) for each in done) == 6


async def test_a_restart_refills_no_budget(node: Node) -> None:
    for name in ("a", "b"):
        await ask(node, f"{name}@mail.example")
    restart(node)
    await ask(node, "c@mail.example")
    await refused(node, "d@mail.example")
    restart(node)

    await refused(node, "d@mail.example")


def restart(node: Node) -> None:
    """Forget what only memory holds, as a start does."""
    desk = node.desk
    node.lookups.budgets = LookupBudgets(
        desk.situation, desk.store, desk.trail, desk.clock
    )


@pytest.mark.promise("LR-05")
async def test_trying_identifiers_out_breaks_the_circuit_for_an_hour(
    node: Node, clock: Clocked
) -> None:
    situation = node.desk.situation
    situation.policy = limited(situation.policy, 1_000, 20)
    errors = []
    for n in range(30):
        account = f"account-{n % MANY}"
        try:
            await ask(node, *(f"p{n}-{m}@x.example" for m in range(9)), account=account)
        except OverBudgetError as error:
            errors.append(error)
    broken = await refused(node, "x@mail.example", account="account-x")
    await ask(node, "x@mail.example", who=OTHER)
    restart(node)
    await refused(node, "x@mail.example", account="account-x")
    clock.advance(timedelta(seconds=broken.retry_after))
    await ask(node, "x@mail.example", account="account-x")

    assert {error.decision.code for error in errors} == {"enumeration"}
    assert broken.decision.code == "enumeration"
    alarms = [each for each in await node.events() if each[0] is Event.BUDGET_BROKEN]
    assert alarms == [(Event.BUDGET_BROKEN, "enumeration")]


async def test_who_tries_identifiers_out_shuts_out_nobody_else(
    node: Node, clock: Clocked
) -> None:
    situation = node.desk.situation
    situation.policy = limited(situation.policy, 1_000, 20)
    codes = []
    for n in range(240):
        try:
            await ask(node, f"p{n}@x.example", account=f"liar-{n % 2}")
        except OverBudgetError as error:
            codes.append(error.decision.code)
            await ask(node, f"new{n}@x.example", account=f"honest-{n}")
    last = await refused(node, "x@x.example", account="liar-0")
    clock.advance(timedelta(seconds=last.retry_after))
    await ask(node, "x@x.example", account="liar-0")

    assert set(codes) == {"enumeration"}
    assert len(codes) >= 40  # a hundred for each of them at most
    events = [event for event, _ in await node.events()]
    assert Event.BUDGET_BROKEN not in events


async def test_leaving_the_account_out_is_no_way_around(node: Node) -> None:
    situation = node.desk.situation
    situation.policy = limited(situation.policy, 4_000, 20)
    for n in range(unnamed_share(4_000)):
        await ask(node, f"p{n}@x.example")
    error = await refused(node, "more@x.example")
    await ask(node, "more@x.example", account="account-1")

    assert unnamed_share(4_000) == 200
    assert error.decision.code == "enumeration"


async def test_many_accounts_with_a_few_identifiers_each_are_no_pattern(
    node: Node,
) -> None:
    situation = node.desk.situation
    situation.policy = limited(situation.policy, 1_000, 20)
    for n in range(30):
        values = [f"p{n}-{m}@mail.example" for m in range(10)]
        await ask(node, *values, account=f"account-{n}")
        await ask(node, f"q{n}@mail.example")
    none = await node.events()
    for n in range(10):
        values = [f"z{n}-{m}@mail.example" for m in range(10)]
        await ask(node, *values, account="one")
    error = await refused(node, "z@mail.example", account="one")

    assert none == []
    assert error.decision.code == "enumeration"
    assert await node.events() == [(Event.REFUSED, "enumeration")]


async def test_refusals_by_the_thousand_do_not_fill_the_log(
    node: Node, clock: Clocked
) -> None:
    for name in ("a", "b", "c"):
        await ask(node, f"{name}@mail.example")
    for _ in range(50):
        await refused(node, "d@mail.example")
    few = await node.events()
    clock.advance(timedelta(minutes=5))
    await refused(node, "d@mail.example")

    assert few == [(Event.REFUSED, "budget")]
    assert await node.events() == [(Event.REFUSED, "budget")] * 2
