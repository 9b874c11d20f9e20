# SPDX-License-Identifier: Apache-2.0
"""Appeals and the rulings on them in SQL: halves that `sql_rights` builds on."""

from typing import Any, Final

from fedsafe_node.store.rights_rows import AppealRow, AppealRulingRow
from fedsafe_node.store.sql import Connection

_APPEAL_COLUMNS: Final = (
    *("digest", "origin", "signal_id", "dispute", "disputed_by", "author", "at"),
    *("received_at", "due_at", "statement", "opened_by", "reason"),
)
_RULING_COLUMNS: Final = (
    *("appeal", "digest", "author", "outcome", "at", "charged_at", "statement"),
    *("place", "first", "second", "reason"),
)
_APPEAL: Final = f"SELECT {', '.join(_APPEAL_COLUMNS)} FROM appeals "  # noqa: S608
_RULING: Final = f"SELECT {', '.join(_RULING_COLUMNS)} FROM appeal_rulings "  # noqa: S608
_RULED: Final = (
    "EXISTS (SELECT 1 FROM appeal_rulings WHERE appeal_rulings.appeal = appeals.digest)"
)


class SqlAppealsReader:
    """Reads appeals and how they ended."""

    _connection: Connection

    def _appeals(self, where: str, *values: object) -> list[AppealRow]:
        return [
            _appeal(row) for row in self._connection.execute(_APPEAL + where, values)
        ]

    def _rulings_on_appeal(self, where: str, *values: object) -> list[AppealRulingRow]:
        rows = self._connection.execute(_RULING + where, values)
        return [_ruling(row) for row in rows]

    async def appeal(self, digest: bytes) -> AppealRow | None:
        """Return an appeal by the digest of its statement."""
        return next(iter(self._appeals("WHERE digest = ?", digest)), None)

    async def appeals(
        self, limit: int, after: AppealRow | None = None, *, ruled: bool
    ) -> list[AppealRow]:
        """Return appeals from behind one on, first due first."""
        where = f"WHERE {_RULED} " if ruled else f"WHERE NOT {_RULED} "
        values: tuple[object, ...] = ()
        if after is not None:
            where += "AND (due_at, digest) > (?, ?) "
            values = (after.due_at, after.digest)
        return self._appeals(f"{where}ORDER BY due_at, digest LIMIT ?", *values, limit)

    async def appeals_on(self, origin: str, signal_id: bytes) -> list[AppealRow]:
        """Return the appeals about a signal, in the order in which they came."""
        where = "WHERE origin = ? AND signal_id = ? ORDER BY received_at, digest"
        return self._appeals(where, origin, signal_id)

    async def appeals_waiting(self, author: str) -> int:
        """Count an author's appeals that have no ruling."""
        (count,) = self._connection.execute(
            f"SELECT count(*) FROM appeals WHERE author = ? AND NOT {_RULED}",  # noqa: S608
            (author,),
        ).fetchone()
        return int(count)

    async def appeal_ruling(self, appeal: bytes) -> AppealRulingRow | None:
        """Return how an appeal ended."""
        found = self._rulings_on_appeal("WHERE appeal = ?", appeal)
        return next(iter(found), None)

    async def appeal_rulings_from(
        self, author: str, place: int, limit: int
    ) -> list[AppealRulingRow]:
        """Return what stands in an author's own feed from a place on."""
        where = "WHERE author = ? AND place >= ? ORDER BY place LIMIT ?"
        return self._rulings_on_appeal(where, author, place, limit)

    async def appeal_rulings_since(self, author: str, since: int) -> int:
        """Count an author's rulings on appeals that count from a moment on."""
        (count,) = self._connection.execute(
            "SELECT count(*) FROM appeal_rulings WHERE author = ? AND charged_at >= ?",
            (author, since),
        ).fetchone()
        return int(count)

    async def last_appeal_charged(self, author: str) -> int:
        """Return the newest moment that an author's rulings count against; or 0."""
        (last,) = self._connection.execute(
            "SELECT max(charged_at) FROM appeal_rulings WHERE author = ?", (author,)
        ).fetchone()
        return int(last or 0)


class SqlAppealsWriter:
    """Keeps appeals and how they ended."""

    _connection: Connection

    async def add_appeal(self, appeal: AppealRow) -> bool:
        """Keep an appeal; False if it was kept before."""
        marks = ", ".join("?" * len(_APPEAL_COLUMNS))
        added = self._connection.execute(
            f"INSERT INTO appeals ({', '.join(_APPEAL_COLUMNS)}) "  # noqa: S608
            f"VALUES ({marks}) ON CONFLICT DO NOTHING",
            tuple(getattr(appeal, name) for name in _APPEAL_COLUMNS),
        )
        return added.rowcount > 0

    async def add_appeal_ruling(self, ruling: AppealRulingRow) -> bool:
        """Keep how an appeal ended; False if that was kept before."""
        marks = ", ".join("?" * len(_RULING_COLUMNS))
        added = self._connection.execute(
            f"INSERT INTO appeal_rulings ({', '.join(_RULING_COLUMNS)}) "  # noqa: S608
            f"VALUES ({marks}) ON CONFLICT DO NOTHING",
            tuple(getattr(ruling, name) for name in _RULING_COLUMNS),
        )
        return added.rowcount > 0


def _appeal(row: Any) -> AppealRow:  # noqa: ANN401 - a raw row
    return AppealRow(**dict(zip(_APPEAL_COLUMNS, row, strict=True)))


def _ruling(row: Any) -> AppealRulingRow:  # noqa: ANN401 - a raw row
    return AppealRulingRow(**dict(zip(_RULING_COLUMNS, row, strict=True)))
