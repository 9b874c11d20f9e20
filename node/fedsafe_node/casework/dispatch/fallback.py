# SPDX-License-Identifier: Apache-2.0
"""Brings a package by its partner's next channel when nobody has acknowledged it.

Where the fallback of a case is its second channel, whatever was delivered goes out once
more, under the same key, so that the partner knows it as the package that it has. It
stays delivered meanwhile, and whatever comes of it: the mail server's word counts on.

What waits for a person because this node lacked a setting, or did not trust who was
there, goes by the channel that this befell once the case is sent again, or recalled
again if it is a correction. Which channels those are is kept beside the dispatch, for
its attempts say no more than of which kind a channel was.
"""

from typing import Final

from msgspec.structs import replace

from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.casework.cases.packages import is_recalled
from fedsafe_node.casework.cases.partners import read_partner
from fedsafe_node.casework.dispatch.case_moves import live_dispatches
from fedsafe_node.casework.dispatch.package import mark_of
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.office import Office
from fedsafe_node.store.casework_rows import MENDABLE, DispatchRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.escalation.channels import Channel, SftpChannel
from fedsafe_policies.escalation.dispatches import DispatchState, Outcome
from fedsafe_policies.escalation.partners import Partner

_MENDABLE: Final = frozenset({Outcome.MISCONFIGURED, Outcome.UNTRUSTED})


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
    """Return a dispatch as it goes on by the first channel that may be mended by now.

    None if it does not wait for a person, or no channel has failed for that at last.
    """
    entry = await _entry_of(reader, row)
    if entry is None or row.state != DispatchState.BY_HAND.value:
        return None
    mendable = await _mendable(reader, row)
    places = [place for place in range(len(entry.channels)) if place in mendable]
    return _queued(row, places[0], now) if places else None


async def note_mendable(tx: Transaction, row: DispatchRow, outcome: Outcome) -> None:
    """Keep whether people can mend what an attempt by a dispatch's channel met."""
    before = await _mendable(tx, row)
    here = {row.channel}
    after = before | here if outcome in _MENDABLE else before - here
    if after != before:
        written = ",".join(map(str, sorted(after))).encode()
        await tx.set_meta(MENDABLE + row.id, written)


async def is_strange(reader: Reader, row: DispatchRow, channel: Channel) -> bool:
    """Tell whether a channel leads to a server whose host key counts as unknown.

    A dispatch was queued for it when a verification counted without a comparison.
    """
    if not isinstance(channel, SftpChannel):
        return False
    partner, _ = await read_partner(reader, row.partner)
    return partner.verified_until is None


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


async def _mendable(reader: Reader, row: DispatchRow) -> frozenset[int]:
    kept = await reader.meta(MENDABLE + row.id)
    return frozenset(map(int, kept.split(b","))) if kept else frozenset()


def _queued(row: DispatchRow, channel: int, now: int) -> DispatchRow:
    queued = DispatchState.QUEUED.value
    return replace(row, state=queued, channel=channel, tries=0, due_at=now)
