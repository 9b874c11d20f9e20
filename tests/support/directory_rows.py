# SPDX-License-Identifier: Apache-2.0
"""A node's directory that is changed from outside, and brought back."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

DATABASE: Final = "store.db"
Row = tuple[Any, ...]
Rows = list[Row]


class Directory:
    """The node's directory, which is brought back before each change."""

    def __init__(self, source: Path, path: Path) -> None:
        self.path = path
        self._files = {
            file.relative_to(source): file.read_bytes()
            for file in sorted(source.rglob("*"))
            if file.is_file() and not file.name.endswith((".lock", "-shm", "-wal"))
        }
        self.tables = tables_of(source / DATABASE)
        self.schema = schema_of(source / DATABASE)

    def restore(self) -> None:
        """Make the directory as it was."""
        for file in [each for each in self.path.rglob("*") if each.is_file()]:
            if file.relative_to(self.path) not in self._files:
                file.unlink()
        for name, content in self._files.items():
            file = self.path / name
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not file.exists() or file.read_bytes() != content:
                file.unlink(missing_ok=True)
                file.touch(mode=0o600)
                file.write_bytes(content)

    def names(self, *folders: str) -> list[Path]:
        """Name the files below folders."""
        return [name for name in self._files if name.parts[0] in folders]

    def content(self, name: Path) -> bytes:
        """Return what a file held."""
        return self._files[name]

    def is_void(self) -> bool:
        """Whether nothing that is ever read has changed."""
        database = self.path / DATABASE
        kept = self.names("keys", "guard", "policies")
        found = {
            file.relative_to(self.path)
            for folder in ("keys", "guard", "policies")
            for file in (self.path / folder).rglob("*")
            if file.is_file()
        }
        if found != set(kept):
            return False
        if any((self.path / name).read_bytes() != self._files[name] for name in kept):
            return False
        try:
            return (
                is_whole(database)
                and tables_of(database) == self.tables
                and schema_of(database) == self.schema
            )
        except (sqlite3.Error, UnicodeDecodeError):
            return False


def connect(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(database, isolation_level=None, timeout=5)


def table_names(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' "
        "AND name NOT LIKE 'sqlite|_%' ESCAPE '|'"
    )
    return [name for (name,) in rows]


def tables_of(database: Path) -> dict[str, Rows]:
    with closing(connect(database)) as connection:
        connection.execute("PRAGMA query_only = ON")
        found: dict[str, Rows] = {}
        for name in table_names(connection):
            rows = connection.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608
            found[name] = sorted(rows, key=repr)
        return found


def tables_or_none(database: Path) -> dict[str, Rows] | None:
    try:
        return tables_of(database)
    except (sqlite3.Error, UnicodeDecodeError):
        return None


def contents_of(folder: Path, below: str = ".") -> dict[Path, bytes]:
    files = [file for file in (folder / below).rglob("*") if file.is_file()]
    return {file.relative_to(folder): file.read_bytes() for file in files}


def bytes_of(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def schema_of(database: Path) -> list[Row]:
    with closing(connect(database)) as connection:
        return connection.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
        ).fetchall()


def is_whole(database: Path) -> bool:
    with closing(connect(database)) as connection:
        (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        return str(verdict) == "ok"


def keys_of(database: Path, table: str) -> set[int]:
    with closing(connect(database)) as connection:
        rows = connection.execute("SELECT pk FROM pragma_table_info(?)", (table,))
        return {at for at, (place,) in enumerate(rows.fetchall()) if place}


@contextmanager
def tampering(database: Path, *, keep: bool = True) -> Iterator[sqlite3.Connection]:
    """Write past every trigger and constraint, and leave the schema as it was."""
    with closing(connect(database)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("BEGIN IMMEDIATE")
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        if keep:
            for _, sql in triggers:
                connection.execute(sql)
        connection.execute("COMMIT")


def write_rows(connection: sqlite3.Connection, table: str, rows: Rows) -> None:
    connection.execute(f"DELETE FROM {table}")  # noqa: S608
    for row in rows:
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608
