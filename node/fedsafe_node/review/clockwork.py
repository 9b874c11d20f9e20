# SPDX-License-Identifier: Apache-2.0
"""What a clock does to reviews (P9): remind, end what nobody decided, forget.

A job of the node's clockwork, in acts of a bounded size. What ends loses its
content, whom it was about with it; who decided what stays as long as a decision.
What somebody holds stays until the hold is over.
"""

from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from fedsafe_node.log.audit import Event
from fedsafe_node.provider_events.announcing import EventKind
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.flagging import flag_stopped
from fedsafe_node.review.holds import is_held
from fedsafe_node.store.protocol import Transaction
from fedsafe_node.store.review_rows import TaskRow, TaskState
from fedsafe_policies.days import SECONDS_A_DAY
from fedsafe_policies.reasons import Rule
from fedsafe_policies.reviews import decision_ends

BATCH: Final = 200
ACTOR_NAME: Final = "review"
_OUTCOMES: Final = {
    TaskState.OPEN: "undecided",
    TaskState.WATCHED: "watch_over",
    TaskState.DECIDED: "kept_long_enough",
}


async def tend_reviews(desk: ReviewDesk) -> int:
    """Do all that is due; return how many tasks ended.

    Raises:
        StoreFailedError: the rest is done by the next run.
    """
    ended = 0
    while await desk.store.write(lambda tx: flag_stopped(desk, tx, limit=BATCH)):
        pass
    while await desk.store.write(lambda tx: _remind(desk, tx)):
        pass
    while (done := await desk.store.write(lambda tx: _end(desk, tx))).seen:
        ended += done.ended
    before = desk.now() - decision_ends(0)
    while await desk.store.write(lambda tx: tx.forget_decisions(before, BATCH)):
        pass
    return ended


async def _remind(desk: ReviewDesk, tx: Transaction) -> int:
    now = desk.now()
    rows = await tx.tasks_to_remind_of(now, BATCH)
    for task in rows:
        await tx.put_task(replace(task, remind_at=None))
        if task.ends_at <= now:
            continue
        outcome = "limit_over" if _limit_is_over(task) else "reminder"
        ends = now if outcome == "limit_over" else task.ends_at
        detail = {"ends_at": ends}
        entry = desk.event(
            Event.TASK_DUE,
            task,
            detail,
            by=ACTOR_NAME,
            rule=Rule.RETENTION,
            outcome=outcome,
        )
        await desk.note(tx, entry)
        content = {"why": outcome, "state": task.state.value, "ends_at": ends}
        await desk.announce(tx, EventKind.TASK_DUE, task, content)
    return len(rows)


def _limit_is_over(task: TaskRow) -> bool:
    # Of what is decided only the end of a limit is told, unless it waits again.
    return task.state is TaskState.DECIDED and task.flagged_at is None


@dataclass(frozen=True, slots=True)
class _Round:
    """How many tasks were over, and how many of them nobody held."""

    seen: int
    ended: int


async def _end(desk: ReviewDesk, tx: Transaction) -> _Round:
    ended = 0
    rows = await tx.ended_tasks(desk.now(), BATCH)
    for task in rows:
        if await is_held(tx, task, desk.now()):
            # Nobody decides on it any more, but it is asked again tomorrow.
            await tx.put_task(replace(task, ends_at=desk.now() + SECONDS_A_DAY))
            continue
        entry = desk.event(
            Event.TASK_LAPSED,
            task,
            {"opened_at": task.opened_at},
            by=ACTOR_NAME,
            rule=Rule.RETENTION,
            outcome=_OUTCOMES.get(task.state, task.state.value),
        )
        await desk.note(tx, entry)
        is_decided = task.state is TaskState.DECIDED
        await tx.erase_task(
            task.id, TaskState.DECIDED if is_decided else TaskState.LAPSED
        )
        ended += 1
    return _Round(len(rows), ended)
