# SPDX-License-Identifier: Apache-2.0
"""What ends with time (rule P9): signals at `match_until`, openings at `erase_after`.

A job of the node's clockwork. It needs nobody: own and received signals carry both
dates, and a draft that nobody decided ends with the signal that it would be. The
marks of erasure stay beside the records; the events count what was done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.principal import Actor
from fedsafe_node.log.audit import Event, grounds_of
from fedsafe_node.signals.desk import Changed, Desk
from fedsafe_node.signals.drafts import open_draft
from fedsafe_node.signals.stop import withdraw_draft
from fedsafe_node.signals.view import MAX_DRAFTS
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import DraftRow, DraftState, LogEntry, SignalStatus
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.rules.erasures import EraseRequest
from fedsafe_policies.vocabulary import Effect, Plane

BATCH: Final = 500
ACTOR_NAME: Final = Actor.EXPIRY.value
_MAY_MATCH: Final = frozenset({SignalStatus.ACTIVE, SignalStatus.DISPUTED})


@dataclass(frozen=True, slots=True)
class Expired:
    """How many signals ceased to match, were erased, and drafts were withdrawn."""

    expired: int = 0
    erased: int = 0
    withdrawn: int = 0

    def __add__(self, other: "Expired") -> "Expired":
        """Add up two rounds."""
        return Expired(
            self.expired + other.expired,
            self.erased + other.erased,
            self.withdrawn + other.withdrawn,
        )


async def expire_signals(desk: Desk) -> Expired:
    """End all that is due, in acts of a bounded size.

    Raises:
        StoreFailedError: the rest is done by the next run.
    """
    total = Expired()
    due = await desk.store.scan(lambda reader: _overdue_drafts(reader, desk))
    for start in range(0, len(due), BATCH):
        total += await desk.commit(_Round(desk, due[start : start + BATCH]).run)
    while True:
        done = await desk.commit(_Round(desk, ()).run)
        total += done
        if max(done.expired, done.erased) < BATCH:
            return total


async def _overdue_drafts(reader: Reader, desk: Desk) -> list[DraftRow]:
    now = int(desk.clock.now().timestamp())
    overdue: list[DraftRow] = []
    for row in await reader.drafts(DraftState.PENDING, MAX_DRAFTS):
        try:
            ends = open_draft(row, desk.periods).header().match_until
        except WrongStateError:
            ends = now  # nobody can ever publish what does not open
        if ends <= now:
            overdue.append(row)
    return overdue


@dataclass(frozen=True, slots=True)
class _Round:
    desk: Desk
    drafts: Sequence[DraftRow]

    async def run(self, tx: Transaction) -> Changed[Expired]:
        now = int(self.desk.clock.now().timestamp())
        removed: list[int] = []
        for draft in self.drafts:
            removed += await withdraw_draft(self.desk, tx, draft, by=ACTOR_NAME)
        bans = len(removed)
        expired = await tx.expired_signals(now, BATCH)
        for row in expired:
            await tx.set_signal_status(row.origin, row.signal_id, SignalStatus.EXPIRED)
        erased = await tx.erasable_signals(now, BATCH)
        for row in erased:
            await tx.erase_opening(row.log, row.index, row.group, at=now)
            await tx.set_signal_status(row.origin, row.signal_id, SignalStatus.ERASED)
            if row.origin == self.desk.situation.node:
                await tx.remove_custody(row.signal_id)
                await tx.remove_validation(row.signal_id)
        # Dates tie or cross: one that is erased first has ceased to match as well.
        ceased = sum(row.status in _MAY_MATCH for row in erased)
        done = Expired(len(expired) + ceased, len(erased), len(self.drafts))
        if done != Expired():
            entry = self._event(done, bans)
            await tx.append(self.desk.trail.log, entry.record, entry.openings)
        # Whoever asks for access is told of an ended signal as long as it is kept.
        removed += {row.row for row in expired if row.plane != Plane.ACTOR}
        removed += {row.row for row in erased}
        return Changed(done, removed=removed)

    def _event(self, done: Expired, bans: int) -> LogEntry:
        now = self.desk.clock.now()
        decision = self.desk.situation.decide(EraseRequest(Effect.EXPIRED), now)
        return self.desk.trail.entry(
            Event.EXPIRED,
            at=now,
            actor=ACTOR_NAME,
            detail={
                "expired": done.expired,
                "erased": done.erased,
                "drafts": done.withdrawn,
                "bans": bans,
                **grounds_of(decision),
            },
        )
