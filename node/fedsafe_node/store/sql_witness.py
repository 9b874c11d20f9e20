# SPDX-License-Identifier: Apache-2.0
"""Witnessing in SQL: a reading and a writing half for the store's classes.

They are mixed into `Reader` and `Transaction`, which own the connection.
"""

from collections.abc import Collection

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.peering_rows import CosignatureRow, WitnessedRow
from fedsafe_node.store.sql import Connection, IntegrityError


class SqlWitnessReader:
    """Reads what was witnessed."""

    _connection: Connection

    async def witnessed(self, log: str) -> WitnessedRow | None:
        """Return the largest tree that was cosigned here of a log with this key."""
        row = self._connection.execute(
            "SELECT log, size, root, note, at FROM witnessed WHERE log = ?", (log,)
        ).fetchone()
        return None if row is None else WitnessedRow(*row)

    async def cosignatures(self, log: str) -> list[CosignatureRow]:
        """Return the cosignatures of an own log that are kept, the largest first."""
        rows = self._connection.execute(
            "SELECT log, size, witness, line, at FROM cosignatures WHERE log = ? "
            "ORDER BY size DESC, witness",
            (log,),
        )
        return [CosignatureRow(*row) for row in rows]


class SqlWitnessWriter:
    """Keeps what was witnessed."""

    _connection: Connection

    async def put_witnessed(self, row: WitnessedRow) -> None:
        """Keep what was cosigned of a log.

        Raises:
            ConflictError: more was cosigned before, or another root.
        """
        try:
            self._connection.execute(
                "INSERT INTO witnessed (log, size, root, note, at) "
                "VALUES (?, ?, ?, ?, ?) ON CONFLICT (log) DO UPDATE SET "
                "size = excluded.size, root = excluded.root, note = excluded.note, "
                "at = excluded.at",
                (row.log, row.size, row.root, row.note, row.at),
            )
        except IntegrityError as error:
            raise ConflictError(str(error)) from None

    async def put_cosignature(self, row: CosignatureRow) -> None:
        """Keep a cosignature; one of the same checkpoint is replaced."""
        self._connection.execute(
            "INSERT INTO cosignatures (log, size, witness, line, at) "
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT (log, size, witness) DO UPDATE SET "
            "line = excluded.line, at = excluded.at",
            (row.log, row.size, row.witness, row.line, row.at),
        )

    async def forget_cosignatures(self, log: str, sizes: Collection[int]) -> None:
        """Drop the cosignatures of checkpoints of these sizes."""
        self._connection.executemany(
            "DELETE FROM cosignatures WHERE log = ? AND size = ?",
            [(log, size) for size in sizes],
        )
