# SPDX-License-Identifier: Apache-2.0
"""P13: a case begins with the provider's own finding, never with a signal alone.

What another provider has signalled may be named as one of the sources, beside at
least one of the provider's own and a reference to evidence that it holds itself.
"""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from fedsafe_policies.ground.reasons import Grant, Refusal
from fedsafe_policies.ground.references import is_reference
from fedsafe_policies.rules.context import Ground
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Role

OPENERS: Final = frozenset({Role.ANALYST, Role.REVIEWER, Role.ESCALATION_OFFICER})
"""Who opens a case and works on it."""


@unique
class CaseSource(StrEnum):
    """What led to a case; the last is another provider's word, not a finding."""

    USER_REPORT = "user_report"
    OWN_REVIEW = "own_review"
    TRUSTED_FLAGGER = "trusted_flagger"
    AUTHORITY = "authority"
    FOREIGN_SIGNAL = "foreign_signal"


@dataclass(frozen=True, slots=True)
class CaseRequest:
    """Somebody opens a case, or gives one its sources anew."""

    person: Person
    sources: frozenset[CaseSource]
    evidence: tuple[str, ...]


def rule_on_case(request: CaseRequest, ground: Ground) -> Decision:
    """Decide whether what a case rests on is the provider's own."""
    refusal = _refuse(request)
    if refusal is not None:
        return ground.deny(refusal, "case")
    return ground.allow(Grant.OWN_CASE, Obligation.AUDIT_EVENT, about="case")


def _refuse(request: CaseRequest) -> Refusal | None:
    if request.person.role not in OPENERS:
        return Refusal.ROLE
    if not request.sources - {CaseSource.FOREIGN_SIGNAL}:
        return Refusal.FOREIGN_SIGNAL_ONLY
    if not all(map(is_reference, request.evidence)):
        return Refusal.FREE_TEXT
    beside_a_signal = CaseSource.FOREIGN_SIGNAL in request.sources
    if beside_a_signal and not request.evidence:
        return Refusal.EVIDENCE_MISSING
    return None
