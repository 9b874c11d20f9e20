# SPDX-License-Identifier: Apache-2.0
"""The memory of a process that holds keys: no core of it, no reader, no swap.

A crash, a debugger or a full machine would otherwise leave keys on a disk, where nobody
destroys them. Each process sees to it by itself, before it reads a key: the kernel
forgets it with the next program that the process runs.

`forbid_dumps` makes the process undumpable (PR_SET_DUMPABLE): whatever the kernel does
with cores, and whoever its user is, no core is written; no other process of that user
traces it, reads its memory or environment, or takes its open files. Only root can.

`lock_memory` keeps it out of swap, where no limit can make a later allocation fail:
the limit of locked memory is infinite, or the process may exceed it (CAP_IPC_LOCK).
Pages are locked once they are used, so nothing that is only reserved costs memory. The
token index stays out of it (`unlock`): it is a file as it is, holds no key, and may be
larger than the machine's memory.

Whoever can read key files needs none of that. Elsewhere than on Linux both do nothing,
and the state says so.
"""

import ctypes
import resource
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from functools import cache
from threading import Event
from typing import Final

_GET_DUMPABLE: Final = 3  # prctl(2)
_SET_DUMPABLE: Final = 4
_ALL_ONCE_USED: Final = 1 | 2 | 4  # mlockall(2): CURRENT, FUTURE, ONFAULT
_MMAP_THRESHOLD: Final = -3  # mallopt(3)
_TRIM_THRESHOLD: Final = -1
_ARENA_MAX: Final = -8
_LARGE: Final = 1024 * 1024  # bytes
_LOCKED: Final = Event()  # for the rest of this process


class MemoryState(StrEnum):
    """How far the memory of a process is its own."""

    RESIDENT = "resident"
    """No core, no other reader, no swap."""
    SWAPPABLE = "swappable"
    """No core and no other reader; a part may be written to swap."""
    READABLE = "readable"
    """Other processes of its user can read it, and a core is a matter of settings."""


def forbid_dumps() -> None:
    """Let no core be written, and no other process of the user read.

    What cannot be had is left; `memory_state` tells it.
    """
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # also for what it starts
    _prctl(_SET_DUMPABLE, 0)


def lock_memory() -> None:
    """Keep all memory out of swap from now on, where no limit stands against it.

    Pages within a heap that is locked cannot be given back (madvise(2)), its end can.
    So all threads share one heap, and large blocks, such as those of a batch, get a
    mapping each that goes with them (mallopt(3)).
    """
    arrange = _call("mallopt", ctypes.c_int, ctypes.c_int)
    if arrange is not None:
        arrange(_MMAP_THRESHOLD, _LARGE)
        arrange(_TRIM_THRESHOLD, 8 * _LARGE)
        arrange(_ARENA_MAX, 1)
    lock = _call("mlockall", ctypes.c_int)
    if lock is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if hard == resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (hard, hard))
        has_locked = lock(_ALL_ONCE_USED) == 0
    else:
        # Below a limit of nothing only whoever may exceed any limit can lock.
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, hard))
        has_locked = lock(_ALL_ONCE_USED) == 0
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (soft, hard))
    if has_locked:
        _LOCKED.set()


def unlock(mapped: memoryview) -> None:
    """Let the system drop pages of a mapped file again; it starts at a page."""
    release = _call("munlock", ctypes.c_void_p, ctypes.c_size_t)
    if not _LOCKED.is_set() or release is None:
        return
    import numpy as np  # noqa: PLC0415 - slow to load

    release(np.frombuffer(mapped, np.uint8).ctypes.data, mapped.nbytes)


def memory_state() -> MemoryState:
    """Say how far the memory of this process is its own now."""
    if _prctl(_GET_DUMPABLE, 0) != 0:
        return MemoryState.READABLE
    return MemoryState.RESIDENT if _LOCKED.is_set() else MemoryState.SWAPPABLE


def _prctl(option: int, value: int) -> int:
    call = _call("prctl", ctypes.c_int, *[ctypes.c_ulong] * 4)
    return -1 if call is None else call(option, value, 0, 0, 0)


@cache
def _call(name: str, *takes: type) -> Callable[..., int] | None:
    """Find a function of the C library; None if this system has none such."""
    function = getattr(ctypes.CDLL(None), name, None)
    if function is not None:
        function.argtypes = takes
    return function
