# SPDX-License-Identifier: Apache-2.0
"""Room on the disk that is kept for what makes things safer.

A file beside the database holds blocks that nobody else can take. When the disk is
full they are given up, and what they leave free is for few acts: the record of the
gap, restrictions, erasures, the destruction of keys (`Relief`). Once there is room
again, and some to spare, the file takes its blocks back and everything goes on.

A node that starts without its reserve, and finds no room for it, begins as it ended:
to restart on a full disk must not let ordinary acts use up what was meant for others.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from fedsafe_node.store.keeping_rows import Room
from fedsafe_node.store.reader import Reader

_BLOCK: Final = 512  # what st_blocks counts in


class Relief(Protocol):
    """Knows the acts that make things safer by what they leave in the audit log."""

    async def mark(self, reader: Reader) -> int:
        """Remember where the audit log ends before an act."""
        ...

    async def relieves(self, reader: Reader, mark: int) -> bool:
        """Whether what an act has left since the mark says that it makes safer."""
        ...


class Reserve:
    """The reserve of one database.

    It works on a file: `begin`, `take_up` and `give_up` are for the thread that has
    the database open to write. `held` is read by others.
    """

    def __init__(self, path: Path, size: int, relief: Relief) -> None:
        self._path = path
        self._size = size
        self.relief = relief
        self.held = False

    def begin(self) -> None:
        """Find the file, or make it if there is room."""
        self.held = self._is_whole() or self.take_up()

    def room(self) -> Room:
        """Measure how much room there is."""
        return Room(free_bytes(self._path.parent), self._size, self.held)

    def take_up(self) -> bool:
        """Take the blocks, if half as much stays free behind; tell if they are held."""
        self.held = False
        if free_bytes(self._path.parent) < room_for(self._size):
            return False
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            descriptor = os.open(self._path, flags, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, self._size)
                os.ftruncate(descriptor, self._size)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            self.give_up()
        else:
            self.held = True
        return self.held

    def give_up(self) -> None:
        """Leave the blocks to whoever writes next."""
        self.held = False
        with suppress(OSError):  # it may be gone, or the file system takes nothing
            self._path.unlink(missing_ok=True)

    def _is_whole(self) -> bool:
        try:
            status = self._path.lstat()
        except OSError:
            return False
        return status.st_size == self._size and status.st_blocks * _BLOCK >= self._size


def room_for(size: int) -> int:
    """Return how many bytes must be free before a reserve of a size is taken."""
    return size + size // 2


def free_bytes(directory: Path) -> int:
    """Return how many bytes the node's user may still write; 0 if nobody knows."""
    try:
        found = os.statvfs(directory)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize
