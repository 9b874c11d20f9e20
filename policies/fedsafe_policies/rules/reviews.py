# SPDX-License-Identifier: Apache-2.0
"""P13: a match opens a review, and a person ends it.

A foreign signal is never enough: what goes beyond a note needs the reviewer's own
finding. How fast people decide is recorded, and whoever decides too fast is asked once
more, never refused; confirming nearly everything, or in seconds, raises an alarm.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from fedsafe_policies.documents.document import Cited, Review
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.documents.workdays import end_of_working_days
from fedsafe_policies.ground.reasons import Grant, Refusal
from fedsafe_policies.ground.references import is_case_number
from fedsafe_policies.ground.span import SECONDS_A_DAY, Span, day_number, today
from fedsafe_policies.rules.context import Ground
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.people import Person, refuse_second
from fedsafe_policies.vocabulary import Level, Outcome, Phenomenon, Role

_COMPLAINTS: Final = 183  # days
_REVIEWERS: Final = frozenset({Role.ANALYST, Role.REVIEWER})
_SECONDS: Final = frozenset({Role.REVIEWER})
_LEVELS: Final[dict[Outcome, frozenset[Level | None]]] = {
    Outcome.DISMISS: frozenset({None}),
    Outcome.WATCH: frozenset({None}),
    Outcome.INQUIRE: frozenset({None}),
    Outcome.FEATURE_LIMIT: frozenset({Level.L3}),
    Outcome.CONFIRM: frozenset(Level),
}


@dataclass(frozen=True, slots=True)
class Habit:
    """How this reviewer, or this provider, has decided of late."""

    tasks: int
    confirmed: int
    median_seconds: int


@dataclass(frozen=True, slots=True)
class ReviewRequest:
    """A person ends, or puts off, the review of a match.

    `opened` is in UTC seconds. `until` ends a watch or a limit. `reason`,
    `evidence` and `hearing` (of the hearing, or of the recorded exception) are
    references. `rule` is the one of the provider's rulebook that a measure rests on,
    and `phenomenon` what its own finding falls under. `renewals` counts how often the
    account was watched before, and `watched` is the day until which it is: that long
    its match can be decided on.
    """

    outcome: Outcome
    opened: int
    reviewer: Person
    level: Level | None = None
    until: date | None = None
    reason: str | None = None
    evidence: str | None = None
    hearing: str | None = None
    rule: str | None = None
    phenomenon: Phenomenon | None = None
    second: Person | None = None
    renewals: int = 0
    watched: date | None = None
    habit: Habit | None = None


def rule_on_review(request: ReviewRequest, ground: Ground) -> Decision:
    """Decide whether a review may end so."""
    refusal = (
        Refusal.ROLE if request.reviewer.role not in _REVIEWERS else None
    ) or _refuse(request, ground)
    if refusal is not None:
        return ground.deny(refusal, _about(refusal, request, ground.policy))
    review, duties = ground.document.review, set[Obligation]()
    if request.outcome is Outcome.FEATURE_LIMIT or request.level is not None:
        duties.add(Obligation.NOTICE_TO_THE_PERSON)
    if request.habit is not None and is_rubber_stamp(request.habit, review):
        duties.add(Obligation.ALARM)
    return ground.allow(Grant.REVIEWED, *duties, about=request.outcome)


def review_ends(opened: int, policy: Policy) -> int:
    """Say when a match without a decision is gone (P9, UTC seconds)."""
    document = policy.document
    review = document.review
    working = end_of_working_days(opened, review.working_days, document.working_days)
    return min(working, opened + review.longest.fewest_days * SECONDS_A_DAY)


def decision_ends(decided: int) -> int:
    """Say until when a decision against an account is kept (UTC seconds).

    Six months: so long the person may complain about it (Art. 20 (1) DSA), and a
    signal that is taken back brings it before a person again.
    """
    return decided + _COMPLAINTS * SECONDS_A_DAY


def day_ends(day: date) -> int:
    """Give the end of a day in UTC seconds."""
    return (day_number(day) + 1) * SECONDS_A_DAY


def is_rubber_stamp(habit: Habit, review: Review) -> bool:
    """Tell whether somebody confirms nearly everything, or without reading."""
    if habit.tasks < review.alarm_tasks:
        return False
    share = habit.confirmed * 100 > review.alarm_percent * habit.tasks
    return share or habit.median_seconds < review.alarm_seconds


def _refuse(request: ReviewRequest, ground: Ground) -> Refusal | None:
    if request.level not in _LEVELS[request.outcome]:
        return Refusal.LEVEL
    if request.outcome is Outcome.DISMISS:
        return None
    renewed = request.outcome is Outcome.WATCH and request.renewals > 0
    if not renewed and ground.now >= _ends(request, ground.policy):
        return Refusal.LAPSED
    judge = _JUDGES.get(request.outcome)
    return judge(request, ground) if judge else None


def _refuse_rule(request: ReviewRequest, policy: Policy) -> Refusal | None:
    """Refuse a measure without a rule that carries it: the person is told which."""
    if request.rule is None or request.phenomenon is None:
        return Refusal.RULE_UNFIT
    if policy.document.rulebook.cited is Cited.ANY:
        return None
    return None if request.rule in _fitting(request, policy) else Refusal.RULE_UNFIT


def _fitting(request: ReviewRequest, policy: Policy) -> list[str]:
    """Name the rules whose consequence reaches as far as the measure."""
    level = request.level or Level.L0
    return sorted(
        name
        for name, rule in policy.rules.items()
        if request.phenomenon in rule.phenomena and rule.level >= level
    )


def _about(refusal: Refusal, request: ReviewRequest, policy: Policy) -> str:
    if refusal is Refusal.RULE_UNFIT:
        return ", ".join(_fitting(request, policy))
    return request.outcome


def _ends(request: ReviewRequest, policy: Policy) -> int:
    ends = review_ends(request.opened, policy)
    if request.watched is None:
        return ends
    return max(ends, day_ends(request.watched))


def _refuse_watch(request: ReviewRequest, ground: Ground) -> Refusal | None:
    review = ground.document.review
    if request.renewals > review.watch_renewals:
        return Refusal.UNTIL_TOO_LONG
    if request.renewals and not _refers(request.reason):
        return Refusal.EVIDENCE_MISSING
    return _refuse_until(request.until, review.watch, ground.now)


def _refuse_limit(request: ReviewRequest, ground: Ground) -> Refusal | None:
    if not _refers(request.reason):
        return Refusal.EVIDENCE_MISSING
    longest = ground.document.review.feature_limit
    return _refuse_until(request.until, longest, ground.now) or _refuse_rule(
        request, ground.policy
    )


def _refuse_until(until: date | None, longest: Span, now: int) -> Refusal | None:
    if until is None:
        return Refusal.UNTIL_TOO_LONG
    day = day_number(until)
    within = today(now) < day <= today(now) + longest.fewest_days
    return None if within else Refusal.UNTIL_TOO_LONG


def _refuse_confirmation(request: ReviewRequest, ground: Ground) -> Refusal | None:
    level, review = request.level, ground.document.review
    if level is None:
        return Refusal.LEVEL
    if not _refers(request.evidence):
        return Refusal.EVIDENCE_MISSING
    if (unfit := _refuse_rule(request, ground.policy)) is not None:
        return unfit  # before the second person is asked
    if level >= review.hearing_from and not _refers(request.hearing):
        return Refusal.HEARING_MISSING
    if level >= review.second_person_from:
        return refuse_second(request.reviewer, request.second, _SECONDS)
    return None


def _refers(value: str | None) -> bool:
    return value is not None and is_case_number(value)


_JUDGES: Final[Mapping[Outcome, Callable[[ReviewRequest, Ground], Refusal | None]]] = {
    Outcome.WATCH: _refuse_watch,
    Outcome.FEATURE_LIMIT: _refuse_limit,
    Outcome.CONFIRM: _refuse_confirmation,
}
"""What is asked of an outcome beyond its time; to inquire is always free."""
