# SPDX-License-Identifier: Apache-2.0
"""The index of events in SQL, in two halves: `log/event_index.py` says what it is."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol

from fedsafe_node.store.rows import CHUNK_ENTRIES, EventPart, LogName
from fedsafe_node.store.sql import Connection, Cursor
from fedsafe_node.store.sql_log_reader import Unsealing

_NUMBER: Final = "(SELECT id FROM logs WHERE origin = ?)"
DROP_PART: Final = "DELETE FROM event_chunks WHERE log = ? AND part = ? AND chunk = ?"
DROP_BELOW: Final = "DELETE FROM event_chunks WHERE log = ? AND chunk < ?"


def chunk_of(index: int) -> int:
    """Return the chunk that an entry is in."""
    return index // CHUNK_ENTRIES


class SqlEventIndexReader:
    """Reads parts of chunks."""

    _execute: Callable[..., Cursor]
    _unsealing: Unsealing

    async def event_parts(
        self, log: LogName, part: str, first: int, end: int
    ) -> list[EventPart]:
        """Return what there is of a part, of the chunks from `first` to below `end`."""
        rows = self._execute(
            "SELECT part, chunk, period, content FROM event_chunks "  # noqa: S608
            f"WHERE log = {_NUMBER} AND part = ? AND chunk >= ? AND chunk < ? "
            "ORDER BY chunk, period",
            (log, part, first, end),
        )
        return [
            EventPart(part=part, chunk=chunk, period=period, content=bytes(content))
            for part, chunk, period, content in rows
        ]

    async def event_part_names(self, log: LogName) -> set[tuple[str, int, str]]:
        """Return part, chunk and month of all rows."""
        rows = self._execute(
            f"SELECT part, chunk, period FROM event_chunks WHERE log = {_NUMBER}",  # noqa: S608
            (log,),
        )
        return {(part, chunk, period) for part, chunk, period in rows}

    async def payloads(
        self, log: LogName, first: int, count: int
    ) -> Iterator[tuple[int, str, str, bytes]]:
        """Open what is not erased of `count` entries: index, group, period, payload.

        Raises:
            CorruptLogError: what is stored is not what was sealed.
        """
        rows = self._execute(
            "SELECT idx, grp, period, sealed FROM openings "  # noqa: S608
            f"WHERE log = {_NUMBER} AND idx >= ? AND idx < ?",
            (log, first, first + count),
        )
        return self._unsealing.payloads(log, rows)

    async def held_openings(
        self, log: LogName, first: int, count: int
    ) -> dict[str, int]:
        """Count what is not erased of `count` entries, by group."""
        rows = self._execute(
            "SELECT grp, count(*) FROM openings "  # noqa: S608
            f"WHERE log = {_NUMBER} AND idx >= ? AND idx < ? AND sealed IS NOT NULL "
            "GROUP BY grp",
            (log, first, first + count),
        )
        return dict(rows.fetchall())

    def index_key(self, period: str) -> bytes | None:
        """Return what a month's names are hashed under; None if it is destroyed."""
        return self._unsealing.index_key(period)

    def open_part(self, log: LogName, part: EventPart) -> bytes | None:
        """Return what a part holds; None if the key of its month is destroyed.

        Raises:
            CorruptRowError: it is not what was sealed for this place.
        """
        return self._unsealing.unseal_part(log, part)


class PartSealing(Protocol):
    """Seals parts of the index of events."""

    def seal_part(self, log: LogName, part: EventPart) -> EventPart:
        """Seal a part for its place, under the key of its month."""
        ...


class SqlEventIndexWriter:
    """Writes and drops parts of chunks."""

    _connection: Connection
    _part_sealing: "PartSealing"

    async def put_event_part(
        self, log: LogName, part: str, chunk: int, rows: Iterable[EventPart]
    ) -> None:
        """Keep a part of a chunk, in place of what there was of it.

        It is sealed under the key of its month; without one it stays as it is.
        """
        (number,) = self._connection.execute(
            "SELECT id FROM logs WHERE origin = ?", (log,)
        ).fetchone()
        self._connection.execute(DROP_PART, (number, part, chunk))
        for plain in rows:
            row = self._part_sealing.seal_part(log, plain) if plain.period else plain
            self._connection.execute(
                "INSERT INTO event_chunks (log, part, chunk, period, content) "
                "VALUES (?, ?, ?, ?, ?)",
                (number, part, chunk, row.period, row.content),
            )
