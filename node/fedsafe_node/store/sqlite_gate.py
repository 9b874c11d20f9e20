# SPDX-License-Identifier: Apache-2.0
"""The register in SQLite: a reading and a writing half for the store's classes.

They are mixed into `SQLiteReader` and `SQLiteTransaction`, which own the connection.
"""

import sqlite3

from fedsafe_node.errors import ConflictError
from fedsafe_node.store.rows import RegisterRow


class SQLiteGateReader:
    """Reads the register."""

    _connection: sqlite3.Connection

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


class SQLiteGateWriter:
    """Extends the register."""

    _connection: sqlite3.Connection

    async def add_register_entry(self, entry: RegisterRow) -> None:
        """Add an entry to the Schutzkonzept register."""
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
        except sqlite3.IntegrityError as error:
            raise ConflictError(str(error)) from None
