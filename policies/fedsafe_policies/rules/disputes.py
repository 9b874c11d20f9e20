# SPDX-License-Identifier: Apache-2.0
"""P10: a dispute rests a signal until a person has ruled who had no part in it.

One suspension for each set of facts: a repeat is reviewed without suspending
again. Beyond a node's daily budget disputes are taken up and reviewed, but rest no
further signal, and alarm: a flood disables no list. What a member only attests has a
small budget of its own, and no clock turns it into a revocation: nobody but that member
has seen a proof.
"""

from dataclasses import dataclass
from typing import Final

from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.documents.workdays import end_of_working_days
from fedsafe_policies.ground.reasons import Grant, Refusal
from fedsafe_policies.ground.references import is_reference
from fedsafe_policies.ground.span import SECONDS_A_DAY
from fedsafe_policies.rules.context import Ground
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Control, Role

ATTESTED: Final = Control.ACCOUNT_LOGIN
"""How a dispute names what a member attests: the word that all versions know."""
_OFFICERS: Final = frozenset({Role.REVIEWER, Role.LEGAL_ADVISER, Role.DPO})
_RULERS: Final = frozenset({Role.REVIEWER, Role.LEGAL_ADVISER})


@dataclass(frozen=True, slots=True)
class DisputeRequest:
    """Somebody contests a signal.

    Either the person, whose control of the identifier is proved, or an `officer`.
    `repeated` says that these facts were ruled on or rest the signal already;
    `suspended_today` counts the suspensions that came through this node today, those
    that a member has *attested* or the others.
    """

    control_proved: bool
    repeated: bool
    suspended_today: int
    officer: Person | None = None
    attested: bool = False


@dataclass(frozen=True, slots=True)
class RulingRequest:
    """A person rules on a dispute: the signal stands, or it is revoked.

    `involved` are the names of who decided on the signal before; `opened` is in
    UTC seconds; `reason` refers to the written ruling.
    """

    ruler: Person
    involved: frozenset[str]
    opened: int
    stands: bool
    reason: str


def rule_on_dispute(request: DisputeRequest, ground: Ground) -> Decision:
    """Decide what a dispute sets in motion."""
    officer = request.officer
    if officer is not None and officer.role not in _OFFICERS:
        return ground.deny(Refusal.ROLE)
    if officer is None and not request.control_proved:
        return ground.deny(Refusal.CONTROL_UNPROVED)
    duties = {Obligation.REVIEW_TASK}
    if not request.repeated:
        budgets = ground.document.disputes
        budget = budgets.suspensions_a_day
        if request.attested:
            budget = budgets.attested_a_day
        flood = request.suspended_today >= budget
        duties.add(Obligation.ALARM if flood else Obligation.SUSPEND_MATCHING)
    return ground.allow(Grant.DISPUTE_OPEN, *duties)


def rule_on_ruling(request: RulingRequest, ground: Ground) -> Decision:
    """Decide whether this person may rule so, now.

    A ruling in time counts; after that the signal can only be revoked, which the
    refusal owes as well (`Obligation.REVOKE`).
    """
    ruler = request.ruler
    if ruler.role not in _RULERS:
        return ground.deny(Refusal.ROLE)
    if not is_reference(request.reason):
        return ground.deny(Refusal.FREE_TEXT)
    if ruler.identity in {name.casefold().strip() for name in request.involved}:
        return ground.deny(Refusal.NOT_INDEPENDENT)
    if not request.stands:
        return ground.allow(
            Grant.RULING, Obligation.REVOKE, Obligation.NOTICE_TO_RECIPIENTS
        )
    if not request.opened <= ground.now < ruling_ends(request.opened, ground.policy):
        return ground.deny(Refusal.RULING_LATE)
    return ground.allow(Grant.RULING, Obligation.NOTICE_TO_RECIPIENTS)


def ruling_ends(opened: int, policy: Policy) -> int:
    """Say when a dispute that nobody has ruled on revokes the signal (UTC seconds)."""
    document = policy.document
    days = document.disputes.ruling_working_days
    return end_of_working_days(opened, days, document.working_days)


def suspension_due(opened: int, policy: Policy) -> int:
    """Say by when a dispute must rest the signal at all peers (UTC seconds)."""
    return opened + policy.document.disputes.suspend_minutes * (SECONDS_A_DAY // 1_440)
