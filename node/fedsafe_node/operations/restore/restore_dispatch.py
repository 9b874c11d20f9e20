# SPDX-License-Identifier: Apache-2.0
"""What becomes of the packages that waited in a backup which is brought back.

What happened to them since nobody knows here: one may have been recalled, may have left
by itself, or may have been taken out by somebody.
"""

from datetime import datetime
from typing import Final

from fedsafe_node.casework.cases.packages import held
from fedsafe_node.casework.dispatch.view import sends
from fedsafe_node.log.audit import AuditTrail, Detail, Event
from fedsafe_node.store.dispatches_rows import UNKNOWN, SendingRow, TakingRow
from fedsafe_node.store.keeping_rows import RESTORED
from fedsafe_node.store.transaction import Transaction

_ALL: Final = (1 << 63) - 1
"""Whenever it is due."""


async def hold_back(tx: Transaction, trail: AuditTrail, by: str, now: datetime) -> None:
    """Let no package leave before a person has looked."""
    waits = await tx.dispatches_due(_ALL) or await tx.dispatches_by_hand()
    if not waits or not await sends(tx):
        return
    await tx.add_sending(SendingRow(False, int(now.timestamp()), by))  # noqa: FBT003
    detail: Detail = {"sends": False, "reason": RESTORED}
    entry = trail.entry(Event.SENDING_SWITCHED, at=now, actor=by, detail=detail)
    await tx.append(trail.log, entry.record, entry.openings)


async def count_as_taken(tx: Transaction, since: int) -> None:
    """Let each sealed package that waited be in somebody's hands.

    So a recall corrects it, and asks what came of it.

    *since* is when the backup was made: what came of it is noted of a later moment.
    """
    for each in await tx.dispatches_to_take():
        known = await tx.takings(each)
        if UNKNOWN in held(known):  # migration 0026 has said so
            continue
        row = TakingRow(dispatch_id=each, number=len(known) + 1, by=UNKNOWN, at=since)
        await tx.add_taking(row)
