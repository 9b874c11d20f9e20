# SPDX-License-Identifier: Apache-2.0
"""May this signal be recorded, or shared?

A draft is checked when it is written and again, with the second person, when it is
approved. Rules run in a fixed order and the first refusal decides: minors first,
since help then comes before anything else.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from fedsafe_policies.documents.document import Cited, RuleEntry
from fedsafe_policies.documents.phenomena import Switch, phenomena
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.ground.reasons import Grant, Refusal
from fedsafe_policies.ground.references import is_contact, is_reference
from fedsafe_policies.ground.span import day_number, today
from fedsafe_policies.rules.context import Ground
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.legal_gate import grant_of, refuse_gate
from fedsafe_policies.rules.people import Person, refuse_second
from fedsafe_policies.rules.retention import retention
from fedsafe_policies.vocabulary import (
    Act,
    Finding,
    Grade,
    IdentifierKind,
    Level,
    MediaKind,
    Phenomenon,
    Plane,
    Role,
    Scope,
    Surface,
)

AUTHORS: Final = frozenset({Role.ANALYST, Role.REVIEWER})
_MACHINE_AUTHORS: Final = AUTHORS | {Role.SERVICE}
APPROVERS: Final = frozenset({Role.REVIEWER})
FILES_WITHOUT_LIST: Final = 25
"""So many files one act takes at most that are on no list (P6).

A second person looks at so many one by one; of more they examine the list.
"""


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """A signal that somebody wants recorded or shared.

    `draft` asks only to keep it until a second person has approved. `since` starts
    the clock of retention: the account's removal, or a media signal's publication.
    `findings` and `suspected_minor` are what the author has established; they
    decide here and never travel. `listed` names the do-not-share list that holds
    the identifier or the file, `relisted` one that has changed since it was compared.
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
    listed: str | None = None
    relisted: str | None = None
    draft: bool = False

    @property
    def plane(self) -> Plane:
        """The plane follows from the kind."""
        if isinstance(self.kind, IdentifierKind):
            return Plane.ACTOR
        return Plane.MEDIA


def rule_on_publication(request: PublishRequest, ground: Ground) -> Decision:
    """Decide whether a draft may be kept, or a signal takes effect now.

    What is shared takes two people, about persons or files and whatever the policy
    says; an own ban does if the policy says so. `approver` is another reviewer than
    `author`. Everything is checked anew at approval, since gate and policy may have
    changed since the draft.
    """
    refusal, about = _refuse(request, ground)
    if refusal is None and not request.draft:
        refusal = _refuse_people(request, ground.policy)
    if refusal is not None:
        return ground.deny(refusal, about)
    duties = set[Obligation]()
    if request.draft and _takes_two(request, ground.policy):
        duties.add(Obligation.SECOND_PERSON)
    if not request.draft and request.scope is not Scope.SELF:
        duties.add(Obligation.RECIPIENT_LEDGER)
    if not request.draft and request.plane is Plane.ACTOR:
        duties.add(Obligation.NOTICE_TO_THE_PERSON)
    return ground.allow(_grant(request, ground.policy), *duties)


def _refuse(request: PublishRequest, ground: Ground) -> tuple[Refusal | None, str]:
    if request.suspected_minor and request.plane is Plane.ACTOR:
        return Refusal.HELP_INSTEAD, ""
    if ground.misplaced:
        return Refusal.SYNTHETIC_ONLY, ""
    refusal = _refuse_form(request, ground.now)
    refusal = refusal or _refuse_author(request, ground.policy)
    if refusal is None and request.scope is not Scope.SELF:
        refusal = refuse_gate(request.plane, ground) or _refuse_sharing(
            request, ground.policy
        )
    if refusal is not None:
        return refusal, _about(refusal, request, ground.policy)
    if not ground.calendar.opens(request.surface, ground.now):
        return Refusal.SURFACE, ground.calendar.nearest(request.surface)
    match_until, _ = retention(request.kind, request.since, ground.policy)
    return (Refusal.RETENTION if ground.now >= match_until else None), ""


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


def _refuse_author(request: PublishRequest, policy: Policy) -> Refusal | None:
    """Refuse a machine where two people are asked: it is not one of them."""
    machine = not _takes_two(request, policy)
    allowed = _MACHINE_AUTHORS if machine else AUTHORS
    return None if request.author.role in allowed else Refusal.ROLE


def _refuse_sharing(request: PublishRequest, policy: Policy) -> Refusal | None:
    share = policy.document.share
    if request.grade is Grade.SINGLE_REPORT:
        return Refusal.SINGLE_REPORT
    if not policy.shares(request.kind) or request.grade not in share.grades:
        return Refusal.NOT_ALLOWED
    if request.surface not in share.surfaces:
        return Refusal.SURFACE
    if request.listed is not None:
        actor = request.plane is Plane.ACTOR
        return Refusal.DO_NOT_SHARE if actor else Refusal.HARMLESS_MEDIA
    if request.relisted is not None:
        return Refusal.LISTS_CHANGED
    return _refuse_rule(request, policy) or _refuse_phenomenon(request, policy)


def _refuse_rule(request: PublishRequest, policy: Policy) -> Refusal | None:
    """Refuse a rule that the rulebook does not hold for such a signal."""
    if policy.document.rulebook.cited is Cited.ANY:
        return None
    rule = policy.rules.get(request.rule)
    fits = rule is not None and _fits(rule, request)
    return None if fits else Refusal.RULEBOOK


def _fits(rule: RuleEntry, request: PublishRequest) -> bool:
    """Tell whether such a signal may cite a rule."""
    if request.phenomenon not in rule.phenomena:
        return False
    return rule.level is Level.L6 or request.plane is Plane.MEDIA


def _about(refusal: Refusal, request: PublishRequest, policy: Policy) -> str:
    match refusal:
        case Refusal.RULEBOOK:
            rules = policy.rules.items()
            fits = (name for name, rule in rules if _fits(rule, request))
            return ", ".join(sorted(fits))
        case Refusal.FINDING_MISSING:
            return ", ".join(sorted(_missing(request)))
        case Refusal.DO_NOT_SHARE | Refusal.HARMLESS_MEDIA:
            return request.listed or ""
        case Refusal.LISTS_CHANGED:
            return request.relisted or ""
        case _:
            return ""


def _missing(request: PublishRequest) -> frozenset[Finding]:
    """Name what the phenomenon demands and nobody has established."""
    if request.plane is Plane.MEDIA:
        return frozenset()
    return phenomena()[request.phenomenon].findings - request.findings


def _refuse_phenomenon(request: PublishRequest, policy: Policy) -> Refusal | None:
    switched = policy.document.phenomena.get(request.phenomenon, frozenset())
    row = phenomena()[request.phenomenon]
    switch = row.switch(request.plane)
    if request.plane not in switched or switch is Switch.NO:
        return Refusal.PHENOMENON_OFF
    if _missing(request):
        return Refusal.FINDING_MISSING
    if switch is Switch.LEGAL_REVIEW and request.legal_review is None:
        return Refusal.LEGAL_REVIEW
    return None


def _refuse_people(request: PublishRequest, policy: Policy) -> Refusal | None:
    if request.approver is None and not _takes_two(request, policy):
        return None
    return refuse_second(request.author, request.approver, APPROVERS)


def _takes_two(request: PublishRequest, policy: Policy) -> bool:
    if request.scope is Scope.SELF:
        return Act.OWN_BAN in policy.document.four_eyes.acts
    return True  # one alone would let others act against people: no policy's choice


def _grant(request: PublishRequest, policy: Policy) -> Grant:
    if request.scope is Scope.SELF:
        return Grant.OWN_BAN
    return grant_of(request.plane, policy)
