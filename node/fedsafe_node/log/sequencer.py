# SPDX-License-Identifier: Apache-2.0
"""Gives records their place in a log, inside an act of the store.

For every log in use the sequencer keeps the tree's edge in memory, so that an
append reads nothing. What the database takes back it takes back too: an act that
fails returns each edge to where the act found it, a commit that fails drops them
all, and the next append reads them from disk and checks that they add up.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from fedsafe_crypto.tlog.tiles import TILE_HEIGHT, TILE_WIDTH
from fedsafe_crypto.tlog.tree import leaf_hash, leaf_hashes
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import CorruptLogError, LogError, UnsealedLogError
from fedsafe_node.ground.faults import NO_FAULTS, FaultPoint, Faults
from fedsafe_node.log.edge import Edge, Mark, TileRoot, tile_root
from fedsafe_node.log.openings import (
    PeriodKeys,
    commitments_to,
    payloads_of,
    period_of,
    seal_opening,
    seal_part,
    unseal_opening,
    unseal_part,
)
from fedsafe_node.store.keeping_rows import PrunedRow
from fedsafe_node.store.rows import (
    Committed,
    EventPart,
    LogEntry,
    LogName,
    Opening,
    RawOpening,
    SealedOpening,
    Tail,
)
from fedsafe_node.store.sql_logs import SqlLogRows
from fedsafe_policies.ground.catalogue import Phrase

_NOWHERE: Final = (0, b"")


class _Log:
    __slots__ = ("edge", "number")

    def __init__(self, number: int, edge: Edge) -> None:
        self.number = number
        self.edge = edge


class Sequencer:
    """Appends to logs within acts.

    Owned by the thread that runs acts: `_logs`, `_marks` (None: the act began it),
    `_behind`, the logs that others may have extended, and `_vouched`.
    Shared: `_keys`, which guard themselves.
    """

    def __init__(
        self, keys: PeriodKeys, clock: Clock, *, faults: Faults = NO_FAULTS
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._faults = faults
        self._logs: dict[LogName, _Log] = {}
        self._marks: dict[LogName, Mark | None] = {}
        self._behind: set[LogName] = set()
        self._vouched: Mapping[LogName, tuple[int, bytes]] | None = None

    def begin_act(self) -> None:
        """Remember the present as the start of an act."""
        self._marks.clear()

    def undo_act(self) -> None:
        """Go back to the start of the act."""
        for log, mark in self._marks.items():
            if mark is None:
                del self._logs[log]
            else:
                self._logs[log].edge.back_to(mark)
        self._marks.clear()

    def forget(self) -> None:
        """Drop everything; read it from disk when it is needed."""
        self._logs.clear()
        self._marks.clear()
        self._behind.clear()

    def catch_up(self) -> None:
        """Be told that others may have appended; what is new is read when needed."""
        self._behind.update(self._logs)

    def vouch(self, sealed: Mapping[LogName, tuple[int, bytes]]) -> None:
        """Be told size and root of each log, as the last commit has left it."""
        self._vouched = sealed

    def append(
        self, rows: SqlLogRows, log: LogName, record: bytes, openings: Sequence[Opening]
    ) -> int:
        """Append a record; return its index."""
        self._faults.reach(FaultPoint.LOG_BEFORE_APPEND)
        state = self._touch(rows, log)
        number, index = state.number, state.edge.size
        rows.add_entry(number, index, record)
        if openings:
            period = self._period()
            rows.add_openings(self._sealed(log, number, index, openings, period))
        if tiles := state.edge.append(leaf_hash(record)):
            self._keep_tiles(rows, number, tiles)
        self._faults.reach(FaultPoint.LOG_AFTER_APPEND)
        return index

    def append_many(
        self, rows: SqlLogRows, log: LogName, entries: Sequence[LogEntry]
    ) -> range:
        """Append many entries; return their indices."""
        if len(entries) == 1:  # as most acts do: what serves many costs one too much
            index = self.append(rows, log, entries[0].record, entries[0].openings)
            return range(index, index + 1)
        self._faults.reach(FaultPoint.LOG_BEFORE_APPEND)
        state = self._touch(rows, log)
        number, first, period = state.number, state.edge.size, self._period()
        indices = range(first, first + len(entries))
        rows.add_entries(
            (number, index, entry.record)
            for index, entry in zip(indices, entries, strict=True)
        )
        rows.add_openings(
            sealed
            for index, entry in zip(indices, entries, strict=True)
            for sealed in self._sealed(log, number, index, entry.openings, period)
        )
        leaves = leaf_hashes(entry.record for entry in entries)
        if tiles := state.edge.extend(leaves):
            self._keep_tiles(rows, number, tiles)
        self._faults.reach(FaultPoint.LOG_AFTER_APPEND)
        return indices

    def tail(self, rows: SqlLogRows, log: LogName) -> Tail:
        """Return a log's end as it was appended, not as the disk has it now.

        Of a log that was not used since the start there is only the disk's word.

        Raises:
            CorruptLogError: it has to be read, and does not add up.
            UnsealedLogError: it does, and is not what was sealed.
        """
        state = self._known(rows, log)
        edge = Edge() if state is None else state.edge
        if state is None:
            number = rows.number_of(log)
            if number is not None:
                edge = self._checked(log, load_edge(rows, log, number))
                self._logs[log] = _Log(number, edge)
        return Tail(size=edge.size, root=edge.root(), leaves=edge.unfinished())

    def grown(
        self, sealed: Mapping[LogName, tuple[int, bytes]]
    ) -> dict[LogName, tuple[int, bytes]]:
        """Return size and root of the logs that have another size than these."""
        return {
            log: (state.edge.size, state.edge.root())
            for log, state in self._logs.items()
            if log not in self._behind
            and state.edge.size != sealed.get(log, _NOWHERE)[0]
        }

    def erase(
        self, rows: SqlLogRows, log: LogName, index: int, group: str, *, at: int
    ) -> bool:
        """Erase an opening; False if there is none."""
        number = rows.number_of(log)
        if number is None:
            return False
        erased = rows.erase_opening(number, index, group, at=at)
        self._faults.reach(FaultPoint.LOG_AFTER_ERASE)
        return erased

    def grant(
        self, rows: SqlLogRows, log: LogName, index: int, opening: Opening
    ) -> None:
        """Keep the opening of an entry that lacks it."""
        number = self._touch(rows, log).number
        (sealed,) = self._sealed(log, number, index, [opening], self._period())
        rows.grant_opening(sealed)

    def prune(self, rows: SqlLogRows, row: PrunedRow) -> None:
        """Keep the hashes of the entries below a size, and nothing else of them.

        Raises:
            LogError: not so far: the edge is read from the last entries.
            CorruptLogError: they are not those of the tiles above them.
        """
        number = self._touch(rows, row.log).number
        old, end = rows.pruned_size(number), rows.size_of(number)
        if row.size % TILE_WIDTH or not old < row.size < end:
            raise LogError(f"of {end} entries of {row.log} not {row.size} are pruned")
        first = old // TILE_WIDTH
        roots = rows.tile_roots_from(number, 1, first)
        tiles: list[tuple[int, bytes]] = []
        for index in range(first, row.size // TILE_WIDTH):
            start = index * TILE_WIDTH
            records = rows.records_between(number, start, start + TILE_WIDTH)
            leaves = leaf_hashes(records)
            above = roots[index - first : index - first + 1]
            if len(leaves) != TILE_WIDTH or above != [tile_root(leaves)]:
                last, why = (
                    start + TILE_WIDTH - 1,
                    Phrase("the entries of this tile changed"),
                )
                raise CorruptLogError(row.log, start, why, last=last)
            tiles.append((index, b"".join(leaves)))
        self._faults.reach(FaultPoint.LOG_BEFORE_PRUNE)
        rows.prune(number, row, tiles)
        self._faults.reach(FaultPoint.LOG_AFTER_PRUNE)

    def unseal(self, log: LogName, sealed: SealedOpening) -> Opening | None:
        """Return the opening; None if it or its period's key is erased."""
        return unseal_opening(self._keys, log, sealed)

    def committed(
        self, log: LogName, rows: Iterable[RawOpening]
    ) -> Iterator[Committed]:
        """Open one after the other, and tell what they commit to."""
        return commitments_to(self._keys, log, rows)

    def _period(self) -> str:
        return period_of(self._clock.now())

    def payloads(
        self, log: LogName, rows: Iterable[RawOpening]
    ) -> Iterator[tuple[int, str, str, bytes]]:
        """Open one after the other: index, group, period, payload of what is there."""
        return payloads_of(self._keys, log, rows)

    def index_key(self, period: str) -> bytes | None:
        """Return what a month's names are hashed under in the index of events."""
        return self._keys.index_key(period)

    def unseal_part(self, log: LogName, part: EventPart) -> bytes | None:
        """Return what a part of the index of events holds; None if it is erased.

        Raises:
            CorruptRowError: it is not what was sealed for this place.
        """
        return unseal_part(self._keys, log, part)

    def seal_part(self, log: LogName, part: EventPart) -> EventPart:
        """Seal a part of the index of events for its place."""
        return seal_part(self._keys, log, part)

    def _sealed(
        self,
        log: LogName,
        number: int,
        index: int,
        openings: Sequence[Opening],
        period: str,
    ) -> list[tuple[int, int, str, str, bytes]]:
        keys = self._keys
        return [
            (
                number,
                index,
                opening.group,
                period,
                seal_opening(keys, period, log, index, opening),
            )
            for opening in openings
        ]

    def _keep_tiles(
        self, rows: SqlLogRows, number: int, tiles: Sequence[TileRoot]
    ) -> None:
        rows.add_tile_roots([(number, *tile) for tile in tiles])
        self._faults.reach(FaultPoint.LOG_AFTER_TILE)

    def _known(self, rows: SqlLogRows, log: LogName) -> _Log | None:
        """Return what is held of a log, with all that others have appended."""
        state = self._logs.get(log)
        if state is not None and log in self._behind:
            edge, size = state.edge, rows.size_of(state.number)
            if edge.size < size <= edge.size + TILE_WIDTH:
                records = rows.records_from(state.number, edge.size)
                edge.extend(leaf_hashes(records))
            if edge.size != size:  # too many, or some of them are pruned by now
                state.edge = load_edge(rows, log, state.number)
            self._checked(log, state.edge)
            self._behind.discard(log)
        return state

    def _checked(self, log: LogName, edge: Edge) -> Edge:
        """Take up no row that nobody sealed: the node would sign it as its own."""
        size, root = (self._vouched or {}).get(log, _NOWHERE)
        is_same = edge.size == size and (size == 0 or edge.root() == root)
        if self._vouched is None or is_same:
            return edge
        self._logs.pop(log, None)
        self._behind.discard(log)
        raise UnsealedLogError(log, sealed=size, found=edge.size)

    def _touch(self, rows: SqlLogRows, log: LogName) -> _Log:
        state = self._known(rows, log)
        if state is None:
            number = rows.number_of(log)
            if number is None:
                state = _Log(rows.add_log(log), Edge())
                self._marks[log] = None
            else:
                edge = self._checked(log, load_edge(rows, log, number))
                state = _Log(number, edge)
            self._logs[log] = state
        if log not in self._marks:
            self._marks[log] = state.edge.mark()
        return state


def load_edge(rows: SqlLogRows, log: LogName, number: int) -> Edge:
    """Read the edge of a log from disk and check that it adds up.

    Raises:
        CorruptLogError: entries or tiles are missing.
    """
    size = rows.size_of(number)
    start = size // TILE_WIDTH * TILE_WIDTH
    levels = [leaf_hashes(rows.records_from(number, start))]
    level, full = 1, size // TILE_WIDTH
    while full:
        begun = full // TILE_WIDTH * TILE_WIDTH
        levels.append(rows.tile_roots_from(number, level, begun))
        level, full = level + 1, full // TILE_WIDTH
    held = sum(len(hashes) << TILE_HEIGHT * at for at, hashes in enumerate(levels))
    if held != size or any(len(hashes) >= TILE_WIDTH for hashes in levels):
        raise CorruptLogError(
            log, size, Phrase("entries or tiles are missing at its end")
        )
    return Edge(size, levels)
