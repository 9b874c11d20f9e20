# SPDX-License-Identifier: Apache-2.0
"""Segments are sorted, merged and written here, and probed in batches, by numpy.

Nothing on the way of a single lookup imports this module. A merge weaves a sorted
newcomer into sorted columns instead of sorting all again, and writes one column
after the other, so it holds about one column of the result in memory.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from fedsafe_node.faults import FaultPoint, Faults
from fedsafe_node.index.segment import (
    HEADER_BYTES,
    MAX_BITS,
    TOKEN_BYTES,
    Header,
    Segment,
    file_size,
    row_padding,
)

_BUCKET: Final = 16

Numbers = NDArray[np.uint64]
Rows = NDArray[np.uint32]


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
    return Columns(*(column[stays] for column in columns))


def weave(old: Columns, new: Columns) -> Iterator[NDArray[np.unsignedinteger]]:
    """Yield the columns of both together, one after the other.

    Rows of `new` are higher than those of `old`, so an equal token of `new` comes
    after.
    """
    places = _places(old, new) + np.arange(len(new.high), dtype=np.int64)
    stays = np.ones(len(old.high) + len(new.high), np.bool_)
    stays[places] = False
    for before, added in zip(old, new, strict=True):
        column = np.empty(len(stays), before.dtype)
        column[stays] = before
        column[places] = added
        yield column


def _places(old: Columns, new: Columns) -> NDArray[np.int64]:
    first = np.searchsorted(old.high, new.high, "left")
    last = np.searchsorted(old.high, new.high, "right")
    for at in np.flatnonzero(first != last):
        run = old.low[first[at] : last[at]]
        last[at] = first[at] + np.searchsorted(run, new.low[at], "right")
    return last.astype(np.int64, copy=False)


def merge_columns(parts: list[Columns], removed: Iterable[int]) -> Columns:
    """Weave parts, oldest first, into one; the smallest meet first."""
    gone = tuple(removed)
    merged = without(parts[-1], gone)
    for part in reversed(parts[:-1]):
        merged = _columns(weave(without(part, gone), merged))
    return merged


def _columns(woven: Iterator[NDArray[np.unsignedinteger]]) -> Columns:
    high, low, row = woven
    return Columns(
        high.astype(np.uint64, copy=False),
        low.astype(np.uint64, copy=False),
        row.astype(np.uint32, copy=False),
    )


def write_merged(
    path: Path, parts: list[Columns], removed: frozenset[int], span: Span, faults: Faults
) -> None:
    """Write the parts, oldest first, as one segment at `path`.

    The file appears whole and durable, or not at all.

    Raises:
        OSError: the disk is full or fails; nothing has changed.
    """
    oldest = without(parts[0], removed)
    if len(parts) > 1:
        newer = merge_columns(parts[1:], removed)
        count = len(oldest.high) + len(newer.high)
        columns = weave(oldest, newer)
    else:
        count = len(oldest.high)
        columns = iter(oldest)
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _write(file, columns, count, span)
            file.flush()
            os.fsync(descriptor)
        faults.reach(FaultPoint.INDEX_BEFORE_RENAME)
        draft.rename(path)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    faults.reach(FaultPoint.INDEX_AFTER_RENAME)
    _sync_directory(path.parent)


def _write(
    file: BinaryIO,
    columns: Iterator[NDArray[np.unsignedinteger]],
    count: int,
    span: Span,
) -> None:
    bits = min(MAX_BITS, max(0, (count // _BUCKET).bit_length() - 1))
    digest = blake3()
    file.write(bytes(HEADER_BYTES))
    directory = np.zeros(0, np.uint32)
    for number, column in enumerate(columns):
        if number == 0:
            directory = _directory(column, bits)
        _append(file, digest, memoryview(np.ascontiguousarray(column)).cast("B"))
    _append(file, digest, memoryview(bytes(row_padding(count))))
    _append(file, digest, memoryview(directory).cast("B"))
    header = Header(
        bits, count, span.after, span.through, span.store, digest.digest()
    )
    if file.tell() != file_size(header):
        raise OSError("the segment was not written whole")
    file.seek(0)
    file.write(header.encode())


def _append(file: BinaryIO, digest: blake3, data: memoryview) -> None:
    digest.update(data)
    file.write(data)


def _directory(high: NDArray[np.unsignedinteger], bits: int) -> Rows:
    starts = np.arange(1 << bits, dtype=np.uint64) << np.uint64(64 - bits & 63)
    places = np.append(np.searchsorted(high, starts), len(high))
    return places.astype(np.uint32)


def probe(segment: Segment, tokens: bytes) -> list[tuple[int, int]]:
    """Return (position, row) for each token of a batch that the segment holds."""
    high, low = _halves(tokens)
    order = np.argsort(high, kind="stable")
    wanted = high[order]
    columns = columns_of(segment)
    first = np.searchsorted(columns.high, wanted, "left")
    inside = np.flatnonzero(first < len(columns.high))
    hits = inside[columns.high[first[inside]] == wanted[inside]]
    follows = np.minimum(first[hits] + 1, len(columns.high) - 1)
    alone = (columns.high[follows] != wanted[hits]) | (follows == first[hits])
    single = hits[alone & (columns.low[first[hits]] == low[order[hits]])]
    found = list(
        zip(
            order[single].tolist(),
            columns.row[first[single]].tolist(),
            strict=True,
        )
    )
    for at in order[hits[~alone]].tolist():
        token = tokens[TOKEN_BYTES * at : TOKEN_BYTES * (at + 1)]
        found.extend((at, row) for row in segment.find(token))
    return found


def _halves(tokens: bytes | bytearray) -> tuple[Numbers, Numbers]:
    pairs = np.frombuffer(tokens, ">u8").reshape(-1, 2).astype(np.uint64)
    return np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
