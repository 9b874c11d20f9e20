# SPDX-License-Identifier: Apache-2.0
"""A store in its file, as a place to move from or to.

A store that comes is made in a file of its own beside the right name, which it gets
when it is whole. Batches are not forced to the disk one by one; the last transaction
is, with all that came before it, and until then a rerun finds what there is.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from fedsafe_node.ground.faults import FaultPoint, Faults
from fedsafe_node.ground.key_files import sync_directory
from fedsafe_node.operations.move.ends import (
    Filled,
    Row,
    State,
    put_part,
    read_state,
    select_after,
)
from fedsafe_node.operations.move.errors import MoveRefusedError
from fedsafe_node.store.coverage import Covered
from fedsafe_node.store.sealed_parts import SealKey
from fedsafe_node.store.sqlite.connection import (
    SqliteConnection,
    SqliteWriteConnection,
)
from fedsafe_node.store.sqlite.durable import make_log_durable
from fedsafe_policies.ground.catalogue import Phrase

_BESIDE: Final = ("-wal", "-shm", "-journal")
_DRAFT: Final = ".moving"


class SqliteSource:
    """A file that is read; its directory is held meanwhile."""

    def __init__(self, path: Path) -> None:
        """Open it, and begin a snapshot.

        Raises:
            MoveRefusedError: there is none.
            sqlite3.Error: it is no database.
            OSError: what was committed to it last cannot be made durable.
        """
        if not path.exists():
            raise MoveRefusedError(Phrase("{path} does not exist").filled(path=path))
        make_log_durable(path)
        self._path = path
        self.connection = SqliteConnection.to_read(path)
        self.connection.execute("BEGIN")

    def rows(self, table: Covered, after: Row | None) -> Iterator[Row]:
        """Walk over rows in the order of their keys, those behind a key."""
        sql = select_after(table, has_start=after is not None)
        yield from self.connection.execute(sql, tuple(after or ()))

    def mark(self, cells: tuple[str, bytes]) -> None:
        """Keep a row of the seal, durable when this returns."""
        writing = SqliteWriteConnection.to_write(self._path)
        try:
            put_part(writing, cells)
        finally:
            writing.close()

    def close(self) -> None:
        """Close it."""
        self.connection.close()


class SqliteTarget:
    """A file that is to become a store."""

    def __init__(self, path: Path, faults: Faults) -> None:
        self._path = path
        self._draft = path.with_name(f"{path.name}{_DRAFT}")
        self._faults = faults
        self._writing: SqliteWriteConnection | None = None

    @property
    def connection(self) -> SqliteWriteConnection:
        """What is there, and in `finishing` what will be."""
        if self._writing is None:
            self._writing = self._open()
        return self._writing

    def state(self, key: SealKey) -> State:
        """Say what is there: a store that runs here counts before a copy of one."""
        here, draft = _state_of(self._path, key), _state_of(self._draft, key)
        is_old = here.filled is Filled.WHOLE and here.moved is not None
        if draft.filled is Filled.NOTHING or not (
            is_old or here.filled is Filled.NOTHING
        ):
            return here
        return draft

    def clear(self) -> None:
        """Take away an unfinished copy; what has the right name stays until the end."""
        self.close()
        _remove(self._draft)

    def begin(self, cells: tuple[str, bytes]) -> None:
        """Make the tables, and keep the first row of the seal."""
        self.clear()
        os.close(
            os.open(
                self._draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
            )
        )
        sync_directory(self._draft.parent)
        self.connection.migrate()
        put_part(self.connection, cells)

    def resume(self) -> None:
        """Open what was begun."""

    def make_room(self, table: str, highest: int) -> None:
        """Need nothing."""

    def add(self, table: Covered, rows: Sequence[Row]) -> None:
        """Add rows in one transaction."""
        cells = ", ".join(f'"{column}"' for column in table.columns)
        marks = ", ".join("?" * len(table.columns))
        self.connection.begin()
        self.connection.executemany(
            f"INSERT INTO {table.name} ({cells}) VALUES ({marks})",  # noqa: S608 - our own schema
            rows,
        )
        self.connection.commit()

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Begin the transaction in which all of it becomes a store."""
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.begin()
        try:
            yield
        except BaseException:
            self.connection.rollback()
            raise
        self.connection.commit()

    def publish(self) -> None:
        """Give the file its name; one that lay there has gone on elsewhere."""
        if not self._draft.exists():
            return
        self.connection.scrub()
        self.close()
        if any(_beside(self._draft)):
            raise MoveRefusedError(
                Phrase("another program has {path} open").filled(path=self._draft),
                Phrase("end it, and run this again"),
            )
        self._faults.reach(FaultPoint.MOVE_BEFORE_RENAME)
        # A log that was left beside the old file must never meet the new one.
        _remove(self._path)
        self._draft.rename(self._path)
        sync_directory(self._path.parent)

    def close(self) -> None:
        """Close it."""
        if self._writing is not None:
            self._writing.close()
            self._writing = None

    def _open(self) -> SqliteWriteConnection:
        make_log_durable(self._draft)
        writing = SqliteWriteConnection.to_write(self._draft)
        writing.execute("PRAGMA synchronous = NORMAL")
        return writing


def _state_of(path: Path, key: SealKey) -> State:
    if not path.exists():
        return State(Filled.NOTHING)
    reading = SqliteConnection.to_read(path)
    try:
        return read_state(reading, key)
    finally:
        reading.close()


def _beside(path: Path) -> list[Path]:
    files = (path.with_name(f"{path.name}{ending}") for ending in _BESIDE)
    return [file for file in files if file.exists()]


def _remove(path: Path) -> None:
    for each in (path, *_beside(path)):
        with suppress(FileNotFoundError):
            each.unlink()
    sync_directory(path.parent)
