# SPDX-License-Identifier: Apache-2.0
"""What the node does with events by itself: remind of receipts, erase what is over.

A reminder is an event of its own behind the others, since a cursor never goes back.
It repeats what the first one said, once a day until there is a receipt.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.principal import Actor
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.notices.provider_events.announcer import REMINDED, Announcer
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.transaction import Transaction

BATCH: Final = 200
ACTOR_NAME: Final = Actor.EVENTS.value
_PAUSE: Final = int(REMINDED.total_seconds())


class EventUpkeep:
    """Reminds and erases, in acts of a bounded size."""

    def __init__(
        self, store: Store, trail: AuditTrail, clock: Clock, announcer: Announcer
    ) -> None:
        self._store = store
        self._trail = trail
        self._clock = clock
        self._announcer = announcer

    async def run(self) -> None:
        """Do all that is due.

        Raises:
            StoreError: the rest is done by the next run.
        """
        await self._repeat(self._erase)
        await self._repeat(self._remind)

    async def _repeat(self, act: Callable[[Transaction], Awaitable[int]]) -> None:
        while await self._store.write(act) == BATCH:
            pass

    async def _erase(self, tx: Transaction) -> int:
        expired = await tx.expired_provider_events(self._now(), BATCH)
        for event in expired:
            await tx.erase_provider_event(event.number)
        if expired:
            await self._note(tx, Event.PROVIDER_ERASED, len(expired))
        return len(expired)

    async def _remind(self, tx: Transaction) -> int:
        now = self._now()
        due = await tx.reminders_due(now, BATCH)
        for event in due:
            announced = self._announcer.read(event)
            if announced is not None:
                await self._announcer.announce(tx, announced, reminds=event.number)
            await tx.set_provider_reminder(event.number, now + _PAUSE)
        if due:
            await self._note(tx, Event.PROVIDER_REMINDED, len(due))
        return len(due)

    async def _note(self, tx: Transaction, event: Event, count: int) -> None:
        entry = self._trail.entry(
            event,
            at=self._clock.now(),
            actor=ACTOR_NAME,
            detail={"events": count},
        )
        await tx.append(self._trail.log, entry.record, entry.openings)

    def _now(self) -> int:
        return int(self._clock.now().timestamp())
