# SPDX-License-Identifier: Apache-2.0
"""Register and relock in SQL: a reading and a writing half for the store's classes.

They are mixed into `Reader` and `Transaction`, which own the connection.
"""

from collections.abc import Sequence
from typing import Final

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.rows import RegisterRow, SignalRow
from fedsafe_node.store.sql import Connection, IntegrityError
from fedsafe_node.store.sql_rows import SIGNAL_COLUMNS, signal_row

_MOST_VARIABLES: Final = 500


class SqlGateReader:
    """Reads the register."""

    _connection: Connection

    async def register_entries(self) -> list[RegisterRow]:
        """Return all entries of the Schutzkonzept register, oldest first."""
        rows = self._connection.execute(
            "SELECT id, item, record, recorded_at, recorded_by FROM register "
            "ORDER BY number"
        )
        return [
            RegisterRow(
                id=id_, item=item, record=record, recorded_at=at, recorded_by=by
            )
            for id_, item, record, at, by in rows
        ]

    async def foreign_signals(self, origin: str, limit: int) -> list[SignalRow]:
        """Return an origin's actor signals that may hold an opening."""
        rows = self._connection.execute(
            f"SELECT {SIGNAL_COLUMNS} FROM signals WHERE origin = ? "  # noqa: S608
            "AND plane = 'actor' AND own = 0 "
            "AND status IN ('active', 'disputed', 'expired') LIMIT ?",
            (origin, limit),
        )
        return [signal_row(row) for row in rows]

    async def held_signals(self, origin: str, limit: int) -> list[SignalRow]:
        """Return an origin's signals of either plane that may hold an opening."""
        rows = self._connection.execute(
            f"SELECT {SIGNAL_COLUMNS} FROM signals WHERE origin = ? "  # noqa: S608
            "AND own = 0 AND status IN ('active', 'disputed', 'expired') LIMIT ?",
            (origin, limit),
        )
        return [signal_row(row) for row in rows]

    async def relocked(self, origin: str, signal_ids: Sequence[bytes]) -> set[bytes]:
        """Return which of an origin's ids may come back after a relock.

        Those that it erased, and that no statement restricts.
        """
        found: set[bytes] = set()
        for start in range(0, len(signal_ids), _MOST_VARIABLES):
            part = signal_ids[start : start + _MOST_VARIABLES]
            marks = ",".join("?" * len(part))
            rows = self._connection.execute(
                "SELECT signal_id FROM relocked WHERE origin = ? "  # noqa: S608
                f"AND signal_id IN ({marks}) AND NOT EXISTS (SELECT 1 FROM restricted "
                "WHERE restricted.origin = relocked.origin "
                "AND restricted.signal_id = relocked.signal_id)",
                (origin, *part),
            )
            found |= {signal_id for (signal_id,) in rows}
        return found

    async def relocked_counts(self) -> dict[str, int]:
        """Count by origin what a relock has erased and may come back."""
        rows = self._connection.execute(
            "SELECT origin, count(*) FROM relocked GROUP BY origin"
        )
        return dict(rows.fetchall())

    async def relock_event(self, origin: str, signal_id: bytes) -> int | None:
        """Return the audit entry that says why a relock erased a signal."""
        row = self._connection.execute(
            "SELECT event FROM relocked WHERE origin = ? AND signal_id = ?",
            (origin, signal_id),
        ).fetchone()
        return None if row is None else int(row[0])


class SqlGateWriter:
    """Extends the register; takes signals away and brings them back."""

    _connection: Connection

    async def add_register_entry(self, entry: RegisterRow) -> None:
        """Add an entry to the Schutzkonzept register.

        Raises:
            ConflictError: its id is taken.
        """
        try:
            self._connection.execute(
                "INSERT INTO register (id, item, record, recorded_at, recorded_by) "
                "VALUES (?, ?, ?, ?, ?)",
                (
                    entry.id,
                    entry.item,
                    entry.record,
                    entry.recorded_at,
                    entry.recorded_by,
                ),
            )
        except IntegrityError as error:
            raise ConflictError(str(error)) from None

    async def relock_signal(self, signal: SignalRow, *, event: int) -> None:
        """Erase a signal's token, so that it may come back.

        Its opening is erased by `erase_opening`; `event` is the audit entry that
        says why.
        """
        self._connection.execute(
            "UPDATE signals SET status = 'erased', token = NULL "
            "WHERE origin = ? AND signal_id = ?",
            (signal.origin, signal.signal_id),
        )
        self._connection.execute(
            "INSERT INTO relocked (origin, signal_id, log, idx, grp, event) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                signal.origin,
                signal.signal_id,
                signal.log,
                signal.index,
                signal.group,
                event,
            ),
        )

    async def revive_signal(self, origin: str, signal_id: bytes, token: bytes) -> int:
        """Let a relocked signal match again; return its new row.

        Raises:
            ConflictError: no relock has erased it.
        """
        (last,) = self._connection.execute("SELECT max(row) FROM signals").fetchone()
        try:
            changed = self._connection.execute(
                "UPDATE signals SET row = ?, status = 'active', token = ? "
                "WHERE origin = ? AND signal_id = ? AND status = 'erased'",
                (last + 1, token, origin, signal_id),
            )
        except IntegrityError as error:
            raise ConflictError(str(error)) from None
        if changed.rowcount != 1:
            raise ConflictError("no such signal is erased")
        self._connection.execute(
            "DELETE FROM relocked WHERE origin = ? AND signal_id = ?",
            (origin, signal_id),
        )
        return int(last) + 1
