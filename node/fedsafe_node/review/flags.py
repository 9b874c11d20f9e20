# SPDX-License-Identifier: Apache-2.0
"""What becomes of tasks when their signal is stopped, or takes a ban's place (P13).

What stops a signal marks its tasks and takes what they held of it, by trigger, in
the same act; here the tasks are flagged for it and the provider is told, in that act
as well where it goes through the node's desk or replication, or by the next run of
the job. What is decided is flagged too, as long as it is kept.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.ground.principal import Actor
from fedsafe_node.log.audit import Event
from fedsafe_node.review.contents import open_match, seal_match
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.floods import succeed_flood
from fedsafe_node.review.task_start import reminder_before
from fedsafe_node.store.review_rows import TaskRow, TaskSignalRow, TaskState
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.rules.reviews import review_ends

MOST: Final = 500
_ACTOR_NAME: Final = Actor.REVIEW.value


async def flag_stopped(desk: ReviewDesk, tx: Transaction, *, limit: int = MOST) -> int:
    """Flag the tasks of signals that were stopped; return how many signals."""
    rows = await tx.untold_stops(limit)
    if not rows:
        return 0
    now = desk.now()
    await tx.put_task_signals([replace(row, effect_at=now) for row in rows])
    await flag_tasks(desk, tx, rows)
    return len(rows)


async def flag_tasks(
    desk: ReviewDesk, tx: Transaction, rows: Sequence[TaskSignalRow]
) -> None:
    """Flag the tasks of signals that were stopped, each once."""
    by_task: dict[str, list[TaskSignalRow]] = defaultdict(list)
    for row in rows:
        by_task[row.task].append(row)
    for task_id, stopped in by_task.items():
        task = await tx.task(task_id)
        if task is not None and task.subject is not None:
            await _flag(desk, tx, task, stopped)


async def _flag(
    desk: ReviewDesk, tx: Transaction, task: TaskRow, stopped: list[TaskSignalRow]
) -> None:
    now, remind = desk.now(), task.remind_at
    if task.state is TaskState.DECIDED:
        look = reminder_before(review_ends(now, desk.situation.policy), now)
        # The end of a limit is still told, if that is earlier.
        remind = look if remind is None else min(look, remind)
    await tx.put_task(replace(task, flagged_at=now, remind_at=remind))
    effects = sorted({row.effect for row in stopped if row.effect is not None})
    detail = {
        "signals": " ".join(str(UUID(bytes=row.signal_id)) for row in stopped),
        "effects": " ".join(effects),
        "state": task.state.value,
    }
    entry = desk.event(Event.TASK_REOPENED, task, detail, by=_ACTOR_NAME)
    await desk.note(tx, entry)
    for row in stopped:
        content = {
            "signal": str(UUID(bytes=row.signal_id)),
            "origin": desk.origin_of(row.origin),
            "effect": row.effect,
            "state": task.state.value,
        }
        await desk.announce(tx, EventKind.SIGNAL_RESTRICTED, task, content)


# A published signal takes the place of the own ban that stood in for it.
#
# The ban is erased in the act that publishes; the finding is the same, so its tasks are
# not brought up again: they hang on the signal from then on.


async def succeed(desk: ReviewDesk, tx: Transaction, ban: bytes, signal: bytes) -> int:
    """Let tasks hang on *signal* instead of an own ban; return how many."""
    node, own_list = desk.situation.node, desk.situation.own.name
    rows = await tx.tasks_on(own_list, ban)
    for row in rows:
        match = open_match(row, desk.periods)
        if match is not None:
            name = str(UUID(bytes=signal))
            moment = desk.clock.now()
            shown = replace(match, signal=name, origin=node, own=False)
            moved = seal_match(row.task, node, shown, desk.periods, moment)
            await tx.put_task_signals([replace(moved, added_at=row.added_at)])
        await tx.drop_task_signal(row.task, own_list, ban)
    await succeed_flood(desk, tx, ban, signal)
    return len(rows)
