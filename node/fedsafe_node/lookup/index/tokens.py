# SPDX-License-Identifier: Apache-2.0
"""Which rows carry this token? Answered without a query.

The index is a *hint*: it points to rows of the store, and the store's status
decides. It can always be rebuilt, so it may lack the newest rows after a crash,
but it never says that it covers a row which it lacks (`highest_row`).

Older tokens lie in a few immutable `Segment` files, newer ones in a dict. The
name of a segment tells the rows it holds, ``tokens-<after>-<through>.segment``,
and the live ones form one chain from row 0 on: so a rename is the whole commit of
a merge, and a file that is missing, torn or foreign simply ends the chain. What
comes behind it is read from the store again::

    index = TokenIndex.open(directory, covered=newest_row_of_the_store)
    while batch := rows_after(index.highest_row):
        index.add_many(tokens, rows, through=rows[-1])

Rows count from 1 and are never used twice. They may be added out of order:
`highest_row` only passes a row once all before it are known. One thread (the event
loop) adds and removes; `merge` may run in another; anybody reads. For several
processes over one directory see `shared`.
"""

from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final, Self

from fedsafe_node.ground.faults import NO_FAULTS, Faults
from fedsafe_node.ground.key_files import make_private_directory
from fedsafe_node.lookup.index.removals import Removals
from fedsafe_node.lookup.index.segment import MAX_ROW, TOKEN_BYTES, Segment
from fedsafe_node.lookup.index.segment_chain import (
    read_chain,
    remove_others,
    segment_name,
)

if TYPE_CHECKING:
    from fedsafe_node.lookup.index.builder import Columns

MERGE_AT: Final = 65_536
_TOGETHER: Final = 512
"""So many tokens are compared in one step, which lets nobody else run meanwhile."""

Delta = dict[bytes, tuple[int, ...]]


def split_tokens(tokens: bytes) -> Iterator[bytes]:
    """Give concatenated tokens one by one."""
    for at in range(0, len(tokens), TOKEN_BYTES):
        yield tokens[at : at + TOKEN_BYTES]


def put_token(delta: Delta, token: bytes, row: int) -> None:
    """Add a row to those of a token."""
    known = delta.get(token)
    if known is None:
        delta[token] = (row,)
    else:
        ordered = list(known)
        insort(ordered, row)
        delta[token] = tuple(ordered)


def pairs_of(delta: Delta) -> Iterator[tuple[bytes, int]]:
    """Give each token with each of its rows."""
    return ((token, row) for token, rows in delta.items() for row in rows)


def beyond(delta: Delta, row: int) -> Delta:
    """Give what a delta holds of the rows behind one."""
    rest: Delta = {}
    for token, rows in delta.items():
        if rows[-1] > row:
            rest[token] = tuple(each for each in rows if each > row)
    return rest


def batches(
    pairs: Iterable[tuple[bytes, int]],
) -> Iterator[tuple[bytes, list[int]]]:
    """Gather tokens, concatenated, and their rows, as many as are merged at once."""
    tokens, rows = bytearray(), list[int]()
    for token, row in pairs:
        tokens += token
        rows.append(row)
        if len(rows) > MERGE_AT:
            yield bytes(tokens), rows
            tokens, rows = bytearray(), []
    if rows:
        yield bytes(tokens), rows


MAX_SEGMENTS: Final = 4
_GROWTH: Final = 4
STORE_IDENTITY: Final = "store.identity"
"""The value of the store that tells it from another one in its place."""
NO_STORE: Final = bytes(16)


class View:
    """What a reader sees, swapped as a whole; the last delta takes new tokens."""

    __slots__ = ("deltas", "finders", "removed", "segments")

    def __init__(
        self,
        segments: tuple[Segment, ...],
        deltas: tuple[Delta, ...],
        removed: set[int],
    ) -> None:
        self.segments: Final = segments
        self.deltas: Final = deltas
        self.removed: Final = removed
        # Bound once, since a point read takes less than a microsecond.
        self.finders: Final[tuple[Callable[[bytes], tuple[int, ...] | None], ...]] = (
            *(segment.find for segment in segments),
            *(delta.get for delta in deltas),
        )


class TokenIndex:
    """The index of one store.

    * swapped as a whole, read by anybody: `_view`
    * under `_lock`: `_view`'s last delta, `_removals`, `_highest`, `_ahead`
    * under `_merging`: the files of the directory, `_is_closed`
    * set by whoever merges or is about to, read by anybody: `is_stuck`, whether the
      last merge is under way or has failed
    """

    def __init__(
        self, directory: Path, chain: tuple[Segment, ...], removals: Removals
    ) -> None:
        """Take over an opened chain; use `open`."""
        self._directory: Final = directory
        self._removals: Final = removals
        self._lock: Final = Lock()
        self._merging: Final = Lock()
        self._view = View(chain, ({},), removals.rows)
        self._highest = chain[-1].header.through if chain else 0
        self._ahead: set[int] = set()
        self._store = NO_STORE
        self._faults = NO_FAULTS
        self._is_closed = False
        self.is_stuck = False
        self.discarded: tuple[str, ...] = ()

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        covered: int,
        store: bytes = NO_STORE,
        faults: Faults = NO_FAULTS,
    ) -> Self:
        """Open the index in `directory`, which is made if there is none.

        Args:
            directory: Belongs to the index alone.
            covered: The newest row of the store. Segments that claim rows behind
                it were made for a database that has been put back: all go.
            store: 16 bytes that name the database; segments of another one go.
            faults: Points at which a test may stop the node.

        `discarded` then says which files could not be used, and why.

        Raises:
            OSError: the directory can't be read or written.
        """
        make_private_directory(directory)
        chain, discarded = read_chain(directory, covered, store)
        if not chain:
            (directory / "removed").unlink(missing_ok=True)
        index = cls(directory, chain, Removals(directory / "removed", store))
        index.discarded = discarded
        index._store = store
        index._faults = faults
        return index

    @property
    def highest_row(self) -> int:
        """The row up to which the index lacks nothing."""
        return self._highest

    @property
    def wants_merge(self) -> bool:
        """Whether the dict has grown so large that `merge` is due."""
        return len(self._view.deltas[-1]) > MERGE_AT

    @property
    def removed(self) -> frozenset[int]:
        """The rows whose tokens may lie in a segment until a full `merge`."""
        return frozenset(self._view.removed)

    @property
    def size_on_disk(self) -> int:
        """The bytes of all segments."""
        return sum(segment.size for segment in self._view.segments)

    @property
    def in_memory(self) -> int:
        """How many tokens are in this process's own memory, in no segment yet."""
        deltas = self._view.deltas
        return sum(len(rows) for delta in deltas for rows in delta.values())

    def __len__(self) -> int:
        """Count the tokens held, removed ones that await a merge included."""
        return sum(map(len, self._view.segments)) + self.in_memory

    def __repr__(self) -> str:
        """Show how far the index reaches, no token."""
        return f"<TokenIndex of {len(self)} tokens up to row {self._highest}>"

    def rows(self, token: bytes) -> tuple[int, ...]:
        """Return the rows that carry `token` (16 bytes), ascending.

        Raises:
            CorruptIndexError: a segment turned out to be damaged; rebuild.
        """
        view = self._view
        found: tuple[int, ...] = ()
        for find in view.finders:
            rows = find(token)
            if rows:
                found += rows
        if found and view.removed:
            found = tuple(row for row in found if row not in view.removed)
        return found if len(found) < 2 else tuple(sorted(found))  # noqa: PLR2004

    def probe_many(self, tokens: bytes) -> list[tuple[int, int]]:
        """Look up concatenated tokens; return (position, row) for each find.

        Raises:
            CorruptIndexError: a segment turned out to be damaged; rebuild.
            ValueError: the length is no multiple of 16.
        """
        from fedsafe_node.lookup.index.builder import probe  # noqa: PLC0415 - loads numpy

        view, found = self._view, list[tuple[int, int]]()
        for segment in view.segments:
            found += probe(segment, tokens)
        for delta in filter(None, view.deltas):
            for start in range(0, len(tokens) // TOKEN_BYTES, _TOGETHER):
                end = TOKEN_BYTES * (start + _TOGETHER)
                wanted = list(split_tokens(tokens[TOKEN_BYTES * start : end]))
                if not delta.keys().isdisjoint(wanted):
                    for at, token in enumerate(wanted, start):
                        found.extend((at, row) for row in delta.get(token, ()))
        return sorted(pair for pair in found if pair[1] not in view.removed)

    def add(self, token: bytes, row: int) -> None:
        """Add the token of one committed row; a known row changes nothing.

        Raises:
            ValueError: no token of 16 bytes, or a row that no segment can hold.
        """
        self.add_many(token, (row,))

    def add_many(self, tokens: bytes, rows: Sequence[int], *, through: int = 0) -> None:
        """Add the concatenated tokens of committed rows.

        Args:
            tokens: 16 bytes a row.
            rows: One for each token.
            through: All rows up to this one are now known: those that were not
                added have no token. For reading the store in row order.

        Raises:
            ValueError: lengths or rows do not fit; nothing was added.
        """
        if len(tokens) != TOKEN_BYTES * len(rows):
            raise ValueError(f"want {TOKEN_BYTES} bytes of token a row")
        if through > MAX_ROW or not all(0 < row <= MAX_ROW for row in rows):
            raise ValueError(f"rows lie between 1 and {MAX_ROW}")
        with self._lock:
            delta = self._view.deltas[-1]
            for token, row in zip(split_tokens(tokens), rows, strict=True):
                if self._know(row):
                    put_token(delta, token, row)
            if through > self._highest:
                self._highest = through
                self._catch_up()

    def remove(self, row: int) -> None:
        """Never find `row` again; the next merge takes its token off the disk.

        For signals that are erased. One that is only disputed keeps its token,
        since the store's status already stops it.
        """
        with self._lock:
            self._know(row)
            self._removals.add(row)

    def find_again(self, rows: set[int]) -> None:
        """Take removals back that the store knows nothing of; before the first read."""
        with self._lock:
            if rows & self._removals.rows:
                self._removals.drop(rows)
                view = self._view
                self._view = View(view.segments, view.deltas, self._removals.rows)

    def merge(self, *, full: bool = False) -> None:
        """Move the dict's tokens into a segment, so that few segments remain.

        With `full` all becomes one segment, and no removed token stays on the
        disk. Readers and writers go on meanwhile.

        Raises:
            OSError: the disk is full or fails; the index is as before.
        """
        with self._merging:
            if not self._is_closed:
                self.is_stuck = True
                self._merge(full=full)
                self.is_stuck = False

    def _merge(self, *, full: bool) -> None:
        with self._turn():
            with self._lock:
                old = self._view
                self._view = View(old.segments, (*old.deltas, {}), old.removed)
                through, removed = self._highest, frozenset(old.removed)
            try:
                chain = self._build(old, through, removed, full=full)
            except BaseException:
                self._settle(old.segments, list(pairs_of(old.deltas[0])), frozenset())
                raise
            late = [pair for pair in pairs_of(old.deltas[0]) if pair[1] > through]
            spans = [segment.header for segment in chain if segment not in old.segments]
            gone = frozenset(
                row
                for row in removed
                if any(span.after < row <= span.through for span in spans)
            )
            self._settle(chain, late, gone)
            remove_others(self._directory, chain)

    def rebuild(self, pairs: Iterable[tuple[bytes, int]], *, through: int = 0) -> None:
        """Throw all away and build the index out of (token, row) in row order.

        Args:
            pairs: Every token of the store.
            through: The newest row of the store, if it has no token.

        Raises:
            OSError: the disk is full or fails.
        """
        with self._merging:
            with self._lock:
                self._highest, self._ahead = 0, set()
                self._removals.replace(())
                self._view = View((), ({},), self._removals.rows)
            remove_others(self._directory, ())
        for tokens, rows in batches(pairs):
            self.add_many(tokens, rows, through=rows[-1])
            self.merge()
        self.add_many(b"", (), through=through)
        self.merge()

    def check(self) -> None:
        """Read every segment whole and verify its digest.

        Raises:
            CorruptIndexError: a segment is damaged; rebuild.
        """
        for segment in self._view.segments:
            segment.verify()

    def close(self) -> None:
        """Let go of the files; tokens in the dict are read from the store again."""
        with self._merging, self._lock:
            self._view = View((), ({},), set())
            self._is_closed = True  # a later merge would remove all segments
            self._removals.close()

    def _know(self, row: int) -> bool:
        if row <= self._highest or row in self._ahead:
            return False
        if row == self._highest + 1:
            self._highest = row
            if self._ahead:
                self._catch_up()
        else:
            self._ahead.add(row)
        return True

    def _catch_up(self) -> None:
        self._ahead = {row for row in self._ahead if row > self._highest}
        while self._highest + 1 in self._ahead:
            self._highest += 1
            self._ahead.remove(self._highest)

    def _turn(self) -> AbstractContextManager[None]:
        """Be the only one that changes the files; a lone process is."""
        return nullcontext()

    def _build(
        self, old: View, through: int, removed: frozenset[int], *, full: bool
    ) -> tuple[Segment, ...]:
        from fedsafe_node.lookup.index.builder import (  # noqa: PLC0415 - loads numpy
            Span,
            columns_of,
            sort_tokens,
            write_merged,
        )

        pairs = [pair for pair in pairs_of(old.deltas[0]) if pair[1] <= through]
        keep = _kept(old.segments, len(pairs), full=full)
        after = old.segments[keep - 1].header.through if keep else 0
        rest = old.segments[keep:]
        end = rest[-1].header.through if rest else after
        purges = any(after < row <= through for row in removed)
        if through == end and rest[1:] == () and not purges:
            return old.segments
        added = sort_tokens(
            b"".join(token for token, _ in pairs), [row for _, row in pairs]
        )
        parts: list[Columns] = [*map(columns_of, rest), added]
        span = Span(after, through, self._store)
        path = self._directory / segment_name(after, through)
        write_merged(path, parts, removed, span, self._faults)
        return (*old.segments[:keep], Segment(path))

    def _settle(
        self,
        chain: tuple[Segment, ...],
        late: list[tuple[bytes, int]],
        gone: frozenset[int],
    ) -> None:
        with self._lock:
            live = self._view.deltas[-1]
            for token, row in late:
                put_token(live, token, row)
            if gone:
                self._removals.drop(gone)
            self._view = View(chain, (live,), self._removals.rows)


def _kept(segments: tuple[Segment, ...], added: int, *, full: bool) -> int:
    """Count the oldest segments that a merge leaves alone."""
    keep = 0 if full else len(segments)
    while keep and (keep >= MAX_SEGMENTS or len(segments[keep - 1]) <= _GROWTH * added):
        keep -= 1
        added += len(segments[keep])
    return keep
