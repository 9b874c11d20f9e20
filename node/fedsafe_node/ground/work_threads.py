# SPDX-License-Identifier: Apache-2.0
"""Threads for long pure functions (`pace.Offload`)."""

import asyncio
import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Final, TypeVar

T = TypeVar("T")
_THREADS: Final = 2


class Workers:
    """Runs long pure functions away from the loop.

    libsodium, hashing and SQLite let go of the interpreter lock, so two threads
    keep two cores busy while the loop goes on answering.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="fedsafe-work")

    async def __call__(self, work: Callable[[], T]) -> T:
        """Run *work* within the caller's context, and return what it returns."""
        within = copy_context()
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, lambda: within.run(work)
        )

    def close(self) -> None:
        """Wait for the threads to end."""
        self._pool.shutdown(wait=True)


def give_back() -> None:
    """Give memory that nobody uses back to the system.

    The GNU C library keeps for each thread what was freed in it. Another library keeps
    little, and has no such function.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(ctypes.c_size_t(0))
