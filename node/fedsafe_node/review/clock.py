# SPDX-License-Identifier: Apache-2.0
"""What a clock does to reviews (P9): remind, end what nobody decided, forget.

A job of the node's clockwork, in acts of a bounded size. What ends loses its
content, whom it was about with it; who decided what stays as long as a decision.
The provider is told in the same act: afterwards nobody knows the account.
What somebody holds stays until the hold is over.
"""

from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.ground.principal import Actor
from fedsafe_node.log.audit import Event
from fedsafe_node.review.conclusion import is_held
from fedsafe_node.review.confirmation import withdraw_confirmations
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.feedback import Ending, count_ending
from fedsafe_node.review.flags import flag_stopped
from fedsafe_node.review.pace import KEPT
from fedsafe_node.review.task_start import reminder_before
from fedsafe_node.store.review_rows import TaskRow, TaskState
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.reasons import Rule
from fedsafe_policies.ground.span import SECONDS_A_DAY
from fedsafe_policies.rules.reviews import decision_ends, review_ends
from fedsafe_policies.vocabulary import Outcome

BATCH: Final = 200
ACTOR_NAME: Final = Actor.REVIEW.value
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
    looks = desk.now() - KEPT
    await desk.store.write(lambda tx: tx.forget_looks(looks))
    return ended


async def _remind(desk: ReviewDesk, tx: Transaction) -> int:
    now = desk.now()
    rows = await tx.tasks_to_remind_of(now, BATCH)
    for task in rows:
        limit = await _limit(tx, task)
        is_over = limit is not None and limit == task.remind_at
        later = _look_again(desk, task) if is_over else limit
        if later is not None and later <= (task.remind_at or 0):
            later = None
        await tx.put_task(replace(task, remind_at=later))
        if task.ends_at <= now:
            continue
        outcome = "limit_over" if is_over else "reminder"
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


async def _limit(tx: Transaction, task: TaskRow) -> int | None:
    """Say when the limit that was decided is over, even if the task waits again."""
    if task.state is not TaskState.DECIDED:
        return None
    decisions = await tx.task_decisions(task.id)
    final = [each for each in decisions if each.outcome != Outcome.INQUIRE]
    is_limit = bool(final) and final[-1].outcome == Outcome.FEATURE_LIMIT
    return final[-1].until if is_limit else None


def _look_again(desk: ReviewDesk, task: TaskRow) -> int | None:
    """Say when to remind of a decision that waits for a second look."""
    at = task.flagged_at
    if at is None:
        return None
    return reminder_before(review_ends(at, desk.situation.policy), at)


@dataclass(frozen=True, slots=True)
class _Round:
    """How many tasks were over, and how many of them nobody held."""

    seen: int
    ended: int


async def _end(desk: ReviewDesk, tx: Transaction) -> _Round:
    ended: set[str] = set()
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
        if not is_decided:
            await count_ending(desk, tx, task.id, Ending.LAPSED)
            content = {"why": _OUTCOMES[task.state]}
            await desk.announce(tx, EventKind.TASK_LAPSED, task, content)
        await tx.erase_task(
            task.id, TaskState.DECIDED if is_decided else TaskState.LAPSED
        )
        ended.add(task.id)
    if ended:
        await withdraw_confirmations(desk, tx, ended, by=ACTOR_NAME)
    return _Round(len(rows), len(ended))
