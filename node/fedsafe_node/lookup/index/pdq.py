# SPDX-License-Identifier: Apache-2.0
"""Find the pictures that look like one, among all that a node knows.

An exact search in memory. Most digests lie in `Tables`, which never change and answer
radii up to 31. What is newer lies in a `Recent`, or, where many come at once, in blocks
that are compared row by row; so is everything while it is little, and for larger radii.
`merge` builds new tables of all that is left. It may take seconds, runs in a thread of
its own, and lets readers and the writer go on::

    index.add([row], [digest])  # found from now on
    if index.wants_merge:
        await asyncio.to_thread(index.merge)

One writer, many readers: a reader takes the view once and never sees a later one. The
writer fills rows beyond what readers look at before it publishes their number, and
marks removed rows by one aligned store. `add` and `remove` are for one thread at a
time; questions may be asked in any.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fedsafe_federation.media.pdq import PDQ_BYTES, THRESHOLD
from fedsafe_node.ground.errors import PictureIndexError
from fedsafe_node.lookup.index.pdq_memory import MakeMemory, Memory
from fedsafe_node.lookup.index.pdq_recent import LEAST_BITS, MOST_BITS, Recent
from fedsafe_node.lookup.index.pdq_tables import (
    COLUMNS,
    MOST,
    MOST_ROWS,
    REMOVED,
    Asked,
    Columns,
    Ids,
    Near,
    Places,
    Scratch,
    Tables,
    mark_removed,
    scan,
)

BLOCK_ROWS: Final = 65_536
"""One column of a block and its scratch stay in cache from step to step."""
FEW: Final = 32_768
"""So many rows are compared one by one as fast as through tables."""
MOST_REMOVED: Final = 0.25
_AT_ONCE: Final = 1_024  # more rows than these wait for a merge in blocks
_TOGETHER: Final = 8  # questions; their working memory stays in cache
MOST_WAITING: Final = 24_576
_MOST_SHARE: Final = 64  # of so many rows in tables, one may wait


class Match(NamedTuple):
    """A stored row and how many bits it is away."""

    id: int
    distance: int


class Found(NamedTuple):
    """Matches of many questions, in the order of question, distance and id."""

    questions: Places
    ids: Ids
    distances: NDArray[np.uint16]


class Nearest(NamedTuple):
    """By question: its nearest rows in the order of distance and id, and how many more.

    Equal questions share a list, which is for reading alone.
    """

    matches: list[list[Match]]
    more: list[int]


@dataclass(slots=True)
class _Block:
    """Up to `BLOCK_ROWS` rows; only the last block of an index grows."""

    ids: Ids
    columns: Columns
    filled: int = 0
    removed: int = 0

    @classmethod
    def empty(cls) -> "_Block":
        ids = np.empty(BLOCK_ROWS, np.uint32)
        return cls(ids, np.empty((COLUMNS, BLOCK_ROWS), np.uint64))

    def __len__(self) -> int:
        return self.filled - self.removed

    @property
    def memory_bytes(self) -> int:
        return self.ids.nbytes + self.columns.nbytes

    def add(self, ids: Ids, columns: Columns) -> int:
        """Take in what there is room for; say how many."""
        count = min(len(ids), BLOCK_ROWS - self.filled)
        here = slice(self.filled, self.filled + count)
        self.ids[here] = ids[:count]
        self.columns[:, here] = columns[:, :count]
        self.filled = here.stop  # from here on readers see the new rows
        return count

    def remove(self, gone: Ids) -> int:
        count = mark_removed(self.ids[: self.filled], gone)
        self.removed += count
        return count


class _View(NamedTuple):
    """What a reader sees; only the last `Recent` and the last block grow."""

    tables: tuple[Tables, ...] = ()
    recent: tuple[Recent, ...] = ()
    blocks: tuple[_Block, ...] = ()

    @property
    def newer(self) -> "tuple[Recent | _Block, ...]":
        """What is in no tables."""
        return *self.recent, *self.blocks

    @property
    def parts(self) -> "tuple[Tables | Recent | _Block, ...]":
        """All of it."""
        return *self.tables, *self.recent, *self.blocks


class PdqIndex:
    """All PDQ digests of a node, searched exactly.

    An id may own several digests (a film's frames); `query` names each.

    * swapped as a whole, read by anybody: `_view`
    * under `_lock`: `_view`'s growing parts and removed rows; what a merge has
      `_taken`, the ids that were `_removed` since, and those that are `_gone` and may
      be in tables that others make
    * under `_merging`: the building of tables
    """

    def __init__(self, *, few: int = FEW, make: MakeMemory = Memory.private) -> None:
        """Begin with no row; up to *few* of them need no tables.

        The memory of tables is had by *make*.
        """
        self._few: Final = few
        self._make: Final = make
        self._lock: Final = Lock()
        self._merging: Final = Lock()
        self._view = _View()
        self._taken = _View()
        self._removed: list[Ids] = []
        self._gone: set[int] = set()

    def __len__(self) -> int:
        """Count the rows that a query can find."""
        return sum(len(part) for part in self._view.parts)

    @property
    def memory_bytes(self) -> int:
        """The memory of all rows, unfilled ones included, and of the tables."""
        return sum(part.memory_bytes for part in self._view.parts)

    @property
    def tables(self) -> tuple[Tables, ...]:
        """The tables, which never change but for what is removed."""
        return self._view.tables

    @property
    def removed(self) -> int:
        """How many rows are removed whose digests are still in memory."""
        return sum(part.removed for part in self._view.parts)

    @property
    def waiting(self) -> int:
        """How many rows are in no tables yet."""
        return sum(len(part) for part in self._view.newer)

    @property
    def wants_merge(self) -> bool:
        """Whether `merge` is due: much is in no tables, or removed."""
        view = self._view
        held = sum(map(len, view.tables))
        most = max(MOST_WAITING, held // _MOST_SHARE) if held else self._few
        removed = self.removed
        return self.waiting > most or removed > MOST_REMOVED * (len(self) + removed)

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
        words = np.frombuffer(_joined(digests), np.uint64).reshape(-1, COLUMNS)
        ids, columns = np.array(rows, np.uint32), words.T
        with self._lock:
            self._gone.difference_update(rows)
            if self._view.tables and len(ids) <= _AT_ONCE:
                left = ~self._open_recent().add(ids, columns)
                ids, columns = ids[left], columns[:, left]
                if len(ids) and self._view.recent[-1].bits < MOST_BITS:
                    left = ~self._grow_recent().add(ids, columns)
                    ids, columns = ids[left], columns[:, left]
            while len(ids):
                count = self._open_block().add(ids, columns)
                ids, columns = ids[count:], columns[:, count:]

    def remove(self, *rows: int) -> int:
        """Take out every digest of these ids, in one pass; say how many there were."""
        gone = np.unique(np.array([row for row in rows if row != REMOVED], np.uint32))
        if not gone.size:
            return 0
        with self._lock:
            self._gone.update(gone.tolist())
            if self._taken.parts:
                self._removed.append(gone)
            return sum(part.remove(gone) for part in self._view.parts)

    def query(self, digest: bytes, radius: int = THRESHOLD) -> list[Match]:
        """Find every row within `radius` bits, nearest first, then by id.

        Raises:
            ValueError: The digest has not 32 bytes.
        """
        _, ids, distances = self.search_many([digest], radius)
        return list(
            map(Match._make, zip(ids.tolist(), distances.tolist(), strict=True))
        )

    def search_many(self, digests: Sequence[bytes], radius: int = THRESHOLD) -> Found:
        """Find every row within `radius` bits of each digest.

        Raises:
            ValueError: A digest has not 32 bytes.
        """
        joined, view = _joined(digests), self._view
        found: list[Found] = []
        for start in range(0, len(digests), _TOGETHER):
            part = slice(start * PDQ_BYTES, (start + _TOGETHER) * PDQ_BYTES)
            found += _search(view, Asked(joined[part]), start, radius)
        return _ordered(found)

    def search_nearest(
        self, digests: Sequence[bytes], radius: int, most: int
    ) -> Nearest:
        """Find the nearest rows within `radius` bits of each digest, at most so many.

        Equal digests are compared once, and hold their rows together.

        Raises:
            ValueError: A digest has not 32 bytes.
        """
        numbers: dict[bytes, int] = {}
        of_digests = [numbers.setdefault(each, len(numbers)) for each in digests]
        joined, view = _joined(list(numbers)), self._view
        near: dict[int, list[Match]] = {}
        more: dict[int, int] = {}
        for start in range(0, len(numbers), _TOGETHER):
            part = slice(start * PDQ_BYTES, (start + _TOGETHER) * PDQ_BYTES)
            found = _ordered(list(_search(view, Asked(joined[part]), start, radius)))
            firsts, counts = _runs(found.questions)
            for first, count in zip(firsts, counts, strict=True):
                number, end = int(found.questions[first]), first + min(count, most)
                ids, distances = found.ids[first:end], found.distances[first:end]
                pairs = zip(ids.tolist(), distances.tolist(), strict=True)
                near[number] = list(map(Match._make, pairs))
                if count > most:
                    more[number] = count - most
        return Nearest(
            [near.get(number, _NO_MATCHES) for number in of_digests],
            [more.get(number, 0) for number in of_digests],
        )

    def merge(self) -> None:
        """Build tables of all rows that are left; few rows need none.

        It may take seconds, and as much memory again. Readers and the writer go on.

        Raises:
            PictureIndexError: the new tables fail their self-test; the index is as
                before, and finds what it has.
        """
        with self._merging:
            with self._lock:  # what comes from now on is of no concern to this merge
                self._taken = taken = self._view
                self._removed = []
            try:
                tables, blocks = _build(taken, self._few, self._make)
                for each in tables:
                    each.check()
                with self._lock:
                    self._settle(tables, blocks)
            finally:
                self._taken = _View()

    def adopt(self, tables: tuple[Tables, ...]) -> None:
        """Take tables that were built elsewhere in the place of all tables here.

        What is in no table here stays, unless those have it; what was removed here is
        removed from them.
        """
        with self._merging, self._lock:
            gone = np.array(sorted(self._gone), np.uint32)
            for each in tables:
                each.remove(gone)
            # Whoever made them may not know of those yet the next time either.
            self._gone = set(gone[_in(tables, gone)].tolist())
            ids, columns = _left(self._view.newer)
            new = ~_in(tables, ids)
            ids, columns = ids[new], columns[:, new]
            recent, blocks = list[Recent](), list[_Block]()
            if 0 < len(ids) <= _AT_ONCE:
                recent.append(Recent(LEAST_BITS))
                left = ~recent[0].add(ids, columns)
                ids, columns = ids[left], columns[:, left]
            while len(ids):
                blocks.append(_Block.empty())
                count = blocks[-1].add(ids, columns)
                ids, columns = ids[count:], columns[:, count:]
            self._view = _View(tables, tuple(recent), tuple(blocks))

    def finish(self, tables: Tables) -> None:
        """Begin to ask tables that were compared row by row so far.

        Raises:
            PictureIndexError: they fail their self-test; they go on like that.
        """
        tables.is_built = True
        try:
            tables.check()
        except PictureIndexError:
            tables.is_built = False
            raise

    def compare_ids(self, ids: Ids) -> tuple[Ids, Ids]:
        """Compare with the ids there should be, which ascend.

        Give those that are not here, and those that should not be.
        """
        parts = self._view.parts
        here = np.unique(np.concatenate([part.ids for part in parts] or [_NO_IDS]))
        here = here[here != REMOVED]
        return (
            np.setdiff1d(ids, here, assume_unique=True),
            np.setdiff1d(here, ids, assume_unique=True),
        )

    def _settle(self, tables: tuple[Tables, ...], blocks: tuple[_Block, ...]) -> None:
        for gone in self._removed:
            for part in _View(tables, (), blocks).parts:
                part.remove(gone)
        view, taken = self._view, self._taken
        self._view = _View(
            tables,
            view.recent[len(taken.recent) :],
            (*blocks, *view.blocks[len(taken.blocks) :]),
        )

    def _open_recent(self) -> Recent:
        view = self._view
        if len(view.recent) == len(self._taken.recent):
            recent = (*view.recent, Recent(LEAST_BITS))
            self._view = view = view._replace(recent=recent)
        return view.recent[-1]

    def _grow_recent(self) -> Recent:
        # No merge has taken it: `_open_recent` would have begun another.
        *others, last = self._view.recent
        grown = last.grown()
        self._view = self._view._replace(recent=(*others, grown))
        return grown

    def _open_block(self) -> _Block:
        view = self._view
        is_full = view.blocks and view.blocks[-1].filled == BLOCK_ROWS
        if len(view.blocks) == len(self._taken.blocks) or is_full:
            self._view = view = view._replace(blocks=(*view.blocks, _Block.empty()))
        return view.blocks[-1]


def _joined(digests: Sequence[bytes]) -> bytes:
    if any(len(digest) != PDQ_BYTES for digest in digests):
        raise ValueError(f"a digest has not {PDQ_BYTES} bytes")
    return b"".join(digests)


def _search(view: _View, asked: Asked, first: int, radius: int) -> Iterator[Found]:
    for part in view.parts:
        near = _near(part, asked, radius)
        if near.rows.size and isinstance(part, Tables):
            near = near.at(~part.is_removed(near.rows))
        elif near.rows.size:
            near = near.at(part.ids[near.rows] != REMOVED)
        if near.rows.size:
            yield Found(near.questions + first, part.ids[near.rows], near.distances)


def _near(part: Tables | Recent | _Block, asked: Asked, radius: int) -> Near:
    """Find the rows that are near, each once, removed ones included."""
    if isinstance(part, Tables) and radius <= MOST and part.is_built:
        near, dear = part.search(asked, radius)
        near = near.once()
        if dear.size:
            others = _compare_all(part.columns, asked.some(dear), radius)
            near = Near.join([near, others.of(dear)])
        return near
    if isinstance(part, Recent) and radius <= MOST:
        return part.search(asked, radius).once()
    # `filled` is read once: the writer may raise it.
    filled = len(part.ids) if isinstance(part, Tables) else part.filled
    return _compare_all(part.columns[:, :filled], asked, radius)


def _compare_all(columns: Columns, asked: Asked, radius: int) -> Near:
    scratch = Scratch.empty(min(BLOCK_ROWS, columns.shape[1]))
    found: list[Near] = []
    for question, digest in enumerate(asked.columns):
        for start in range(0, columns.shape[1], BLOCK_ROWS):
            block = columns[:, start : start + BLOCK_ROWS]
            rows, distances = scan(block, digest, radius, scratch)
            if rows.size:
                found.append(
                    Near(np.full(rows.size, question), rows + start, distances)
                )
    return Near.join(found)


def _ordered(found: Sequence[Found]) -> Found:
    if not found:
        return _NOTHING
    all_of = [np.concatenate(columns) for columns in zip(*found, strict=True)]
    questions, ids, distances = all_of
    order = np.lexsort((ids, distances, questions))
    return Found(questions[order], ids[order], distances[order])


def _runs(questions: Places) -> tuple[list[int], list[int]]:
    """Say where the matches of each question begin, which ascend, and how many."""
    _, firsts, counts = np.unique(questions, return_index=True, return_counts=True)
    return firsts.tolist(), counts.tolist()


def _left(parts: Sequence[Tables | Recent | _Block]) -> tuple[Ids, Columns]:
    """Give the rows of some parts that are not removed."""
    ids, columns = list[Ids](), list[Columns]()
    for part in parts:
        if isinstance(part, Tables):
            left = part.left()
        else:
            (left,) = (part.ids[: part.filled] != REMOVED).nonzero()
        ids.append(part.ids[left])
        columns.append(part.columns.take(left, axis=1))
    if not ids:
        return _NO_IDS, np.zeros((COLUMNS, 0), np.uint64)
    return np.concatenate(ids), np.concatenate(columns, axis=1)


def _in(tables: Sequence[Tables], ids: Ids) -> NDArray[np.bool_]:
    """Tell of each id whether some tables have it."""
    found = np.zeros(len(ids), np.bool_)
    for each in tables:
        places = np.searchsorted(each.ids, ids)
        places[places == len(each.ids)] = 0
        if len(each.ids):
            found |= each.ids[places] == ids
    return found


def _build(
    view: _View, few: int, make: MakeMemory
) -> tuple[tuple[Tables, ...], tuple[_Block, ...]]:
    """Build tables of what is left in a view, or a block if that is little."""
    every, digests = _left(view.parts)
    if not len(every):
        return (), ()
    if len(every) <= few:
        block = _Block.empty()
        block.add(every, digests)
        return (), (block,)
    if (every[1:] < every[:-1]).any():
        order = every.argsort(kind="stable")
        every, digests = every[order], digests.take(order, axis=1)
    return tuple(
        Tables(
            every[start : start + MOST_ROWS],
            digests[:, start : start + MOST_ROWS],
            make,
        )
        for start in range(0, len(every), MOST_ROWS)
    ), ()


_NO_IDS: Final[Ids] = np.zeros(0, np.uint32)
_NO_MATCHES: Final[list[Match]] = []
_NOTHING: Final = Found(
    np.zeros(0, np.intp), np.zeros(0, np.uint32), np.zeros(0, np.uint16)
)
