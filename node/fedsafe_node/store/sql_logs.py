# SPDX-License-Identifier: Apache-2.0
"""The statements by which the sequencer extends a log.

They are synchronous and know logs by number; only the sequencer uses them, inside
an act of the writer.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from fedsafe_node.store.keeping_rows import PrunedRow
from fedsafe_node.store.rows import LogName
from fedsafe_node.store.sql import WriteConnection
from fedsafe_node.store.sql_event_index import DROP_BELOW, DROP_PART, chunk_of

OpeningValues = tuple[int, int, str, str, bytes]
TileValues = tuple[int, int, int, bytes]

ENTRY: Final = "INSERT INTO entries (log, idx, record) VALUES (?, ?, ?)"
OPENING: Final = (
    "INSERT INTO openings (log, idx, grp, period, sealed) VALUES (?, ?, ?, ?, ?)"
)
_LEAF_TILE = "INSERT INTO leaf_tiles (log, idx, hashes) VALUES (?, ?, ?)"
_TILE = "INSERT INTO tile_roots (log, level, idx, hash) VALUES (?, ?, ?, ?)"


class SqlLogRows:
    """Rows of entries, openings and tiles over the write connection."""

    def __init__(self, connection: WriteConnection) -> None:
        self._connection = connection

    def number_of(self, log: LogName) -> int | None:
        """Return a log's number, None if it has no entry yet."""
        row = self._connection.execute(
            "SELECT id FROM logs WHERE origin = ?", (log,)
        ).fetchone()
        return None if row is None else int(row[0])

    def add_log(self, log: LogName) -> int:
        """Begin a log; return its number."""
        (number,) = self._connection.execute(
            "INSERT INTO logs (origin) VALUES (?) RETURNING id", (log,)
        ).fetchone()
        return int(number)

    def size_of(self, number: int) -> int:
        """Return the number of entries of a log."""
        row = self._connection.execute(
            "SELECT max(idx) FROM entries WHERE log = ?", (number,)
        ).fetchone()
        return 0 if row[0] is None else int(row[0]) + 1

    def records_from(self, number: int, start: int) -> list[bytes]:
        """Return all records from an index on."""
        rows = self._connection.execute(
            "SELECT record FROM entries WHERE log = ? AND idx >= ? ORDER BY idx",
            (number, start),
        )
        return [record for (record,) in rows]

    def records_between(self, number: int, start: int, stop: int) -> list[bytes]:
        """Return the records from an index to below another."""
        rows = self._connection.execute(
            "SELECT record FROM entries WHERE log = ? AND idx >= ? AND idx < ? "
            "ORDER BY idx",
            (number, start, stop),
        )
        return [record for (record,) in rows]

    def pruned_size(self, number: int) -> int:
        """Return how many entries of a log were pruned."""
        row = self._connection.execute(
            "SELECT size FROM pruned WHERE log = ?", (number,)
        ).fetchone()
        return 0 if row is None else int(row[0])

    def prune(
        self, number: int, row: PrunedRow, tiles: Iterable[tuple[int, bytes]]
    ) -> None:
        """Keep leaf tiles (index, hashes), and delete the entries below a size."""
        for index, hashes in tiles:
            self._connection.execute(_LEAF_TILE, (number, index, hashes))
        # The last of these chunks is made again of what is left of it.
        self._connection.execute(DROP_BELOW, (number, chunk_of(row.size - 1) + 1))
        said = (row.size, row.root, row.since, row.event, row.openings, row.at)
        self._connection.prune_log(number, said)

    def tile_roots_from(self, number: int, level: int, start: int) -> list[bytes]:
        """Return the entries of a tile level from an index on."""
        rows = self._connection.execute(
            "SELECT hash FROM tile_roots WHERE log = ? AND level = ? AND idx >= ? "
            "ORDER BY idx",
            (number, level, start),
        )
        return [digest for (digest,) in rows]

    def add_entry(self, number: int, index: int, record: bytes) -> None:
        """Add one entry."""
        self._connection.execute(ENTRY, (number, index, record))

    def add_entries(self, entries: Iterable[tuple[int, int, bytes]]) -> None:
        """Add entries (log number, index, record)."""
        self._connection.executemany(ENTRY, entries)

    def add_openings(self, openings: Iterable[OpeningValues]) -> None:
        """Add openings (log number, index, group, period, sealed)."""
        self._connection.executemany(OPENING, openings)

    def grant_opening(self, opening: OpeningValues) -> None:
        """Add an opening, or bring one back that was erased."""
        self._connection.grant_opening(*opening)

    def add_tile_roots(self, tiles: Sequence[TileValues]) -> None:
        """Add roots of full tiles (log number, level, index, hash)."""
        self._connection.executemany(_TILE, tiles)

    def erase_opening(self, number: int, index: int, group: str, *, at: int) -> bool:
        """Wipe the sealed bytes of an opening; False if there are none."""
        self._connection.execute(DROP_PART, (number, group, chunk_of(index)))
        return self._connection.erase_opening(number, index, group, at)
