# SPDX-License-Identifier: Apache-2.0
"""How people have decided of late: recorded, and enforced on nobody (P13).

What counts are the last decisions, as many as policy looks at: how many confirmed,
and how long after the first look. Of who approves as the second
person the time of their own look counts. Inquiries end nothing and are left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Final

from fedsafe_node.store.reader import Reader
from fedsafe_node.store.review_rows import TaskDecisionRow
from fedsafe_policies.documents.document import Review
from fedsafe_policies.rules.reviews import Habit, is_rubber_stamp
from fedsafe_policies.vocabulary import Outcome

EVERYBODY: Final = "all reviewers"
"""A name that nobody has."""


@dataclass(frozen=True, slots=True)
class Habits:
    """Whose habit stands out, before a decision and with it."""

    before: Habit | None
    after: Habit
    whose: str


def habit_of(decisions: Sequence[TaskDecisionRow]) -> Habit:
    """Sum decisions up."""
    confirmed = sum(each.outcome == Outcome.CONFIRM for each in decisions)
    return _habit([each.dwell for each in decisions], confirmed)


def haste_of(approved: Sequence[TaskDecisionRow]) -> Habit:
    """Sum up what somebody approved as the second person.

    Only the time counts: who refuses leaves no decision to compare with.
    """
    return _habit([each.second_dwell or 0 for each in approved], 0)


async def weigh_habits(
    reader: Reader, decision: TaskDecisionRow, review: Review
) -> Habits:
    """Look at the habit that stands out: the first's, the second's, or all reviewers'.

    If none does, it is the first person's.
    """
    count, first = review.alarm_tasks, decision.decided_by
    mine = await reader.decisions_by(first, count)
    found = [_with(decision, mine, count, first, habit_of)]
    if decision.second is not None:
        approved = await reader.decisions_seconded(decision.second, count)
        found.append(_with(decision, approved, count, decision.second, haste_of))
    newest = await reader.newest_decisions(count)
    found.append(_with(decision, newest, count, EVERYBODY, habit_of))
    stamps = [each for each in found if is_rubber_stamp(each.after, review)]
    return (stamps or found)[0]


async def rubber_stamps(reader: Reader, review: Review) -> list[str]:
    """Name whose habits alarm: reviewers, and the provider as a whole."""
    count, found = review.alarm_tasks, list[str]()
    for name in await reader.deciders():
        habits = (
            habit_of(await reader.decisions_by(name, count)),
            haste_of(await reader.decisions_seconded(name, count)),
        )
        if any(is_rubber_stamp(habit, review) for habit in habits):
            found.append(name)
    if is_rubber_stamp(habit_of(await reader.newest_decisions(count)), review):
        found.append(EVERYBODY)
    return found


def _habit(times: Sequence[int], confirmed: int) -> Habit:
    return Habit(len(times), confirmed, median_low(times) if times else 0)


def _with(
    decision: TaskDecisionRow,
    before: Sequence[TaskDecisionRow],
    count: int,
    whose: str,
    sum_up: Callable[[Sequence[TaskDecisionRow]], Habit],
) -> Habits:
    after = sum_up([decision, *before][:count])
    return Habits(sum_up(before) if before else None, after, whose)
