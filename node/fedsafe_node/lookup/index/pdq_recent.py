# SPDX-License-Identifier: Apache-2.0
"""Few PDQ digests that keep coming: what no `Tables` have yet.

The same search as in `pdq_tables`, in a form that takes a row in some microseconds.
A table has 2^10 or 2^13 buckets, for as many upper bits of a word, with sixteen places
each: a place holds the next word of a row and its number. Few rows may find one of
their sixteen buckets full; more are not taken, and whoever adds them keeps them
elsewhere, or goes on with one that has `grown`. For each process of a node has its own:
the small one takes 1 MB and 4,000 rows, the large one 10 MB.

One writer, many readers: a row's digest is written before its places, and what is only
half placed is not found by each table yet, as if it came a moment later.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fedsafe_node.lookup.index.pdq_tables import (
    BLOCK,
    BLOCK_SHIFT,
    COLUMNS,
    NEXT_BITS,
    NONE,
    REMOVED,
    WORDS,
    Asked,
    Columns,
    Ids,
    Near,
    Places,
    Wide,
    aligned,
    compare,
    mark_removed,
)

LEAST_BITS: Final = 10
MOST_BITS: Final = 13
_ROWS_OF_BUCKET: Final = 4  # so that few find one of theirs full
MOST_RECENT: Final = _ROWS_OF_BUCKET << MOST_BITS
MOST_LOOSE: Final = 256


class Recent:
    """Fewer than `MOST_RECENT` rows or an eighth, in the order in which they came.

    Row 0 is nobody's: places that are empty lead there. `loose` are the rows of which
    a bucket was full, so that each question compares them.

    Owned by the writer: `_used`, `removed`. Read by all: the rest.
    """

    def __init__(self, bits: int = MOST_BITS) -> None:
        """Begin with no row, and buckets for so many bits of a word."""
        most = _ROWS_OF_BUCKET << bits
        self.bits: Final = bits
        self.ids: Final = np.full(most, REMOVED, np.uint32)
        self.columns: Final = np.zeros((COLUMNS, most), np.uint64)
        self.filled = 1
        self.removed = 0
        self.loose: Places = np.zeros(0, np.intp)
        self._used: Final = np.zeros(WORDS << bits, np.uint8)
        places = WORDS << bits + BLOCK_SHIFT
        self._next: Final = aligned(places)
        self._rows: Final = np.zeros(places, np.uint16)
        self._buckets: Final = self._next.view(Wide)
        self._beside: Final = 16 - bits
        self._tables: Final[Places] = np.arange(WORDS, dtype=np.intp) << bits
        # How many bits of the next word may differ, by the probe that found the place.
        most_bits = np.full((1 + bits, 1), NEXT_BITS, np.uint8)
        most_bits[0] += 1
        self._most_bits: Final = most_bits

    def grown(self) -> "Recent":
        """Give what has the same rows, but those removed, and room for most."""
        (left,) = (self.ids[: self.filled] != REMOVED).nonzero()
        made = Recent()
        made.add(self.ids[left], self.columns.take(left, axis=1))
        return made

    def __len__(self) -> int:
        """Count the rows that can be found."""
        return self.filled - 1 - self.removed

    @property
    def memory_bytes(self) -> int:
        """The memory of all arrays."""
        arrays = (
            self.ids,
            self.columns,
            self._used,
            self._next,
            self._rows,
            self.loose,
        )
        return sum(array.nbytes for array in arrays)

    def add(self, ids: Ids, columns: Columns) -> NDArray[np.bool_]:
        """Take in rows; tell of each whether it was taken."""
        words = np.ascontiguousarray(columns.T).view(np.uint16)
        words = words[: len(self.ids) - self.filled]
        taken = np.zeros(len(ids), np.bool_)
        if not len(words):
            return taken
        buckets = (words >> self._beside) + self._tables
        slots = self._take_slots(buckets)
        fits = (slots < BLOCK).all(axis=1)
        loose = ~fits
        loose &= loose.cumsum() <= MOST_LOOSE - self.loose.size
        here = fits | loose
        taken[: len(words)] = here
        rows = np.zeros(len(words), np.uint16)
        rows[here] = np.arange(self.filled, self.filled + np.count_nonzero(here))
        self.ids[rows[here]] = ids[taken]
        self.columns[:, rows[here]] = columns[:, taken]
        places = (buckets[fits] << BLOCK_SHIFT) + slots[fits]
        self._rows[places] = rows[fits, np.newaxis]
        self._next[places] = np.roll(words[fits], -1, axis=1)
        if loose.any():
            new = rows[loose].astype(np.intp)
            self.loose = np.concatenate((self.loose, new))
        self.filled += int(np.count_nonzero(here))
        return taken

    def remove(self, gone: Ids) -> int:
        """Mark the rows of these ids as removed; say how many were not yet."""
        count = mark_removed(self.ids[1 : self.filled], gone)
        self.removed += count
        return count

    def search(self, asked: Asked, radius: int) -> Near:
        """Find the rows within *radius*, at most `pdq_tables.MOST`.

        A row may come more than once, and removed ones come as well.
        """
        flips = _flips(asked.count, self.bits)
        buckets = ((asked.words >> self._beside) ^ flips).ravel()
        found = self._buckets.take(buckets).view(np.uint16).reshape(1 + self.bits, -1)
        found ^= asked.next_words
        (places,) = (np.bitwise_count(found) <= self._most_bits).ravel().nonzero()
        if not places.size and not self.loose.size:
            return NONE
        within = places >> BLOCK_SHIFT
        entries = buckets.take(within)
        entries -= within
        entries <<= BLOCK_SHIFT
        entries += places
        rows = self._rows.take(entries).astype(np.intp)
        if asked.count == 1:
            questions = np.zeros(rows.size, np.intp)
        else:
            questions = within % (WORDS * asked.count) >> 4
        loose = self.loose
        if loose.size:
            rows = np.concatenate((rows, np.tile(loose, asked.count)))
            others = np.arange(asked.count).repeat(loose.size)
            questions = np.concatenate((questions, others))
        # An empty place looks like a next word without bits; it has the row 0.
        return compare(self.columns, rows, asked, questions, radius)

    def _take_slots(self, buckets: Places) -> Places:
        """Give each row its place in each of its buckets, 16 or more if that is full.

        The places of a row that finds no room in another bucket are left empty.
        """
        flat = buckets.ravel()
        order = flat.argsort(kind="stable")
        ordered = flat[order]
        (firsts,) = np.concatenate(([True], ordered[1:] != ordered[:-1])).nonzero()
        counts = np.diff(firsts, append=flat.size)
        ranks = np.empty(flat.size, np.intp)
        ranks[order] = np.arange(flat.size) - np.repeat(firsts, counts)
        slots = ranks + self._used.take(flat)
        fresh = ordered[firsts]
        self._used[fresh] = np.minimum(self._used[fresh] + counts, BLOCK)
        return slots.reshape(buckets.shape)


@lru_cache(maxsize=16)
def _flips(questions: int, bits: int) -> Places:
    flips = np.array([0, *(1 << bit for bit in range(bits))], np.intp)
    tables = np.arange(WORDS, dtype=np.intp) << bits
    return np.tile(flips[:, None] | tables, (1, questions))
