# SPDX-License-Identifier: Apache-2.0
"""Find the pictures that look like one, among all that a node knows.

An exact search in memory: every stored PDQ digest is compared with the asked
one. Two things make that fast. A digest is kept as four columns of 64 bits, so
that numpy counts bits of whole blocks at once; and two columns alone already
rule out nearly every row, since a distance over half of the bits never exceeds
the whole distance. Digests take 36 bytes each.

One writer, many readers: a reader takes the tuple of blocks once and never sees a
later one. The writer fills rows beyond what readers look at before it publishes
their number, marks removed rows by one aligned store, and replaces blocks, never
moves rows within them. `add` and `remove` are for one thread at a time; `query`
may run in any, and blocks the loop for the time that `benchmarks/pdq_index.py`
prints (call it in a worker thread beyond some 100,000 rows).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fedsafe_federation.media.pdq import PDQ_BYTES, THRESHOLD

BLOCK_ROWS: Final = 65_536
"""One column of a block and its scratch stay in cache from step to step."""
COLUMNS: Final = PDQ_BYTES // 8
REMOVED: Final = 0xFFFF_FFFF
"""Stands in the place of a removed row's id; hence no id of a row."""
MOST_REMOVED: Final = 0.25

Ids = NDArray[np.uint32]
Columns = NDArray[np.uint64]


class Match(NamedTuple):
    """A stored row and how many bits it is away."""

    id: int
    distance: int


@dataclass(slots=True)
class _Block:
    """Up to `BLOCK_ROWS` rows; only the last block of an index grows."""

    ids: Ids
    columns: Columns
    filled: int


class PdqIndex:
    """All PDQ digests of a node, searched exactly.

    An id may own several digests (a film's frames); `query` names each.

    Owned by the writer: `_removed`, `_rows`. Read by all: `_blocks`, changed only
    by swapping the tuple or by raising `filled` of its last block.
    """

    def __init__(self) -> None:
        self._blocks: tuple[_Block, ...] = ()
        self._rows = 0
        self._removed = 0

    def __len__(self) -> int:
        """Count the rows that a query can find."""
        return self._rows - self._removed

    @property
    def memory_bytes(self) -> int:
        """The memory of all rows, the unfilled ones of the last block included."""
        return sum(block.ids.nbytes + block.columns.nbytes for block in self._blocks)

    def add(self, rows: Sequence[int], digests: Sequence[bytes]) -> None:
        """Add one digest for each id; all of them, or none on an error.

        Raises:
            ValueError: The two have different lengths, an id is no free 32-bit
                number, or a digest has not 32 bytes.
        """
        if len(rows) != len(digests):
            raise ValueError(f"{len(rows)} ids for {len(digests)} digests")
        if rows and not 0 <= min(rows) <= max(rows) < REMOVED:
            raise ValueError(f"an id is not within 0 and {REMOVED - 1}")
        if any(len(digest) != PDQ_BYTES for digest in digests):
            raise ValueError(f"a digest has not {PDQ_BYTES} bytes")
        words = np.frombuffer(b"".join(digests), np.uint64).reshape(-1, COLUMNS)
        self._append(np.array(rows, np.uint32), words.T)

    def remove(self, *rows: int) -> int:
        """Take out every digest of these ids, in one pass; say how many there were."""
        found = 0
        gone = np.array([row for row in rows if row != REMOVED], np.uint32)
        if not gone.size:
            return 0
        for block in self._blocks:
            ids = block.ids[: block.filled]
            places = np.flatnonzero(
                ids == gone[0] if gone.size == 1 else np.isin(ids, gone)
            )
            if places.size:
                block.ids[places] = REMOVED
                found += int(places.size)
        self._removed += found
        if self._removed > MOST_REMOVED * self._rows:
            self._rebuild()
        return found

    def query(self, digest: bytes, radius: int = THRESHOLD) -> list[Match]:
        """Find every row within `radius` bits, nearest first, then by id.

        Raises:
            ValueError: The digest has not 32 bytes.
        """
        if len(digest) != PDQ_BYTES:
            raise ValueError(f"a digest has not {PDQ_BYTES} bytes")
        asked = np.frombuffer(digest, np.uint64)
        scratch = _Scratch.empty()
        matches: list[Match] = []
        for block in self._blocks:
            matches += _search(block, asked, radius, scratch)
        return sorted(matches, key=lambda match: (match.distance, match.id))

    def _append(self, ids: Ids, columns: Columns) -> None:
        start = 0
        while start < len(ids):
            block = self._open_block()
            free = slice(block.filled, min(BLOCK_ROWS, block.filled + len(ids) - start))
            taken = slice(start, start + free.stop - free.start)
            block.ids[free] = ids[taken]
            block.columns[:, free] = columns[:, taken]
            block.filled = free.stop  # from here on readers see the new rows
            start = taken.stop
        self._rows += len(ids)

    def _open_block(self) -> _Block:
        if not self._blocks or self._blocks[-1].filled == BLOCK_ROWS:
            ids = np.empty(BLOCK_ROWS, np.uint32)
            columns = np.empty((COLUMNS, BLOCK_ROWS), np.uint64)
            self._blocks = (*self._blocks, _Block(ids, columns, 0))
        return self._blocks[-1]

    def _rebuild(self) -> None:
        """Copy the rows that are left into new blocks, and swap all at once."""
        fresh = PdqIndex()
        for block in self._blocks:
            left = np.flatnonzero(block.ids[: block.filled] != REMOVED)
            fresh._append(block.ids[left], block.columns[:, left])
        self._blocks, self._rows, self._removed = fresh._blocks, fresh._rows, 0


class _Scratch(NamedTuple):
    """Working memory of one query, so that queries share nothing."""

    differing: NDArray[np.uint64]
    first: NDArray[np.uint8]
    second: NDArray[np.uint8]

    @classmethod
    def empty(cls) -> "_Scratch":
        return cls(
            np.empty(BLOCK_ROWS, np.uint64),
            np.empty(BLOCK_ROWS, np.uint8),
            np.empty(BLOCK_ROWS, np.uint8),
        )


def _search(
    block: _Block, asked: Columns, radius: int, scratch: _Scratch
) -> list[Match]:
    filled = block.filled  # read once: the writer may raise it meanwhile
    columns = block.columns[:, :filled]
    differing = scratch.differing[:filled]
    first, second = scratch.first[:filled], scratch.second[:filled]
    np.bitwise_xor(columns[0], asked[0], out=differing)
    np.bitwise_count(differing, out=first)
    np.bitwise_xor(columns[1], asked[1], out=differing)
    np.bitwise_count(differing, out=second)
    np.add(first, second, out=first)  # at most 128: no overflow
    near = np.flatnonzero(first <= radius)
    if not near.size:
        return []
    rest = np.bitwise_count(columns[2:, near] ^ asked[2:, np.newaxis])
    distances = first[near] + rest.sum(axis=0, dtype=np.int64)
    ids = block.ids[near]
    within = (distances <= radius) & (ids != REMOVED)
    return [
        Match(int(row), int(distance))
        for row, distance in zip(ids[within], distances[within], strict=True)
    ]
