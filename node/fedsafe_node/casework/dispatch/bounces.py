# SPDX-License-Identifier: Apache-2.0
"""A mail that came back: what was delivered by mail may have arrived nowhere.

Whoever had the token can write such a mail, as with a reply. So it only ever brings
more attention, never less: it acknowledges and stops nothing, moves nothing that the
partner has acknowledged or that was recalled, and withdraws no correction. What was
delivered by mail alone goes by the partner's next channel, under its key, or waits for
a person to call. Of each mail that was delivered a few are noted and no more, so that
forged ones leave room for the true one of the next.
"""

from typing import Final

from msgspec.structs import replace

from fedsafe_node.casework.cases.packages import is_recalled
from fedsafe_node.casework.dispatch.fallback import by_next_channel
from fedsafe_node.store.casework_rows import AttemptRow, DispatchRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.escalation.dispatches import DispatchState, Outcome

MOST_BOUNCES: Final = 3
_MAIL: Final = "mail"
_OPEN: Final = frozenset({DispatchState.DELIVERED.value, DispatchState.QUEUED.value})


async def note_bounce(
    tx: Transaction, found: DispatchRow, proof: str, now: int
) -> DispatchRow | None:
    """Keep that a mail of a dispatch came back; None if there is nothing to note.

    Returns:
        Where the dispatch is by that.
    """
    attempts = await tx.attempts(found.id)
    bounces = [each for each in attempts if each.outcome == Outcome.BOUNCED.value]
    is_known = any(each.message == proof for each in bounces)
    since = max(_delivered(attempts), default=0)
    fresh = [each for each in bounces if each.number > since]
    if found.acknowledged_at or is_known or len(fresh) >= MOST_BOUNCES:
        return None
    bounce = AttemptRow(
        dispatch_id=found.id,
        number=len(attempts) + 1,
        way=_MAIL,
        began_at=now,
        ended_at=now,
        outcome=Outcome.BOUNCED.value,
        message=proof,
    )
    await tx.add_attempt(bounce)
    if not _rests_on_mail(found, attempts) or await is_recalled(tx, found):
        return found
    moved = await _goes_on(tx, found, now)
    await tx.move_dispatch(moved)
    return moved


async def unless_it_came_back(
    reader: Reader, delivered: DispatchRow, attempt: AttemptRow, now: int
) -> DispatchRow:
    """Return where a dispatch is that an attempt has delivered.

    A mail can come back before its own attempt has ended.
    """
    attempts = await reader.attempts(delivered.id)
    bounced = Outcome.BOUNCED.value
    came_back = any(
        each.outcome == bounced and each.number > attempt.number for each in attempts
    )
    if came_back and _rests_on_mail(delivered, attempts):
        return await _goes_on(reader, delivered, now)
    return delivered


def _delivered(attempts: list[AttemptRow]) -> list[int]:
    return [each.number for each in attempts if each.outcome == Outcome.DELIVERED.value]


def _rests_on_mail(found: DispatchRow, attempts: list[AttemptRow]) -> bool:
    """Tell whether nothing but a mail says that a dispatch was delivered."""
    arrived = [each for each in attempts if each.outcome == Outcome.DELIVERED.value]
    said = found.state in _OPEN and found.delivered_at is not None
    return said and bool(arrived) and {each.way for each in arrived} == {_MAIL}


async def _goes_on(reader: Reader, found: DispatchRow, now: int) -> DispatchRow:
    undelivered = replace(found, delivered_at=None)
    if found.state == DispatchState.QUEUED.value:  # it goes once more already
        return undelivered
    queued = await by_next_channel(reader, undelivered, now)
    if queued is not None:
        return queued
    by_hand, channel = DispatchState.BY_HAND.value, max(found.channel, 1)
    return replace(undelivered, state=by_hand, due_at=None, channel=channel)
