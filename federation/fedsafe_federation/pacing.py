# SPDX-License-Identifier: Apache-2.0
"""Pace what another member can make this node do: a bucket of turns.

`BURST` turns may be taken at once, and `PER_SECOND` come back. Both are more than
honest members need, and less than a peer needs to keep a node busy.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

BURST: Final = 200.0
PER_SECOND: Final = 20.0


@dataclass(slots=True)
class Bucket:
    """What is `left` of `most` at a moment, in seconds; below zero it is owed.

    It fills evenly, from empty to full in a `window` of seconds.
    """

    most: float
    window: float
    at: float
    left: float

    def fill(self, now: float) -> None:
        """Put in what has come back until *now*."""
        back = max(0.0, now - self.at) * self.most / self.window
        self.left = min(self.most, self.left + back)
        self.at = now

    def seconds(self, wanted: float) -> float:
        """Say in how many seconds so much is left."""
        return max(0.0, wanted - self.left) * self.window / self.most


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
