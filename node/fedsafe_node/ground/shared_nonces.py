# SPDX-License-Identifier: Apache-2.0
"""Replay protection for the processes of one node: what one has seen, all have.

A file that all of them map holds keyed hashes of nonces (and of elements that were
charged just now), each with the moment at which it may be forgotten. A hash has its
place in one page of the file; whoever looks into it holds a lock for those few
microseconds. The first process of a run makes the file anew, so it says since when this
memory goes back: what was made before is refused. A process that is killed in between
leaves at most an entry that is no nonce's.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from mmap import mmap
from pathlib import Path
from secrets import token_bytes
from struct import Struct
from typing import Final

from fedsafe_federation.errors import StaleStatementError
from fedsafe_federation.wire.freshness import DIGEST_BYTES, SeenNonces
from fedsafe_node.ground.errors import KeyFileError
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of

PAGES: Final = 8_192
_PAGE: Final = 4_096
_MAGIC: Final = b"fedsafe nonces 1"
_HEADER: Final = Struct("<16s32sQ")  # what it is, the key, when the run began
_ENTRY: Final = Struct(f"<{DIGEST_BYTES}sQ")  # a hash, and until when it counts
_ENTRIES: Final = _PAGE // _ENTRY.size
_MILLISECOND: Final = timedelta(milliseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def make_shared(path: Path, *, began: datetime, pages: int = PAGES) -> None:
    """Make the file of a run, in the place of that of the last one.

    Raises:
        KeyFileError: it cannot be made.
    """
    header = _HEADER.pack(_MAGIC, token_bytes(32), _milliseconds(began))
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        path.unlink(missing_ok=True)
        file = os.open(path, flags, 0o600)
        try:
            os.pwrite(file, header, 0)
            os.truncate(file, _PAGE * (pages + 1))
        finally:
            os.close(file)
    except OSError as error:
        raise KeyFileError(
            Phrase("{path}: {why}").filled(path=path, why=reason_of(error))
        ) from None


class SharedNonces(SeenNonces):
    """Remembers what any process of the node was shown within the window."""

    def __init__(self, path: Path) -> None:
        """Open the file of this run.

        Raises:
            KeyFileError: it is not there, or is none.
        """
        try:
            self._file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise KeyFileError(
                Phrase("{path}: {why}").filled(path=path, why=reason_of(error))
            ) from None
        size = os.fstat(self._file).st_size
        self._pages = size // _PAGE - 1
        head = os.pread(self._file, _HEADER.size, 0)
        if self._pages < 1 or not head.startswith(_MAGIC):
            os.close(self._file)
            raise KeyFileError(
                Phrase("{path} is not what this run has made").filled(path=path)
            )
        _, key, began = _HEADER.unpack(head)
        self._map = mmap(self._file, size)
        super().__init__(began=_EPOCH + began * _MILLISECOND, key=key)

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()
        os.close(self._file)

    def knows(self, mark: bytes, *, now: datetime) -> bool:
        """Whether any process has noted a mark, and until a moment still to come."""
        present = _milliseconds(now)
        with self._locked():
            found = [ends for known, ends in self._page(mark) if known == mark]
        return any(ends > present for ends in found)

    def note(self, mark: bytes, *, until: datetime, now: datetime) -> None:
        """Note a mark until a moment; where there is no room it is not known later."""
        present = _milliseconds(now)
        with self._locked():
            for number, (known, ends) in enumerate(self._page(mark)):
                if ends <= present or known == mark:
                    self._write(mark, number, until)
                    return

    def remember(
        self, sender: str, nonce: bytes, *, until: datetime, now: datetime
    ) -> None:
        """Remember a nonce until a moment.

        Raises:
            StaleStatementError: it is remembered already, or there is no room.
        """
        mark = self.mark(b"nonce", sender.encode(), nonce)
        present, free = _milliseconds(now), None
        with self._locked():
            for number, (known, ends) in enumerate(self._page(mark)):
                if ends <= present:
                    free = number if free is None else free
                elif known == mark:
                    raise StaleStatementError(sender, "the statement was seen before")
            if free is None:
                raise StaleStatementError(sender, "too many statements at once")
            self._write(mark, free, until)

    def _page(self, mark: bytes) -> Iterator[tuple[bytes, int]]:
        page = self._place(mark)
        return _ENTRY.iter_unpack(self._map[page : page + _ENTRIES * _ENTRY.size])

    def _write(self, mark: bytes, number: int, until: datetime) -> None:
        at = self._place(mark) + number * _ENTRY.size
        entry = _ENTRY.pack(mark, _milliseconds(until))
        self._map[at : at + _ENTRY.size] = entry

    def _place(self, mark: bytes) -> int:
        return _PAGE * (1 + int.from_bytes(mark) % self._pages)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND
