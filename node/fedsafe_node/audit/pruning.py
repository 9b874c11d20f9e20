# SPDX-License-Identifier: Apache-2.0
"""Let go of old records of the audit log and of the anchor; their hashes stay.

Where `audit.records` sets a time, the oldest entries go as a whole prefix, full tiles
of 256 at a time. Their leaf hashes stay (32 bytes an entry), so every checkpoint, proof
and cosignature of any size is what it was: a witness or a pack from long ago is
answered as before (the *minimum index* of c2sp.org/tlog-tiles). An entry goes only if

* it and all before it are older than that;
* none of its openings can be read any more: erased, or sealed in a month whose key is
  destroyed; and no signal that is not erased points to it;
* nothing at all is held (`legal_holds.py`);
* what has left the node, and in a federation what the quorum has cosigned, lies behind
  it: what nobody else has seen yet is not let go of.

A feed is never pruned: a member that joins later takes it from its beginning.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from fedsafe_crypto.tlog.tiles import TILE_WIDTH
from fedsafe_federation.errors import MalformedError
from fedsafe_node.ground.errors import CorruptLogError
from fedsafe_node.log.audit import Event, decode_audit_record
from fedsafe_node.log.openings import period_of
from fedsafe_node.log.proofs import log_root
from fedsafe_node.log.span import first_since
from fedsafe_node.people.office import Office
from fedsafe_node.store.keeping_rows import PrunedRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogName
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase

_AT_ONCE: Final = 8 * TILE_WIDTH


class Sizes(NamedTuple):
    """How many entries of each log others know of."""

    audit: int
    anchor: int


class Pruning:
    """Prunes what is due; `seen` tells how far, None for not now."""

    def __init__(
        self,
        office: Office,
        *,
        anchor: LogName,
        seen: Callable[[], Awaitable[Sizes | None]],
    ) -> None:
        self.anchor = anchor
        self._office = office
        self._seen = seen

    async def run(self, days: int) -> int:
        """Prune all that is older than that; return how many entries went.

        0 days are for good.

        Raises:
            CorruptLogError: entries are not those of their tree; none of them goes.
            StoreError: it could not be written; the rest is due again.
        """
        sizes = await self._seen() if days else None
        if sizes is None:
            return 0
        audit = self._office.trail.log
        moment = self._office.clock.now() - timedelta(days=days)
        gone = await self._prune(self.anchor, sizes.anchor, moment)
        return gone + await self._prune(audit, sizes.audit, moment)

    async def _prune(self, log: LogName, most: int, moment: datetime) -> int:
        store, gone = self._office.store, 0
        start, end = await store.scan(lambda r: self._span(r, log, most, moment))
        for place in range(start, end, _AT_ONCE):
            stop = min(end, place + _AT_ONCE)
            went = await store.write(lambda tx, n=stop: self._act(tx, log, n))  # type: ignore[misc]
            if went is None:
                break
            gone += went
        return gone

    async def _span(
        self, reader: Reader, log: LogName, most: int, moment: datetime
    ) -> tuple[int, int]:
        """Say which entries may go, from the first that is there."""
        first, size = await reader.minimum(log), await reader.log_size(log)
        if size == 0 or await reader.holds():
            return first, first
        ends = [most, size - 1]
        needed = await reader.first_readable(log, first, period_of(moment))
        if needed is not None:
            ends.append(needed)
        if log == self._office.trail.log:
            at = int(moment.timestamp())
            ends.append(await first_since(reader, log, size, at))
        return first, max(first, min(ends) // TILE_WIDTH * TILE_WIDTH)

    async def _act(self, tx: Transaction, log: LogName, size: int) -> int | None:
        """Prune up to a size; None if somebody holds something by now."""
        if await tx.holds():
            return None
        before = next((row for row in await tx.pruned() if row.log == log), None)
        start = before.size if before is not None else 0
        if start >= size:
            return 0  # whoever led the workers before has come so far meanwhile
        await _check_end(tx, log)
        office = self._office
        openings = before.openings if before is not None else 0
        since = before.since if before is not None else await _beginning(tx, log)
        openings += await tx.erased_between(log, start, size)
        root = await log_root(tx, log, size)
        entry = office.trail.entry(
            Event.AUDIT_PRUNED,
            at=office.clock.now(),
            detail={"log": log, "size": size, "root": root.hex()},
        )
        event = await tx.append(office.trail.log, entry.record, entry.openings)
        row = PrunedRow(
            log=log,
            size=size,
            root=root,
            since=since,
            event=event,
            openings=openings,
            at=office.now(),
        )
        await tx.prune(row)
        return size - start


async def _check_end(tx: Transaction, log: LogName) -> None:
    """Let nothing go of a log that is not the one that was appended."""
    tail = await tx.tail(log)
    if await log_root(tx, log, tail.size) != tail.root:
        why = Phrase("the entries are not those that the running node had")
        raise CorruptLogError(log, 0, why, last=tail.size - 1)


async def _beginning(reader: Reader, log: LogName) -> str:
    """Return the month in which a log began."""
    for row in await reader.sealed_openings(log, 0, 1):
        return row.period
    try:
        return decode_audit_record(await reader.record(log, 0) or b"").at[:7]
    except MalformedError:
        raise CorruptLogError(log, 0, Phrase("it is no audit event")) from None
