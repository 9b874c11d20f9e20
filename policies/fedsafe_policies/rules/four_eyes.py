# SPDX-License-Identifier: Apache-2.0
"""P6, four eyes: what nobody does alone.

Two distinct people, each with a role that may; the second is not who proposed. Of the
two that open the legal gate one is the data protection officer (P1).
Publishing, exports and grants of roles have requests of their own and keep to the
same rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fedsafe_policies.ground.reasons import Grant, Refusal
from fedsafe_policies.ground.references import is_reference
from fedsafe_policies.rules.access import OPENING_SECONDS
from fedsafe_policies.rules.context import Ground
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.floods import RULERS
from fedsafe_policies.rules.people import Person, refuse_second
from fedsafe_policies.rules.roles import GRANTING
from fedsafe_policies.vocabulary import Act, Role

_CASE: Final = frozenset({Role.ANALYST, Role.REVIEWER})
_ADVICE: Final = frozenset({Role.LEGAL_ADVISER, Role.YOUTH_PROTECTION_OFFICER})
_OFFICERS: Final = frozenset({Role.REVIEWER, Role.LEGAL_ADVISER, Role.DPO})
_RULERS: Final = frozenset({Role.REVIEWER, Role.LEGAL_ADVISER})
_RULES: Final = frozenset({Role.OPERATOR, Role.REVIEWER, Role.DPO}) | _ADVICE

_MAY: Final[Mapping[Act, tuple[frozenset[Role], frozenset[Role]]]] = {
    Act.PERMANENT_BAN: (_CASE, frozenset({Role.REVIEWER})),
    Act.DISPATCH: (
        frozenset({Role.ESCALATION_OFFICER}),
        frozenset({Role.ESCALATION_OFFICER, Role.REVIEWER, Role.LEGAL_ADVISER}),
    ),
    Act.POLICY_CHANGE: (_RULES, _RULES - {Role.OPERATOR}),
    Act.CHARTER_CHANGE: (_RULES, _RULES - {Role.OPERATOR}),
    Act.QUARANTINE_END: (_RULES, _RULES - {Role.OPERATOR}),
    Act.KEY_ROTATION: (
        frozenset({Role.OPERATOR}),
        frozenset({Role.OPERATOR, Role.REVIEWER, Role.DPO}),
    ),
    Act.PSEUDONYM_REVEAL: (
        frozenset({Role.DPO, Role.AUDITOR}),
        frozenset({Role.DPO, Role.LEGAL_ADVISER, Role.REVIEWER}),
    ),
    Act.GATE_OPENING: (frozenset({Role.OPERATOR, Role.REVIEWER, Role.DPO}), _RULES),
    Act.BREACH_SILENCE: (
        frozenset({Role.OPERATOR, Role.REVIEWER, Role.DPO}) | _ADVICE,
        frozenset({Role.REVIEWER, Role.DPO, Role.LEGAL_ADVISER}),
    ),
    Act.REQUEST_GRANT: (
        frozenset({Role.DPO}),
        frozenset({Role.REVIEWER, Role.DPO, Role.LEGAL_ADVISER}),
    ),
    Act.SUBJECT_ERASURE: (
        frozenset({Role.DPO}),
        frozenset({Role.REVIEWER, Role.DPO, Role.LEGAL_ADVISER}),
    ),
    Act.RECIPIENT_SILENCE: (_OFFICERS, _OFFICERS),
    Act.IDENTITY_CHECK: (_OFFICERS, _OFFICERS),
    Act.FLOOD_BOUND: (RULERS, RULERS | {Role.DPO}),
    Act.APPEAL_RULING: (_RULERS, _RULERS),
}
"""Who proposes, and who may be the second."""

_BY_OWN_RULE: Final[Mapping[Act, frozenset[Role]]] = {
    Act.EXPORT_WITH_OPENINGS: OPENING_SECONDS,
    Act.ROLE_GRANT: GRANTING,
}
"""Who may be the second in what has a request of its own."""

_TAKES_PART: Final[Mapping[Act, Role]] = {
    Act.GATE_OPENING: Role.DPO,
    Act.RECIPIENT_SILENCE: Role.DPO,
}
"""Whose word an act rests on: one of its two people has that role."""


def firsts_of(act: Act) -> frozenset[Role]:
    """Return the roles that may propose an act."""
    firsts, _ = _MAY.get(act, (frozenset(), frozenset()))
    return firsts


def seconds_of(act: Act, first: Role) -> frozenset[Role]:
    """Return the roles that may stand by an act that somebody in a role proposes."""
    if act in _BY_OWN_RULE:
        return _BY_OWN_RULE[act]
    _, seconds = _MAY.get(act, (frozenset(), frozenset()))
    needed = _TAKES_PART.get(act)
    return seconds if needed in {None, first} else seconds & {needed}


@dataclass(frozen=True, slots=True)
class ActRequest:
    """Somebody proposes an act, and another person stands by it.

    `reason` refers to why: a ticket, an order, a minute.
    """

    act: Act
    first: Person
    second: Person | None
    reason: str


def rule_on_act(request: ActRequest, ground: Ground) -> Decision:
    """Decide whether an act that takes two people may be done."""
    roles = _MAY.get(request.act)
    if roles is None:
        return ground.deny(Refusal.NOT_ALLOWED, request.act)
    refusal = _refuse(request, roles[0])
    if refusal is not None:
        return ground.deny(refusal, request.act)
    reveals = request.act is Act.PSEUDONYM_REVEAL
    duties = (Obligation.NOTICE_TO_THE_PERSON,) if reveals else ()
    return ground.allow(Grant.TWO_PEOPLE, *duties, about=request.act)


def _refuse(request: ActRequest, proposes: frozenset[Role]) -> Refusal | None:
    if not is_reference(request.reason):
        return Refusal.FREE_TEXT
    if request.first.role not in proposes:
        return Refusal.ROLE
    seconds = seconds_of(request.act, request.first.role)
    return refuse_second(request.first, request.second, seconds)
