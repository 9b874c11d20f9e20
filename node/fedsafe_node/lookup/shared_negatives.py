# SPDX-License-Identifier: Apache-2.0
"""Questions that hit nothing, of one asker, share an act: one admission, one event.

While one act is made durable, whoever comes waits for the next one, which is made for
all of them together. So many callers cost little more than one, none waits longer than
for the commit before its own, and none is answered before its event is durable.

```python
shared = SharedNegatives(settle)  # settle(key, count) -> what all are told
told = await shared.join(key, within=2.0)
```
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextvars import Context
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class SharedNegatives(Generic[K, T]):
    """Gathers questions by key. Owned by the event loop.

    `_waiting` are those whose act has not begun; `_task` makes the acts.
    """

    def __init__(self, settle: Callable[[K, int], Awaitable[T]]) -> None:
        self._settle = settle
        self._waiting: dict[K, _Group[T]] = {}
        self._task: asyncio.Task[None] | None = None

    async def join(self, key: K, within: float) -> T:
        """Wait for the act of all with this key.

        Who joins later waits no longer than the first one, *within* so many seconds.

        Raises:
            TimeoutError: it was not made in time.
            Exception: whatever `settle` raised.
        """
        loop = asyncio.get_running_loop()
        group = self._waiting.get(key)
        if group is None:
            group = self._waiting[key] = _Group()
            group.timer = loop.call_later(within, group.end, TimeoutError())
        future: asyncio.Future[T] = loop.create_future()
        group.futures.append(future)
        if self._task is None:
            # The act is nobody's own: it has a request of its own in its events.
            self._task = loop.create_task(self._run(), context=Context())
        return await future

    async def _run(self) -> None:
        try:
            while self._waiting:
                groups, self._waiting = self._waiting, {}
                acts = (self._tell(*each) for each in groups.items())
                await asyncio.gather(*acts)
        finally:
            self._task = None

    async def _tell(self, key: K, group: "_Group[T]") -> None:
        if all(future.done() for future in group.futures):
            return  # nobody waits any more
        try:
            told = await self._settle(key, len(group.futures))
        except Exception as error:  # noqa: BLE001 - each caller's, to raise
            group.end(error)
            return
        group.cancel_timer()
        for future in group.futures:
            if not future.done():  # whoever has given up waits no more
                future.set_result(told)


class _Group(Generic[T]):
    """Those who wait for one act, and when they are to be told that it is too late."""

    __slots__ = ("futures", "timer")

    def __init__(self) -> None:
        self.futures: list[asyncio.Future[T]] = []
        self.timer: asyncio.TimerHandle | None = None

    def end(self, error: Exception) -> None:
        """Tell all who still wait that there is no answer."""
        self.cancel_timer()
        for future in self.futures:
            if not future.done():
                future.set_exception(error)

    def cancel_timer(self) -> None:
        """Let the time pass."""
        if self.timer is not None:
            self.timer.cancel()
