# SPDX-License-Identifier: Apache-2.0
"""Connections to a SQLite file, as the store speaks to any database (`sql`)."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from errno import ENOENT
from pathlib import Path
from typing import Any, Final

from fedsafe_node.store.disk_errors import kind_of
from fedsafe_node.store.rows import Trouble
from fedsafe_node.store.schema import migrate
from fedsafe_node.store.sql import UNREADABLE, Column, Since
from fedsafe_node.store.sqlite.checkpoints import Checkpoints, Connect
from fedsafe_node.store.sqlite.many import run_many
from fedsafe_node.store.sqlite.pending_rows import WaitingRows
from fedsafe_node.store.sqlite.residues import Residues

_STATEMENTS: Final = 256  # prepared statements kept per connection
_PATIENCE: Final = 0.2  # seconds; only a tool that reads the file can be in the way
_PAGE: Final = 4_096  # rows
_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA secure_delete = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16000",
    "PRAGMA wal_autocheckpoint = 0",  # `SqliteWriteConnection` does it
)
_TO_COPY: Final = ("PRAGMA synchronous = FULL", "PRAGMA wal_autocheckpoint = 0")
_TO_READ: Final = ("PRAGMA query_only = ON", "PRAGMA cache_size = -8000")
_TABLES: Final = (
    "SELECT name FROM sqlite_master WHERE type = 'table' "
    "AND name NOT LIKE 'sqlite|_%' ESCAPE '|' ORDER BY name"
)
_SCHEMA: Final = (
    "SELECT type, name, tbl_name, sql FROM sqlite_master "
    "WHERE name NOT LIKE 'sqlite|_%' ESCAPE '|' ORDER BY type, name"
)
_ERASE: Final = (
    "UPDATE openings SET sealed = NULL, erased_at = ? "
    "WHERE log = ? AND idx = ? AND grp = ? AND sealed IS NOT NULL"
)
_GRANT: Final = (
    "INSERT INTO openings (log, idx, grp, period, sealed) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (log, idx, grp) DO UPDATE SET period = excluded.period, "
    "sealed = excluded.sealed, erased_at = NULL"
)
_PRUNED: Final = (
    "INSERT INTO pruned (log, size, root, since, event, openings, at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (log) DO UPDATE SET "
    "size = excluded.size, root = excluded.root, since = excluded.since, "
    "event = excluded.event, openings = excluded.openings, at = excluded.at"
)
_BELOW: Final = (
    "DELETE FROM openings WHERE log = ? AND idx < ?",
    "DELETE FROM entries WHERE log = ? AND idx < ?",
)


class SqliteConnection:
    """A connection to a file; `execute` is SQLite's own."""

    execute: Callable[..., sqlite3.Cursor]

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self.execute = raw.execute

    @classmethod
    def to_read(cls, path: Path, mode: str = "ro") -> "SqliteConnection":
        """Open a file to read it."""
        return cls(_open(path, mode, _TO_READ))

    def close(self) -> None:
        """Close the connection."""
        self._raw.close()

    def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement, that returns nothing, with many sets of values."""
        run_many(self._raw, sql, rows)

    def walk(self, sql: str) -> Iterator[Any]:
        """Walk over many rows, of which not all are in memory at once."""
        cursor = self.execute(sql)
        while page := cursor.fetchmany(_PAGE):
            yield from page

    def tables(self) -> list[str]:
        """Return the names of all tables, in their order."""
        return [name for (name,) in self.execute(_TABLES)]

    def columns(self, table: str) -> list[Column]:
        """Return the columns of a table, in their order."""
        sql = "SELECT name, pk FROM pragma_table_xinfo(?) ORDER BY cid"
        return [(name, place > 0) for name, place in self.execute(sql, (table,))]

    def schema(self) -> list[tuple[str, ...]]:
        """Return all of the schema as (kind, name, table, SQL)."""
        return self.execute(_SCHEMA).fetchall()

    def odd_part(self) -> str:
        """Name a table, index or trigger that this program would not have made so."""
        raw = sqlite3.connect(":memory:", isolation_level=None)
        try:
            migrate(raw)
            wanted = set(SqliteConnection(raw).schema())
        finally:
            raw.close()
        odd = sorted(wanted ^ set(self.schema()), key=str)
        return f"{odd[0][0]} {odd[0][1]}" if odd else "user_version"

    def version(self) -> int:
        """Return the number of the last migration."""
        (number,) = self.execute("PRAGMA user_version").fetchone()
        return int(number)

    def damage(self) -> str | None:
        """Return what is wrong with pages and indexes, None if nothing; walks all."""
        return self._check("PRAGMA integrity_check(1)")

    def is_damaged(self) -> str | None:
        """Look for pages that are damaged."""
        try:
            return self._check("PRAGMA quick_check(1)")
        except UNREADABLE as worse:
            return str(worse)

    def _check(self, pragma: str) -> str | None:
        (verdict,) = self.execute(pragma).fetchone()
        return None if verdict == "ok" else " ".join(verdict.split())


class SqliteWriteConnection(SqliteConnection):
    """The one connection that writes a file.

    Rows that acts add may wait in memory, where several share a commit, until another
    statement could see them (`pending_rows`). Without the path of its write-ahead
    *log*, copies in unused space stay; with what can *connect* once more, a long log
    is brought into the file beside the writer (`checkpoints`).
    """

    def __init__(
        self,
        raw: sqlite3.Connection,
        log: Path | None = None,
        connect: Connect | None = None,
    ) -> None:
        super().__init__(raw)
        self.execute = self._execute
        self._waiting = WaitingRows(raw)
        self._waits = raw.cursor()  # what a statement gives that waits
        self._residues = None if log is None else Residues(raw.execute, log)
        self._checkpoints = None if connect is None else Checkpoints(connect)

    @classmethod
    def to_write(cls, path: Path) -> "SqliteWriteConnection":
        """Open a file to write it."""
        real = path.resolve()  # beside which SQLite has the log
        log = real.with_name(f"{real.name}-wal")
        known = real.stat()
        raw = _open(real, "rw", _PRAGMAS)
        return cls(raw, log, lambda: _open(real, "rw", _TO_COPY, known))

    def close(self) -> None:
        """Close the connection."""
        if self._checkpoints is not None:
            self._checkpoints.wait()
        super().close()

    def migrate(
        self, finish: Callable[["SqliteWriteConnection"], None] = lambda _: None
    ) -> None:
        """Bring the file to the newest schema, all of it or nothing.

        *finish* is called before all of it is committed, if there is something to do.

        Raises:
            SchemaError: it is newer than this program.
        """
        migrate(self._raw, lambda: finish(self))

    def call(self, name: str, function: Callable[[], None]) -> None:
        """Let statements call a function that has no arguments."""
        self._raw.create_function(name, 0, function)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is under way."""
        return self._raw.in_transaction

    @property
    def total_changes(self) -> int:
        """A number that grows whenever rows are changed."""
        return self._raw.total_changes + self._waiting.changes

    def _execute(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        if self._waiting.take(sql, values):
            return self._waits
        self.settle()
        return self._raw.execute(sql, values)

    def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement, that returns nothing, with many sets of values."""
        if isinstance(rows, list) and self._waiting.take_many(sql, rows):
            return
        self.settle()
        super().executemany(sql, rows)

    def settle(self) -> None:
        """Let no row wait any longer."""
        if self._waiting.is_due:
            self._waiting.settle()

    def begin(self) -> Since:
        """Begin to write; nobody else does."""
        self._waiting.clear()
        if self._residues is not None:
            self._residues.rolled_back()  # unless the last commit has taken it up
        self._raw.execute("BEGIN IMMEDIATE")
        return Since.NOTHING

    def begin_act(self) -> None:
        """Set the point to which `undo_act` goes back."""
        self._waiting.begin_act()

    def end_act(self) -> None:
        """Keep what the act did."""
        self._waiting.end_act()

    def undo_act(self) -> None:
        """Take back what the act did."""
        self._waiting.undo_act()

    def at_commit(self, sql: str, values: Sequence[object]) -> None:
        """Run a statement."""
        self.execute(sql, values)

    def erase_opening(self, log: int, index: int, group: str, at: int) -> bool:
        """Wipe the sealed bytes of an opening; False if there are none."""
        return self.execute(_ERASE, (at, log, index, group)).rowcount == 1

    def grant_opening(
        self, log: int, index: int, group: str, period: str, sealed: bytes
    ) -> None:
        """Add an opening, or bring one back that was erased."""
        self.execute(_GRANT, (log, index, group, period, sealed))

    def prune_log(self, log: int, said: Sequence[object]) -> None:
        """Keep what is said of a prefix (a row of `pruned`), and delete its rows."""
        self.execute(_PRUNED, (log, *said))
        for sql in _BELOW:
            self.execute(sql, (log, said[0]))

    def commit(self) -> None:
        """Make all of it durable."""
        self.execute("COMMIT")
        residues = self._residues
        if residues is not None and residues.committed(self._raw.total_changes):
            self._empty_log(residues)

    def _empty_log(self, residues: Residues) -> None:
        checkpoints, log = self._checkpoints, residues.long_log
        if checkpoints is not None and log and not checkpoints.is_left(log):
            residues.emptied()
            return
        with suppress(sqlite3.Error):  # what was committed stays in the log
            self._checkpoint("PASSIVE")

    def rollback(self) -> None:
        """Take back all of it."""
        self._waiting.clear()
        self._raw.execute("ROLLBACK")

    def is_lost_by(self, error: BaseException, *, committing: bool) -> str | None:
        """Say why nothing more may be written: what the kernel holds is unknown."""
        if committing and kind_of(error) is Trouble.FAILED:
            return f"a commit failed ({reason_of(error)}); start the node anew"
        return None

    @property
    def leaves_copies(self) -> bool:
        """Whether copies of what was erased can stay in unused space for long."""
        return self._residues is None or not self._residues.can_clear

    def clear(self) -> bool:
        """Begin to overwrite a piece of such copies; False if there are none."""
        if self._residues is None:
            return False
        self.begin()
        if self._residues.clear():
            return True
        self.rollback()
        return False

    def scrub(self) -> bool:
        """Clear erased bytes out of the write-ahead log; False if a reader hinders."""
        if self._checkpoints is not None:
            self._checkpoints.wait()
        if self._residues is not None:
            self._residues.look()
        return self._checkpoint("TRUNCATE")

    def _checkpoint(self, mode: str) -> bool:
        """Bring what is in the log into the file; False if a reader hinders."""
        if self._residues is not None:
            self._residues.emptied()
        row = self.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return bool(row[0] == 0)


def reason_of(error: BaseException) -> str:
    """Say what an error of the database or of ours says."""
    return str(error) if isinstance(error, sqlite3.Error) else repr(error)


def _open(
    path: Path,
    mode: str,
    pragmas: tuple[str, ...],
    known: os.stat_result | None = None,
) -> sqlite3.Connection:
    raw = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,  # transactions are begun and ended by name
        check_same_thread=False,
        cached_statements=_STATEMENTS,
        timeout=_PATIENCE,
    )
    try:
        if known is not None:
            _check_same(path, known)  # what is read first opens the log as well
        for pragma in pragmas:
            raw.execute(pragma)
    except BaseException:
        raw.close()
        raise
    return raw


def _check_same(path: Path, known: os.stat_result) -> None:
    """Check that a file was not replaced by one that would be joined to its log.

    Raises:
        FileNotFoundError: it was.
    """
    if not os.path.samestat(known, path.stat()):
        raise FileNotFoundError(ENOENT, "replaced while it was open", str(path))
