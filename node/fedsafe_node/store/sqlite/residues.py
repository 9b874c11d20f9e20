# SPDX-License-Identifier: Apache-2.0
"""Overwrites the copies of rows that SQLite leaves in the unused space of pages.

`secure_delete` puts zeros where a row was deleted, and into pages that are freed. But
when SQLite parts a full page or joins two, it writes rows to where they belong by now,
and what it does not need stays as it was: between the cell pointers and the cells of a
page there can be whole rows that live elsewhere, or did until they were erased.

So pages that were written are looked at again before an erasure counts as one, and
zeros put into what no cell uses. Which pages these are is read from the frames of the
write-ahead log, of many commits at a time: each look opens the log anew, and would cost
as much as the rest of a small commit. So the log may not be emptied unseen: the writer
does that, or has it done (`checkpoints`), after a look (`committed` says when),
and from then on looks at each commit, until the log has begun anew. If somebody else
did, or pages were written before the file was opened, nobody knows which; so all pages
are looked at once, from the next scrub on, a piece at a time.

Pages are read and written through SQLite (`sqlite_dbpage`), so within its transactions
and seen by all connections. A build of SQLite without that table, or one that refuses
writes to it, cannot do it (`can_clear`): there copies stay, and receipts say so. Gaps
of up to three bytes between two cells are left alone.
"""

import os
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from itertools import chain, islice
from pathlib import Path
from sqlite3 import connect
from typing import Any, Final

from fedsafe_node.store.sql import Error

Execute = Callable[[str, Sequence[object]], Any]

PIECE: Final = 2_000
"""So many pages are looked at together; other writes wait no longer than that."""
LONG_LOG: Final = 4_000
"""From so many frames on the log has to be emptied: readers search through it."""
_COMMITS: Final = 32
_CHANGES: Final = 512
"""So many commits or rows are not looked at, at most: the log grows by them."""
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


def can_clear_here() -> bool:
    """Tell whether the SQLite of this Python lets pages be read and written."""
    with closing(connect(":memory:", isolation_level=None)) as connection:
        return Residues(connection.execute, Path()).can_clear


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
    how far the log was read; `_unseen` and `_changes`, the commits since then and the
    rows until then; `_may_restart`, whether the next commit may begin the log anew,
    while nothing in it is unseen. `can_clear` is set there, and read by all.
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
        self._unseen = 0
        self._changes = 0
        self._may_restart = True
        self.can_clear = self._try()

    def clear(self) -> bool:
        """Clear the next piece in the transaction under way; False if there is none."""
        self.look()
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

    def committed(self, changes: int) -> bool:
        """Be told of a commit; say whether the log has to be emptied.

        *changes* is a number that has grown by each row that was changed.
        """
        self._unseen += 1
        is_due = self._unseen >= _COMMITS or changes - self._changes >= _CHANGES
        if not (is_due or self._piece or self._may_restart):
            return False
        self._changes = changes
        cleared, self._piece = self._piece, frozenset[int]()
        if cleared:
            self._suspects -= cleared
            self._walked = self._end
        return not self.look(cleared) or self.long_log != b""

    @property
    def long_log(self) -> bytes:
        """The salt of the log, if it was long when it was looked at."""
        return self._salt if self._frames >= LONG_LOG else b""

    def look(self, cleared: frozenset[int] = frozenset()) -> bool:
        """Take up what was written since the last look; False if it is not known."""
        self._unseen = 0
        try:
            written = self._written()
        except OSError:
            self._walked = _FIRST
            return False
        if self.can_clear:
            self._suspects |= written - cleared
        return True

    def emptied(self) -> None:
        """Be told that the log was emptied, or may be, right after a look."""
        self._may_restart = True

    def rolled_back(self) -> None:
        """Forget the piece: it has to be looked at again."""
        self._piece = frozenset()

    def _written(self) -> set[int]:
        """Read from the log which pages were committed since the last look."""
        try:
            descriptor = os.open(self._log, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self._follow(b"")
            return set()
        try:
            return self._frames_since(descriptor)
        finally:
            os.close(descriptor)

    def _frames_since(self, log: int) -> set[int]:
        header = os.pread(log, _LOG_HEADER.size, 0)
        size, salt = 0, b""  # it was cut to nothing
        if len(header) == _LOG_HEADER.size:
            size, salt = _LOG_HEADER.unpack(header)
        self._follow(salt)
        return self._pages_since(log, size, salt) if salt else set()

    def _follow(self, salt: bytes) -> None:
        if salt == self._salt:
            return
        if not self._may_restart:
            self._walked = _FIRST  # what was in it and not seen is written over
        self._salt, self._frames, self._may_restart = salt, 0, True

    def _pages_since(self, log: int, size: int, salt: bytes) -> set[int]:
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
                self._frames, self._may_restart = at, False

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
