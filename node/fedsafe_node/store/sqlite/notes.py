# SPDX-License-Identifier: Apache-2.0
"""Notes for the seal what happens to rows of SQLite.

Temporary triggers on the write connection, made from the schema, put each row that
comes or goes into a temporary table, which follows the transaction.
REPLACE deletes rows without firing triggers unless `recursive_triggers` is on.
"""

from collections.abc import Sequence
from typing import Final

from fedsafe_node.store.coverage import Covered
from fedsafe_node.store.sealing import Note
from fedsafe_node.store.sqlite.connection import SqliteWriteConnection

_TOUCHED: Final = "SELECT * FROM temp.touched"
# Told once for all rows of a transaction, so that most commits need not look.
_TOUCH: Final = "SELECT seal_touch() WHERE NOT EXISTS (SELECT 1 FROM touched);"
_FORGET: Final = "DELETE FROM temp.touched"


class SqliteNotes:
    """The notes of one write connection.

    Owned by the writer's thread; `_is_touched`: whether a row may have been noted.
    """

    def __init__(self, connection: SqliteWriteConnection) -> None:
        self._connection = connection
        self._is_touched = False
        self._widths: dict[str, int] = {}

    def begin(self, tables: Sequence[Covered]) -> None:
        """Note from now on what happens to these tables."""
        execute = self._connection.execute
        execute("PRAGMA recursive_triggers = ON")
        self._connection.call("seal_touch", self.look_anew)
        self._widths = {table.name: len(table.columns) for table in tables}
        cells = ", ".join(f"c{at}" for at in range(max(self._widths.values())))
        execute(f"CREATE TEMP TABLE touched (name, sign, {cells})")
        for table in tables:
            for sql in _triggers(table):
                execute(sql)

    def look_anew(self) -> None:
        """Be told that a row was noted, or that nobody knows."""
        self._is_touched = True

    def take(self) -> Sequence[Note]:
        """Return what was noted, and forget it."""
        self._connection.settle()
        if not self._is_touched:
            return ()
        self._is_touched = False
        rows = self._connection.execute(_TOUCHED).fetchall()
        if rows:
            self._connection.execute(_FORGET)
        widths = self._widths
        return [(name, sign, cells[: widths[name]]) for name, sign, *cells in rows]


def _triggers(table: Covered) -> list[str]:
    def note(sign: int, row: str) -> str:
        cells = ", ".join(f"c{at}" for at in range(len(table.columns)))
        values = ", ".join(f'{row}."{column}"' for column in table.columns)
        where = f" WHERE {row}.{table.only} IS NOT NULL" if table.only else ""
        return (
            f"INSERT INTO touched (name, sign, {cells}) "
            f"SELECT '{table.name}', {sign}, {values}{where};"
        )

    notes = {"DELETE": note(-1, "OLD"), "UPDATE": note(-1, "OLD") + note(1, "NEW")}
    if table.only is None:  # a row begins to count by an update, never as it comes
        notes["INSERT"] = note(1, "NEW")
    return [
        f"CREATE TEMP TRIGGER seal_{table.name}_{verb.lower()} AFTER {verb} "
        f"ON main.{table.name} BEGIN {_TOUCH} {sql} END"
        for verb, sql in notes.items()
    ]
