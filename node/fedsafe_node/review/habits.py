# SPDX-License-Identifier: Apache-2.0
"""How people have decided of late: recorded, and enforced on nobody (P13).

What counts are the last decisions, as many as policy looks at: how many confirmed,
and how long after the first look. Inquiries end nothing and are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Final

from fedsafe_node.store.protocol import Reader
from fedsafe_node.store.review_rows import TaskDecisionRow
from fedsafe_policies.document import Review
from fedsafe_policies.reviews import Habit, is_rubber_stamp
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
    times = [each.dwell for each in decisions]
    confirmed = sum(each.outcome == Outcome.CONFIRM for each in decisions)
    return Habit(len(times), confirmed, median_low(times) if times else 0)


async def weigh_habits(
    reader: Reader, decision: TaskDecisionRow, review: Review
) -> Habits:
    """Look at the reviewer's habit, or at all reviewers' if only that stands out."""
    count = review.alarm_tasks
    mine = await reader.decisions_by(decision.decided_by, count)
    habits = _with(decision, mine, count, decision.decided_by)
    if is_rubber_stamp(habits.after, review):
        return habits
    everybody = _with(decision, await reader.newest_decisions(count), count, EVERYBODY)
    return everybody if is_rubber_stamp(everybody.after, review) else habits


async def rubber_stamps(reader: Reader, review: Review) -> list[str]:
    """Name whose habits alarm: reviewers, and the provider as a whole."""
    count, found = review.alarm_tasks, list[str]()
    for name in await reader.deciders():
        if is_rubber_stamp(habit_of(await reader.decisions_by(name, count)), review):
            found.append(name)
    if is_rubber_stamp(habit_of(await reader.newest_decisions(count)), review):
        found.append(EVERYBODY)
    return found


def _with(
    decision: TaskDecisionRow, before: Sequence[TaskDecisionRow], count: int, whose: str
) -> Habits:
    after = [decision, *before][:count]
    return Habits(habit_of(before) if before else None, habit_of(after), whose)
