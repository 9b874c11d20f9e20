# SPDX-License-Identifier: Apache-2.0
"""What a person is told of a measure after a review, as facts (Art. 17 (3) DSA).

That another provider's signal began it is said; which provider, and what the signal
says, is not: its origin may have a reason to hold that back. Who asks for access is
told (Art. 15 GDPR).
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from fedsafe_node.notices.facts import Reviewed
from fedsafe_node.notices.texts import Trigger
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.view import steps_of
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.review_rows import TaskDecisionRow, TaskRow, TaskSignalRow
from fedsafe_policies.rules.hearings import Hearing, HearingStep
from fedsafe_policies.vocabulary import Grade, Level, Phenomenon, Source, Surface


async def reasons_of(
    desk: ReviewDesk, reader: Reader, task: TaskRow, made: TaskDecisionRow
) -> Reviewed:
    """Gather what the statement of reasons says of a decision."""
    signals = await reader.task_signals(task.id)
    hearing = steps_of(await reader.task_hearings(task.id))
    return Reviewed(
        subject_ref=task.subject,
        decided_on=_day(made.decided_at),
        level=Level(_stated(made.level)),
        until=None if made.until is None else _day(made.until - 1),
        rule=_stated(made.rule),
        phenomenon=Phenomenon(_stated(made.phenomenon)),
        surface=Surface(_stated(made.surface)),
        grade=Grade(_stated(made.grade)),
        source=Source(_stated(made.source)),
        trigger=_trigger(desk, signals),
        two=made.second is not None,
        hearing=_heard(hearing),
    )


def _stated(value: str | None) -> str:
    if value is None:
        raise AssertionError("a measure was allowed that does not say what it rests on")
    return value


def _trigger(desk: ReviewDesk, signals: Sequence[TaskSignalRow]) -> Trigger:
    node = desk.situation.node
    own = {desk.origin_of(each.origin) == node for each in signals}
    if own == {True, False}:
        return Trigger.BOTH
    return Trigger.OWN if own == {True} else Trigger.OTHER


def _heard(steps: Sequence[Hearing]) -> str:
    last = steps[-1] if steps else None
    if last is None or last.step is HearingStep.INVITED:
        return "none"
    return "heard" if last.exception is None else last.exception.value


def _day(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()
