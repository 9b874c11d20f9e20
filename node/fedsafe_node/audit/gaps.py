# SPDX-License-Identifier: Apache-2.0
"""When the node could write nothing: noted as soon as it can, and told.

A disk that takes nothing, or a writer that was stopped, is an *outage*; once a write
succeeds again, it becomes a row and an `audit.gap` event. On a full disk the reserve
has room for an event that the gap has begun. A node that ended without
saying so (`node.stopped`) has a gap from its last event to its next start. What was
acknowledged before is in the log all the same.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from fedsafe_federation.errors import MalformedError
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import StoreFailedError
from fedsafe_node.log.audit import AuditTrail, Detail, Event, decode_audit_record
from fedsafe_node.store.keeping_rows import GapKind, GapRow, Outage
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import StoreTrouble, Trouble
from fedsafe_node.store.transaction import Transaction

ALONE: Final = "1"
_RUNNING: Final = "running"


class Gaps:
    """Notes gaps.

    Owned by the event loop: `_waiting`, outages that are not written down yet;
    `_begun`, whether this run was; `_told`, since when the gap lasts of whose begin
    there is an event.
    """

    def __init__(self, store: Store, trail: AuditTrail, clock: Clock) -> None:
        self._store = store
        self._trail = trail
        self._clock = clock
        self._waiting: list[Outage] = []
        self._begun = False
        self._told: int | None = None

    async def begin(self, policy: str, run: str = ALONE) -> None:
        """Note the start, and the gap before it if the last run has no end.

        The processes of a node have one *run*: the first of them that starts begins it.

        Raises:
            StoreError: it cannot be written.
        """
        now = self._now()

        async def act(tx: Transaction) -> None:
            before = await tx.meta(_RUNNING)
            if before == run.encode() and run != ALONE:
                return
            if before:
                since = await _last_moment(tx, self._trail.log, now)
                await self._note(tx, GapKind.UNCLEAN_END, "no_end", since, now)
            await tx.set_meta(_RUNNING, run.encode())
            await self._append(tx, Event.NODE_STARTED, {"policy": policy})

        await self._write(act)
        self._begun = True

    async def end(self, *, is_last: bool = True) -> None:
        """Note that this run ends as it should; nothing if it never began.

        Of several processes the last one ends it; the others tell their outages.

        Raises:
            StoreError: it cannot be written.
        """
        if not self._begun:
            return

        async def act(tx: Transaction) -> None:
            if is_last:
                await tx.set_meta(_RUNNING, b"")
                await self._append(tx, Event.NODE_STOPPED, {})

        await self.watch()
        if (trouble := await self._lasting()) is not None:
            self._waiting.append(
                Outage(kind=trouble.kind, since=trouble.since, until=self._now())
            )
        await self._tell_waiting()
        await self._store.write(act)
        self._begun = False

    async def watch(self) -> None:
        """Write down the outages that are over, and the begin of one that lasts.

        Raises:
            StoreError: not yet; they are kept for the next time.
        """
        self._waiting += self._store.take_outages()
        await self._tell_waiting()
        trouble = await self._lasting()
        if trouble is None or trouble.since == self._told:
            return
        detail: Detail = {
            "gap": GapKind.UNWRITABLE.value,
            "reason": trouble.kind.value,
            "since": trouble.since,
            "until": None,
        }
        await self._write(lambda tx: self._append(tx, Event.AUDIT_GAP, detail))
        self._told = trouble.since

    async def _lasting(self) -> StoreTrouble | None:
        """Return the outage that lasts, if there is a reserve to write it into."""
        trouble, room = self._store.trouble(), await self._store.room()
        is_full = trouble is not None and trouble.kind is Trouble.FULL
        return trouble if is_full and room is not None else None

    async def _write(self, act: Callable[[Transaction], Awaitable[None]]) -> None:
        """Run an act; once more if it was what found the disk full.

        Raises:
            StoreError: it cannot be written.
        """
        try:
            await self._store.write(act)
        except StoreFailedError:
            if await self._lasting() is None:
                raise
            await self._store.write(act)

    async def _tell_waiting(self) -> None:
        if not self._waiting:
            return
        told = list(self._waiting)

        async def act(tx: Transaction) -> None:
            known = await tx.gaps()
            for outage in told:
                if any(_tells(gap, outage) for gap in known):
                    continue  # another process of the node has met it as well
                await self._note(
                    tx,
                    GapKind.UNWRITABLE,
                    outage.kind.value,
                    outage.since,
                    outage.until,
                )

        await self._write(act)
        del self._waiting[: len(told)]

    async def _note(
        self, tx: Transaction, kind: GapKind, reason: str, since: int, until: int
    ) -> None:
        await tx.add_gap(GapRow(kind=kind, reason=reason, since=since, until=until))
        detail = {"gap": kind.value, "reason": reason, "since": since, "until": until}
        await self._append(tx, Event.AUDIT_GAP, detail)

    async def _append(self, tx: Transaction, event: Event, detail: Detail) -> None:
        entry = self._trail.entry(event, at=self._clock.now(), detail=detail)
        await tx.append(self._trail.log, entry.record, entry.openings)

    def _now(self) -> int:
        return int(self._clock.now().timestamp())


def _tells(gap: GapRow, outage: Outage) -> bool:
    same = gap.kind is GapKind.UNWRITABLE and gap.reason == outage.kind.value
    return same and gap.since <= outage.since and outage.until <= gap.until


async def _last_moment(reader: Reader, log: str, now: int) -> int:
    size = await reader.log_size(log)
    data = await reader.record(log, size - 1) if size else None
    try:
        at = decode_audit_record(data or b"").at
        return min(now, int(datetime.fromisoformat(at).timestamp()))
    except (MalformedError, ValueError):
        return now
