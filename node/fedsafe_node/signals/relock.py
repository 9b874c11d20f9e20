# SPDX-License-Identifier: Apache-2.0
"""Behind a closed gate nobody keeps what others have entrusted to it (rule P1).

A job of the node's clockwork. As soon as the own gate is closed for actor signals,
openings and tokens of all other members' actor signals are erased; records, proofs
and the own signals stay. The members give them again once the gate is open.
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
ACTOR_NAME: Final = Actor.RELOCK.value


async def relock(desk: Desk) -> int:
    """Erase what a closed gate must not hold; return how many signals.

    Raises:
        StoreFailedError: the rest is done by the next run.
    """
    situation = desk.situation
    if situation.opens(desk.clock.now()):
        return 0
    counts: Counter[str] = Counter()
    for origin in situation.others():
        while done := await desk.commit(_Round(desk, origin).run):
            situation.coverage.lacking.add(origin)
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
        rows = await tx.foreign_signals(self.origin, BATCH)
        if not rows:
            return Changed(0)
        now = self.desk.clock.now()
        first = min(row.index for row in rows)
        before = await read_lacking(tx, self.origin)
        lacking = first if before is None else min(first, before)
        entry = self.desk.trail.entry(
            Event.GATE_RELOCKED,
            at=now,
            actor=ACTOR_NAME,
            detail={
                "origin": self.origin,
                "signals": len(rows),
                "lacking": lacking,
                "policy": self.desk.situation.policy.reference,
            },
        )
        event = await tx.append(self.desk.trail.log, entry.record, entry.openings)
        for row in rows:
            at = int(now.timestamp())
            await tx.erase_opening(row.log, row.index, row.group, at=at)
            await tx.relock_signal(row, event=event)
        await note_lacking(tx, self.origin, lacking)
        return Changed(len(rows), removed=[row.row for row in rows])
