# SPDX-License-Identifier: Apache-2.0
"""P19: may this person hold this role now?

Asked when a role is granted and again whenever it is used: a role lapses in the
moment in which a training does. Operators too. A machine needs no training.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from fedsafe_policies.ground.reasons import Grant, Refusal
from fedsafe_policies.ground.span import day_number, today
from fedsafe_policies.rules.context import Ground
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.people import Person, refuse_second
from fedsafe_policies.vocabulary import Act, Module, Role

GRANTING: Final = frozenset({Role.OPERATOR, Role.REVIEWER, Role.DPO})


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """A module that somebody has passed, and on which day."""

    module: Module
    on: date


@dataclass(frozen=True, slots=True)
class RoleRequest:
    """A role, who is to hold it, and what speaks for it.

    `held` are the person's other roles. `external` people hold a seat until a
    day. `granted_by` is who grants it, and `second` who stands by where policy
    wants that; both stay away when a role that was granted is used.
    """

    person: str
    role: Role
    held: frozenset[Role] = frozenset()
    trained: frozenset[TrainingRecord] = frozenset()
    external: bool = False
    until: date | None = None
    granted_by: Person | None = None
    second: Person | None = None


def rule_on_role(request: RoleRequest, ground: Ground) -> Decision:
    """Decide whether a person may hold a role."""
    if ground.misplaced:
        return ground.deny(Refusal.SYNTHETIC_ONLY)
    if request.role is Role.SERVICE:
        held = Refusal.ROLES_APART if request.held else None
        return ground.ruled(held or _refuse_grant(request, ground), Grant.ROLE_GRANTED)
    refusal, about = _refuse_combination(request, ground), ""
    if refusal is None:
        refusal = _refuse_seat(request, ground)
    if refusal is None:
        about = _untrained(request, ground)
        refusal = Refusal.TRAINING if about else _refuse_grant(request, ground)
    if refusal is not None:
        return ground.deny(refusal, about)
    duties = () if request.granted_by is None else (Obligation.NOTICE_TO_THE_PERSON,)
    return ground.allow(Grant.ROLE_GRANTED, *duties, about=request.role)


def _refuse_combination(request: RoleRequest, ground: Ground) -> Refusal | None:
    apart = ground.policy.apart
    together = any((request.role, other) in apart for other in request.held)
    return Refusal.ROLES_APART if together else None


def _refuse_seat(request: RoleRequest, ground: Ground) -> Refusal | None:
    """An auditor is always from outside; outsiders always have an end date."""
    if not request.external:
        return Refusal.EXTERNAL_SEAT if request.role is Role.AUDITOR else None
    staffing = ground.document.staffing
    if request.role not in staffing.external or request.until is None:
        return Refusal.EXTERNAL_SEAT
    now, until = today(ground.now), day_number(request.until)
    within = now < until <= now + staffing.external_longest.fewest_days
    return None if within else Refusal.EXTERNAL_SEAT


def _untrained(request: RoleRequest, ground: Ground) -> str:
    """Name the modules that are missing or out of date; empty if none is."""
    training = ground.document.training.get(request.role)
    if training is None:
        return "no_training_defined"
    now = today(ground.now)
    valid = {
        record.module
        for record in request.trained
        if day_number(record.on) <= now < day_number(training.valid.after(record.on))
    }
    return ", ".join(sorted(training.modules - valid))


def _refuse_grant(request: RoleRequest, ground: Ground) -> Refusal | None:
    by = request.granted_by
    if by is None:
        return None
    if by.role not in GRANTING:
        return Refusal.ROLE
    if by.identity == request.person.casefold().strip():
        return Refusal.FOUR_EYES
    if Act.ROLE_GRANT in ground.document.four_eyes.acts:
        return refuse_second(by, request.second, GRANTING)
    return None
