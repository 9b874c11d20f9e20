# SPDX-License-Identifier: Apache-2.0
"""Of a member that is none any more nothing is kept that could match.

A job of the node's clockwork. Signals of who has left, or was expelled, match no more
from the moment that the charter counts; here their openings and tokens are erased, of
both planes. Records and proofs stay. Once the node itself has left, this is about all
others. Should the provider join again, it gives its history anew.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from fedsafe_node.ground.principal import Actor
from fedsafe_node.log.audit import Event
from fedsafe_node.lookup.index.bootstrap import merge_tokens
from fedsafe_node.signals.desk import Changed, Desk
from fedsafe_node.signals.missing_openings import note_lacking, read_lacking
from fedsafe_node.store.transaction import Transaction

BATCH: Final = 500


async def erase_departed(desk: Desk) -> int:
    """Erase what lies here of those who have left; return how many signals.

    Raises:
        StoreFailedError: the rest is done by the next run.
    """
    situation = desk.situation
    shared = situation.shared
    members = shared.membership.charter.members if shared is not None else []
    stay = {situation.node, *(member.name for member in members)}
    peers = await desk.store.read(lambda reader: reader.peers())
    counts: Counter[str] = Counter()
    for origin in sorted({peer.origin for peer in peers} - stay):
        while done := await desk.commit(_Round(desk, origin).run):
            counts[origin] += done
            if done < BATCH:
                break
    if counts:
        # The tokens leave the index's files as well, not only its answers.
        await merge_tokens(desk.lists.tokens, desk.store, full=True)
    return counts.total()


@dataclass(frozen=True, slots=True)
class _Round:
    desk: Desk
    origin: str

    async def run(self, tx: Transaction) -> Changed[int]:
        rows = await tx.held_signals(self.origin, BATCH)
        if not rows:
            return Changed(0)
        now = self.desk.clock.now()
        first = min(row.index for row in rows)
        before = await read_lacking(tx, self.origin)
        lacking = first if before is None else min(first, before)
        entry = self.desk.trail.entry(
            Event.MEMBER_ERASED,
            at=now,
            actor=Actor.RELOCK.value,
            detail={
                "origin": self.origin,
                "signals": len(rows),
                "lacking": lacking,
            },
        )
        event = await tx.append(self.desk.trail.log, entry.record, entry.openings)
        for row in rows:
            at = int(now.timestamp())
            await tx.erase_opening(row.log, row.index, row.group, at=at)
            await tx.relock_signal(row, event=event)
        await note_lacking(tx, self.origin, lacking)
        return Changed(len(rows), removed=[row.row for row in rows])
