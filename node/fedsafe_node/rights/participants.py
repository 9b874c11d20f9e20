# SPDX-License-Identifier: Apache-2.0
"""Tell who has had a part in a signal, and does not rule on disputes of it (P10)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from fedsafe_node.log.audit import decode_audit_record
from fedsafe_node.people.approvals import LIFETIME
from fedsafe_node.rights.sealing import open_content
from fedsafe_node.signals.desk import Desk
from fedsafe_node.signals.view import actor_of
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import DisputeRow
from fedsafe_policies.vocabulary import Control

_APART: Final = 2  # seconds between a request and the disputes that it opens


async def involved_in(
    reader: Reader, desk: Desk, disputes: Sequence[DisputeRow], asked: str
) -> frozenset[str]:
    """Name who has decided on an own signal before, whatever they decided.

    Its author and second person, who kept it after a review, who disputed it, who
    ruled on it, and who answered or closed the request that disputes it. Who entered
    what a person contests is no party: the person is. Of an own ban it is told whether
    *asked* has recorded it.
    """
    origin, signal_id = disputes[0].origin, disputes[0].signal_id
    names: set[str | None] = {*await parties_to(reader, desk, origin, signal_id, asked)}
    names |= {row.opened_by for row in disputes if row.control == Control.OFFICER}
    for row in disputes:
        names |= await _handled(reader, desk, row)
    return frozenset(name for name in names if name is not None)


async def parties_to(
    reader: Reader, desk: Desk, origin: str, signal_id: bytes, asked: str
) -> frozenset[str]:
    """Name who has listed a signal, kept it, or ruled on it, disputes left out."""
    draft = await reader.draft(signal_id)
    kept = await reader.validation(signal_id)
    rulings = await reader.rulings_on(origin, signal_id)
    names: set[str | None] = {ruling.ruled_by for ruling in rulings}
    if draft is not None:
        names |= {draft.author, draft.decided_by}
    if kept is not None:
        names.add(kept.reviewer)
    if await has_recorded(reader, desk, signal_id, asked):
        names.add(asked)
    return frozenset(name for name in names if name is not None)


async def has_recorded(reader: Reader, desk: Desk, signal_id: bytes, name: str) -> bool:
    """Tell whether somebody has recorded an own ban, while its event names them."""
    row = await reader.signal(desk.situation.own.name, signal_id)
    record = None if row is None else await reader.record(row.log, row.index)
    if row is None or record is None:
        return False
    at = datetime.fromisoformat(decode_audit_record(record).at)
    return await actor_of(reader, row) == desk.trail.shown(name, at)


async def _handled(reader: Reader, desk: Desk, dispute: DisputeRow) -> set[str | None]:
    if desk.reviews.origin_of(dispute.author) != desk.situation.node:
        return set()  # what others were asked for lies with them
    first, last = dispute.received_at - _APART, dispute.received_at + _APART
    names: set[str | None] = set()
    # What an identity check disputes is disputed when another officer has decided.
    for row in await reader.requests_opened(first - LIFETIME, last):
        content = open_content(desk.periods, row)
        unknown = content is None and row.opened_at >= first
        if unknown or (content and dispute.digest.hex() in content.disputes):
            names.add(row.ended_by)
    return names
