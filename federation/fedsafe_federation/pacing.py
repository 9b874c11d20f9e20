# SPDX-License-Identifier: Apache-2.0
"""Pace what another member can make this node do: a bucket of turns.

`BURST` turns may be taken at once, and `PER_SECOND` come back. Both are more than
honest members need, and less than a peer needs to keep a node busy.
"""

from collections.abc import Awaitable, Callable
from typing import Final

BURST: Final = 200.0
PER_SECOND: Final = 20.0


class Pace:
    """Gives turns to one task.

    State, owned by the event loop: `_turns` is what was in the bucket at `_at`,
    in the seconds of *monotonic*; below zero it is owed.
    """

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._turns = BURST
        self._at = monotonic()

    async def turn(self) -> None:
        """Take a turn; return when it has come."""
        now = self._monotonic()
        self._turns = min(BURST, self._turns + (now - self._at) * PER_SECOND) - 1
        self._at = now
        if self._turns < 0:
            await self._sleep(-self._turns / PER_SECOND)
