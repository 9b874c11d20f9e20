# SPDX-License-Identifier: Apache-2.0
"""P21: how many accounts, or files, a signal restricts by itself within a day.

A signal that is wrong, poisoned or degenerate matches many. Beyond its kind's bound it
restricts nobody further: each match is still a reason to review, and a person rules
on all of them together. Pure rules over counts that the caller keeps.
"""

from dataclasses import dataclass
from typing import Final

from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.ground.reasons import Grant, Refusal
from fedsafe_policies.ground.references import is_reference
from fedsafe_policies.ground.span import SECONDS_A_DAY
from fedsafe_policies.rules.context import Ground
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import IdentifierKind, MediaKind, Role

RULERS: Final = frozenset({Role.REVIEWER, Role.LEGAL_ADVISER})
"""Who rules on a flood, and asks to raise a bound: those who rule on disputes."""
RAISED_FOR: Final = 7 * SECONDS_A_DAY
"""So many seconds a raised bound lasts."""
REST_REVIEW: Final = 30 * SECONDS_A_DAY
"""After so many seconds a signal that rests is to be ruled on anew."""
MOST_RAISED: Final = 10
"""Two people raise a bound to so many times the policy's at most."""


@dataclass(frozen=True, slots=True)
class FloodRequest:
    """May a signal restrict one more account, or file, by itself?

    `restricted` counts those of the last day; `raised` is the bound to which two
    people have raised the policy's, while it lasts.
    """

    kind: IdentifierKind | MediaKind
    restricted: int
    raised: int | None = None


@dataclass(frozen=True, slots=True)
class FloodRulingRequest:
    """A person rules on a flood: the signal stands, or it rests at this node.

    `reason` refers to what was looked at: a ticket, a note.
    """

    ruler: Person
    stands: bool
    reason: str


def flood_bound(kind: IdentifierKind | MediaKind, policy: Policy) -> int:
    """Say how many a signal of a kind restricts by itself within a day."""
    bound: int = getattr(policy.document.flood, kind.name.lower())
    return bound


def rule_on_flood(request: FloodRequest, ground: Ground) -> Decision:
    """Decide whether a match restricts by itself; `about` is the bound."""
    bound = max(flood_bound(request.kind, ground.policy), request.raised or 0)
    if request.restricted >= bound:
        return ground.deny(Refusal.FLOOD, str(bound))
    return ground.allow(Grant.FEW_MATCHES, Obligation.REVIEW_TASK, about=str(bound))


def rule_on_flood_ruling(request: FloodRulingRequest, ground: Ground) -> Decision:
    """Decide whether this person may rule on a flood."""
    if request.ruler.role not in RULERS:
        return ground.deny(Refusal.ROLE)
    if not is_reference(request.reason):
        return ground.deny(Refusal.FREE_TEXT)
    duty = Obligation.REVIEW_TASK if request.stands else Obligation.SUSPEND_MATCHING
    return ground.allow(Grant.FLOOD_RULED, duty)
