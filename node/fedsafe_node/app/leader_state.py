# SPDX-License-Identifier: Apache-2.0
"""What only the leading process of a node finds out, told to the others.

When each origin's copy was last complete, and what members owe. It is kept in the store
and read only while it is young: a copy that was complete then was complete then.
"""

from datetime import UTC, datetime
from typing import Final

import msgspec

from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store

_KEY: Final = "present"


class _Present(msgspec.Struct, frozen=True):
    """Moments in UTC seconds, by member."""

    complete: dict[str, float]
    debts: dict[str, int]
    waiting: dict[str, float] = {}
    caught: dict[str, float] = {}


class Present:
    """Tells it, or takes it up. Owned by the event loop: what was told last."""

    def __init__(self, situation: Situation, store: Store) -> None:
        self._situation = situation
        self._store = store
        self._told = _Present({}, {})

    async def tell(self) -> None:
        """Tell the others, if it has changed.

        Raises:
            StoreError: it is told the next time.
        """
        situation = self._situation
        seen = situation.coverage.seen()
        complete = {origin: at.timestamp() for origin, at in seen.items()}
        waits = situation.coverage.waiting
        waiting = {origin: at.timestamp() for origin, at in waits.items()}
        told = situation.coverage.caught()
        caught = {origin: at.timestamp() for origin, at in told.items()}
        present = _Present(complete, dict(situation.debts), waiting, caught)
        if present != self._told:
            await self._store.write(lambda tx: tx.set_meta(_KEY, encode(present)))
            self._told = present

    async def take_up(self) -> None:
        """Know what the leading process has told."""
        kept = await self._store.read(lambda reader: reader.meta(_KEY))
        if kept is None:
            return
        present = decode(kept, _Present)
        coverage = self._situation.coverage
        for origin, seconds in present.complete.items():
            at, last = datetime.fromtimestamp(seconds, UTC), coverage.last(origin)
            if last is None or last < at:
                coverage.saw(origin, at)
        for origin, seconds in present.caught.items():
            coverage.caught_up(origin, datetime.fromtimestamp(seconds, UTC))
        coverage.waiting = {
            origin: datetime.fromtimestamp(seconds, UTC)
            for origin, seconds in present.waiting.items()
        }
        self._situation.debts = dict(present.debts)
