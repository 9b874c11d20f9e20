# SPDX-License-Identifier: Apache-2.0
"""Write down when additions wait for witnesses for long, and when they go on.

They go on by themselves: this only tells. After a restart they wait anew.
"""

from datetime import timedelta
from typing import Final

from fedsafe_node.ground.clock import Clock
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.transaction import Transaction

LATE: Final = timedelta(minutes=1)


class Waiting:
    """Watches how long additions wait. `_told` are the origins of which it was told."""

    def __init__(
        self, situation: Situation, store: Store, trail: AuditTrail, clock: Clock
    ) -> None:
        self._situation = situation
        self._store = store
        self._trail = trail
        self._clock = clock
        self._told: set[str] = set()

    async def run(self) -> None:
        """Write down what has changed.

        Raises:
            StoreError: it is written down the next time.
        """
        now = self._clock.now()
        waiting = self._situation.coverage.waiting
        late = {each for each, since in waiting.items() if now - since > LATE}
        entries = [
            self._trail.entry(
                Event.ADDITIONS_WAIT,
                at=now,
                outcome="waiting",
                detail={"origin": origin, "since": int(waiting[origin].timestamp())},
            )
            for origin in sorted(late - self._told)
        ]
        over = self._told - set(waiting)
        entries += [
            self._trail.entry(Event.ADDITIONS_GO_ON, at=now, detail={"origin": origin})
            for origin in sorted(over)
        ]
        if not entries:
            return

        async def act(tx: Transaction) -> None:
            await tx.append_many(self._trail.log, entries)

        await self._store.write(act)
        self._told = (self._told | late) - over
