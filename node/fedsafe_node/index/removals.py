# SPDX-License-Identifier: Apache-2.0
"""The rows whose tokens are still in a segment but must not be found.

They are kept beside the segments, so that the next merge can take the tokens off
the disk even if the node was killed in between. Writing is one small `pwrite`
into the page cache and is not forced to the disk: what a power cut takes away is
only a hint, the store's own status still says that the signal is erased.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from struct import Struct, iter_unpack
from typing import Final

_ROW: Final = Struct("<I")


class Removals:
    """The set of removed rows and the file that keeps it; its caller serialises."""

    __slots__ = ("_descriptor", "_end", "_path", "_store", "rows")

    def __init__(self, path: Path, store: bytes) -> None:
        """Read the rows of `store`; a file of another store is emptied."""
        self._path: Final = path
        self._store: Final = store
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        data = path.read_bytes()
        whole = data[: len(data) - (len(data) - len(store)) % _ROW.size]
        self.rows: set[int] = set()
        self._end = len(whole)
        if whole.startswith(store):
            self.rows = {row for (row,) in iter_unpack("<I", whole[len(store) :])}
        else:
            self.replace(())

    def add(self, row: int) -> None:
        """Remember one more row."""
        if row in self.rows:
            return
        self.rows.add(row)
        # A full disk must not keep a signal from being removed.
        with suppress(OSError):
            self._end += os.pwrite(self._descriptor, _ROW.pack(row), self._end)

    def replace(self, rows: Iterable[int]) -> None:
        """Remember `rows` and nothing else; readers keep the set that they hold."""
        self.rows = set(rows)
        data = self._store + b"".join(map(_ROW.pack, sorted(self.rows)))
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            self._end = os.pwrite(self._descriptor, data, 0)

    def close(self) -> None:
        """Force the file to the disk and let go of it."""
        try:
            with suppress(OSError):
                os.fsync(self._descriptor)
        finally:
            os.close(self._descriptor)
            # A late call must not write into whatever gets this number next.
            self._descriptor = -1
