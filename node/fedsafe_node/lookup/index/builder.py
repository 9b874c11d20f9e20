# SPDX-License-Identifier: Apache-2.0
"""Segments are sorted, merged and written here, and probed in batches, by numpy.

Nothing on the way of a single lookup imports this module. A merge weaves a sorted
newcomer into sorted columns instead of sorting all again, and writes one column
after the other, so it holds about one column of the result in memory.
"""

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, TypeVar

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from fedsafe_node.ground.errors import CorruptIndexError
from fedsafe_node.ground.faults import FaultPoint, Faults
from fedsafe_node.ground.key_files import sync_directory
from fedsafe_node.lookup.index.segment import (
    HEADER_BYTES,
    MAX_BITS,
    TOKEN_BYTES,
    Header,
    Segment,
    file_size,
    row_padding,
)
from fedsafe_policies.ground.catalogue import Phrase

_BUCKET: Final = 16

Numbers = NDArray[np.uint64]
Rows = NDArray[np.uint32]
Number = TypeVar("Number", np.uint64, np.uint32)


class Columns(NamedTuple):
    """Tokens and their rows, sorted by token, then by row."""

    high: Numbers
    low: Numbers
    row: Rows


class Span(NamedTuple):
    """The rows (`after`, `through`] of the database `store`."""

    after: int
    through: int
    store: bytes


def columns_of(segment: Segment) -> Columns:
    """View a segment's columns without copying them."""
    return Columns(
        np.frombuffer(segment.high, np.uint64),
        np.frombuffer(segment.low, np.uint64),
        np.frombuffer(segment.row, np.uint32),
    )


def sort_tokens(tokens: bytes | bytearray, rows: Iterable[int]) -> Columns:
    """Sort concatenated tokens, one for each row."""
    high, low = _halves(tokens)
    row = np.fromiter(rows, np.uint32, count=len(high))
    order = np.lexsort((row, low, high))
    return Columns(high[order], low[order], row[order])


def without(columns: Columns, removed: Iterable[int]) -> Columns:
    """Leave out the tokens of the rows in `removed`."""
    gone = np.fromiter(removed, np.uint32)
    if not len(gone):
        return columns
    stays = np.isin(columns.row, gone, invert=True)
    return Columns(columns.high[stays], columns.low[stays], columns.row[stays])


class Weave:
    """How a newcomer's tokens fall between older ones.

    Rows of `new` are higher than those of `old`, so an equal token of `new` comes
    after.
    """

    def __init__(self, old: Columns, new: Columns) -> None:
        """Find the places; nothing is copied yet."""
        places = _places(old, new) + np.arange(len(new.high), dtype=np.int64)
        self._places: Final = places
        self._stays: Final = np.ones(len(old.high) + len(new.high), np.bool_)
        self._stays[places] = False

    def __len__(self) -> int:
        """Count the tokens of both."""
        return len(self._stays)

    def column(self, old: NDArray[Number], new: NDArray[Number]) -> NDArray[Number]:
        """Merge one column."""
        column = np.empty(len(self._stays), old.dtype)
        column[self._stays] = old
        column[self._places] = new
        return column


def _places(old: Columns, new: Columns) -> NDArray[np.int64]:
    first = np.searchsorted(old.high, new.high, "left")
    last = np.searchsorted(old.high, new.high, "right")
    for at in np.flatnonzero(first != last):
        run = old.low[first[at] : last[at]]
        last[at] = first[at] + np.searchsorted(run, new.low[at], "right")
    return last.astype(np.int64, copy=False)


def merge_columns(parts: list[Columns], removed: Iterable[int]) -> Columns:
    """Weave parts, oldest first, into one; the newest and smallest meet first."""
    gone = tuple(removed)
    merged = without(parts[-1], gone)
    for part in reversed(parts[:-1]):
        older = without(part, gone)
        weave = Weave(older, merged)
        merged = Columns(
            weave.column(older.high, merged.high),
            weave.column(older.low, merged.low),
            weave.column(older.row, merged.row),
        )
    return merged


def write_merged(
    path: Path,
    parts: list[Columns],
    removed: frozenset[int],
    span: Span,
    faults: Faults,
) -> None:
    """Write the parts, oldest first, as one segment at `path`.

    The file appears whole and durable, or not at all.

    Raises:
        OSError: the disk is full or fails; nothing has changed.
    """
    older = without(parts[0], removed)
    newer = merge_columns(parts[1:], removed) if parts[1:] else sort_tokens(b"", ())
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _write(file, older, newer, span)
            file.flush()
            os.fsync(descriptor)
        faults.reach(FaultPoint.INDEX_BEFORE_RENAME)
        draft.rename(path)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    faults.reach(FaultPoint.INDEX_AFTER_RENAME)
    sync_directory(path.parent)


def _write(file: BinaryIO, older: Columns, newer: Columns, span: Span) -> None:
    weave = Weave(older, newer)
    count = len(weave)
    bits = min(MAX_BITS, max(0, (count // _BUCKET).bit_length() - 1))
    header = Header(bits, count, span.after, span.through, span.store, b"")
    _check_room(file, file_size(header))
    digest = blake3()
    file.write(bytes(HEADER_BYTES))
    high = weave.column(older.high, newer.high)
    directory = _directory(high, bits)
    _append(file, digest, high)
    del high  # before the next column is made
    _append(file, digest, weave.column(older.low, newer.low))
    _append(file, digest, weave.column(older.row, newer.row))
    _append(file, digest, np.zeros(row_padding(count), np.uint8))
    _append(file, digest, directory)
    header = replace(header, digest=digest.digest())
    if file.tell() != file_size(header):
        raise OSError("the segment was not written whole")
    file.seek(0)
    file.write(header.encode())


def _check_room(file: BinaryIO, size: int) -> None:
    """Refuse before the first byte: to fill a disk in vain fails others' commits."""
    found = os.fstatvfs(file.fileno())
    if found.f_bavail * found.f_frsize < size:
        raise OSError(errno.ENOSPC, "no room for the segment")


def _append(file: BinaryIO, digest: blake3, column: NDArray[np.generic]) -> None:
    data = column.view(np.uint8).data
    digest.update(data)
    file.write(data)


def _directory(high: Numbers, bits: int) -> Rows:
    starts = np.arange(1 << bits, dtype=np.uint64) << np.uint64((64 - bits) % 64)
    places = np.append(np.searchsorted(high, starts), len(high))
    return places.astype(np.uint32)


def probe(segment: Segment, tokens: bytes) -> list[tuple[int, int]]:
    """Return (position, row) for each token of a batch that the segment holds.

    Raises:
        CorruptIndexError: the directory points outside the columns.
    """
    high, low = _halves(tokens)
    columns = columns_of(segment)
    first = _first_not_below(segment, columns.high, high)
    inside = np.flatnonzero(first < len(columns.high))
    hits = inside[columns.high[first[inside]] == high[inside]]
    at = first[hits]
    follows = np.minimum(at + 1, len(columns.high) - 1)
    alone = (columns.high[follows] != high[hits]) | (follows == at)
    single = alone & (columns.low[at] == low[hits])
    rows = columns.row[at[single]]
    found = list(zip(hits[single].tolist(), rows.tolist(), strict=True))
    for position in hits[~alone].tolist():
        token = tokens[TOKEN_BYTES * position : TOKEN_BYTES * (position + 1)]
        found.extend((position, row) for row in segment.find(token))
    return found


def _first_not_below(
    segment: Segment, column: Numbers, wanted: Numbers
) -> NDArray[np.int64]:
    """Bisect for all at once, each within the bucket of its prefix.

    Four times as fast as `searchsorted` over the whole column, which leaves the
    cache at every step.
    """
    directory = np.frombuffer(segment.directory, np.uint32)
    shift = np.uint64(64 - segment.header.bits)
    bucket = (
        (wanted >> shift).astype(np.int64)
        if segment.header.bits
        else np.zeros(len(wanted), np.int64)
    )
    low = directory[bucket].astype(np.int64)
    high = directory[bucket + 1].astype(np.int64)
    if (low > high).any() or (high > len(column)).any():
        raise CorruptIndexError(str(segment.path), Phrase("misleading directory"))
    width = int(np.max(high - low, initial=0))
    while width:
        middle = (low + high) >> 1
        below = (middle < high) & (column[np.minimum(middle, len(column) - 1)] < wanted)
        low = np.where(below, middle + 1, low)
        high = np.where(below, high, middle)
        width >>= 1
    return low


def _halves(tokens: bytes | bytearray) -> tuple[Numbers, Numbers]:
    pairs = np.frombuffer(tokens, ">u8").reshape(-1, 2).astype(np.uint64)
    return np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])
