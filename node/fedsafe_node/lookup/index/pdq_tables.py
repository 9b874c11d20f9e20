# SPDX-License-Identifier: Apache-2.0
"""Sixteen tables over many PDQ digests: which rows may be near?

Multi-index hashing (Norouzi, Punjani and Fleet, 2014). A digest is a ring of sixteen
words of 16 bits. If two digests differ in at most 31 bits, some word differs in at
most one of them: so each table has the rows in the order of one word, and a question
reads 17 of its buckets. Of those rows nearly all are strangers. They are told apart
without a look at their digests, since beside each row stands its next word of the
ring: wherever 31 bits lie, they leave a word with at most one of them that has, with
the word behind it, at most three (the strong form of the pigeonhole principle; Qin
and Xiao, "Pigeonring", 2018). What is left, some twenty rows of a million, is compared
whole. So nothing is missed up to `MOST`.

Next words are read in blocks of sixteen, so that numpy does little for each bucket. A
block may begin before its bucket and end behind it; rows of others do no harm, since
all are compared in the end.

A row costs 116 bytes: 32 of digest, 4 of id, and 5 in each table. Anybody may publish
rows that share a word or a picture, so a question counts first what it would have to
read, and looks at a sixteenth of that if it is much; where it is dear it gives up, and
the caller compares every row. `Tables` never change, but for the bits of removed rows,
set by one thread at a time.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from fedsafe_federation.media.pdq import PDQ_BYTES
from fedsafe_node.ground.errors import PictureIndexError
from fedsafe_node.lookup.index.pdq_memory import MakeMemory, Memory

MOST: Final = 31
"""The largest radius that the tables answer."""
MOST_ROWS: Final = 1 << 24
"""A row's number has 24 bits."""
REMOVED: Final = 0xFFFF_FFFF
"""Stands in the place of a removed row's id; hence no id of a row."""
COLUMNS: Final = PDQ_BYTES // 8
_HALF: Final = COLUMNS // 2
WORDS: Final = 16
_KEYS: Final = 1 << 16
BLOCK: Final = 16
BLOCK_SHIFT: Final = 4
_LINE: Final = 64
_ID_BYTES: Final = 4
_PROBES: Final = 1 + 16
NEXT_BITS: Final = 2  # a bit of this word and two of the next, or none and three
_LEAST_BLOCKS: Final = 512
_MUCH_BLOCKS: Final = 384
_LEAST_ROWS: Final = 128
_SAMPLE: Final = 32
_STEP: Final = 16  # of so many blocks, one is looked at first where they are many

Ids = NDArray[np.uint32]
Columns = NDArray[np.uint64]
Words = NDArray[np.uint16]
Places = NDArray[np.intp]
Wide = np.dtype(f"V{2 * BLOCK}")
_FLIPS: Final[Places] = np.array([0, *(1 << bit for bit in range(16))], np.intp)[
    :, None, None
] | (np.arange(WORDS, dtype=np.intp) << 16)
_COUNTING: Final = np.arange(1 << 16, dtype=np.int32)


class Asked:
    """Digests that are asked about together."""

    __slots__ = ("columns", "count", "next_words", "words")

    def __init__(self, digests: bytes) -> None:
        self.count: Final = len(digests) // PDQ_BYTES
        self.words: Final = np.frombuffer(digests, np.uint16)
        self.columns: Final = np.frombuffer(digests, np.uint64).reshape(-1, COLUMNS)
        if self.count == 1:
            following = np.frombuffer(digests[2:] + digests[:2], np.uint16)
        else:
            following = np.roll(self.words.reshape(-1, WORDS), -1, axis=1).ravel()
        self.next_words: Final = following.repeat(BLOCK)

    def some(self, places: Places) -> "Asked":
        """Ask about some of them."""
        return Asked(self.columns[places].tobytes())


class Near(NamedTuple):
    """Rows that are near: which question, which row, how many bits away."""

    questions: Places
    rows: Places
    distances: NDArray[np.uint16]

    def at(self, places: Places | NDArray[np.bool_]) -> "Near":
        """Keep some of them."""
        return Near(self.questions[places], self.rows[places], self.distances[places])

    def of(self, questions: Places) -> "Near":
        """Say which questions of all these were, that were asked together."""
        return self._replace(questions=questions[self.questions])

    def once(self) -> "Near":
        """Keep each row once for each question."""
        if self.rows.size <= 1:
            return self
        _, places = np.unique(self.questions << 32 | self.rows, return_index=True)
        return self.at(places)

    @staticmethod
    def join(found: "Sequence[Near]") -> "Near":
        """Put them one behind the other."""
        if not found:
            return NONE
        return Near(*(np.concatenate(part) for part in zip(*found, strict=True)))


class Layout(NamedTuple):
    """Where each array of the tables of so many rows begins in their memory.

    The rows come first, so that they can be compared before the tables are there.
    """

    rows: int
    columns: int
    rows_end: int
    next: int
    low: int
    high: int
    first: int
    size: int

    @classmethod
    def of(cls, count: int) -> Self:
        """Lay out the memory of so many rows."""
        entries = _entries(count)
        sizes = (
            count * _ID_BYTES,
            count * PDQ_BYTES,
            0,
            2 * entries,
            2 * entries,
            entries,
            _ID_BYTES * (WORDS * _KEYS + 1),
        )
        ends = [0]
        for size in sizes:
            ends.append(-(-(ends[-1] + size) // _LINE) * _LINE)
        return cls(count, *ends[1:])


class Tables:
    """The digests of many rows, in the order of their ids, with their tables.

    All arrays but the bits of removed rows lie in one piece of memory (`Layout`), which
    other processes may have as well, and which may have come out of a file: its rows
    are compared one by one until it `is_built`.

    Owned by the writer: `removed`. Read by all: the rest, of which only bits of
    `_removed` are ever set.
    """

    def __init__(
        self, ids: Ids, columns: Columns, make: MakeMemory = Memory.private
    ) -> None:
        """Build the tables of rows whose ids ascend, in new memory.

        Raises:
            ValueError: they are too many, or their ids do not ascend.
        """
        count = len(ids)
        if count > MOST_ROWS or (ids[1:] < ids[:-1]).any():
            raise ValueError(f"want up to {MOST_ROWS} rows in the order of their ids")
        layout = Layout.of(count)
        memory = make(layout.size)
        memory.close_to_writers()  # what is built here goes through the mapping
        self._place(layout, memory)
        self.ids[:] = ids
        self.columns[:] = columns
        self._low[WORDS * count :] = self._high[WORDS * count :] = 0
        self._next[WORDS * count :] = 0
        self._first[-1] = WORDS * count >> BLOCK_SHIFT
        for word in range(WORDS):
            self._sort(word)
        self.is_built = True

    @classmethod
    def attach(cls, count: int, memory: Memory, *, is_built: bool = True) -> Self:
        """Take up tables that were built elsewhere; no row is removed here yet."""
        self = cls.__new__(cls)
        self._place(Layout.of(count), memory)
        self.is_built = is_built
        return self

    def _place(self, layout: Layout, memory: Memory) -> None:
        count, entries = layout.rows, _entries(layout.rows)
        self.memory, buffer = memory, memory.buffer
        self.removed = 0
        self.ids: Ids = np.frombuffer(buffer, np.uint32, count)
        columns = np.frombuffer(buffer, np.uint64, COLUMNS * count, layout.columns)
        self.columns: Columns = columns.reshape(COLUMNS, count)
        self._next: Words = np.frombuffer(buffer, np.uint16, entries, layout.next)
        self._low: Words = np.frombuffer(buffer, np.uint16, entries, layout.low)
        self._high = np.frombuffer(buffer, np.uint8, entries, layout.high)
        bounds = WORDS * _KEYS + 1
        self._first = np.frombuffer(buffer, np.int32, bounds, layout.first)
        self._blocks = self._next.view(Wide)
        self._removed = np.zeros(-(-count // 8), np.uint8)
        self._dear_blocks = max(count // 64, _LEAST_BLOCKS)
        self._dear_rows = max(count // 256, _LEAST_ROWS)
        self._much = max(count // 512, _MUCH_BLOCKS)

    def __len__(self) -> int:
        """Count the rows that can be found."""
        return len(self.ids) - self.removed

    @property
    def memory_bytes(self) -> int:
        """The memory of all arrays."""
        return Layout.of(len(self.ids)).size + self._removed.nbytes

    def search(self, asked: Asked, radius: int) -> tuple[Near, Places]:
        """Find the rows within *radius*, at most `MOST`; tell which questions are dear.

        Nothing is found of those. A row may come more than once, and removed ones come
        as well.
        """
        rows_asked = WORDS * asked.count
        keys = (asked.words ^ _flips(asked.count)).ravel()
        first = self._first.take(keys)
        keys += 1
        counts = self._first.take(keys)
        counts -= first
        counts += 1
        ends = counts.cumsum(dtype=np.int32)
        total = int(ends[-1])
        if total > self._dear_blocks * asked.count:
            of_each = counts.reshape(_PROBES, asked.count, WORDS).sum(axis=(0, 2))
            return self._search_cheap(asked, of_each <= self._dear_blocks, radius)
        ends -= counts
        exact = int(ends[rows_asked]) << BLOCK_SHIFT
        probes = np.repeat(_counting(_PROBES * rows_asked), counts)
        shifts = (first - ends).take(probes)
        blocks = shifts + _counting(total)
        wanted = _rows_of_probes(rows_asked).take(probes)
        if total > self._much * asked.count:  # look at some first
            some = slice(None, None, _STEP)
            hits = self._match_next(asked, blocks[some], wanted[some], exact // _STEP)
            counted = np.count_nonzero(hits.reshape(-1, BLOCK), axis=1)
            estimate = np.bincount(wanted[some] >> 4, counted * _STEP, asked.count)
            is_cheap = estimate <= self._dear_rows
            if not is_cheap.all():
                return self._search_cheap(asked, is_cheap, radius)
        (places,) = self._match_next(asked, blocks, wanted, exact).nonzero()
        dear = NONE.rows
        most = 2 * self._dear_rows  # what has been read is not given up lightly
        if places.size > most * asked.count:
            of = wanted.take(places >> BLOCK_SHIFT) >> 4
            is_dear = np.bincount(of, minlength=asked.count) > most
            (dear,) = is_dear.nonzero()
            places = places[~is_dear.take(of)]
        within = places >> BLOCK_SHIFT
        entries = shifts.take(within)
        entries <<= BLOCK_SHIFT
        entries += places
        rows = np.multiply(self._high.take(entries), 1 << 16, dtype=np.intp)
        rows += self._low.take(entries)
        questions = wanted.take(within)
        questions >>= 4
        return compare(self.columns, rows, asked, questions, radius), dear

    def _match_next(
        self, asked: Asked, blocks: Places, wanted: Places, exact: int
    ) -> NDArray[np.bool_]:
        """Tell of each place in blocks whether its next word is near.

        The first *exact* places are of blocks whose own word is the same.
        """
        found = self._blocks.take(blocks).view(np.uint16)
        found ^= asked.next_words.view(Wide).take(wanted).view(np.uint16)
        bits = np.bitwise_count(found)
        # One more bit of the next word where this one has none: 3 becomes 2, 4 3.
        least = bits[:exact]
        least *= 3
        least >>= 2
        return bits <= NEXT_BITS

    def _search_cheap(
        self, asked: Asked, is_cheap: NDArray[np.bool_], radius: int
    ) -> tuple[Near, Places]:
        (cheap,), (dear,) = is_cheap.nonzero(), (~is_cheap).nonzero()
        if not cheap.size:
            return NONE, dear
        near, others = self.search(asked.some(cheap), radius)
        return near.of(cheap), np.concatenate((dear, cheap[others]))

    def remove(self, gone: Ids) -> int:
        """Mark the rows of these ids, which ascend, as removed; count the new ones."""
        first = np.searchsorted(self.ids, gone)
        counts = np.searchsorted(self.ids, gone, side="right") - first
        rows = np.repeat(first - (counts.cumsum() - counts), counts)
        rows += np.arange(rows.size)
        rows = rows[~self.is_removed(rows)]
        bits = np.left_shift(1, rows & 7).astype(np.uint8)
        np.bitwise_or.at(self._removed, rows >> 3, bits)
        self.removed += int(rows.size)
        return int(rows.size)

    def is_removed(self, rows: Places) -> NDArray[np.bool_]:
        """Tell of each row whether it is removed."""
        bits: NDArray[np.uint8] = np.left_shift(1, rows & 7).astype(np.uint8)
        bits &= self._removed.take(rows >> 3)
        return bits.astype(np.bool_)

    def left(self) -> Places:
        """Give the rows that are not removed."""
        gone = np.unpackbits(self._removed, count=len(self.ids), bitorder="little")
        return np.flatnonzero(gone == 0)

    def check(self) -> None:
        """Look for rows of the index through each table, 31 bits away.

        Every table must hold every row once, too.

        Raises:
            PictureIndexError: one is not found: the tables must not be asked.
        """
        count = len(self.ids)
        for start in range(0, count, max(1, -(-count // _SAMPLE))):
            for word in range(WORDS):
                digest = self.columns[:, start].copy().view(np.uint16)
                digest ^= _DAMAGE[word]
                near, dear = self.search(Asked(digest.tobytes()), MOST)
                if not dear.size and start not in near.rows:
                    raise PictureIndexError(f"row {start} is not found by word {word}")
        total = count * (count - 1) // 2
        for word in range(WORDS):
            part = slice(word * count, (word + 1) * count)
            low = int(self._low[part].sum(dtype=np.uint64))
            high = int(self._high[part].sum(dtype=np.uint64))
            if low + (high << 16) != total:
                raise PictureIndexError(f"table {word} lacks rows")

    def _sort(self, word: int) -> None:
        # One sort of numbers is faster than a sort of their places.
        count = len(self.ids)
        part = slice(word * count, (word + 1) * count)
        keys = _word(self.columns, word).astype(np.uint64)
        keys <<= np.uint64(16)
        keys |= _word(self.columns, (word + 1) % WORDS)
        keys <<= np.uint64(24)
        keys |= np.arange(count, dtype=np.uint64)
        keys.sort()
        self._low[part] = keys & np.uint64(0xFFFF)
        keys >>= np.uint64(16)
        self._high[part] = keys & np.uint64(0xFF)
        keys >>= np.uint64(8)
        self._next[part] = keys & np.uint64(0xFFFF)
        bounds = np.searchsorted(keys, np.arange(_KEYS, dtype=np.uint64) << 16)
        bounds += part.start
        self._first[word * _KEYS : (word + 1) * _KEYS] = bounds >> BLOCK_SHIFT


def mark_removed(ids: Ids, gone: Ids) -> int:
    """Put `REMOVED` in the place of ids that lie in no order; count them."""
    if gone.size == 1:
        (places,) = (ids == gone[0]).nonzero()
    else:
        (places,) = np.isin(ids, gone).nonzero()
    ids[places] = REMOVED
    return int(places.size)


def scan(
    columns: Columns, asked: Columns, radius: int, scratch: "Scratch"
) -> tuple[Places, NDArray[np.uint16]]:
    """Compare every row of a block with one digest; give what is near, how near."""
    count = columns.shape[1]
    differing = scratch.differing[:count]
    first, second = scratch.first[:count], scratch.second[:count]
    np.bitwise_xor(columns[0], asked[0], out=differing)
    np.bitwise_count(differing, out=first)
    np.bitwise_xor(columns[1], asked[1], out=differing)
    np.bitwise_count(differing, out=second)
    np.add(first, second, out=first)  # at most 128: no overflow
    (near,) = (first <= radius).nonzero()
    if not near.size:
        return near, NONE.distances
    rest = np.bitwise_count(columns[2:, near] ^ asked[2:, np.newaxis])
    distances = np.add(first[near], rest.sum(axis=0), dtype=np.uint16)
    within = distances <= radius
    return near[within], distances[within]


class Scratch(NamedTuple):
    """Working memory of one scan, so that scans share nothing."""

    differing: NDArray[np.uint64]
    first: NDArray[np.uint8]
    second: NDArray[np.uint8]

    @classmethod
    def empty(cls, rows: int) -> Self:
        """Make that for blocks of up to so many rows."""
        return cls(
            np.empty(rows, np.uint64),
            np.empty(rows, np.uint8),
            np.empty(rows, np.uint8),
        )


def compare(
    columns: Columns, rows: Places, asked: Asked, questions: Places, radius: int
) -> Near:
    """Keep the rows that are within *radius* of their question."""
    if not rows.size:
        return NONE
    # Half a digest tells nearly all strangers, and takes half as many cache misses.
    first = _count_differing(columns[:_HALF], rows, asked.columns[:, :_HALF], questions)
    bits = first[0]
    bits += first[1]  # at most 128: no overflow
    (half,) = (bits <= radius).nonzero()
    if not half.size:
        return NONE
    rows, questions = rows.take(half), questions.take(half)
    rest = _count_differing(columns[_HALF:], rows, asked.columns[:, _HALF:], questions)
    distances = np.add(rest[0], rest[1], dtype=np.uint16)
    distances += bits.take(half)
    (near,) = (distances <= radius).nonzero()
    return Near(questions.take(near), rows.take(near), distances.take(near))


def _count_differing(
    columns: Columns, rows: Places, asked: Columns, questions: Places
) -> NDArray[np.uint8]:
    differing = columns.take(rows, axis=1)
    if len(asked) == 1:
        differing ^= asked[0][:, np.newaxis]
    else:
        differing ^= asked.take(questions, axis=0).T
    return np.bitwise_count(differing)


def aligned(count: int) -> Words:
    """Give words of zero whose blocks never cross a line of the cache."""
    memory = np.empty(2 * count + _LINE, np.uint8)  # of huge pages, unlike `zeros`
    start = -memory.ctypes.data % _LINE
    words: Words = memory[start : start + 2 * count].view(np.uint16)
    words[:] = 0
    return words


def _entries(count: int) -> int:
    """Count the places of all tables, whole blocks of them."""
    return -(-(WORDS * count + 1) // BLOCK) * BLOCK


def _word(columns: Columns, word: int) -> Words:
    words: Words = columns[word // 4].view(np.uint16)[word % 4 :: 4]
    return words


def _counting(count: int) -> NDArray[np.int32]:
    if count <= _COUNTING.size:
        return _COUNTING[:count]
    return np.arange(count, dtype=np.int32)


@lru_cache(maxsize=16)
def _flips(questions: int) -> Places:
    return np.ascontiguousarray(np.tile(_FLIPS, (1, questions, 1)).reshape(_PROBES, -1))


@lru_cache(maxsize=16)
def _rows_of_probes(rows_asked: int) -> Places:
    return np.tile(np.arange(rows_asked), _PROBES)


def _damage(word: int) -> Words:
    """Differ in 31 bits, so that the table of one word alone must find the row.

    Two bits of each other word, the highest: by lower ones a row may lie in a block
    that is read for its neighbours.
    """
    bits = np.full(WORDS, 0xC000, np.uint16)
    bits[word] = 0x8000
    return bits


_DAMAGE: Final = [_damage(word) for word in range(WORDS)]
NONE: Final = Near(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0, np.uint16))
