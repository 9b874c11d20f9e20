# SPDX-License-Identifier: Apache-2.0
"""Brings a package by its partner's next channel when nobody has acknowledged it.

Where the fallback of a case is its second channel, whatever was delivered goes out once
more, under the same key, so that the partner knows it as the package that it has. It
stays delivered meanwhile, and whatever comes of it: the mail server's word counts on.
"""

from msgspec.structs import replace

from fedsafe_federation.wireformat import decode
from fedsafe_node.dispatch.making import mark_of
from fedsafe_node.dispatch.moving import is_recalled, live_dispatches
from fedsafe_node.store.dispatches_rows import DispatchRow
from fedsafe_node.store.protocol import Reader, Transaction
from fedsafe_policies.escalation.dispatching import DispatchState
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
    if await is_recalled(reader, row):
        return None
    partner = await reader.partner(row.partner)
    if row.sealed is None or partner is None or mark_of(partner) != row.mark:
        return None
    if row.channel + 1 >= len(decode(partner.record, Partner).channels):
        return None
    return replace(
        row,
        state=DispatchState.QUEUED.value,
        channel=row.channel + 1,
        tries=0,
        due_at=now,
    )
