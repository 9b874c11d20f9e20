# SPDX-License-Identifier: Apache-2.0
"""The rows whose tokens are still in a segment but must not be found.

They are kept beside the segments, so that the next merge can take the tokens off
the disk even if the node was killed in between. Writing is one small `pwrite`
into the page cache and is not forced to the disk: what a power cut takes away is
only a hint, the store's own status still says that the signal is erased.

Several processes of a node may keep theirs in one file: each writes under a lock that
it holds for that moment only, and `follow` learns what the others have written.
"""

import fcntl
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from struct import Struct, iter_unpack
from typing import Final

_ROW: Final = Struct("<I")


class Removals:
    """The set of removed rows and the file that keeps it; its caller serialises."""

    __slots__ = ("_descriptor", "_path", "_stamp", "_store", "rows")

    def __init__(self, path: Path, store: bytes) -> None:
        """Read the rows of `store`; a file of another store is emptied."""
        self._path: Final = path
        self._store: Final = store
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._stamp = (0, 0)
        self.rows: set[int] = set()
        rows = self._read()
        if rows is None:
            self.replace(())
        else:
            self.rows = rows

    def add(self, row: int) -> None:
        """Remember one more row."""
        if row in self.rows:
            return
        self.rows.add(row)
        # A full disk must not keep a signal from being removed.
        with suppress(OSError), self._locked():
            end = os.fstat(self._descriptor).st_size
            if end < len(self._store):
                self._write()
                return
            whole = end - (end - len(self._store)) % _ROW.size
            os.pwrite(self._descriptor, _ROW.pack(row), whole)

    def replace(self, rows: Iterable[int]) -> None:
        """Remember `rows` and nothing else; readers keep the set that they hold."""
        self.rows = set(rows)
        with suppress(OSError), self._locked():
            self._write()

    def drop(self, rows: Collection[int]) -> None:
        """Forget some rows, and keep what others have written; as `replace`."""
        self.rows = self.rows - set(rows)
        with suppress(OSError), self._locked():
            self.rows |= (self._read() or set()) - set(rows)
            self._write()

    def follow(self) -> bool:
        """Learn what other processes have written; as `replace`. False if nothing."""
        status = os.fstat(self._descriptor)
        stamp = status.st_mtime_ns, status.st_size
        if stamp == self._stamp:
            return False
        with self._locked():
            rows = self._read() or set()
        self._stamp = stamp
        if rows == self.rows:
            return False
        self.rows = rows
        return True

    def close(self) -> None:
        """Force the file to the disk and let go of it."""
        try:
            with suppress(OSError):
                os.fsync(self._descriptor)
        finally:
            os.close(self._descriptor)
            # A late call must not write into whatever gets this number next.
            self._descriptor = -1

    def _read(self) -> set[int] | None:
        data = self._path.read_bytes()
        whole = data[: len(data) - (len(data) - len(self._store)) % _ROW.size]
        if not whole.startswith(self._store):
            return None
        return {row for (row,) in iter_unpack("<I", whole[len(self._store) :])}

    def _write(self) -> None:
        data = self._store + b"".join(map(_ROW.pack, sorted(self.rows)))
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, data, 0)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        os.fstat(self._descriptor)  # it may be closed
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
