# SPDX-License-Identifier: Apache-2.0
"""Confirmations that wait for a second person, and what overtakes them.

The content of such an act names evidence and a review. It goes with the review: when
that is decided or over, nobody can approve the act any more.
"""

from collections.abc import Collection
from typing import Final

from msgspec import Struct

from fedsafe_federation.wireformat import decode
from fedsafe_node.log.audit import Event
from fedsafe_node.people.approvals import all_pending, told_of
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.store.people_rows import ActState
from fedsafe_node.store.protocol import Transaction
from fedsafe_policies.vocabulary import Act, Level

KIND: Final = Act.PERMANENT_BAN
"""What a confirmation that takes two people is kept as while it waits."""


class Confirmation(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The content of an act: what the first person wants of the task as it was."""

    task: str
    revision: int
    level: Level
    evidence: str
    dwell: int
    hearing: str | None = None
    reason: str | None = None


async def withdraw_confirmations(
    desk: ReviewDesk, tx: Transaction, tasks: Collection[str], *, by: str
) -> None:
    """Withdraw what waits for a second person on tasks that are decided or over."""
    for row in await all_pending(tx):
        if row.kind != KIND.value or row.content is None:
            continue
        if decode(row.content, Confirmation).task not in tasks:
            continue
        await tx.decide_act(row.id, ActState.WITHDRAWN, by=by, at=desk.now())
        entry = desk.trail.entry(
            Event.ACT_WITHDRAWN,
            at=desk.clock.now(),
            actor=by,
            outcome="overtaken",
            detail=told_of(row),
        )
        await desk.note(tx, entry)
