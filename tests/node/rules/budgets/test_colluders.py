# SPDX-License-Identifier: Apache-2.0
"""Members that work together, and members that are away, against real evaluators.

Each evaluator has its meter and its store, and every guess is a right output of the
federation's key.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from secrets import token_bytes

import msgspec
import pytest
from tests.node.signals.conftest import Clocked, Node, NodeMaker
from tests.support.members import NAMES, World, world
from tests.support.quorum import Members, evaluate, truth

from fedsafe_crypto.oprf.threshold import (
    VerifiedEvaluation,
    evaluate_own,
    evaluate_share,
    finalize_threshold,
    verify_evaluation,
)
from fedsafe_crypto.oprf.voprf import Mode, blind
from fedsafe_federation.charter.charter import Member
from fedsafe_federation.errors import PeerRefusedError, QuorumError
from fedsafe_federation.evaluation.metering import LOOKUPS, RIGHTS, Budget, Recent
from fedsafe_federation.evaluation.quorum import Quorum
from fedsafe_federation.evaluation.statements import EvaluationRequest, split_elements
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.ground.errors import OverBudgetError
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.rules.budgets.evaluations import EvaluationBudgets
from fedsafe_node.rules.budgets.own_questions import AskedLedger
from fedsafe_node.store.protocol import Store
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.vocabulary import EvaluationPurpose

N, T = 5, 3
QUOTAS = {EvaluationPurpose.LOOKUP: 8, EvaluationPurpose.RIGHTS: 4}
Q = sum(QUOTAS.values())


def limited(policy: Policy, quotas: dict[EvaluationPurpose, int] = QUOTAS) -> Policy:
    budgets = msgspec.structs.replace(
        policy.document.budgets, evaluations_an_hour=quotas, evaluations_a_day=quotas
    )
    document = msgspec.structs.replace(policy.document, budgets=budgets)
    return Policy(document, policy.digest)


@pytest.fixture
def node(make_node: NodeMaker) -> Node:
    """A node by whose policy all evaluators meter."""
    made = make_node(joined=False)
    made.desk.situation.policy = limited(made.desk.situation.policy)
    return made


@dataclass
class Evaluators:
    """The evaluators of a federation by name, each with a store of its own."""

    world: World
    node: Node
    stores: dict[str, Store]
    budgets: dict[str, EvaluationBudgets] = field(default_factory=dict)

    def start(self, *names: str) -> None:
        """Start them; those that ran are killed."""
        desk = self.node.desk
        for name in names:
            self.budgets[name] = EvaluationBudgets(
                desk.situation,
                self.stores[name],
                desk.trail,
                desk.clock,
                Recent(token_bytes(32)),
            )

    async def answer(
        self, name: str, sender: str, budget: Budget, element: bytes
    ) -> VerifiedEvaluation | None:
        """Ask one; None if it refuses."""
        try:
            await self.budgets[name].admit(sender, budget, [element])
        except OverBudgetError:
            return None
        pins = self.world.pins
        given = evaluate_share(self.world.shares[name], pins, [element])
        return verify_evaluation(pins, [element], given)


@pytest.fixture
async def evaluators(
    node: Node, tmp_path: Path, clock: Clocked
) -> AsyncIterator[Evaluators]:
    """Give five evaluators, of whom three must help."""
    async with AsyncExitStack() as stack:
        stores = {}
        for name in NAMES[:N]:
            keys = await asyncio.to_thread(PeriodKeys, tmp_path / name / "periods")
            stores[name] = await open_store(
                f"sqlite:///{tmp_path / name / 'node.db'}", keys=keys, clock=clock
            )
            stack.push_async_callback(stores[name].close)
        made = Evaluators(world(N, T), node, stores)
        made.start(*NAMES[:N])
        yield made


async def guesses(evaluators: Evaluators, colluders: Sequence[str]) -> int:
    """Guess until nobody answers any more, and say how often that was right."""
    founded, honest = evaluators.world, [n for n in NAMES[:N] if n not in colluders]
    left = {
        (name, who, budget): True
        for name in honest
        for who in colluders
        for budget in (LOOKUPS, RIGHTS)
    }
    got = dict.fromkeys(honest, 0)
    right, numbers = 0, count()
    while True:
        candidate = b"candidate %d" % next(numbers)
        blinded = blind(candidate, Mode.VOPRF)
        answers = [
            evaluate_own(founded.shares[who], founded.pins, [blinded.element])
            for who in colluders
        ]
        for name in sorted(honest, key=lambda each: got[each]):
            for key in [key for key in left if key[0] == name and left[key]]:
                answer = await evaluators.answer(*key, blinded.element)
                left[key] = answer is not None
                if answer is not None:
                    answers.append(answer)
                    got[name] += 1
                    break
            if len(answers) == T:
                break
        if len(answers) < T:
            return right
        outputs = finalize_threshold(founded.pins, [candidate], [blinded], answers)
        assert outputs == truth(founded, [candidate])
        right += 1


@pytest.mark.promise("TM-10")
@pytest.mark.parametrize("together", [1, 2])
async def test_colluders_get_no_more_guesses_than_the_formula_says(
    evaluators: Evaluators, together: int
) -> None:
    most = together * Q * (N - together) // (T - together)
    first = await guesses(evaluators, NAMES[:together])
    evaluators.start(*NAMES[:N])
    again = await guesses(evaluators, NAMES[:together])

    assert most - T < first <= most
    assert first + again <= most


async def test_the_same_element_for_two_members_is_charged_to_both(
    evaluators: Evaluators,
) -> None:
    element = blind(b"x", Mode.VOPRF).element
    for who in NAMES[:2]:
        assert await evaluators.answer(NAMES[4], who, LOOKUPS, element) is not None
    spent = [
        row
        for row in await evaluators.stores[NAMES[4]].scan(
            lambda reader: reader.all_leased(0, 1 << 40)
        )
        if row.elements
    ]

    assert {row.member for row in spent} == set(NAMES[:2])


# --- members that are away ------------------------------------------------------------


@dataclass(slots=True)
class Metered(Members):
    """The other members, each behind its meter."""

    evaluators: Evaluators | None = None

    async def ask(self, member: Member, request: Signed) -> Signed:
        opened = decode(request.payload, EvaluationRequest)
        elements = split_elements(opened.elements, opened.count)
        answer = await Members.ask(self, member, request)
        assert self.evaluators is not None
        try:
            await self.evaluators.budgets[member.name].admit(
                opened.sender, Budget(opened.purpose), elements
            )
        except OverBudgetError as error:
            raise PeerRefusedError(
                member.name, 429, "budget", retry_after=error.retry_after
            ) from None
        return answer


async def look_up(quorum: Quorum, number: int) -> bool:
    try:
        await evaluate(quorum, [b"%d" % number], within=30)
    except QuorumError:
        return False
    return True


def metered(evaluators: Evaluators, **more: object) -> tuple[Metered, Quorum]:
    members = Metered(evaluators.world, evaluators=evaluators, **more)  # type: ignore[arg-type]
    desk = evaluators.node.desk
    ledger = AskedLedger(evaluators.stores[NAMES[0]], desk.clock)
    members.ledger = ledger  # type: ignore[assignment]
    return members, members.quorum()


async def declared(evaluators: Evaluators, quota: int, away: int) -> int:
    """Set the budget of lookups; say how many lookups that is with so many away."""
    situation = evaluators.node.desk.situation
    situation.policy = limited(situation.policy, {EvaluationPurpose.LOOKUP: quota})
    return quota * (N - 1 - away) // (T - 1)


@pytest.mark.parametrize("away", [0, 1, 2])
async def test_with_one_of_the_peers_away_the_declared_load_goes_through(
    evaluators: Evaluators, away: int
) -> None:
    load = await declared(evaluators, 60, away)
    _, quorum = metered(evaluators, away=set(NAMES[1 : 1 + away]))
    done = [await look_up(quorum, number) for number in range(load)]

    # Chance spreads so small a load unevenly; whoever refuses is replaced.
    assert load == (120, 90, 60)[away]
    assert load * 17 // 20 <= sum(done) <= load


async def test_who_is_refused_by_one_asks_another_and_then_learns_when_to_come(
    evaluators: Evaluators, clock: Clocked
) -> None:
    load = await declared(evaluators, 5, 0)
    members, quorum = metered(evaluators)
    done = [await look_up(quorum, number) for number in range(load + 20)]
    asked = len(members.asked)
    with pytest.raises(QuorumError) as refused:
        await evaluate(quorum, [b"more"], within=30)

    assert load - T <= sum(done) <= load
    assert refused.value.retry_after is not None
    assert 0 < refused.value.retry_after <= 24 * 3_600
    assert len(members.asked) == asked  # who has said when is not asked before
    clock.advance(timedelta(days=1))
    assert await look_up(quorum, 1_000)


async def test_a_try_again_is_not_charged_by_those_that_had_answered(
    evaluators: Evaluators,
) -> None:
    await declared(evaluators, 5, 0)
    members, quorum = metered(evaluators, away=set(NAMES[2:N]))
    for _ in range(20):
        assert not await look_up(quorum, 1)
    members.away.remove(NAMES[2])
    done = [await look_up(quorum, number) for number in range(1, 9)]

    assert members.asked.count(NAMES[1]) > 20
    assert sum(done) == 5
