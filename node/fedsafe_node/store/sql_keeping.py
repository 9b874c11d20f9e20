# SPDX-License-Identifier: Apache-2.0
"""Holds, effects, gaps and erasures in SQL: a reading and a writing half.

They are mixed into `Reader` and `Transaction`, which own the connection.
"""

from collections import Counter
from collections.abc import Collection
from typing import Final

from fedsafe_node.store.keeping_rows import (
    EffectKind,
    EffectRow,
    GapKind,
    GapRow,
    HoldRow,
)
from fedsafe_node.store.sql import Connection

_HOLD: Final = ", ".join(HoldRow.__struct_fields__)
_BUT: Final = (
    " AND (grp <> ? OR NOT EXISTS "
    "(SELECT 1 FROM logs WHERE logs.id = log AND origin = ?))"
)


class SqlKeepingReader:
    """Reads what keeps the audit log in order."""

    _connection: Connection

    async def holds(self) -> list[HoldRow]:
        """Return the holds that nobody has lifted, oldest first."""
        rows = self._connection.execute(
            f"SELECT {_HOLD} FROM holds WHERE lifted_at IS NULL "  # noqa: S608
            "ORDER BY placed_at, id"
        )
        names = HoldRow.__struct_fields__
        return [HoldRow(**dict(zip(names, row, strict=True))) for row in rows]

    async def effects(self) -> list[EffectRow]:
        """Return all effects outside the database, oldest first."""
        rows = self._connection.execute(
            "SELECT kind, target, begun_at, ended_at, number FROM effects UNION ALL "
            "SELECT 'epoch_key', target, begun_at, ended_at, number FROM epoch_effects "
            "ORDER BY begun_at, number"
        )
        return [
            EffectRow(
                kind=EffectKind(kind), target=target, begun_at=begun, ended_at=ended
            )
            for kind, target, begun, ended, _ in rows
        ]

    async def gaps(self) -> list[GapRow]:
        """Return the times in which nothing could be written, oldest first."""
        rows = self._connection.execute(
            "SELECT kind, reason, since, until FROM gaps ORDER BY number"
        )
        return [
            GapRow(kind=GapKind(kind), reason=reason, since=since, until=until)
            for kind, reason, since, until in rows
        ]

    async def erasures(self) -> dict[str, int]:
        """Count by reason the openings that were erased for one."""
        rows = self._connection.execute(
            "SELECT reason, CAST(sum(openings) AS BIGINT) FROM erasures GROUP BY reason"
        )
        return dict(rows.fetchall())

    async def erased_periods(self) -> list[str]:
        """Return the periods of openings that were erased and not pruned; walks all."""
        rows = self._connection.execute(
            "SELECT DISTINCT period FROM openings WHERE sealed IS NULL ORDER BY period"
        )
        return [period for (period,) in rows]

    async def erased_openings(self, log: str) -> int:
        """Count the openings of a log that are erased, pruned ones included."""
        (count,) = self._connection.execute(
            "SELECT count(*) + coalesce((SELECT p.openings FROM pruned AS p "
            "WHERE p.log = (SELECT id FROM logs WHERE origin = ?1)), 0) "
            "FROM openings WHERE sealed IS NULL "  # `+`: by the index of what is erased
            "AND +log = (SELECT id FROM logs WHERE origin = ?1)",
            (log,),
        ).fetchone()
        return int(count)

    async def sealed_periods(
        self, *, but: Collection[tuple[str, str]] = ()
    ) -> dict[str, int]:
        """Count by period what is sealed and there, but for groups (log, group).

        Walks all tables that hold sealed bytes under a period key.
        """
        values = [value for log, group in but for value in (group, log)]
        found: Counter[str] = Counter()
        for table in self._sealing_tables():
            is_log = table == "openings"
            rows = self._connection.execute(
                f"SELECT period, count(*) FROM {table} WHERE sealed IS NOT NULL "  # noqa: S608 - from the schema
                f"{_BUT * len(but) if is_log else ''} GROUP BY period",
                values if is_log else (),
            )
            found.update(dict(rows.fetchall()))
        return dict(found)

    def _sealing_tables(self) -> list[str]:
        connection = self._connection
        return [
            table
            for table in connection.tables()
            if {"period", "sealed"} <= {name for name, _ in connection.columns(table)}
        ]


class SqlKeepingWriter:
    """Keeps what keeps the audit log in order."""

    _connection: Connection

    async def add_hold(self, hold: HoldRow) -> None:
        """Keep a hold."""
        names = HoldRow.__struct_fields__
        self._connection.execute(
            f"INSERT INTO holds ({_HOLD}) "  # noqa: S608
            f"VALUES ({', '.join('?' * len(names))})",
            tuple(getattr(hold, name) for name in names),
        )

    async def lift_hold(self, hold_id: str, *, by: str, at: int) -> bool:
        """Lift a hold and wipe its account; False if there is none in force."""
        cursor = self._connection.execute(
            "UPDATE holds SET subject = NULL, lifted_at = ?, lifted_by = ? "
            "WHERE id = ? AND lifted_at IS NULL",
            (at, by, hold_id),
        )
        return cursor.rowcount > 0

    async def begin_effect(self, kind: EffectKind, target: str, *, at: int) -> None:
        """Say that an effect is going to happen.

        Raises:
            ConflictError: it was begun before.
        """
        if kind is EffectKind.EPOCH_KEY:
            self._connection.execute(
                "INSERT INTO epoch_effects (target, begun_at) VALUES (?, ?)",
                (target, at),
            )
            return
        self._connection.execute(
            "INSERT INTO effects (kind, target, begun_at) VALUES (?, ?, ?)",
            (kind.value, target, at),
        )

    async def end_effect(self, kind: EffectKind, target: str, *, at: int) -> bool:
        """Say that an effect has happened; False if none was begun, or it has ended."""
        if kind is EffectKind.EPOCH_KEY:
            cursor = self._connection.execute(
                "UPDATE epoch_effects SET ended_at = ? "
                "WHERE target = ? AND ended_at IS NULL",
                (at, target),
            )
            return cursor.rowcount > 0
        cursor = self._connection.execute(
            "UPDATE effects SET ended_at = ? "
            "WHERE kind = ? AND target = ? AND ended_at IS NULL",
            (at, kind.value, target),
        )
        return cursor.rowcount > 0

    async def add_gap(self, gap: GapRow) -> None:
        """Keep a time in which nothing could be written."""
        self._connection.execute(
            "INSERT INTO gaps (kind, reason, since, until) VALUES (?, ?, ?, ?)",
            (gap.kind.value, gap.reason, gap.since, gap.until),
        )

    async def add_erasure(self, reason: str, openings: int, *, at: int) -> None:
        """Count openings that were erased for a reason."""
        self._connection.execute(
            "INSERT INTO erasures (reason, at, openings) VALUES (?, ?, ?)",
            (reason, at, openings),
        )
