# SPDX-License-Identifier: Apache-2.0
"""May this be read, or taken out?

P8: reading and exporting have a purpose as lookups have; it must be the role's by
policy, and fit the matter. An operator runs the node and sees no case. An export
with openings takes two people (P6).
"""

from dataclasses import dataclass
from typing import Final

from fedsafe_policies.ground.reasons import Grant, Refusal
from fedsafe_policies.rules.context import Ground
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.people import Person, refuse_second
from fedsafe_policies.vocabulary import Matter, Purpose, Role

_CASEWORK: Final = frozenset(
    {Purpose.MODERATION_REVIEW, Purpose.ESCALATION, Purpose.RIGHTS_OF_THE_PERSON}
)
_OVERSIGHT: Final = frozenset(
    {Purpose.AUDIT_REVIEW, Purpose.SUPERVISION, Purpose.RIGHTS_OF_THE_PERSON}
)

_PURPOSES: Final[dict[Matter, frozenset[Purpose]]] = {
    Matter.SIGNALS: frozenset(Purpose) - {Purpose.OPERATIONS},
    Matter.DRAFTS: _CASEWORK | _OVERSIGHT,
    Matter.TASKS: _CASEWORK | _OVERSIGHT,
    Matter.CASES: _CASEWORK | {Purpose.SUPERVISION},
    Matter.LEDGER: _OVERSIGHT,
    Matter.AUDIT: _OVERSIGHT,
    Matter.STATISTICS: _OVERSIGHT | {Purpose.OPERATIONS},
    Matter.STATUS: frozenset(Purpose),
    Matter.EVENTS: _CASEWORK | _OVERSIGHT | {Purpose.RECHECK},
}

_CASE_READERS: Final = frozenset(
    {
        Role.ANALYST,
        Role.REVIEWER,
        Role.ESCALATION_OFFICER,
        Role.LEGAL_ADVISER,
        Role.YOUTH_PROTECTION_OFFICER,
        Role.DPO,
    }
)
_READERS: Final[dict[Matter, frozenset[Role]]] = {
    Matter.SIGNALS: frozenset(Role) - {Role.OPERATOR},
    Matter.DRAFTS: _CASE_READERS | {Role.AUDITOR},
    Matter.TASKS: _CASE_READERS | {Role.AUDITOR},
    Matter.CASES: _CASE_READERS,
    Matter.LEDGER: frozenset({Role.REVIEWER, Role.DPO, Role.AUDITOR}),
    Matter.AUDIT: frozenset({Role.REVIEWER, Role.DPO, Role.AUDITOR}),
    Matter.STATISTICS: frozenset(Role) - {Role.SERVICE},
    Matter.STATUS: frozenset(Role),
    Matter.EVENTS: _CASE_READERS | {Role.AUDITOR, Role.SERVICE},
}
_EXPORTED: Final = frozenset(
    {Matter.AUDIT, Matter.LEDGER, Matter.STATISTICS, Matter.CASES}
)
OPENING_SECONDS: Final = frozenset({Role.REVIEWER, Role.DPO, Role.LEGAL_ADVISER})


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """Who wants to see what, and why; `bound` as in lookups."""

    role: Role
    purpose: Purpose
    matter: Matter
    bound: frozenset[Purpose] | None = None


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Who wants to take what out, and why; with openings only as two."""

    person: Person
    purpose: Purpose
    matter: Matter
    openings: bool = False
    second: Person | None = None


def rule_on_reading(request: ReadRequest, ground: Ground) -> Decision:
    """Decide whether something may be seen."""
    refusal = _refuse(request, ground)
    if refusal is not None:
        return ground.deny(refusal, request.purpose)
    return ground.allow(Grant.PURPOSE, about=request.purpose)


def rule_on_export(request: ExportRequest, ground: Ground) -> Decision:
    """Decide whether something may be taken out of the node."""
    read = ReadRequest(request.person.role, request.purpose, request.matter)
    refusal = _refuse(read, ground)
    if refusal is None and request.matter not in _EXPORTED:
        refusal = Refusal.NOT_ALLOWED
    if refusal is None and request.openings:
        refusal = refuse_second(request.person, request.second, OPENING_SECONDS)
    if refusal is not None:
        return ground.deny(refusal, request.purpose)
    duties = (Obligation.RECIPIENT_LEDGER,) if request.openings else ()
    return ground.allow(Grant.PURPOSE, *duties, about=request.purpose)


def _refuse(request: ReadRequest, ground: Ground) -> Refusal | None:
    allowed = ground.document.purposes.get(request.role, frozenset())
    if request.bound is not None:
        allowed &= request.bound
    if request.purpose not in allowed:
        return Refusal.PURPOSE
    if request.purpose not in _PURPOSES[request.matter]:
        return Refusal.PURPOSE
    return None if request.role in _READERS[request.matter] else Refusal.ROLE
