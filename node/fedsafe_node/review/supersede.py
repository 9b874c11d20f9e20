# SPDX-License-Identifier: Apache-2.0
"""A published signal takes the place of the own ban that stood in for it.

The ban is erased in the act that publishes; the finding is the same, so its tasks are
not brought up again: they hang on the signal from then on.
"""

from uuid import UUID

from msgspec.structs import replace

from fedsafe_node.review.contents import open_match, seal_match
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.floods import succeed_flood
from fedsafe_node.store.transaction import Transaction


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
