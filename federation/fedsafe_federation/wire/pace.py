# SPDX-License-Identifier: Apache-2.0
"""Pace what another member can make this node do, and keep it off the event loop.

A `Pace` gives turns out of a bucket: `BURST` may be taken at once, and `PER_SECOND`
come back. Both are more than honest members need, and less than a peer needs to keep a
node busy.

`Patience` is for answers. A member whose answer was none of ours is left alone, twice
as long each time, up to `LONGEST_BACKOFF`. Bytes that brought nothing are counted as
well, so that answers which verify, and say only what is here, keep nobody busy either.
Nothing but time ends that: no request of the member does. One that says for how long it
is not to be asked is left alone as long, up to the same bound.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

BURST: Final = 200.0
PER_SECOND: Final = 20.0
FIRST_BACKOFF: Final = 0.2
LONGEST_BACKOFF: Final = 30.0
IDLE_BYTES: Final = 256 * 1024
"""So many bytes a second may bring nothing, for as long as one likes."""
IDLE_BURST: Final = 16.0
"""So many seconds' worth of them may come at once."""


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


@dataclass(slots=True)
class _Standing:
    """How a member stands: `failures` in a row, and when these and waste are over."""

    failures: int = 0
    shunned: float = 0.0
    wasted: float = 0.0


class Patience:
    """Says how long each member that gives a feed is to be left alone.

    State, owned by the event loop: how each stands, in the seconds of *monotonic*. It
    outlives the tasks that replicate, which begin anew with every version of the
    charter.
    """

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        jitter: Callable[[], float],
    ) -> None:
        self._monotonic = monotonic
        self._jitter = jitter
        self._standing: dict[str, _Standing] = {}
        self.sleep = sleep

    def spoiled(self, member: str, size: int) -> None:
        """Note that an answer of *size* bytes was none of ours."""
        standing = self._of(member)
        standing.failures += 1
        pause = backoff(standing.failures, self._jitter())
        standing.shunned = self._monotonic() + pause
        self.wasted(member, size)

    def wasted(self, member: str, size: int) -> None:
        """Note that *size* bytes have brought nothing."""
        standing, now = self._of(member), self._monotonic()
        longest = now + IDLE_BURST + LONGEST_BACKOFF
        over = max(standing.wasted, now) + size / IDLE_BYTES
        standing.wasted = min(over, longest)

    def wait(self, member: str, seconds: float | None) -> None:
        """Note for how many seconds a member says that it is not to be asked."""
        pause = min(seconds or FIRST_BACKOFF, LONGEST_BACKOFF)
        standing = self._of(member)
        standing.shunned = max(standing.shunned, self._monotonic() + pause)

    def passed(self, member: str) -> None:
        """Note that an answer was as it should be."""
        standing = self._of(member)
        standing.failures, standing.shunned = 0, 0.0

    def left(self, member: str) -> float:
        """Tell how many seconds a member is to be left alone; 0 if it is not."""
        standing = self._of(member)
        over = max(standing.shunned, standing.wasted - IDLE_BURST)
        return max(0.0, over - self._monotonic())

    def _of(self, member: str) -> _Standing:
        return self._standing.setdefault(member, _Standing())


def backoff(failures: int, jitter: float) -> float:
    """Give the seconds to wait after so many failures; *jitter* is 0 to 1."""
    doubled = FIRST_BACKOFF * float(1 << min(failures - 1, 16))
    return min(doubled, LONGEST_BACKOFF) * (1 + jitter) / 2


T = TypeVar("T")


class Offload(Protocol):
    """Runs a long pure function away from the event loop."""

    async def __call__(self, work: Callable[[], T]) -> T:
        """Run *work* and return what it returns."""
        ...
