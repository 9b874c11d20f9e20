# SPDX-License-Identifier: Apache-2.0
"""The tables of imports and listed tokens: a reading and a writing half."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec

from fedsafe_node.acts.signal_reviews import ImportState
from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.imports_rows import (
    ImportPart,
    ImportRow,
    ListedToken,
    Standing,
    TakenOff,
)
from fedsafe_node.store.sql import Connection, IntegrityError

_COLUMNS: Final = ", ".join(ImportRow.__struct_fields__)
_IMPORT: Final = f"SELECT {_COLUMNS} FROM imports "  # noqa: S608 - our own
_MOST: Final = 500
_WAITS: Final = (
    "EXISTS (SELECT 1 FROM drafts d WHERE d.signal_id = l.signal_id "
    "AND d.state = 'pending')"
)
_LIVES: Final = (
    "EXISTS (SELECT 1 FROM signals s WHERE s.signal_id = l.signal_id "
    "AND s.origin = l.origin AND s.token = l.token "
    "AND s.status IN ('active', 'disputed') AND s.match_until > ?)"
)
_Place = tuple[bytes, str, str]


def _place(row: ListedToken) -> _Place:
    return row.token, row.origin, row.audience


def _import(row: Any) -> ImportRow:  # noqa: ANN401 - a raw row
    named: dict[str, Any] = dict(zip(ImportRow.__struct_fields__, row, strict=True))
    named["id"] = bytes(named["id"])
    named["state"] = ImportState(named["state"])
    if named["mark"] is not None:
        named["mark"] = bytes(named["mark"])
    return ImportRow(**named)


def _values(row: ImportRow) -> tuple[object, ...]:
    return tuple(
        value.value if isinstance(value, ImportState) else value
        for value in msgspec.structs.astuple(row)
    )


def _find_listed(
    connection: Connection, listed: Sequence[ListedToken], now: int
) -> dict[_Place, tuple[ListedToken, bool]]:
    """Find what stands at these places and lives, and whether it waits as a draft."""
    found: dict[_Place, tuple[ListedToken, bool]] = {}
    tokens = sorted({row.token for row in listed})
    for start in range(0, len(tokens), _MOST):
        part = tokens[start : start + _MOST]
        rows = connection.execute(
            "SELECT l.token, l.origin, l.audience, l.signal_id, l.generation, l.said, "  # noqa: S608 - our own
            f"{_WAITS} FROM listed_tokens l "
            f"WHERE l.token IN ({','.join('?' * len(part))}) "
            f"AND ({_WAITS} OR {_LIVES})",
            (*part, now),
        )
        for token, origin, audience, signal_id, generation, said, waits in rows:
            row = ListedToken(
                origin=origin,
                token=bytes(token),
                audience=audience,
                signal_id=bytes(signal_id),
                generation=generation,
                said=None if said is None else bytes(said),
            )
            found[_place(row)] = row, bool(waits)
    return found


def _standing(
    found: Mapping[_Place, tuple[ListedToken, bool]], row: ListedToken
) -> Standing | None:
    stands, waits = found.get(_place(row), (None, False))
    if stands is None or (waits and stands.generation != row.generation):
        return None  # nobody can publish what was drafted under older keys
    differs = None not in {stands.said, row.said} and stands.said != row.said
    return Standing(signal_id=stands.signal_id, differs=differs)


class SqlImportsReader:
    """Reads imports, and what is listed."""

    _connection: Connection

    async def standing(
        self, listed: Sequence[ListedToken], now: int
    ) -> list[Standing | None]:
        """Return for each the signal that stands there and lives at *now*, if any."""
        found = _find_listed(self._connection, listed, now)
        return [_standing(found, row) for row in listed]

    async def tokens_of(
        self, signal_id: bytes, origins: Sequence[str]
    ) -> dict[bytes, int]:
        """Return tokens of a signal or draft here, and until when each counts.

        *origins* are the names of this node's lists.
        """
        marks = ",".join("?" * len(origins))
        rows = self._connection.execute(
            "SELECT token, until FROM listed_tokens "  # noqa: S608 - our own
            f"WHERE signal_id = ? AND origin IN ({marks}) "
            "UNION SELECT token, match_until FROM signals "
            f"WHERE signal_id = ? AND origin IN ({marks}) AND token IS NOT NULL",
            (signal_id, *origins, signal_id, *origins),
        )
        return {bytes(token): int(until) for token, until in rows}

    async def taken_off(
        self, marks: Collection[bytes], now: int
    ) -> dict[bytes, TakenOff]:
        """Return who was taken off and is not to be listed again yet, by mark."""
        found: dict[bytes, TakenOff] = {}
        asked = sorted(marks)
        for start in range(0, len(asked), _MOST):
            part = asked[start : start + _MOST]
            rows = self._connection.execute(
                "SELECT mark, reason, at, until FROM taken_off "  # noqa: S608 - our own
                f"WHERE mark IN ({','.join('?' * len(part))}) AND until > ?",
                (*part, now),
            )
            for mark, reason, at, until in rows:
                row = TakenOff(mark=bytes(mark), reason=reason, at=at, until=until)
                found[row.mark] = row
        return found

    async def import_run(self, import_id: bytes) -> ImportRow | None:
        """Return an import."""
        sql = _IMPORT + "WHERE id = ?"
        row = self._connection.execute(sql, (import_id,)).fetchone()
        return None if row is None else _import(row)

    async def open_import(self, mark: bytes) -> ImportRow | None:
        """Return the import under way that a mark names."""
        sql = _IMPORT + "WHERE mark = ? AND state = 'open' ORDER BY began_at LIMIT 1"
        row = self._connection.execute(sql, (mark,)).fetchone()
        return None if row is None else _import(row)

    async def imports(self, limit: int, *, before: bytes | None) -> list[ImportRow]:
        """Return imports, newest first, from behind the one that is *before* them."""
        first = None if before is None else await self.import_run(before)
        where, values = "", tuple[object, ...]()
        if first is not None:
            where = "WHERE began_at < ? OR (began_at = ? AND id < ?) "
            values = (first.began_at, first.began_at, first.id)
        sql = f"{_IMPORT}{where}ORDER BY began_at DESC, id DESC LIMIT ?"
        return [_import(row) for row in self._connection.execute(sql, (*values, limit))]

    async def import_signals(
        self, import_id: bytes, part: ImportPart, after: bytes, limit: int
    ) -> list[bytes]:
        """Return signals of an import by their id, from behind *after*."""
        rows = self._connection.execute(
            "SELECT signal_id FROM import_signals WHERE import_id = ? AND part = ? "
            "AND signal_id > ? ORDER BY signal_id LIMIT ?",
            (import_id, part.value, after, limit),
        )
        return [bytes(signal_id) for (signal_id,) in rows]

    async def met_again(self, import_id: bytes) -> int:
        """Count what an import added and another import met."""
        (count,) = self._connection.execute(
            "SELECT count(*) FROM import_signals a WHERE a.import_id = ? "
            "AND a.part <> 'met' AND EXISTS (SELECT 1 FROM import_signals m "
            "WHERE m.signal_id = a.signal_id AND m.part = 'met')",
            (import_id,),
        ).fetchone()
        return int(count)


class SqlImportsWriter:
    """Keeps imports, and what is listed."""

    _connection: Connection

    async def take_listed(
        self, listed: Sequence[ListedToken], now: int
    ) -> list[Standing | None]:
        """Keep under which tokens signals stand, one of each.

        Return for each the signal that stood there before, or earlier among these; None
        where it is the first.
        """
        found = _find_listed(self._connection, listed, now)
        before: list[Standing | None] = []
        new: list[tuple[object, ...]] = []
        for row in listed:
            before.append(_standing(found, row))
            if before[-1] is None:
                found[_place(row)] = row, False
                new.append(
                    (*_place(row), row.signal_id, row.generation, row.said, row.until)
                )
        if new:
            self._connection.executemany(
                "INSERT INTO listed_tokens (token, origin, audience, signal_id, "
                "generation, said, until) VALUES (?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (token, origin, audience) DO UPDATE SET "
                "signal_id = excluded.signal_id, generation = excluded.generation, "
                "said = excluded.said, until = excluded.until",
                new,
            )
        return before

    async def add_taken_off(self, rows: Sequence[TakenOff]) -> None:
        """Keep whom a person has taken off; the later row counts."""
        self._connection.executemany(
            "INSERT INTO taken_off (mark, reason, at, until) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (mark) DO UPDATE SET reason = excluded.reason, "
            "at = excluded.at, until = excluded.until",
            [(row.mark, row.reason, row.at, row.until) for row in rows],
        )

    async def clear_taken_off(self, marks: Collection[bytes]) -> None:
        """Drop what keeps imports from listing somebody."""
        sql = "DELETE FROM taken_off WHERE mark = ?"
        self._connection.executemany(sql, [(mark,) for mark in marks])

    async def forget_taken_off(self, now: int) -> None:
        """Drop what counts no more."""
        self._connection.execute("DELETE FROM taken_off WHERE until <= ?", (now,))

    async def add_import(self, row: ImportRow) -> None:
        """Keep an import.

        Raises:
            ConflictError: there is one of that id.
        """
        marks = ", ".join("?" * len(ImportRow.__struct_fields__))
        try:
            self._connection.execute(
                f"INSERT INTO imports ({_COLUMNS}) VALUES ({marks})",  # noqa: S608 - our own
                _values(row),
            )
        except IntegrityError as error:
            raise ConflictError(str(error)) from None

    async def put_import(self, row: ImportRow) -> None:
        """Keep how far an import is."""
        self._connection.execute(
            "UPDATE imports SET state = ?, ended_at = ?, lines = ?, added = ?, "
            "stopped = ?, listed = ?, refused = ?, lapsed = ?, taken_off = ?, "
            "reason = ?, undone_by = ?, undone_at = ? WHERE id = ?",
            (
                *(row.state.value, row.ended_at, row.lines, row.added, row.stopped),
                *(row.listed, row.refused, row.lapsed, row.taken_off, row.reason),
                *(row.undone_by, row.undone_at, row.id),
            ),
        )

    async def add_import_signals(
        self, import_id: bytes, part: ImportPart, signal_ids: Collection[bytes]
    ) -> None:
        """Keep what signals are to an import; what they were to it stays."""
        if signal_ids:
            self._connection.executemany(
                "INSERT INTO import_signals (import_id, signal_id, part) "
                "VALUES (?, ?, ?) ON CONFLICT (import_id, signal_id) DO NOTHING",
                [(import_id, signal_id, part.value) for signal_id in signal_ids],
            )

    async def stop_import_signals(
        self, import_id: bytes, signal_ids: Collection[bytes]
    ) -> None:
        """Keep that what an import had added was stopped with it."""
        if signal_ids:
            self._connection.executemany(
                "UPDATE import_signals SET part = 'stopped' "
                "WHERE import_id = ? AND signal_id = ?",
                [(import_id, signal_id) for signal_id in signal_ids],
            )
