# SPDX-License-Identifier: Apache-2.0
"""What came of other members' signals here, as sums that name nobody.

Counted are reviews that a person has decided, by the origin of the signals behind
them and the newest outcome. A number below `FEWEST` is not told: few reviews would
tell of single accounts. Nothing of it leaves this node.
"""

from typing import Final

from fedsafe_node.clock import Clock
from fedsafe_node.errors import DeniedError
from fedsafe_node.log.audit import AuditTrail, Event, grounds_of
from fedsafe_node.peering.messages import Sighting, SightingsAnswer
from fedsafe_node.principal import Principal
from fedsafe_node.reading import rule_on_reading
from fedsafe_node.situation import Situation
from fedsafe_node.store.protocol import Store, Transaction
from fedsafe_policies.vocabulary import Matter, Outcome, Purpose

FEWEST: Final = 10


class Sightings:
    """Tells how often which outcome came of an origin's signals."""

    def __init__(
        self, situation: Situation, store: Store, trail: AuditTrail, clock: Clock
    ) -> None:
        self._situation = situation
        self._store = store
        self._trail = trail
        self._clock = clock

    async def show(
        self, who: Principal, purpose: Purpose | None = None
    ) -> SightingsAnswer:
        """Tell the sums for each other member.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """
        now, trail = self._clock.now(), self._trail
        decision = rule_on_reading(
            self._situation, who, Matter.STATISTICS, purpose, now
        )
        if not decision.allowed:
            entry = trail.refusal(decision, at=now, actor=who.name, act="sightings")
            await self._store.write(
                lambda tx: tx.append(trail.log, entry.record, entry.openings)
            )
            raise DeniedError(decision)
        counted = await self._store.scan(lambda reader: reader.sightings())
        others = self._situation.others()
        sightings = [
            Sighting(
                origin=origin,
                outcomes={
                    Outcome(outcome): count
                    for (name, outcome), count in sorted(counted.items())
                    if name == origin and count >= FEWEST
                },
            )
            for origin in others
        ]
        entry = trail.entry(
            Event.SIGHTINGS_READ,
            at=now,
            actor=who.name,
            detail={"origins": len(sightings), **grounds_of(decision)},
        )

        async def act(tx: Transaction) -> None:
            await tx.append(trail.log, entry.record, entry.openings)

        await self._store.write(act)
        return SightingsAnswer(fewest=FEWEST, sightings=sightings)
