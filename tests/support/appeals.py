# SPDX-License-Identifier: Apache-2.0
"""Appeals, and the people who hear them."""

import msgspec
from tests.support.council import agree, at_version, propose
from tests.support.disputes import LEA
from tests.support.fleet import NAMES, Fleet
from tests.support.insistence import insisting

from fedsafe_federation.charter.changes import ChangeKind
from fedsafe_node.acts.appeals import (
    AppealAnswer,
    AppealRulingRequest,
    NewAppealRequest,
)
from fedsafe_node.acts.disputes import DisputeAnswer
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.ground.principal import Principal
from fedsafe_node.rights.appeals import AppealEffect
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Role

HEARS = "c.demo"
ENDS = AppealRulingRequest(ends=True, reason="appeal-3")
STAYS = AppealRulingRequest(ends=False, reason="appeal-4")
SAID = NewAppealRequest(reason="ticket-12")
TWO = Person("lena", Role.LEGAL_ADVISER), Person("rudi", Role.REVIEWER)
RUDI = Principal("rudi", Role.REVIEWER)


async def name_hearer(fleet: Fleet, **terms: str) -> None:
    """Let the charter name who hears appeals."""
    number = 1 + (await fleet["a.demo"].services.governance.show()).version
    proposal = await propose(
        fleet, "a.demo", ChangeKind.TERMS, **({"appeal": HEARS} | terms)
    )
    await agree(fleet, proposal, "b.demo")
    await at_version(fleet, number, *NAMES)
    await fleet.covered()


async def file(
    fleet: Fleet, disputed: DisputeAnswer, *, at: str = "b.demo"
) -> AppealAnswer:
    answer = await fleet[at].services.appeals.file(disputed.dispute, SAID, LEA)
    await fleet.level(at, [name for name in NAMES if name != at])
    return answer


async def decide(
    fleet: Fleet, appeal: str, request: AppealRulingRequest, *, at: str = HEARS
) -> ActAnswer:
    """Ask for a ruling and approve it, without the two people's accounts."""
    node = fleet[at]
    asked = await insisting(node.services.appeals).rule(appeal, request, RUDI)
    content = msgspec.json.encode(asked.content)
    effect = AppealEffect(node.desk)
    learn = await node.base.store.write(lambda tx: effect.carry_out(tx, content, *TWO))
    learn()
    return asked
