# SPDX-License-Identifier: Apache-2.0
"""Which roles of two people carry an act of P6 out, as the engine itself decides.

Nothing is said here of what the rules want: each act is put to the engine with two
invented people, so a change of a rule changes the answer.
"""

from collections.abc import Callable, Mapping
from datetime import date
from itertools import product
from typing import Final

from fedsafe_policies.checks.policy_cases import make_site
from fedsafe_policies.documents.document import GateMode
from fedsafe_policies.documents.legal_calendar import shipped_calendar
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.engine import Request, decide
from fedsafe_policies.ground.span import SECONDS_A_DAY, day_number
from fedsafe_policies.rules.access import ExportRequest
from fedsafe_policies.rules.disputes import RulingRequest
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.rules.reviews import ReviewRequest
from fedsafe_policies.rules.roles import RoleRequest, TrainingRecord
from fedsafe_policies.vocabulary import (
    Act,
    Level,
    Matter,
    Module,
    Outcome,
    Phenomenon,
    Purpose,
    Role,
)

Roles = frozenset[tuple[Role, Role]]

_DAY: Final = date(2026, 9, 21)
_NOW: Final = day_number(_DAY) * SECONDS_A_DAY + SECONDS_A_DAY // 2
_FIRST, _SECOND = "first", "second"
_PUBLISHED: Final = frozenset({Act.ACTOR_SIGNAL, Act.OWN_BAN, Act.MEDIA_SIGNAL})
"""What an author and an approver do; `rules.publication` says who they are."""


def _export(first: Person, second: Person, _policy: Policy) -> Request:
    purpose, openings = Purpose.AUDIT_REVIEW, True
    return ExportRequest(first, purpose, Matter.AUDIT, openings, second)


def _ban(first: Person, second: Person, policy: Policy) -> Request:
    rules = [rule for rule in policy.rules.values() if rule.level is Level.L6]
    return ReviewRequest(
        outcome=Outcome.CONFIRM,
        opened=_NOW,
        reviewer=first,
        level=Level.L6,
        evidence="case-7",
        hearing="minute-3",
        rule=rules[0].id if rules else "house-1",
        phenomenon=min(rules[0].phenomena) if rules else Phenomenon.GROOMING,
        second=second,
    )


def _grant(first: Person, second: Person, _policy: Policy) -> Request:
    return RoleRequest(
        person="third",
        role=Role.ANALYST,
        trained=frozenset(TrainingRecord(module, _DAY) for module in Module),
        granted_by=first,
        second=second,
    )


_OTHERWISE: Final[Mapping[Act, Callable[[Person, Person, Policy], Request]]] = {
    Act.EXPORT_WITH_OPENINGS: _export,
    Act.PERMANENT_BAN: _ban,
    Act.ROLE_GRANT: _grant,
}


def able_pairs(policy: Policy) -> Mapping[Act, Roles]:
    """Return for each act that takes two people the roles of a first and a second.

    An act that the policy lets nobody do, whoever there is, is left out.
    """
    acts = policy.document.four_eyes.acts - _PUBLISHED
    found = {act: _able(act, policy) for act in sorted(acts)}
    return {act: pairs for act, pairs in found.items() if pairs}


def rulers(policy: Policy) -> frozenset[Role]:
    """Return the roles that rule on a dispute."""
    return frozenset(
        role
        for role in Role
        if _allows(
            RulingRequest(Person(_FIRST, role), frozenset(), _NOW, True, "ruling-3"),  # noqa: FBT003
            policy,
        )
    )


def _able(act: Act, policy: Policy) -> Roles:
    make = _OTHERWISE.get(act)
    found = set[tuple[Role, Role]]()
    for one, other in product(Role, Role):
        first, second = Person(_FIRST, one), Person(_SECOND, other)
        request = (
            ActRequest(act, first, second, "ticket-7")
            if make is None
            else make(first, second, policy)
        )
        if _allows(request, policy):
            found.add((one, other))
    return frozenset(found)


def _allows(request: Request, policy: Policy) -> bool:
    demo = policy.document.gate.mode is GateMode.SYNTHETIC
    site = make_site(_DAY, gate=not demo, demo=demo)
    return decide(request, policy, shipped_calendar(), _NOW, site).allowed
