# SPDX-License-Identifier: Apache-2.0
"""Brings what the writer's thread answers to the callers on the event loop.

The loop sleeps while it waits for a commit. `call_soon_threadsafe` wakes it while the
writer holds the interpreter's lock, and for that the loop would sleep twice more. To
write to a pipe lets go of that lock: the loop goes on at once, and when the writer has
the lock back, the next act is in its queue.
"""

import asyncio
import os
from collections import deque
from contextlib import suppress
from typing import Any, Final

Future = asyncio.Future[Any]
Outcome = tuple[Future, Any, Exception | None]

_BYTES: Final = 4_096


class Answers:
    """Tells callers how what they handed in has ended.

    Filled by the writer's thread, emptied by the loop's: `_told`. Each outcome is there
    before the byte that tells of it, and each byte makes the loop take all of them.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Listen to the writer's thread, until `close`."""
        self._loop = loop
        self._told: deque[list[Outcome]] = deque()
        self._reading, self._writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        loop.add_reader(self._reading, self._hear)

    def tell(self, outcomes: list[Outcome]) -> None:
        """Tell outcomes, on the writer's thread."""
        if outcomes:
            self._told.append(outcomes)
            with suppress(BlockingIOError):  # full of bytes that say the same
                os.write(self._writing, b"\0")

    def close(self) -> None:
        """Tell what is left, and listen no more; the thread has ended."""
        if self._loop.remove_reader(self._reading):
            os.close(self._reading)
            os.close(self._writing)
        self._resolve()

    def _hear(self) -> None:
        os.read(self._reading, _BYTES)
        self._resolve()

    def _resolve(self) -> None:
        while self._told:
            for future, result, error in self._told.popleft():
                if future.done():
                    continue  # the caller was cancelled; what it handed in is kept
                if error is None:
                    future.set_result(result)
                else:
                    future.set_exception(error)
