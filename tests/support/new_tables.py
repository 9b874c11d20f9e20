# SPDX-License-Identifier: Apache-2.0
"""Tables of new embedded stores, copied from one that was migrated.

All migrations, one after the other, take five times as long as their outcome made at
once, and tests make thousands of stores.
"""

import sqlite3
from functools import cache
from typing import Final

from fedsafe_node.store import schema

_MIGRATIONS: Final = schema.MIGRATIONS
MIGRATE: Final = schema._apply  # noqa: SLF001 - what this takes the place of
"""As a node brings any database to the newest schema."""
_Statement = tuple[str, list[tuple[object, ...]]]
_PARTS: Final = (
    "SELECT type, name, sql FROM sqlite_master "
    "WHERE name NOT LIKE 'sqlite|_%' ESCAPE '|' ORDER BY rowid"
)


def copy_new_tables() -> None:
    """Let each new store of this process take what migrations lead to."""
    _made()
    schema._apply = _apply  # noqa: SLF001 - see there


def _apply(connection: sqlite3.Connection) -> None:
    if schema.MIGRATIONS is not _MIGRATIONS or not _is_new(connection):
        MIGRATE(connection)
        return
    for sql, rows in _made():
        if rows:
            connection.executemany(sql, rows)
        else:
            connection.execute(sql)


def _is_new(connection: sqlite3.Connection) -> bool:
    (number,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return bool(number == 0)


@cache
def _made() -> list[_Statement]:
    """Return the statements that make it, with the rows that they put into tables."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        MIGRATE(connection)
        parts = connection.execute(_PARTS).fetchall()
        statements: list[_Statement] = [
            (sql, []) for kind, _, sql in parts if kind == "table"
        ]
        for kind, name, _ in parts:
            if kind != "table":
                continue
            rows = connection.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608
            if rows:
                places = ", ".join("?" * len(rows[0]))
                sql = f"INSERT INTO {name} VALUES ({places})"  # noqa: S608 - own names
                statements.append((sql, rows))
        statements += [(sql, []) for kind, _, sql in parts if kind != "table"]
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    finally:
        connection.close()
    return [*statements, (f"PRAGMA user_version = {version}", [])]
