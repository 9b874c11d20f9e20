# SPDX-License-Identifier: Apache-2.0
"""Brings a package by its partner's next channel when nobody has acknowledged it.

Where the fallback of a case is its second channel, whatever was delivered goes out once
more, under the same key, so that the partner knows it as the package that it has. It
stays delivered meanwhile, and whatever comes of it: the mail server's word counts on.

What waits for a person because this node lacked a setting goes by the channel that
lacked it once the case is sent again, or recalled again if it is a correction.
"""

from msgspec.structs import replace

from fedsafe_federation.wireformat import decode
from fedsafe_node.dispatch.making import channels_of, mark_of
from fedsafe_node.dispatch.moving import is_recalled, live_dispatches
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.office import Office
from fedsafe_node.store.dispatches_rows import DispatchRow
from fedsafe_node.store.protocol import Reader, Transaction
from fedsafe_policies.escalation.dispatching import DispatchState, Outcome
from fedsafe_policies.escalation.partners import Partner


async def take_next_channel(tx: Transaction, case_id: str, now: int) -> int:
    """Queue what a case's partners have not acknowledged; return how many packages."""
    count = 0
    for row in await live_dispatches(tx, case_id):
        if row.state == DispatchState.DELIVERED.value:
            queued = await by_next_channel(tx, row, now)
            if queued is not None:
                await tx.move_dispatch(queued)
                count += 1
    return count


async def by_next_channel(
    reader: Reader, row: DispatchRow, now: int
) -> DispatchRow | None:
    """Return a dispatch as it goes on by its partner's next channel, if there is one.

    That is a channel of the very entry that it was sealed for. What was recalled goes
    on by none: it would arrive behind its correction.
    """
    entry = await _entry_of(reader, row)
    if entry is None or row.channel + 1 >= len(entry.channels):
        return None
    return _queued(row, row.channel + 1, now)


async def by_mended_channel(
    reader: Reader, row: DispatchRow, now: int
) -> DispatchRow | None:
    """Return a dispatch as it goes on by the first channel that lacked a setting.

    None if it does not wait for a person, or no channel has failed for that at last.
    """
    entry = await _entry_of(reader, row)
    if entry is None or row.state != DispatchState.BY_HAND.value:
        return None
    last = {each.way: each.outcome for each in await reader.attempts(row.id)}
    for place, way in enumerate(channels_of(entry)):
        if last.get(way) == Outcome.MISCONFIGURED.value:
            return _queued(row, place, now)
    return None


async def queue_again(
    office: Office, tx: Transaction, row: DispatchRow, by: str, called: str | None
) -> None:
    """Keep a dispatch that goes on by a mended channel, and who has sent it again."""
    await tx.move_dispatch(row)
    detail: Detail = {
        "case": row.case_id,
        "dispatch": row.id,
        "partner": row.partner,
        **({} if called is None else {"called": called}),
    }
    await office.note(tx, Event.DISPATCH_REQUEUED, by, detail)


async def _entry_of(reader: Reader, row: DispatchRow) -> Partner | None:
    """Return the entry that a dispatch was sealed for, if it may still go there."""
    if await is_recalled(reader, row):
        return None
    partner = await reader.partner(row.partner)
    if row.sealed is None or partner is None or mark_of(partner) != row.mark:
        return None
    return decode(partner.record, Partner)


def _queued(row: DispatchRow, channel: int, now: int) -> DispatchRow:
    queued = DispatchState.QUEUED.value
    return replace(row, state=queued, channel=channel, tries=0, due_at=now)
