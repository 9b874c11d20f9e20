# SPDX-License-Identifier: Apache-2.0
"""Put a batch of another member's feed into the store, within one act (`intake`)."""

from collections.abc import Sequence
from datetime import datetime

from fedsafe_crypto.tlog.tree import EMPTY_ROOT
from fedsafe_federation.feed.verification import VerifiedBatch, feed_name
from fedsafe_node.lookup.index.lists import Hint
from fedsafe_node.signals.arrival import Arrival
from fedsafe_node.signals.missing_openings import grant
from fedsafe_node.store.rows import LogEntry, PeerRow, PeerState
from fedsafe_node.store.transaction import Transaction


async def keep_arrivals(
    tx: Transaction, origin: str, arrivals: Sequence[Arrival], size: int
) -> tuple[list[Hint], list[Hint]]:
    """Keep what has come; return the hints of what was granted again, and is new."""
    log = feed_name(origin)
    here = [arrival for arrival in arrivals if arrival.index < size]
    granted = await grant(tx, origin, here)
    fresh = [arrival for arrival in arrivals if arrival.signal is not None]
    usable = await _usable(tx, origin, fresh)
    keep = {id(arrival) for arrival in usable}
    entries = [
        LogEntry(
            record=arrival.record,
            openings=arrival.openings if id(arrival) in keep else (),
        )
        for arrival in arrivals
        if arrival.index >= size
    ]
    if entries:
        await tx.append_many(log, entries)
    for arrival in usable:
        for opening in arrival.openings if arrival.index < size else ():
            await tx.grant_opening(log, arrival.index, opening)
    rows = await tx.add_signals([a.signal for a in usable if a.signal is not None])
    return granted, [
        Hint(row, arrival.signal.token, arrival.pdq)
        for row, arrival in zip(rows, usable, strict=True)
        if arrival.signal is not None
    ]


async def move_position(
    tx: Transaction, origin: str, batch: VerifiedBatch, at: datetime | None
) -> None:
    """Note how far the copy of the feed has come, and never further back.

    *at* is when its origin gave it; None if another member did.
    """
    frontier = batch.known.frontier
    before = await tx.peer(origin)
    behind = before is not None and frontier.size < before.cursor
    root = frontier.root() if frontier.size else EMPTY_ROOT
    heard = before.synced_at if before is not None else 0
    if at is not None:
        heard = int(at.timestamp())
    await tx.put_peer(
        PeerRow(
            origin=origin,
            cursor=before.cursor if before and behind else frontier.size,
            root=before.root if before and behind else root,
            checkpoint=batch.known.note,
            synced_at=heard,
            state=before.state if before is not None else PeerState.ACTIVE,
        )
    )


async def _usable(
    tx: Transaction, origin: str, arrivals: Sequence[Arrival]
) -> list[Arrival]:
    # A signal id that its origin used twice, or restricted before, is not kept.
    by_id: dict[bytes, Arrival] = {}
    for arrival in arrivals:
        if arrival.signal is not None:
            by_id.setdefault(arrival.signal.signal_id, arrival)
    settled = await tx.settled(origin, list(by_id))
    return [arrival for id_, arrival in by_id.items() if id_ not in settled]
