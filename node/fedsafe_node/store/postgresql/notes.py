# SPDX-License-Identifier: Apache-2.0
"""Notes for the seal what happens to rows of PostgreSQL.

The owner's triggers put each row that comes or goes, as JSON, into a temporary table of
the session, which follows the transaction and is empty after it.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from fedsafe_node.store.coverage import Covered
from fedsafe_node.store.postgresql.catalogue import COLUMNS
from fedsafe_node.store.postgresql.writer_connection import PostgresWriteConnection
from fedsafe_node.store.sealing import Note

_TOUCHED: Final = "SELECT name, sign, cells FROM pg_temp.touched"
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


class PostgresNotes:
    """The notes of one write connection; owned by the writer's thread."""

    def __init__(self, connection: PostgresWriteConnection) -> None:
        self._connection = connection
        self._columns: dict[str, list[tuple[str, Callable[[Any], Any]]]] = {}

    def begin(self, tables: Sequence[Covered]) -> None:
        """Learn how the rows of these tables are to be read."""
        for table in tables:
            rows = self._connection.execute(COLUMNS, (table.name,))
            self._columns[table.name] = [
                (name, _bytes if kind == "bytea" else _same) for name, _, kind in rows
            ]

    def look_anew(self) -> None:
        """Need nothing: the table is of the transaction."""

    def take(self) -> Sequence[Note]:
        """Return what was noted; it is gone with the transaction."""
        if not self._connection.noted:
            return ()
        self._connection.noted = False
        return [
            (name, sign, self._row(name, cells))
            for name, sign, cells in self._connection.execute(_TOUCHED)
        ]

    def _row(self, table: str, cells: str) -> list[Any]:
        named = _decode(cells)
        return [read(named[name]) for name, read in self._columns[table]]


def _same(cell: object) -> object:
    return cell


def _bytes(cell: str | None) -> bytes | None:
    return None if cell is None else bytes.fromhex(cell[2:])
