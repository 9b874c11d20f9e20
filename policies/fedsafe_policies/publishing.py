# SPDX-License-Identifier: Apache-2.0
"""May this signal be recorded, or shared?

A draft is checked when it is written (`decide_draft`) and again, with the second
person, when it is approved (`decide_publish`). Rules run in a fixed order and the
first refusal decides: minors first, since help then comes before anything else.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from fedsafe_policies.days import day_number, today
from fedsafe_policies.decision import Decision, Obligation, allow, deny
from fedsafe_policies.gate import Site, grant_of, refuse_gate
from fedsafe_policies.phenomena import Finding, Switch, phenomena
from fedsafe_policies.policy import GateMode, Policy
from fedsafe_policies.reasons import Grant, Refusal
from fedsafe_policies.references import is_contact, is_reference
from fedsafe_policies.retention import retention
from fedsafe_policies.vocabulary import (
    Grade,
    IdentifierKind,
    MediaKind,
    Phenomenon,
    Plane,
    Role,
    Scope,
    Surface,
)

_AUTHORS: Final = frozenset({Role.ANALYST, Role.REVIEWER})
_MACHINE_AUTHORS: Final = _AUTHORS | {Role.SERVICE}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a credential: the name that two sessions share, and a role."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """A signal that somebody wants recorded or shared.

    `since` starts the clock of retention: the account's removal, or a media
    signal's publication. `findings` and `suspected_minor` are what the author has
    established; they decide here and never travel.
    """

    kind: IdentifierKind | MediaKind
    phenomenon: Phenomenon
    surface: Surface
    grade: Grade
    scope: Scope
    rule: str
    since: date
    author: Person
    approver: Person | None = None
    contact: str | None = None
    suspected_minor: bool = False
    findings: frozenset[Finding] = frozenset()
    legal_review: str | None = None

    @property
    def plane(self) -> Plane:
        """The plane follows from the kind."""
        if isinstance(self.kind, IdentifierKind):
            return Plane.ACTOR
        return Plane.MEDIA


def decide_draft(
    request: PublishRequest, site: Site, policy: Policy, now: int
) -> Decision:
    """Decide whether a draft may be kept, before anybody has approved it."""
    refusal = _refuse(request, site, policy, now)
    if refusal is not None:
        return deny(refusal, policy.reference)
    duties = (
        frozenset({Obligation.SECOND_PERSON})
        if _takes_two(request)
        else frozenset[Obligation]()
    )
    return allow(_grant(request, policy), policy.reference, duties)


def decide_publish(
    request: PublishRequest, site: Site, policy: Policy, now: int
) -> Decision:
    """Decide whether the signal takes effect now.

    An own ban takes one person, a shared actor signal two: `approver` is another
    reviewer than `author`. Everything is checked anew, since gate and policy may
    have changed since the draft.
    """
    refusal = _refuse(request, site, policy, now) or _refuse_people(request)
    if refusal is not None:
        return deny(refusal, policy.reference)
    duties = set[Obligation]()
    if request.scope is not Scope.SELF:
        duties.add(Obligation.RECIPIENT_LEDGER)
    if request.plane is Plane.ACTOR:
        duties.add(Obligation.NOTICE_TO_THE_PERSON)
    return allow(_grant(request, policy), policy.reference, frozenset(duties))


def _refuse(
    request: PublishRequest, site: Site, policy: Policy, now: int
) -> Refusal | None:
    if request.suspected_minor and request.plane is Plane.ACTOR:
        return Refusal.HELP_INSTEAD
    if policy.document.gate.mode is GateMode.SYNTHETIC and not site.demo:
        return Refusal.SYNTHETIC_ONLY
    refusal = _refuse_form(request, now) or _refuse_author(request)
    if refusal is not None:
        return refusal
    if request.scope is not Scope.SELF:
        refusal = refuse_gate(site, request.plane, policy, now) or _refuse_sharing(
            request, policy
        )
    if refusal is not None:
        return refusal
    if request.surface is Surface.NI_ICS_PRIVATE:
        return Refusal.SURFACE
    match_until, _ = retention(request.kind, request.since, policy)
    return Refusal.RETENTION if now >= match_until else None


def _refuse_form(request: PublishRequest, now: int) -> Refusal | None:
    if not is_reference(request.rule):
        return Refusal.FREE_TEXT
    if request.legal_review is not None and not is_reference(request.legal_review):
        return Refusal.FREE_TEXT
    if request.contact is not None and not is_contact(request.contact):
        return Refusal.FREE_TEXT
    # Clocks of the world run up to 14 hours before UTC: tomorrow may be today.
    if day_number(request.since) > today(now) + 1:
        return Refusal.CONTRADICTION
    return None


def _refuse_author(request: PublishRequest) -> Refusal | None:
    machine = request.plane is Plane.MEDIA or request.scope is Scope.SELF
    allowed = _MACHINE_AUTHORS if machine else _AUTHORS
    return None if request.author.role in allowed else Refusal.ROLE


def _refuse_sharing(request: PublishRequest, policy: Policy) -> Refusal | None:
    share = policy.document.share
    if request.grade is Grade.SINGLE_REPORT:
        return Refusal.SINGLE_REPORT
    if not policy.shares(request.kind) or request.grade not in share.grades:
        return Refusal.NOT_ALLOWED
    if request.surface not in share.surfaces:
        return Refusal.SURFACE
    return _refuse_phenomenon(request, policy)


def _refuse_phenomenon(request: PublishRequest, policy: Policy) -> Refusal | None:
    switched = policy.document.phenomena.get(request.phenomenon, frozenset())
    row = phenomena()[request.phenomenon]
    switch = row.switch(request.plane)
    if request.plane not in switched or switch is Switch.NO:
        return Refusal.PHENOMENON_OFF
    if request.plane is Plane.ACTOR and not row.findings <= request.findings:
        return Refusal.FINDING_MISSING
    if switch is Switch.LEGAL_REVIEW and request.legal_review is None:
        return Refusal.LEGAL_REVIEW
    return None


def _refuse_people(request: PublishRequest) -> Refusal | None:
    approver = request.approver
    if approver is None:
        return Refusal.FOUR_EYES if _takes_two(request) else None
    if approver.role is not Role.REVIEWER:
        return Refusal.ROLE
    same = approver.name.casefold().strip() == request.author.name.casefold().strip()
    return Refusal.FOUR_EYES if same else None


def _takes_two(request: PublishRequest) -> bool:
    return request.plane is Plane.ACTOR and request.scope is not Scope.SELF


def _grant(request: PublishRequest, policy: Policy) -> Grant:
    if request.scope is Scope.SELF:
        return Grant.OWN_BAN
    return grant_of(request.plane, policy)
