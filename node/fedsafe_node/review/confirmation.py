# SPDX-License-Identifier: Apache-2.0
"""Confirmations that wait for a second person, and what overtakes them.

The content of such an act names evidence and a review. It goes with the review: when
that is decided or over, nobody can approve the act any more.
"""

from collections.abc import Collection
from typing import Final

from msgspec import Struct

from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.log.audit import Event
from fedsafe_node.people.pending_acts import all_pending, told_of
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.store.people_rows import ActRow, ActState
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Act, Grade, Level, Phenomenon, Source, Surface

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
    rule: str | None = None
    phenomenon: Phenomenon | None = None
    surface: Surface | None = None
    grade: Grade | None = None
    source: Source | None = None


async def withdraw_confirmations(
    desk: ReviewDesk, tx: Transaction, tasks: Collection[str], *, by: str
) -> None:
    """Withdraw what waits for a second person on tasks that are decided or over."""
    for row, said in await _waiting(tx):
        if said.task in tasks:
            await _withdraw(desk, tx, row, by)


async def let_one_wait(
    desk: ReviewDesk, tx: Transaction, asked: ActAnswer, waits: Confirmation
) -> None:
    """Let what was just asked for be all that waits for its task.

    What the task has overtaken since is withdrawn.

    Raises:
        WrongStateError: another one waits for the task as it is.
    """
    for row, said in await _waiting(tx):
        if row.id == asked.act or said.task != waits.task:
            continue
        if said.revision == waits.revision:
            detail = Phrase(
                "{asked_by} has asked for it: approve or refuse that act, or withdraw "
                "your own"
            ).filled(asked_by=row.asked_by)
            raise WrongStateError("already_asked", detail)
        await _withdraw(desk, tx, row, asked.asked_by)


async def _waiting(tx: Transaction) -> list[tuple[ActRow, Confirmation]]:
    return [
        (row, decode(row.content, Confirmation))
        for row in await all_pending(tx)
        if row.kind == KIND.value and row.content is not None
    ]


async def _withdraw(desk: ReviewDesk, tx: Transaction, row: ActRow, by: str) -> None:
    await tx.decide_act(row.id, ActState.WITHDRAWN, by=by, at=desk.now())
    entry = desk.trail.entry(
        Event.ACT_WITHDRAWN,
        at=desk.clock.now(),
        actor=by,
        outcome="overtaken",
        detail=told_of(row),
    )
    await desk.note(tx, entry)
