# SPDX-License-Identifier: Apache-2.0
"""The places of evaluations, shared out among the members that ask.

Whoever asks again for what it was charged for just now is charged nothing, so budgets
do not bound how much of the machine one member uses. Places do:

* A member takes one as long as it has fewer than are free. So one alone has half of
  them, *k* who ask without end have one in *k* + 1 each, and as many stay free for
  whoever comes (dynamic thresholds, Choudhury and Hahne 1998).
* Of those who have places each has two requests in hand at once, and one of them on
  the threads; its others wait. So no member's requests stand before another's.
"""

from asyncio import Lock, Semaphore
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from fedsafe_node.ground.errors import CrowdedError

MOST_PLACES: Final = 128
_IN_HAND: Final = 2


@dataclass(slots=True, eq=False)
class Share:
    """What a member has: `places`, and what lets two in, and one on the threads."""

    places: int = 0
    in_hand: Semaphore = field(default_factory=lambda: Semaphore(_IN_HAND))
    on_threads: Lock = field(default_factory=Lock)


class Places:
    """Gives places, and each member's requests their order.

    Owned by the event loop: `_taken`, and the shares of those who have places.
    """

    def __init__(self, most: int = MOST_PLACES) -> None:
        self._most = most
        self._taken = 0
        self._shares: dict[str, Share] = {}

    @asynccontextmanager
    async def hold(self, member: str) -> AsyncIterator[Share]:
        """Take a place, and wait until fewer than two of that member are in hand.

        Raises:
            CrowdedError: the member has no fewer places than are free.
        """
        share = self._shares.get(member, Share())
        if share.places >= self._most - self._taken:
            raise CrowdedError
        self._shares[member] = share
        share.places += 1
        self._taken += 1
        try:
            async with share.in_hand:
                yield share
        finally:
            share.places -= 1
            self._taken -= 1
            if not share.places:
                del self._shares[member]
