# SPDX-License-Identifier: Apache-2.0
"""Disputes between a person and three nodes."""

import msgspec
import pytest
from tests.support.fleet import Fleet

from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.disputes import DisputeAnswer, NewDisputeRequest, RulingRequest
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.vocabulary import Contention, Control, Role

LEA = Principal("lea", Role.LEGAL_ADVISER)
RUTH = Principal("ruth", Role.REVIEWER)
DORA = Principal("dora", Role.DPO)
WHO = "person@mail.example"
STANDS = RulingRequest(stands=True, reason="ruling-7")
FALLS = RulingRequest(stands=False, reason="ruling-8")


def contest(signal: str) -> NewDisputeRequest:
    return NewDisputeRequest(signal=signal, contention=Contention.WRONG_PERSON)


async def dispute(
    fleet: Fleet,
    signal: str,
    *,
    at: str = "b.demo",
    who: Principal = LEA,
    control: Control = Control.OFFICER,
) -> DisputeAnswer:
    request = msgspec.structs.replace(contest(signal), control=control)
    answer = await fleet[at].services.disputes.open(request, who)
    await fleet.level(at, [name for name in fleet.running if name != at])
    return answer


async def rule(
    fleet: Fleet,
    found: DisputeAnswer,
    request: RulingRequest = STANDS,
    by: Principal = RUTH,
) -> DisputeAnswer:
    disputes = fleet[found.origin].services.disputes
    answer = await disputes.rule(found.dispute, request, by)
    others = [name for name in fleet.running if name != found.origin]
    await fleet.level(found.origin, others)
    return answer


async def matching(
    fleet: Fleet, who: str = WHO, *, kind: Kind = Kind.EMAIL
) -> list[str]:
    return [
        name for name in fleet.running if (await fleet.look_up(name, who, kind)).matches
    ]


async def suppressed(fleet: Fleet, name: str) -> int:
    (*_, event) = await fleet.audit(name, "lookup")
    return event.text.count('"suppressed":1')


def limit_disputes(
    fleet: Fleet, name: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    situation = fleet[name].base.situation
    policy = situation.policy
    document = msgspec.structs.replace(
        policy.document,
        disputes=msgspec.structs.replace(
            policy.document.disputes, suspensions_a_day=most, attested_a_day=most
        ),
    )
    monkeypatch.setattr(situation, "policy", Policy(document, policy.digest))
