# SPDX-License-Identifier: Apache-2.0
"""What a case owes by when, and at which moments people are told of it.

Pure, and computed anew from what is known of a case: nothing runs that a restart could
lose. All clocks start when somebody knew, but for the second look, which follows the
release by one person, and for what a case owes again that had come before: its clock
starts when it was owed again.

People are reminded before a deadline, when it is over, and every day after. Of an
acknowledgement that does not come each step of the fallback chain has its moment: the
first when it was due, each other as long after the one before.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum, unique

from fedsafe_policies.escalation.deadlines import end_of, reminder_of
from fedsafe_policies.escalation.laender import Calendar
from fedsafe_policies.escalation.urgency import (
    Deadline,
    Fallback,
    urgencies,
)
from fedsafe_policies.escalation.vocabulary import Urgency
from fedsafe_policies.ground.span import SECONDS_A_DAY


@unique
class Milestone(StrEnum):
    """What a case owes."""

    CALL = "call"
    DISPATCH = "dispatch"
    ACKNOWLEDGEMENT = "acknowledgement"
    SECOND_LOOK = "second_look"


@unique
class Stage(StrEnum):
    """Why people are told: it is due soon, over, or the next way has to be taken."""

    NEAR = "near"
    OVERDUE = "overdue"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How far a case has come; moments in UTC seconds, None where it has not.

    `released_at` is when one person let it go whose act a second one looks at. What had
    arrived, or was acknowledged, and is owed again is so since `undelivered_at` and
    `unacknowledged_at`.
    """

    urgency: Urgency
    known_at: int
    called_at: int | None = None
    dispatched_at: int | None = None
    acknowledged_at: int | None = None
    undelivered_at: int | None = None
    unacknowledged_at: int | None = None
    released_at: int | None = None
    looked_at: int | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that a case owes: since when, by when, and when it came."""

    milestone: Milestone
    deadline: Deadline
    since: int
    due_at: int
    met_at: int | None

    def is_overdue(self, now: int) -> bool:
        """Tell whether it has not come in time, and still not."""
        return self.met_at is None and self.due_at <= now


@dataclass(frozen=True, slots=True)
class Alarm:
    """One moment at which people are told; `number` counts within its stage."""

    term: Term
    stage: Stage
    number: int
    at: int
    fallback: Fallback | None = None


def terms(course: Course, calendar: Calendar) -> tuple[Term, ...]:
    """Return what a case owes, and what has come of it."""
    row = urgencies()[course.urgency]
    known, released = course.known_at, course.released_at
    sent = course.undelivered_at or known
    handed = course.unacknowledged_at or known
    owed = (
        (Milestone.CALL, row.call, known, course.called_at),
        (Milestone.DISPATCH, row.first_dispatch, sent, course.dispatched_at),
        (
            Milestone.ACKNOWLEDGEMENT,
            row.acknowledgement,
            handed,
            course.acknowledged_at,
        ),
        (Milestone.SECOND_LOOK, row.second_look, released, course.looked_at),
    )
    return tuple(
        Term(milestone, deadline, since, end_of(since, deadline, calendar), met)
        for milestone, deadline, since, met in owed
        if deadline is not None and since is not None
    )


def alarms(course: Course, calendar: Calendar, now: int) -> tuple[Alarm, ...]:
    """Return the moments up to `now` at which people have to be told, oldest first.

    Of the reminders of one thing that was not done only the last is among them: who
    was away for a week is reminded once. No step of a fallback chain is left out.
    """
    found = [
        alarm
        for term in terms(course, calendar)
        if term.met_at is None
        for alarm in _alarms(term, course.urgency, calendar, now)
    ]
    return tuple(sorted(found, key=lambda alarm: alarm.at))


def _alarms(
    term: Term, urgency: Urgency, calendar: Calendar, now: int
) -> Iterator[Alarm]:
    chain: tuple[Fallback, ...] = ()
    if term.milestone is Milestone.ACKNOWLEDGEMENT:
        chain = urgencies()[urgency].fallback
    at = term.due_at
    for number, fallback in enumerate(chain):
        if at <= now:
            yield Alarm(term, Stage.FALLBACK, number, at, fallback)
        at = end_of(at, term.deadline, calendar)
    # Behind the chain nothing else is left than to remind.
    if at <= now:
        number = (now - at) // SECONDS_A_DAY
        yield Alarm(term, Stage.OVERDUE, number, at + number * SECONDS_A_DAY)
    near = reminder_of(term.since, term.deadline, calendar)
    if near <= now < term.due_at:
        yield Alarm(term, Stage.NEAR, 0, near)
