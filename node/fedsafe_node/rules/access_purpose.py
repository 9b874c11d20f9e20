# SPDX-License-Identifier: Apache-2.0
"""P8: whoever reads has a purpose, and the event of the reading names it."""

from datetime import datetime
from typing import Final

from fedsafe_node.ground.principal import Principal
from fedsafe_node.rules.policy_context import Situation
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.access import ReadRequest
from fedsafe_policies.rules.decision import Decision, deny
from fedsafe_policies.vocabulary import Matter, Purpose

_USUAL: Final = (
    Purpose.MODERATION_REVIEW,
    Purpose.AUDIT_REVIEW,
    Purpose.ESCALATION,
    Purpose.RIGHTS_OF_THE_PERSON,
    Purpose.SUPERVISION,
    Purpose.RECHECK,
    Purpose.OPERATIONS,
)


def rule_on_reading(
    situation: Situation,
    who: Principal,
    matter: Matter,
    purpose: Purpose | None,
    now: datetime,
) -> Decision:
    """Decide whether somebody may see something, and what for.

    Who names no purpose reads for the most usual one that policy gives their role
    for such a matter. The decision to allow is about the purpose.
    """
    # A credential for publishing names no purposes: its scope is its bound.
    bound = who.purposes or None
    for one in _USUAL if purpose is None else (purpose,):
        request = ReadRequest(who.role, one, matter, bound)
        decision = situation.decide(request, now)
        if decision.allowed or purpose is not None:
            return decision
    return deny(Refusal.PURPOSE, situation.policy.reference)
