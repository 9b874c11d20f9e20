# SPDX-License-Identifier: Apache-2.0
"""The tables of match floods: a reading and a writing half."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from fedsafe_node.acts.floods import FloodState
from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.review_rows import FloodRow, PictureRow, RaisedRow
from fedsafe_node.store.sql import Connection, IntegrityError

_FIELDS: Final = FloodRow.__struct_fields__
_COLUMNS: Final = ", ".join(_FIELDS)
_FLOOD: Final = f"SELECT {_COLUMNS} FROM match_floods "  # noqa: S608 - our own columns
_ADD: Final = (
    f"INSERT INTO match_floods ({_COLUMNS}) "  # noqa: S608 - our own columns
    f"VALUES ({', '.join('?' * len(_FIELDS))})"
)
_PUT: Final = (
    "UPDATE match_floods SET "  # noqa: S608 - our own columns
    f"{', '.join(f'{name} = ?' for name in _FIELDS[1:])} WHERE id = ?"
)
_ALIVE: Final = "state IN ('waiting', 'rested')"
_SIGNAL: Final = "origin = ? AND signal_id = ?"
_LISTING: Final = "origin = ? AND about = ?"
_RAISED: Final = RaisedRow.__struct_fields__
_PICTURE: Final = PictureRow.__struct_fields__


def _of(abouts: Sequence[bytes]) -> str:
    return f"origin = ? AND about IN ({','.join('?' * len(abouts))})"


def _flood(row: Any) -> FloodRow:  # noqa: ANN401 - a raw row
    named: dict[str, Any] = dict(zip(_FIELDS, row, strict=True))
    named["state"] = FloodState(named["state"])
    return FloodRow(**named)


class SqlFloodsReader:
    """Reads what listings have restricted of late, and floods."""

    _connection: Connection

    def _floods(self, where: str, *values: object) -> list[FloodRow]:
        return [_flood(row) for row in self._connection.execute(_FLOOD + where, values)]

    async def has_restricted(
        self, origin: str, abouts: Sequence[bytes], mark: bytes, since: int
    ) -> bool:
        """Tell whether one of some listings has restricted a marked subject of late."""
        row = self._connection.execute(
            f"SELECT 1 FROM restricted_subjects WHERE {_of(abouts)} "  # noqa: S608
            "AND mark = ? AND at > ? LIMIT 1",
            (origin, *abouts, mark, since),
        ).fetchone()
        return row is not None

    async def restricted(
        self, origin: str, abouts: Sequence[bytes], since: int
    ) -> dict[bytes, int]:
        """Count the subjects that each listing has restricted after a moment."""
        rows = self._connection.execute(
            "SELECT about, count(*) FROM restricted_subjects "  # noqa: S608
            f"WHERE {_of(abouts)} AND at > ? GROUP BY about",
            (origin, *abouts, since),
        )
        return {bytes(about): int(count) for about, count in rows}

    async def raised_bounds(
        self, origin: str, abouts: Sequence[bytes], now: int
    ) -> dict[bytes, int]:
        """Return to what two people have raised the bounds of listings."""
        rows = self._connection.execute(
            f"SELECT about, bound FROM raised_bounds WHERE {_of(abouts)} "  # noqa: S608
            "AND until > ?",
            (origin, *abouts, now),
        )
        return {bytes(about): int(bound) for about, bound in rows}

    async def raised_bound(
        self, origin: str, about: bytes, now: int
    ) -> RaisedRow | None:
        """Return to what two people have raised a bound, while it lasts."""
        row = self._connection.execute(
            f"SELECT {', '.join(_RAISED)} FROM raised_bounds "  # noqa: S608
            f"WHERE {_LISTING} AND until > ?",
            (origin, about, now),
        ).fetchone()
        return (
            None if row is None else RaisedRow(**dict(zip(_RAISED, row, strict=True)))
        )

    async def flood(self, flood_id: str) -> FloodRow | None:
        """Return a flood."""
        found = self._floods("WHERE id = ?", flood_id)
        return found[0] if found else None

    async def flood_alive(self, origin: str, signal_id: bytes) -> FloodRow | None:
        """Return the flood of a signal that waits, or by which it rests."""
        found = self._floods(f"WHERE {_SIGNAL} AND {_ALIVE}", origin, signal_id)
        return found[0] if found else None

    async def floods_alive(self, marks: Sequence[bytes]) -> list[FloodRow]:
        """Return the floods of marked listings that wait, or by which they rest."""
        places = ",".join("?" * len(marks))
        where = f"WHERE about IN ({places}) AND {_ALIVE} ORDER BY opened_at, id"
        return self._floods(where, *marks)

    async def flood_pictures(self, origin: str, limit: int) -> list[PictureRow]:
        """Return the pictures that an origin lists, those with a flood in front."""
        rows = self._connection.execute(
            f"SELECT {', '.join(_PICTURE)} FROM flood_pictures p "  # noqa: S608
            "WHERE origin = ? ORDER BY EXISTS (SELECT 1 FROM match_floods f "
            f"WHERE f.about = p.about AND {_ALIVE}) DESC, at DESC, about LIMIT ?",
            (origin, limit),
        )
        return [PictureRow(**dict(zip(_PICTURE, row, strict=True))) for row in rows]

    async def floods_in(
        self, state: FloodState, limit: int, *, after: str = ""
    ) -> list[FloodRow]:
        """Return the floods of a state by id, from behind one on."""
        where = "WHERE state = ? AND id > ? ORDER BY id LIMIT ?"
        return self._floods(where, state.value, after, limit)

    async def floods_waiting(self) -> int:
        """Count the floods that wait for a ruling."""
        (count,) = self._connection.execute(
            "SELECT count(*) FROM match_floods WHERE state = 'waiting'"
        ).fetchone()
        return int(count)

    async def floods_ended(self, now: int, limit: int) -> list[FloodRow]:
        """Return the floods that wait, and whose time is over."""
        where = "WHERE state = 'waiting' AND ends_at <= ? ORDER BY ends_at LIMIT ?"
        return self._floods(where, now, limit)

    async def floods_due(
        self, state: FloodState, before: int, limit: int
    ) -> list[FloodRow]:
        """Return the floods of a state with references that end by a moment."""
        where = (
            "WHERE state = ? AND ends_at <= ? AND EXISTS (SELECT 1 FROM flood_subjects "
            "WHERE flood = match_floods.id) ORDER BY ends_at LIMIT ?"
        )
        return self._floods(where, state.value, before, limit)

    async def floods_to_remind_of(self, now: int, limit: int) -> list[FloodRow]:
        """Return the floods with `remind_at` at or before `now`."""
        where = "WHERE remind_at <= ? ORDER BY remind_at LIMIT ?"
        return self._floods(where, now, limit)

    async def floods_stopped(self, limit: int) -> list[FloodRow]:
        """Return the floods whose signal has ended, or is gone.

        Of those with a ruling, those that still have content.
        """
        where = (
            "WHERE (sealed IS NOT NULL OR state = 'waiting') "
            "AND NOT EXISTS (SELECT 1 FROM signals s WHERE s.origin = "
            "match_floods.origin AND s.signal_id = match_floods.signal_id "
            "AND s.status IN ('active', 'disputed')) ORDER BY id LIMIT ?"
        )
        return self._floods(where, limit)

    async def in_flood(self, flood_id: str, subject: str) -> bool:
        """Tell whether a flood has kept a reference."""
        row = self._connection.execute(
            "SELECT 1 FROM flood_subjects WHERE flood = ? AND subject = ?",
            (flood_id, subject),
        ).fetchone()
        return row is not None

    async def flood_subjects(
        self, flood_id: str, limit: int, *, after: str = ""
    ) -> list[tuple[str, int]]:
        """Return what a flood refers to and since when, from behind one on."""
        rows = self._connection.execute(
            "SELECT subject, added_at FROM flood_subjects WHERE flood = ? "
            "AND subject > ? ORDER BY subject LIMIT ?",
            (flood_id, after, limit),
        )
        return [(str(subject), int(at)) for subject, at in rows]

    async def floods_about(self, subject: str) -> list[FloodRow]:
        """Return the floods that refer to an account, oldest first."""
        where = (
            "WHERE id IN (SELECT flood FROM flood_subjects WHERE subject = ?) "
            "ORDER BY opened_at, id"
        )
        return self._floods(where, subject)


class SqlFloodsWriter:
    """Keeps what signals restrict, and floods."""

    _connection: Connection

    async def add_restricted(
        self, origin: str, about: bytes, mark: bytes, at: int
    ) -> None:
        """Count a marked subject that a listing restricts; a later moment counts."""
        self._connection.execute(
            "INSERT INTO restricted_subjects (origin, about, mark, at) "
            "VALUES (?, ?, ?, ?) ON CONFLICT (origin, about, mark) "
            "DO UPDATE SET at = excluded.at",
            (origin, about, mark, at),
        )

    async def forget_restricted(self, before: int) -> int:
        """Drop what was counted at or before a moment; return how many."""
        sql = "DELETE FROM restricted_subjects WHERE at <= ?"
        return self._connection.execute(sql, (before,)).rowcount

    async def put_raised_bound(self, row: RaisedRow) -> None:
        """Keep a raised bound in the place of an earlier one of its listing."""
        marks = ", ".join("?" * len(_RAISED))
        later = ", ".join(f"{name} = excluded.{name}" for name in _RAISED[2:])
        self._connection.execute(
            f"INSERT INTO raised_bounds ({', '.join(_RAISED)}) "  # noqa: S608
            f"VALUES ({marks}) ON CONFLICT (origin, about) DO UPDATE SET {later}",
            msgspec.structs.astuple(row),
        )

    async def forget_raised(self, now: int) -> None:
        """Drop raised bounds that are over."""
        self._connection.execute("DELETE FROM raised_bounds WHERE until <= ?", (now,))

    async def add_flood(self, flood: FloodRow) -> None:
        """Keep a flood.

        Raises:
            ConflictError: one of its listing is alive.
        """
        try:
            self._connection.execute(_ADD, msgspec.structs.astuple(flood))
        except IntegrityError as error:
            raise ConflictError(str(error)) from None

    async def put_flood(self, flood: FloodRow) -> None:
        """Keep how a flood stands."""
        id_, *values = msgspec.structs.astuple(flood)
        self._connection.execute(_PUT, (*values, id_))

    async def add_flood_subject(self, flood_id: str, subject: str, at: int) -> None:
        """Keep a reference that the flood has not yet, and count it."""
        added = self._connection.execute(
            "INSERT INTO flood_subjects (flood, subject, added_at) VALUES (?, ?, ?) "
            "ON CONFLICT (flood, subject) DO NOTHING",
            (flood_id, subject, at),
        ).rowcount
        if added == 1:
            self._connection.execute(
                "UPDATE match_floods SET kept = kept + 1 WHERE id = ?", (flood_id,)
            )

    async def drop_flood_subject(self, flood_id: str, subject: str) -> None:
        """Drop a reference; the flood still counts it."""
        self._connection.execute(
            "DELETE FROM flood_subjects WHERE flood = ? AND subject = ?",
            (flood_id, subject),
        )

    async def drop_flood_subjects(self, flood_id: str) -> None:
        """Drop all references of a flood; it still counts them."""
        self._connection.execute(
            "DELETE FROM flood_subjects WHERE flood = ?", (flood_id,)
        )

    async def forget_floods(self, before: int, rested_before: int) -> int:
        """Drop floods without references that ended before a moment; say how many.

        A ruling by which something rests goes once its signal ended before another.
        """
        return self._connection.execute(
            "DELETE FROM match_floods WHERE ("
            "state IN ('stands', 'lapsed', 'over') AND ends_at < ? "
            "OR state = 'rested' AND sealed IS NULL AND ends_at < ?"
            ") AND NOT EXISTS (SELECT 1 FROM flood_subjects "
            "WHERE flood = match_floods.id)",
            (before, rested_before),
        ).rowcount

    async def put_flood_picture(self, row: PictureRow) -> None:
        """Keep a picture that an origin lists; a later row takes its place."""
        marks = ", ".join("?" * len(_PICTURE))
        later = ", ".join(f"{name} = excluded.{name}" for name in _PICTURE[2:])
        self._connection.execute(
            f"INSERT INTO flood_pictures ({', '.join(_PICTURE)}) "  # noqa: S608
            f"VALUES ({marks}) ON CONFLICT (origin, about) DO UPDATE SET {later}",
            msgspec.structs.astuple(row),
        )

    async def forget_flood_pictures(self, before: int) -> None:
        """Drop the pictures counted at or before a moment, without flood or bound."""
        self._connection.execute(
            "DELETE FROM flood_pictures WHERE at <= ? AND NOT EXISTS ("  # noqa: S608
            "SELECT 1 FROM match_floods f WHERE f.about = flood_pictures.about "
            f"AND {_ALIVE}) AND NOT EXISTS (SELECT 1 FROM raised_bounds b "
            "WHERE b.about = flood_pictures.about)",
            (before,),
        )
