# SPDX-License-Identifier: Apache-2.0
"""May this signal of a peer be kept, and may it count in an answer?

Policy runs twice: on the clear header when an opening arrives (`ReceiptRequest`),
and on header and body together at a match (`MatchRequest`). The receiver applies
its own policy: a signal that its origin keeps longer stops to match here at our
own date. A match is a reason to review, never to block.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from fedsafe_policies.documents.phenomena import Switch, phenomena
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.ground.reasons import Grant, Refusal
from fedsafe_policies.ground.references import is_contact, is_reference
from fedsafe_policies.ground.span import SECONDS_A_DAY, Span, day_number, today
from fedsafe_policies.rules.context import Ground
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.legal_gate import grant_of, refuse_gate
from fedsafe_policies.rules.retention import retention
from fedsafe_policies.vocabulary import (
    Grade,
    IdentifierKind,
    MediaKind,
    Phenomenon,
    Plane,
    Scope,
    Surface,
)

_LONGEST: Final = {
    Plane.ACTOR: Span.parse("12 months"),
    Plane.MEDIA: Span.parse("24 months"),
}
_GRACE_DAYS: Final = 8  # seven after the match, one for clocks of the world


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """What a signal's clear header tells; times in UTC seconds."""

    plane: Plane
    scope: Scope
    match_until: int
    erase_after: int


@dataclass(frozen=True, slots=True)
class BodyFacts:
    """What a signal's body tells once it is open; `since` as in publishing."""

    kind: IdentifierKind | MediaKind
    phenomenon: Phenomenon
    surface: Surface
    grade: Grade
    rule: str
    since: date
    contact: str | None = None


@dataclass(frozen=True, slots=True)
class ReceiptRequest:
    """May a peer's opening with this header be kept at all?

    `listed` names the do-not-share list that holds its file, where it is of one.
    """

    header: HeaderFacts
    listed: str | None = None


@dataclass(frozen=True, slots=True)
class MatchRequest:
    """May this signal count in the answer to a lookup?

    A signal of scope *self* is the provider's own ban, which needs no gate; the
    caller vouches that it comes out of its own list. `disputed` says that a
    dispute rests on it (P10). `listed` names the do-not-share list that holds its file
    (P17), which lets no signal of the federation match.
    """

    header: HeaderFacts
    body: BodyFacts
    disputed: bool = False
    listed: str | None = None


def rule_on_receipt(request: ReceiptRequest, ground: Ground) -> Decision:
    """Decide whether a peer's opening may be kept at all."""
    header = request.header
    refusal = _refuse_shared_header(header, ground)
    if refusal is None and request.listed is not None:
        return ground.deny(Refusal.HARMLESS_MEDIA, request.listed)
    grant = grant_of(header.plane, ground.policy)
    return ground.ruled(refusal, grant, (Obligation.RECIPIENT_LEDGER,))


def rule_on_match(request: MatchRequest, ground: Ground) -> Decision:
    """Decide whether a signal counts in the answer to a lookup."""
    header, body = request.header, request.body
    own = header.scope is Scope.SELF
    judge = _refuse_own_header if own else _refuse_shared_header
    refusal = judge(header, ground) or _refuse_body(header, body, ground)
    if refusal is None and not own:
        refusal = _refuse_shared_body(body, ground.policy)
        if refusal is None and request.listed is not None:
            return ground.deny(Refusal.HARMLESS_MEDIA, request.listed)
    if refusal is None and request.disputed:
        refusal = Refusal.DISPUTED
    if refusal is not None:
        surface = refusal is Refusal.SURFACE
        return ground.deny(
            refusal, ground.calendar.nearest(body.surface) if surface else ""
        )
    grant = Grant.OWN_BAN if own else grant_of(header.plane, ground.policy)
    return ground.allow(grant, Obligation.REVIEW_TASK)


def _refuse_own_header(header: HeaderFacts, ground: Ground) -> Refusal | None:
    if ground.misplaced:
        return Refusal.SYNTHETIC_ONLY
    return _refuse_times(header, ground.now)


def _refuse_shared_header(header: HeaderFacts, ground: Ground) -> Refusal | None:
    refusal = refuse_gate(header.plane, ground)
    if refusal is not None:
        return refusal
    if header.scope is not Scope.FEDERATION:
        return Refusal.SCOPE
    if header.plane not in ground.document.share.planes:
        return Refusal.NOT_ALLOWED
    return _refuse_times(header, ground.now)


def _refuse_times(header: HeaderFacts, now: int) -> Refusal | None:
    if now >= header.match_until:
        return Refusal.RETENTION
    if header.erase_after < header.match_until:
        return Refusal.CONTRADICTION
    # No signal starts its clock in the future, so none may end later than this.
    start = date.fromordinal(
        max(1, min(date.max.toordinal(), today(now) + date(1970, 1, 1).toordinal()))
    )
    longest = day_number(_LONGEST[header.plane].after(start)) + _GRACE_DAYS
    beyond = header.erase_after > longest * SECONDS_A_DAY
    return Refusal.RETENTION if beyond else None


def _refuse_body(
    header: HeaderFacts, body: BodyFacts, ground: Ground
) -> Refusal | None:
    now = ground.now
    actor = isinstance(body.kind, IdentifierKind)
    if actor is not (header.plane is Plane.ACTOR):
        return Refusal.CONTRADICTION
    if not is_reference(body.rule):
        return Refusal.FREE_TEXT
    if body.contact is not None and not is_contact(body.contact):
        return Refusal.FREE_TEXT
    if day_number(body.since) > today(now) + 1:
        return Refusal.CONTRADICTION
    if not ground.calendar.opens(body.surface, now):
        return Refusal.SURFACE
    match_until, _ = retention(body.kind, body.since, ground.policy)
    return Refusal.RETENTION if now >= match_until else None


def _refuse_shared_body(body: BodyFacts, policy: Policy) -> Refusal | None:
    if body.grade is Grade.SINGLE_REPORT:
        return Refusal.SINGLE_REPORT
    share = policy.document.share
    if not policy.shares(body.kind) or body.grade not in share.grades:
        return Refusal.NOT_ALLOWED
    if body.surface not in share.surfaces:
        return Refusal.SURFACE
    actor = isinstance(body.kind, IdentifierKind)
    plane = Plane.ACTOR if actor else Plane.MEDIA
    switched = policy.document.phenomena.get(body.phenomenon, frozenset())
    if plane not in switched:
        return Refusal.PHENOMENON_OFF
    if phenomena()[body.phenomenon].switch(plane) is Switch.NO:
        return Refusal.PHENOMENON_OFF
    return None
