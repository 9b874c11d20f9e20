# SPDX-License-Identifier: Apache-2.0
"""Finish what replication has begun to keep, also once nobody waits for it.

Replication ends and begins anew with every version of the charter. Whatever was handed
to the store by then is kept all the same; so what belongs behind it, such as the way of
tokens into the index, must not be cut off. `settle` waits for that.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import datetime

from fedsafe_federation.errors import EquivocationError
from fedsafe_federation.exchange.replication import Position, Shelf
from fedsafe_federation.feed.verification import VerifiedBatch, VerifiedRestriction


class Finishing:
    """A shelf whose acts are whole.

    Owned by the event loop: `_under_way`, the acts that were begun.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._under_way: set[asyncio.Task[None]] = set()

    async def settle(self) -> None:
        """Wait until everything that was begun is finished."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def position(self, origin: str, *, carried: bool = False) -> Position:
        """Read from where on to ask the origin, or another member."""
        return await self._shelf.position(origin, carried=carried)

    async def restrict(
        self, origin: str, restrictions: Sequence[VerifiedRestriction]
    ) -> None:
        """Apply restrictions that *origin*'s feed led with."""
        await self._whole(self._shelf.restrict(origin, restrictions))

    async def apply(
        self,
        origin: str,
        batch: VerifiedBatch,
        *,
        at: datetime,
        carried: bool = False,
    ) -> None:
        """Apply restrictions, then keep records, signals and position together."""
        await self._whole(self._shelf.apply(origin, batch, at=at, carried=carried))

    async def touch(self, origin: str, *, at: datetime) -> None:
        """Note that the origin had nothing new at that moment."""
        await self._whole(self._shelf.touch(origin, at=at))

    async def vouch(self, origin: str, *, until: datetime) -> None:
        """Note until when the copy had all of its feed, by the word of witnesses."""
        await self._whole(self._shelf.vouch(origin, until=until))

    async def wait(self, origin: str, *, at: datetime) -> None:
        """Note that what the origin has new waits for its witnesses."""
        await self._whole(self._shelf.wait(origin, at=at))

    async def suspend(self, origin: str, error: EquivocationError) -> None:
        """Keep the evidence, and stop matching the origin's signals."""
        await self._whole(self._shelf.suspend(origin, error))

    async def _whole(self, act: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(act)
        self._under_way.add(task)
        task.add_done_callback(self._finished)
        await asyncio.shield(task)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits hears of it; else it is tried again
