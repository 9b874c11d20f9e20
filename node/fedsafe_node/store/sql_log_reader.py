# SPDX-License-Identifier: Apache-2.0
"""Reading the logs in SQL: the half that `Reader` shares with nobody.

It is mixed into `Reader`, which owns the connection.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from fedsafe_node.store.rows import (
    Committed,
    EventPart,
    KeptOpening,
    LogName,
    Opening,
    RawOpening,
    SealedOpening,
)
from fedsafe_node.store.sql import Cursor
from fedsafe_node.store.sql_rows import sealed_row

_LOG = "(SELECT id FROM logs WHERE origin = ?)"
_OPENINGS = (
    "SELECT idx, grp, period, sealed, erased_at FROM openings "  # noqa: S608
    f"WHERE log = {_LOG} AND idx >= ? AND idx < ?"
)
_HELD = (
    "SELECT count(DISTINCT idx) FROM openings "  # noqa: S608
    f"WHERE log = {_LOG} AND idx >= ? AND idx < ? AND sealed IS NOT NULL"
)
_RAW_OPENINGS = (
    "SELECT idx, grp, period, sealed FROM openings "  # noqa: S608
    f"WHERE log = {_LOG} AND idx >= ? AND idx < ? ORDER BY idx, grp"
)


class Unsealing(Protocol):
    """Opens what the log engine sealed."""

    def unseal(self, log: LogName, sealed: SealedOpening) -> Opening | None:
        """Return the opening; None if it or its period's key is erased."""
        ...

    def committed(
        self, log: LogName, rows: Iterable[RawOpening]
    ) -> Iterator[Committed]:
        """Open one after the other, and tell what they commit to."""
        ...

    def payloads(
        self, log: LogName, rows: Iterable[RawOpening]
    ) -> Iterator[tuple[int, str, str, bytes]]:
        """Open one after the other: index, group, period, payload of what is there."""
        ...

    def index_key(self, period: str) -> bytes | None:
        """Return what a month's names are hashed under in the index of events."""
        ...

    def unseal_part(self, log: LogName, part: EventPart) -> bytes | None:
        """Return what a part of the index of events holds; None if it is erased."""
        ...


class SqlLogReader:
    """Reads records, openings and tiles, and has short words for the others."""

    _execute: Callable[..., Cursor]
    _unsealing: Unsealing

    def _one(self, sql: str, *values: object) -> Any:  # noqa: ANN401 - a raw row
        return self._execute(sql, values).fetchone()

    def _bytes(self, sql: str, *values: object) -> bytes | None:
        row = self._execute(sql, values).fetchone()
        return None if row is None else bytes(row[0])

    def _all(self, sql: str, *values: object) -> list[Any]:
        return self._execute(sql, values).fetchall()

    async def logs(self) -> list[LogName]:
        """Return the names of all logs that have an entry."""
        return [name for (name,) in self._all("SELECT origin FROM logs ORDER BY id")]

    async def log_size(self, log: LogName) -> int:
        """Return the number of entries; 0 for a log that is not there."""
        row = self._one(f"SELECT max(idx) + 1 FROM entries WHERE log = {_LOG}", log)  # noqa: S608
        return row[0] or 0

    async def record(self, log: LogName, index: int) -> bytes | None:
        """Return the exact bytes of an entry."""
        sql = f"SELECT record FROM entries WHERE log = {_LOG} AND idx = ?"  # noqa: S608
        return self._bytes(sql, log, index)

    async def records(self, log: LogName, since: int, limit: int) -> list[bytes]:
        """Return the entries from index `since` to below `since + limit`."""
        sql = (
            f"SELECT record FROM entries WHERE log = {_LOG} "  # noqa: S608
            "AND idx >= ? AND idx < ? ORDER BY idx"
        )
        rows = self._execute(sql, (log, since, since + limit))
        return [record for (record,) in rows]  # as they come: no list of rows

    async def count_records(self, log: LogName, since: int, end: int) -> int:
        """Count the entries from index `since` to below `end`."""
        sql = (
            f"SELECT count(*) FROM entries WHERE log = {_LOG} "  # noqa: S608
            "AND idx >= ? AND idx < ?"
        )
        return int(self._one(sql, log, since, end)[0])

    async def tile_roots(
        self, log: LogName, level: int, start: int, stop: int
    ) -> list[bytes]:
        """Return roots of full tiles: entries `start` to `stop` of tile level ≥ 1."""
        sql = (
            f"SELECT hash FROM tile_roots WHERE log = {_LOG} "  # noqa: S608
            "AND level = ? AND idx >= ? AND idx < ? ORDER BY idx"
        )
        return [digest for (digest,) in self._all(sql, log, level, start, stop)]

    async def opening(self, log: LogName, index: int, group: str) -> Opening | None:
        """Return an opening; None if it is erased, or was never there.

        Raises:
            CorruptLogError: what is stored is not what was sealed.
        """
        sql = (
            "SELECT idx, grp, period, sealed, erased_at FROM openings "  # noqa: S608
            f"WHERE log = {_LOG} AND idx = ? AND grp = ?"
        )
        row = self._one(sql, log, index, group)
        return row and self._unsealing.unseal(log, sealed_row(row))

    async def openings(
        self, log: LogName, since: int, limit: int, *, group: str | None = None
    ) -> list[KeptOpening]:
        """Return the openings of the `limit` entries from `since` on.

        Raises:
            CorruptLogError: what is stored is not what was sealed.
        """
        unseal = self._unsealing.unseal
        return [
            KeptOpening(
                index=row.index,
                group=row.group,
                opening=unseal(log, row),
                erased_at=row.erased_at,
                period=row.period,
            )
            for row in await self.sealed_openings(log, since, limit, group=group)
        ]

    async def sealed_openings(
        self, log: LogName, since: int, limit: int, *, group: str | None = None
    ) -> list[SealedOpening]:
        """Return the openings of the `limit` entries from `since` on, as stored."""
        sql = f"{_OPENINGS} AND grp = coalesce(?, grp) ORDER BY idx, grp"
        rows = self._all(sql, log, since, since + limit, group)
        return [sealed_row(row) for row in rows]

    async def erased_places(
        self, log: LogName, group: str, since: int, end: int
    ) -> list[tuple[int, int]]:
        """Return where openings of a group were erased, and the seconds of it.

        Those of a month whose key is gone are not among them: they are as they were.
        """
        sql = (
            "SELECT idx, erased_at FROM openings WHERE sealed IS NULL "  # noqa: S608
            # `+`: else SQLite walks the primary key, past all that is not erased
            f"AND +log = {_LOG} AND grp = ? AND idx >= ? AND idx < ? ORDER BY idx"
        )
        return [(index, at) for index, at in self._all(sql, log, group, since, end)]

    async def count_openings(self, log: LogName, since: int, limit: int) -> int:
        """Count those of the `limit` entries from `since` on that have an opening."""
        row = self._one(_HELD, log, since, since + limit)
        return int(row[0]) if row is not None else 0

    async def committed(
        self, log: LogName, since: int, limit: int
    ) -> Iterator[Committed]:
        """Tell what the openings of the `limit` entries from `since` on commit to.

        They are opened as they are asked for, in the order of entries and groups.

        Raises:
            CorruptLogError: what is stored is not what was sealed.
        """
        rows = self._execute(_RAW_OPENINGS, (log, since, since + limit))
        return self._unsealing.committed(log, rows)
