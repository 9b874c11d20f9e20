# SPDX-License-Identifier: Apache-2.0
"""What waits for a second person waits once: a repetition makes nobody choose."""

from collections.abc import Callable

from fedsafe_node.errors import WrongStateError
from fedsafe_node.log.audit import Event
from fedsafe_node.people.approvals import all_pending, told_of
from fedsafe_node.people.messages import ActAnswer
from fedsafe_node.people.office import Office
from fedsafe_node.store.people_rows import ActState
from fedsafe_node.store.protocol import Transaction
from fedsafe_policies.vocabulary import Role


async def let_one_wait(
    office: Office,
    tx: Transaction,
    asked: ActAnswer,
    *,
    is_same: Callable[[bytes], bool],
    is_alike: Callable[[bytes], bool] = lambda _: True,
) -> None:
    """Let what was just asked for be all of its kind that waits, of what is alike.

    What is alike and not the same is withdrawn: it was asked for anew.

    Raises:
        WrongStateError: the same waits already.
    """
    for row in await all_pending(tx):
        if row.id == asked.act or row.kind != asked.kind.value or row.content is None:
            continue
        if not is_alike(row.content):
            continue
        if is_same(row.content):
            detail = f"{row.asked_by} has asked for it: approve or withdraw that act"
            raise WrongStateError("already_asked", detail)
        by, now = asked.asked_by, office.now()
        await tx.decide_act(row.id, ActState.WITHDRAWN, by=by, at=now)
        await office.note(
            tx, Event.ACT_WITHDRAWN, by, told_of(row), outcome="overtaken"
        )


async def withdraw_acts_of(
    office: Office, tx: Transaction, name: str, role: Role | None, *, by: str
) -> None:
    """Withdraw what somebody has asked for, in one role or in any, within an act."""
    for row in await all_pending(tx):
        if row.asked_by == name and role in {None, Role(row.asked_role)}:
            await tx.decide_act(row.id, ActState.WITHDRAWN, by=by, at=office.now())
            await office.note(tx, Event.ACT_WITHDRAWN, by, told_of(row))
