# SPDX-License-Identifier: Apache-2.0
"""Questions that hit nothing, of one asker, share an act: one event, one commit.

While one act is made durable, whoever comes waits for the next one, which is made for
all of them together. So many callers cost little more than one, none waits longer than
for the commit before its own, and none is answered before its event is durable.

Who is alone in an act makes it as its own: its event has the trace of its request.

```python
shared = SharedNegatives(settle)  # settle(key, items) -> what all are told
told = await shared.join(key, item, within=2.0)
```
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import Context, copy_context
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
Item = TypeVar("Item")
T = TypeVar("T")


class SharedNegatives(Generic[K, Item, T]):
    """Gathers questions by key. Owned by the event loop.

    `_waiting` are those whose act has not begun; `_acts` are under way, and are not
    empty from the turn on in which somebody has come.
    """

    def __init__(self, settle: Callable[[K, Sequence[Item]], Awaitable[T]]) -> None:
        self._settle = settle
        self._waiting: dict[K, _Group[Item, T]] = {}
        self._acts: set[object] = set()

    async def join(self, key: K, item: Item, within: float) -> T:
        """Wait for the act of all with this key.

        Who joins later waits no longer than the first one, *within* so many seconds.

        Raises:
            TimeoutError: it was not made in time.
            Exception: whatever `settle` raised.
        """
        loop = asyncio.get_running_loop()
        group = self._waiting.get(key)
        if group is None:
            group = self._waiting[key] = _Group(copy_context())
            group.timer = loop.call_later(within, group.end, TimeoutError())
        future: asyncio.Future[T] = loop.create_future()
        group.futures.append(future)
        group.items.append(item)
        if not self._acts:
            self._acts.add(loop.call_soon(self._begin))  # others may come this turn
        return await future

    def _begin(self) -> None:
        groups, self._waiting = self._waiting, {}
        self._acts.clear()
        for key, group in groups.items():
            # The act of many is nobody's own: it is a request of its own in its events.
            context = group.context if len(group.items) == 1 else Context()
            act = asyncio.get_running_loop().create_task(
                self._tell(key, group), context=context
            )
            self._acts.add(act)
            act.add_done_callback(self._ended)

    def _ended(self, act: object) -> None:
        self._acts.discard(act)
        if not self._acts and self._waiting:
            self._begin()

    async def _tell(self, key: K, group: "_Group[Item, T]") -> None:
        if all(future.done() for future in group.futures):
            return  # nobody waits any more
        try:
            told = await self._settle(key, group.items)
        except Exception as error:  # noqa: BLE001 - each caller's, to raise
            group.end(error)
            return
        group.cancel_timer()
        for future in group.futures:
            if not future.done():  # whoever has given up waits no more
                future.set_result(told)


class _Group(Generic[Item, T]):
    """Those who wait for one act, and when they are to be told that it is too late.

    `context` is that of the first one.
    """

    __slots__ = ("context", "futures", "items", "timer")

    def __init__(self, context: Context) -> None:
        self.context = context
        self.futures: list[asyncio.Future[T]] = []
        self.items: list[Item] = []
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
