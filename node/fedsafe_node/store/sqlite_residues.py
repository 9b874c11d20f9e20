# SPDX-License-Identifier: Apache-2.0
"""Overwrites the copies of rows that SQLite leaves in the unused space of pages.

`secure_delete` puts zeros where a row was deleted, and into pages that are freed. But
when SQLite parts a full page or joins two, it writes rows to where they belong by now,
and what it does not need stays as it was: between the cell pointers and the cells of a
page there can be whole rows that live elsewhere, or did until they were erased.

So pages that were written are looked at again before an erasure counts as one, and
zeros put into what no cell uses. Which pages these are is read from the frames of the
write-ahead log after each commit. What was written before the file was opened is known
by nobody; so all pages are looked at once, from the first scrub on, a piece at a time.

Pages are read and written through SQLite (`sqlite_dbpage`), so within its transactions
and seen by all connections. A build of SQLite without that table, or one that refuses
writes to it, cannot do it (`can_clear`): there copies stay, and receipts say so. Gaps
of up to three bytes between two cells are left alone.
"""

import os
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from fedsafe_node.store.sql import Error

Execute = Callable[[str, Sequence[object]], Any]

PIECE: Final = 2_000
"""So many pages are looked at together; other writes wait no longer than that."""
_HEADERS: Final = {2: 12, 5: 12, 10: 8, 13: 8}
"""Length of a page's header by its kind: inner pages and leaves of both trees."""
_MOST_PAGES: Final = 2 << 24
"""From here on the number in front of an overflow page looks like such a kind."""
_LOCKS: Final = 1 << 30  # the byte whose page SQLite never uses
_FIRST: Final = 2  # the first page holds the schema, and nothing of anybody
_READ: Final = "SELECT data FROM sqlite_dbpage WHERE pgno = ?"
_WRITE: Final = "UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?"
_TRY: Final = "UPDATE sqlite_dbpage SET data = data WHERE pgno = 1"
_LOG_HEADER: Final = struct.Struct(">8xI4x8s8x")
_FRAME: Final = struct.Struct(">II8s8x")
_HEAD: Final = struct.Struct(">xHHH")
_BLOCK: Final = struct.Struct(">HH")


def without_copies(page: bytes) -> bytes | None:
    """Return a page with zeros in what no cell uses; None if they are there."""
    clean = bytearray(page)
    for start, stop in _unused(page):
        clean[start:stop] = bytes(stop - start)
    return None if clean == page else bytes(clean)


def _unused(page: bytes) -> Iterator[tuple[int, int]]:
    """Give the unused space: between pointers and cells, and where one was freed."""
    header = _HEADERS.get(page[0])
    if header is None:
        return  # overflowing cells, which do not move, or a free page: zeros
    block, cells, content = _HEAD.unpack_from(page)
    begin, content = header + 2 * cells, content or 1 << 16
    if not begin <= content <= len(page):
        return  # damaged: others look for that
    yield begin, content
    while content <= block <= len(page) - _BLOCK.size:
        after, size = _BLOCK.unpack_from(page, block)
        if not _BLOCK.size <= size <= len(page) - block:
            return
        yield block + _BLOCK.size, block + size
        if after <= block:
            return
        block = after


class Residues:
    """Which pages may hold copies; looks at them, and clears them, piece by piece.

    Owned by the writer's thread: `_suspects`, the pages that were written since they
    were looked at; `_walked`, the pages below are not unseen any more, 0 once none is;
    `_piece` and `_end`, what the transaction under way looks at; `_salt` and `_frames`,
    how far the log was read. `can_clear` is set there, and read by all.
    """

    def __init__(self, execute: Execute, log: Path) -> None:
        self._execute = execute
        self._log = log
        self._suspects: set[int] = set()
        self._walked = _FIRST
        self._piece: frozenset[int] = frozenset()
        self._end = 0
        self._salt = b""
        self._frames = 0
        self.can_clear = self._try()

    def clear(self) -> bool:
        """Clear the next piece in the transaction under way; False if there is none."""
        (count,) = self._execute("PRAGMA page_count", ()).fetchone()
        self.can_clear = self.can_clear and count < _MOST_PAGES
        walk = range(self._walked, count + 1) if self._walked else range(0)
        self._piece = frozenset(islice(chain(list(self._suspects), walk), PIECE))
        self._end = self._next_of(walk)
        if not self.can_clear or not self._piece:
            return False
        for number in self._piece:
            self._clear(number)
        return True

    def _next_of(self, walk: range) -> int:
        """Tell where the walk goes on; 0 once it has come to the end."""
        left = max(0, PIECE - len(self._suspects))
        return walk[left] if left < len(walk) else 0

    def _clear(self, number: int) -> None:
        row = self._execute(_READ, (number,)).fetchone()
        if row is None:
            return  # the file has become shorter
        page: bytes = row[0]
        clean = None if number == _LOCKS // len(page) + 1 else without_copies(page)
        if clean is not None:
            self._execute(_WRITE, (clean, number))

    def committed(self) -> None:
        """Take up what was written since the last look."""
        if not self.can_clear:
            return
        cleared, self._piece = self._piece, frozenset[int]()
        if cleared:
            self._suspects -= cleared
            self._walked = self._end
        try:
            self._suspects |= self._written() - cleared
        except OSError:
            self._walked = _FIRST  # it is not known what was written: look at all

    def rolled_back(self) -> None:
        """Forget the piece: it has to be looked at again."""
        self._piece = frozenset()

    def _written(self) -> set[int]:
        """Read from the log which pages were committed since the last look."""
        try:
            descriptor = os.open(self._log, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return set()
        try:
            return self._frames_since(descriptor)
        finally:
            os.close(descriptor)

    def _frames_since(self, log: int) -> set[int]:
        header = os.pread(log, _LOG_HEADER.size, 0)
        if len(header) < _LOG_HEADER.size:
            return set()  # it was cut to nothing
        size, salt = _LOG_HEADER.unpack(header)
        if salt != self._salt:  # it has begun anew
            self._salt, self._frames = salt, 0
        found, pending, at = set[int](), set[int](), self._frames
        while True:
            place = _LOG_HEADER.size + at * (_FRAME.size + size)
            frame = os.pread(log, _FRAME.size, place)
            if len(frame) < _FRAME.size:
                return found
            number, commits, of = _FRAME.unpack(frame)
            if of != salt:
                return found  # left by an earlier beginning
            pending.add(number)
            at += 1
            if commits:  # what follows the last commit may be written over
                found |= pending
                pending.clear()
                self._frames = at

    def _try(self) -> bool:
        (vacuums,) = self._execute("PRAGMA auto_vacuum", ()).fetchone()
        if vacuums:
            return False  # there are pages of pointers then, which look like cells
        with suppress(Error):
            self._execute("BEGIN", ())
            try:
                self._execute(_TRY, ())
            finally:
                self._execute("ROLLBACK", ())  # nothing reaches the disk
            return True
        return False
