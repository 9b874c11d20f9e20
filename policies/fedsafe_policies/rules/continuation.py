# SPDX-License-Identifier: Apache-2.0
"""P9: may this published signal live on, or must its origin end it?

An actor signal lives one term, and a second one if another person than its author
has reviewed it within the first. A media signal is validated again and again.
"""

from dataclasses import dataclass
from datetime import date

from fedsafe_policies.ground.reasons import Grant, Refusal
from fedsafe_policies.ground.span import day_number, today
from fedsafe_policies.rules.context import Ground
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.people import Person, refuse_second
from fedsafe_policies.vocabulary import Plane, Role

_REVIEWERS = frozenset({Role.REVIEWER})


@dataclass(frozen=True, slots=True)
class KeepRequest:
    """A signal since a day, and the latest review of it, if there was one."""

    plane: Plane
    since: date
    author: Person
    reviewed_on: date | None = None
    reviewer: Person | None = None


def rule_on_keeping(request: KeepRequest, ground: Ground) -> Decision:
    """Decide whether a signal may live on."""
    return ground.ruled(_refuse(request, ground), Grant.KEPT)


def _refuse(request: KeepRequest, ground: Ground) -> Refusal | None:
    times, now = ground.document.retention, today(ground.now)
    actor = request.plane is Plane.ACTOR
    whole = times.renewed if actor else times.media
    if now >= day_number(whole.after(request.since)):
        return Refusal.RETENTION
    term = times.actor if actor else times.revalidate
    if now < day_number(term.after(request.since)):
        return None
    if request.reviewed_on is None:
        return Refusal.REVIEW_DUE
    refusal = refuse_second(request.author, request.reviewer, _REVIEWERS)
    if refusal is not None:
        return refusal
    reviewed = day_number(request.reviewed_on)
    ended = now >= day_number(term.after(request.reviewed_on))
    early = day_number(request.since) <= reviewed <= now
    return None if early and not ended else Refusal.REVIEW_DUE
