# SPDX-License-Identifier: Apache-2.0
"""What changes between a decision and its act (gate, policy) counts in the act."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import msgspec
import pytest
from tests.node.signals.conftest import ANNA, DRAFTS, RITA, Node, in_thread, request_for

from fedsafe_node.acts.bodies import ImportRequest, SignalState
from fedsafe_node.ground.errors import DeniedError, UnavailableError
from fedsafe_node.log.audit import Event
from fedsafe_node.signals.publication import SignalService
from fedsafe_policies.documents.policy import load_policy, shipped_text
from fedsafe_policies.rules.gate import LegalGate
from fedsafe_policies.vocabulary import Scope

T = TypeVar("T")
PERSON = "person@mail.example"
MANY = [f"person{number}@mail.example" for number in range(5)]
SYNTHETIC = shipped_text("synthetic")


class Meanwhile:
    """Lets something happen while work is done away from the event loop."""

    def __init__(self, happen: Callable[[], None], times: int = 1) -> None:
        self._happen = happen
        self._left = times

    async def __call__(self, work: Callable[[], T]) -> T:
        done = await in_thread(work)
        if self._left:
            self._left -= 1
            self._happen()
        return done


def meanwhile(node: Node, happen: Callable[[], None], times: int = 1) -> SignalService:
    return SignalService(replace(node.desk, offload=Meanwhile(happen, times)))


def close(node: Node) -> Callable[[], None]:
    situation = node.desk.situation

    def shut() -> None:
        outside = "https://node.example.org"
        situation.config = msgspec.structs.replace(situation.config, url=outside)
        situation.record_gate(LegalGate())

    return shut


def change_policy(node: Node) -> Callable[[], None]:
    names = iter(range(100))

    def change() -> None:
        name = b'name = "other%d"' % next(names)
        situation = node.desk.situation
        situation.policy = load_policy(SYNTHETIC.replace(b'name = "synthetic"', name))

    return change


async def test_a_gate_that_closes_meanwhile_lets_no_draft_through(node: Node) -> None:
    request = request_for(PERSON, scope=Scope.FEDERATION)

    with pytest.raises(DeniedError) as denied:
        await meanwhile(node, close(node)).add(request, ANNA)

    assert denied.value.decision.code == "synthetic_only"
    assert await node.events() == [(Event.REFUSED, "synthetic_only")]
    assert not (await node.signals.listed(DRAFTS, RITA)).signals


async def test_a_gate_that_closes_meanwhile_lets_no_import_through(node: Node) -> None:
    batch = ImportRequest(
        signals=[request_for(each, scope=Scope.FEDERATION) for each in MANY]
    )
    answer = await meanwhile(node, close(node)).add_many(batch, ANNA)

    assert [problem.code for problem in answer.problems] == ["synthetic_only"] * 5
    assert not (await node.signals.listed(DRAFTS, RITA)).signals


async def test_a_gate_that_closes_meanwhile_lets_no_approval_through(
    node: Node,
) -> None:
    batch = ImportRequest(
        signals=[request_for(each, scope=Scope.FEDERATION) for each in MANY]
    )
    drafts = [
        name for name in (await node.signals.add_many(batch, ANNA)).signals if name
    ]
    with pytest.raises(DeniedError) as denied:
        await meanwhile(node, close(node)).approve(drafts, RITA)

    assert denied.value.decision.code == "synthetic_only"
    assert await node.feed() == []
    assert len((await node.signals.listed(DRAFTS, RITA)).signals) == 5


async def test_another_policy_is_named_by_what_it_decides(node: Node) -> None:
    request = request_for(PERSON, scope=Scope.FEDERATION)
    answer = await meanwhile(node, change_policy(node)).add(request, ANNA)
    record = await node.newest()

    assert answer.state is SignalState.DRAFT
    assert record.event is Event.DRAFT
    assert len((await node.signals.listed(DRAFTS, RITA)).signals) == 1


async def test_a_present_that_never_stands_still_is_no_reason_to_act(
    node: Node,
) -> None:
    request = request_for(PERSON, scope=Scope.FEDERATION)

    with pytest.raises(UnavailableError, match="changing just now"):
        await meanwhile(node, change_policy(node), 100).add(request, ANNA)

    assert await node.events() == []
