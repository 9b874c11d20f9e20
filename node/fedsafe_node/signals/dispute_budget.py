# SPDX-License-Identifier: Apache-2.0
"""Weigh disputes again that came beyond their author's budget, once a day's is free.

A job of the node's clockwork. A flood rests no more signals a day than the budget lets
it, and none at all once its disputes have their rulings; but an honest dispute that
came in its midst is not lost: it rests its signal on a later day, and from then on its
origin has to rule on it in time.
"""

from dataclasses import dataclass
from typing import Final

from fedsafe_node.ground.principal import Actor
from fedsafe_node.log.audit import Event
from fedsafe_node.signals.desk import Changed, Desk
from fedsafe_node.signals.dispute_intake import (
    facts_of,
    is_shared,
    rest_disputed,
    weigh,
    weight_of,
)
from fedsafe_node.store.rights_rows import Weight
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.rules.disputes import ruling_ends

ACTOR_NAME: Final = Actor.DISPUTES.value
_BATCH: Final = 100


async def weigh_again(desk: Desk) -> int:
    """Weigh what is within its author's budget by now; return how many.

    Raises:
        StoreFailedError: the rest is done by the next run.
    """
    weighed = 0
    for name in await desk.store.read(lambda reader: reader.authors_beyond()):
        # One person who is listed often must not make the next one wait.
        while count := await desk.commit(_Weighing(desk, name).run):
            weighed += count
    return weighed


@dataclass(frozen=True, slots=True)
class _Weighing:
    desk: Desk
    author: str

    async def run(self, tx: Transaction) -> Changed[int]:
        desk, now = self.desk, self.desk.clock.now()
        at, rested, weighed = int(now.timestamp()), 0, 0
        rows = [
            row
            for attested in (False, True)
            for row in await tx.disputes_beyond(self.author, _BATCH, attested=attested)
        ]
        spent: set[bool] = set()
        for row in rows:
            facts = facts_of(row)
            if facts.attested in spent:
                continue
            decision = await weigh(
                tx,
                facts,
                judge=lambda asked: desk.situation.decide(asked, now),
                charged=at,
            )
            weight = weight_of(decision)
            if weight is Weight.FLOOD:
                spent.add(facts.attested)
                continue
            due = ruling_ends(at, desk.situation.policy)
            rests = weight is Weight.SUSPENDS
            shared = rests and await is_shared(tx, facts, at)
            await tx.weigh_dispute(
                row.digest, weight, charged_at=at, due_at=due, shared=shared
            )
            rested += len(await rest_disputed(tx, row.origin, [row.signal_id]))
            weighed += 1
        if weighed:
            await self._write(tx, weighed, rested)
        return Changed(weighed)

    async def _write(self, tx: Transaction, weighed: int, rested: int) -> None:
        desk = self.desk
        entry = desk.trail.entry(
            Event.DISPUTES_WEIGHED,
            at=desk.clock.now(),
            actor=ACTOR_NAME,
            detail={
                "author": desk.reviews.origin_of(self.author),
                "disputes": weighed,
                "disputed": rested,
                "rule": "P10",
                "policy": desk.situation.policy.reference,
            },
        )
        await tx.append(desk.trail.log, entry.record, entry.openings)
