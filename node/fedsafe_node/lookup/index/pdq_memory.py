# SPDX-License-Identifier: Apache-2.0
"""Memory for decrypted pictures: no name in any file system, in no core of a crash.

One process alone has a mapping that nothing else can reach. Several share a `memfd`:
one fills it, and the others attach to it by its descriptor, which they get from their
parent, and only to read. It can never be made smaller, which would kill who reads it;
once it is full it cannot be opened to be written to anew.

No other process of the user can read either: a node's processes are undumpable
(`ground.process_memory`). Where memory may be locked neither goes to swap.
"""

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from mmap import (
    MADV_DONTDUMP,
    MADV_HUGEPAGE,
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    PROT_READ,
    mmap,
)
from typing import Final
from weakref import finalize

from fedsafe_node.ground.errors import PictureIndexError

_NAME: Final = "fedsafe-pictures"  # what /proc shows, to nobody but root
_NOEXEC_SEAL: Final = 8  # MFD_NOEXEC_SEAL, of Linux 6.3
_SEAL_SIZE: Final = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
_SEAL_FUTURE_WRITE: Final = 16  # F_SEAL_FUTURE_WRITE, of Linux 5.1


class Memory:
    """A piece of memory; it is let go of with the last array that lies in it.

    `descriptor` is what other processes attach by; None if none can.
    """

    __slots__ = ("__weakref__", "buffer", "descriptor")

    def __init__(self, buffer: mmap, descriptor: int | None = None) -> None:
        self.buffer: Final = buffer
        self.descriptor: Final = descriptor
        if descriptor is not None:
            finalize(self, os.close, descriptor)
        for advice in (MADV_DONTDUMP, MADV_HUGEPAGE):
            with suppress(OSError):  # a kernel without it
                buffer.madvise(advice)

    @classmethod
    def private(cls, size: int) -> "Memory":
        """Make memory that is this process's alone."""
        return cls(mmap(-1, size, flags=MAP_PRIVATE | MAP_ANONYMOUS))

    @classmethod
    def shared(cls, size: int) -> "Memory":
        """Make memory to which other processes can attach."""
        flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
        try:
            descriptor = os.memfd_create(_NAME, flags | _NOEXEC_SEAL)
        except OSError:
            descriptor = os.memfd_create(_NAME, flags)
        os.ftruncate(descriptor, size)
        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEAL_SIZE)
        return cls(mmap(descriptor, size), descriptor)

    def write(self, at: int, text: memoryview) -> None:
        """Write what this memory holds from a place on, before others may not.

        Shared memory is written to as a file is: through a mapping the kernel would
        first clear each page.

        Raises:
            OSError: there is no room for it.
        """
        if self.descriptor is None:
            self.buffer[at : at + len(text)] = text
            return
        while text:
            done = os.pwrite(self.descriptor, text, at)
            text, at = text[done:], at + done

    def close_to_writers(self) -> None:
        """Let nobody write to shared memory any more, but for this mapping."""
        if self.descriptor is not None:
            with suppress(OSError):  # a kernel without it
                fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, _SEAL_FUTURE_WRITE)

    @classmethod
    def attach(cls, descriptor: int, size: int) -> "Memory":
        """Map what another process has made, to read it; the descriptor is taken over.

        Raises:
            PictureIndexError: it has not that size, or could be made smaller.
        """
        try:
            seals = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
            if os.fstat(descriptor).st_size == size and seals & fcntl.F_SEAL_SHRINK:
                return cls(mmap(descriptor, size, prot=PROT_READ), descriptor)
            why = "it is not as it was made"
        except OSError as error:
            why = error.strerror or "it cannot be mapped"
        os.close(descriptor)
        raise PictureIndexError(f"shared memory: {why}")


MakeMemory = Callable[[int], Memory]
