# SPDX-License-Identifier: Apache-2.0
"""The tables of budgets, reviews, breaches and review rounds in SQL, in two halves."""

from collections.abc import Sequence
from typing import Final

import msgspec

from fedsafe_node.store.oversight_rows import (
    BreachRow,
    CircuitRow,
    MarkRow,
    RoundRow,
    SpentRow,
    ValidationRow,
)
from fedsafe_node.store.sql import Connection

_VALIDATION = (
    "SELECT signal_id, author, author_role, published_at, last_at, reviewer, "
    "reviewer_role FROM validations "
)
_BREACH = (
    "SELECT number, breach, step, record, period, note, recorded_at, recorded_by "
    "FROM breach_entries "
)
_ROUND = (
    "SELECT number, round, step, record, period, note, recorded_at, recorded_by "
    "FROM round_entries "
)
_SPENT = "SELECT holder, purpose, slot, spent, identifiers, accounts FROM spent "


def _sum(column: str) -> str:
    return f"{column} = spent.{column} + excluded.{column}"


ADD_SPENT: Final = (
    "INSERT INTO spent (holder, purpose, slot, spent, identifiers, accounts) "  # noqa: S608 - our own words
    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (holder, purpose, slot) DO UPDATE "
    f"SET {_sum('spent')}, {_sum('identifiers')}, {_sum('accounts')}"
)


class SqlOversightReader:
    """Reads what was spent."""

    _connection: Connection

    async def spent(
        self, after: int, holder: str | None = None, purpose: str | None = None
    ) -> list[SpentRow]:
        """Return the slots after a moment, of a holder and purpose or of all."""
        if holder is None or purpose is None:
            where = "WHERE slot > ? ORDER BY holder, purpose, slot"
            found = self._connection.execute(_SPENT + where, (after,))
        else:
            where = "WHERE holder = ? AND purpose = ? AND slot > ? ORDER BY slot"
            found = self._connection.execute(_SPENT + where, (holder, purpose, after))
        return [SpentRow(*row) for row in found]

    async def circuits(self, now: int) -> list[CircuitRow]:
        """Return what is shut at a moment, by holder and purpose."""
        found = self._connection.execute(
            "SELECT holder, purpose, code, broken_at, until FROM circuits "
            "WHERE until > ? ORDER BY holder, purpose",
            (now,),
        )
        return [CircuitRow(*row) for row in found]

    async def feed_marks(self, origin: str) -> list[MarkRow]:
        """Return the marks of an origin's feed, oldest first."""
        found = self._connection.execute(
            "SELECT origin, at, size FROM feed_marks WHERE origin = ? ORDER BY at",
            (origin,),
        )
        return [MarkRow(*row) for row in found]

    async def validation(self, signal_id: bytes) -> ValidationRow | None:
        """Return who published and reviewed a signal about a file."""
        sql = _VALIDATION + "WHERE signal_id = ?"
        row = self._connection.execute(sql, (signal_id,)).fetchone()
        return None if row is None else ValidationRow(*row)

    async def validations(self, last: int, limit: int) -> list[ValidationRow]:
        """Return what was last reviewed at a moment or before, oldest first."""
        sql = _VALIDATION + "WHERE last_at <= ? ORDER BY last_at, signal_id LIMIT ?"
        found = self._connection.execute(sql, (last, limit))
        return [ValidationRow(*row) for row in found]

    async def breaches(self) -> list[BreachRow]:
        """Return the newest entry of every breach, oldest entry first."""
        newest = "(SELECT max(number) FROM breach_entries GROUP BY breach)"
        sql = _BREACH + f"WHERE number IN {newest} ORDER BY number"
        found = self._connection.execute(sql)
        return [BreachRow(*row) for row in found]

    async def breach_entries(self, breach: str) -> list[BreachRow]:
        """Return all entries of a breach, oldest first."""
        sql = _BREACH + "WHERE breach = ? ORDER BY number"
        found = self._connection.execute(sql, (breach,))
        return [BreachRow(*row) for row in found]

    async def rounds(self) -> list[RoundRow]:
        """Return how every review round was opened, drawn and signed, in order."""
        sql = _ROUND + "WHERE step <> 'marked' ORDER BY number"
        return [RoundRow(*row) for row in self._connection.execute(sql)]

    async def round_entries(self, round_id: str) -> list[RoundRow]:
        """Return all entries of a review round, oldest first."""
        sql = _ROUND + "WHERE round = ? ORDER BY number"
        found = self._connection.execute(sql, (round_id,))
        return [RoundRow(*row) for row in found]


class SqlOversightWriter:
    """Keeps what was spent."""

    _connection: Connection

    async def add_spent(self, row: SpentRow) -> None:
        """Count what was spent in a slot, beside what is counted there."""
        self._connection.execute(
            ADD_SPENT,
            (
                row.holder,
                row.purpose,
                row.slot,
                row.spent,
                row.identifiers,
                row.accounts,
            ),
        )

    async def forget_spent(self, before: int) -> int:
        """Drop slots that began before a moment; return how many."""
        sql = "DELETE FROM spent WHERE slot < ?"
        return self._connection.execute(sql, (before,)).rowcount

    async def put_circuit(self, row: CircuitRow) -> None:
        """Keep what is shut; it takes the place of what was."""
        self._connection.execute(
            "INSERT INTO circuits (holder, purpose, code, broken_at, until) "
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT (holder, purpose) DO UPDATE SET "
            "code = excluded.code, broken_at = excluded.broken_at, "
            "until = excluded.until",
            (row.holder, row.purpose, row.code, row.broken_at, row.until),
        )

    async def add_feed_mark(self, row: MarkRow, *, forget: int) -> None:
        """Keep a mark, and drop the origin's marks before *forget*."""
        self._connection.execute(
            "DELETE FROM feed_marks WHERE origin = ? AND at < ?", (row.origin, forget)
        )
        self._connection.execute(
            "INSERT INTO feed_marks (origin, at, size) VALUES (?, ?, ?) "
            "ON CONFLICT (origin, at) DO UPDATE SET size = excluded.size",
            (row.origin, row.at, row.size),
        )

    async def add_validations(self, rows: Sequence[ValidationRow]) -> None:
        """Keep who published signals about files."""
        self._connection.executemany(
            "INSERT INTO validations (signal_id, author, author_role, published_at, "
            "last_at, reviewer, reviewer_role) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [msgspec.structs.astuple(row) for row in rows],
        )

    async def put_review(self, row: ValidationRow) -> None:
        """Keep the latest review of a signal."""
        self._connection.execute(
            "UPDATE validations SET last_at = ?, reviewer = ?, reviewer_role = ? "
            "WHERE signal_id = ?",
            (row.last_at, row.reviewer, row.reviewer_role, row.signal_id),
        )

    async def remove_validation(self, signal_id: bytes) -> None:
        """Forget a signal that has ended."""
        sql = "DELETE FROM validations WHERE signal_id = ?"
        self._connection.execute(sql, (signal_id,))

    async def add_breach_entry(self, row: BreachRow) -> int:
        """Add a step of a breach; return its number."""
        (number,) = self._connection.execute(
            "INSERT INTO breach_entries (breach, step, record, period, note, "
            "recorded_at, recorded_by) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING number",
            (
                row.breach,
                row.step,
                row.record,
                row.period,
                row.note,
                row.recorded_at,
                row.recorded_by,
            ),
        ).fetchone()
        return int(number)

    async def add_round_entry(self, row: RoundRow) -> int:
        """Add a step of a review round; return its number."""
        (number,) = self._connection.execute(
            "INSERT INTO round_entries (round, step, record, period, note, "
            "recorded_at, recorded_by) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING number",
            msgspec.structs.astuple(row)[1:],
        ).fetchone()
        return int(number)
