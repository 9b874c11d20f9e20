# SPDX-License-Identifier: Apache-2.0
"""The embedded store: one SQLite file, one writer, many readers.

WAL with `synchronous=FULL`: a commit is one fdatasync of the write-ahead log.
`secure_delete` overwrites what is erased; copies in the unused space of pages, and old
page images in the write-ahead log, stay until `scrub` (`residues`). One
process has the file open at a time (a lock file beside it), because the sequencer
keeps the logs' edges in memory.

`read` runs on the event loop: a thread hop would cost more than the few indexed
rows. It is the only call of the node that blocks there, and the tests' guard
against blocking calls knows it by name. `scan` takes a thread and a connection of
its own; the last one is kept for the next scan, since opening one reads all of the
schema again, which is more work than most scans.
"""

import asyncio
import fcntl
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TypeVar, cast

from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import (
    StoreBusyError,
    StoreClosedError,
    StoreFailedError,
)
from fedsafe_node.ground.faults import NO_FAULTS, Faults
from fedsafe_node.ground.key_files import make_private_directory, sync_directory
from fedsafe_node.store.base_store import WrittenStore
from fedsafe_node.store.disk_errors import by_damage, is_full
from fedsafe_node.store.keeping_rows import Room
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.reserve import Reserve
from fedsafe_node.store.seal_protocol import Surroundings
from fedsafe_node.store.sealed_parts import refuse_marked
from fedsafe_node.store.sealing import Sealer
from fedsafe_node.store.sql import UNREADABLE, Connection
from fedsafe_node.store.sql_log_reader import Unsealing
from fedsafe_node.store.sqlite.connection import SqliteConnection, SqliteWriteConnection
from fedsafe_node.store.sqlite.durable import make_log_durable
from fedsafe_node.store.sqlite.notes import SqliteNotes
from fedsafe_node.store.transaction import Sequencing, Transaction
from fedsafe_node.store.writer import Writer, run_act

T = TypeVar("T")


class SQLiteStore(WrittenStore):
    """A node's database in one file.

    Owned by the loop's thread: `_closed`, `_reader` and the connection that it reads.
    Owned by the writer: the connection that writes.
    """

    def __init__(
        self,
        path: Path,
        files: "_Files",
        sequencing: Sequencing,
        clock: Clock,
        faults: Faults,
    ) -> None:
        self._files = files
        self._sequencing = sequencing
        self._scanning = _Scanning(path)
        self._closed = False
        self._reader = Reader(files.reading, sequencing)
        writer = Writer(
            files.writing,
            Transaction(files.writing, sequencing),
            sequencing,
            seal=files.sealer,
            reserve=files.reserve,
            clock=clock,
            faults=faults,
            loop=asyncio.get_running_loop(),
        )
        super().__init__(writer, files.sealer, files.around)

    @classmethod
    async def open(  # noqa: PLR0913 - everything it needs is an argument
        cls,
        path: Path,
        sequencing: Sequencing,
        *,
        clock: Clock,
        check: Callable[[Reader], Awaitable[None]] | None = None,
        around: Surroundings | None = None,
        reserve: Reserve | None = None,
        faults: Faults = NO_FAULTS,
    ) -> "SQLiteStore":
        """Open the file, or make it, and bring it to the newest schema.

        *check* reads it before anything is written. It is then compared with its
        seal, and sealed from then on, if *around* says with what; without it nothing
        vouches for the tables.

        Raises:
            SealBrokenError: it is not as the node left it.
            StoreMovedError: it went on in another database.
            StoreBusyError: another process has it open.
            SchemaError: a newer program wrote it.
            StoreFailedError: it is no database, or the disk refuses.
        """
        files = await asyncio.to_thread(
            _open_in_need, path, sequencing, check, around, reserve
        )
        return cls(path, files, sequencing, clock, faults)

    async def write(
        self,
        act: Callable[[Transaction], Awaitable[T]],
        *,
        vital: bool = False,
        alone: bool = False,
    ) -> T:
        """Run an act and return its result once it is durable.

        What is *vital* may use the reserve though it leaves no event; what is *alone*
        shares its commit with no other act.

        Raises:
            StoreFailedError: the disk refused; see `protocol.Store.write`.
            StoreClosedError: the store takes no more writes.
        """
        return cast("T", await self._writer.submit(act, vital=vital, alone=alone))

    async def read(self, query: Callable[[Reader], Awaitable[T]]) -> T:
        """Run a query over a few indexed rows, on the newest snapshot.

        Raises:
            StoreClosedError: the store is closed.
            StoreFailedError: the disk refused.
        """
        return self._read_on_loop(query)

    def _read_on_loop(self, query: Callable[[Reader], Awaitable[T]]) -> T:
        if self._closed:
            raise StoreClosedError
        return _run_query(self._files.reading, self._reader, query)

    async def scan(self, query: Callable[[Reader], Awaitable[T]]) -> T:
        """Run a long query away from the event loop, on the newest snapshot.

        Raises:
            StoreClosedError: the store is closed.
            StoreFailedError: the disk refused.
        """
        if self._closed:
            raise StoreClosedError
        return await asyncio.to_thread(self._scan, query)

    def _scan(self, query: Callable[[Reader], Awaitable[T]]) -> T:
        with self._scanning.connection() as connection:
            reader = Reader(connection, self._sequencing)
            return _run_query(connection, reader, query)

    def leaves_residues(self) -> bool:
        """Whether what is erased stays on disks for a while."""
        return self._files.writing.leaves_copies

    async def room(self) -> Room | None:
        """Measure how much room there is; None for a store without a reserve."""
        reserve = self._files.reserve
        return None if reserve is None else await asyncio.to_thread(reserve.room)

    async def close(self) -> None:
        """Finish the writes that were handed in, then close."""
        if self._closed:
            return
        self._closed = True
        await self._writer.close()
        await asyncio.to_thread(self._scanning.close)
        await asyncio.to_thread(self._files.close)


class _Scanning:
    """Connections for scans, of which one is kept while nobody scans.

    The lock guards `_kept` and `_is_closed`: scans end in threads of their own.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._kept: SqliteConnection | None = None
        self._is_closed = False

    @contextmanager
    def connection(self) -> Iterator[SqliteConnection]:
        """Lend a connection to one scan; one that failed is not lent again."""
        with self._lock:
            kept, self._kept = self._kept, None
        connection = kept or SqliteConnection.to_read(self._path)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        spare: SqliteConnection | None = connection
        with self._lock:
            if not self._is_closed:
                spare, self._kept = self._kept, connection
        if spare is not None:
            spare.close()

    def close(self) -> None:
        """Close what is kept; a scan under way closes its own."""
        with self._lock:
            self._is_closed = True
            connection, self._kept = self._kept, None
        if connection is not None:
            connection.close()


@dataclass(frozen=True, slots=True)
class _Files:
    lock: int
    writing: SqliteWriteConnection
    reading: SqliteConnection
    sealer: Sealer | None = None
    around: Surroundings | None = None
    reserve: Reserve | None = None

    def close(self) -> None:
        self.reading.close()
        self.writing.close()
        os.close(self.lock)


def _run_query(
    connection: Connection,
    reader: Reader,
    query: Callable[[Reader], Awaitable[T]],
) -> T:
    try:
        connection.execute("BEGIN")  # one snapshot for all of the query
        try:
            return run_act(query(reader))
        finally:
            connection.execute("COMMIT")
    except UNREADABLE as error:
        raise StoreFailedError(str(error)) from error
    except Exception as error:
        cause = by_damage(connection, error)
        if cause is error:
            raise
        raise cause from error


def examine_file(
    path: Path, query: Callable[[Reader], Awaitable[T]], unsealing: Unsealing
) -> T:
    """Run a query on a file, whoever has it open, and change nothing.

    Raises:
        StoreFailedError: it is no database, or pages of it are damaged.
    """
    wal = path.with_name(f"{path.name}-wal")
    # A copy on a medium that takes no writes, on which nothing can go on meanwhile.
    still = not os.access(path.parent, os.W_OK) and not wal.exists()
    try:
        connection = SqliteConnection.to_read(path, "ro&immutable=1" if still else "ro")
    except UNREADABLE as error:
        raise StoreFailedError(str(error)) from error
    try:
        return _run_query(connection, Reader(connection, unsealing), query)
    finally:
        connection.close()


def _open_in_need(
    path: Path,
    sequencing: Sequencing,
    check: Callable[[Reader], Awaitable[None]] | None,
    around: Surroundings | None,
    reserve: Reserve | None,
) -> _Files:
    """Open the files; on a full disk once more, with the reserve given up."""
    try:
        return _open_files(path, sequencing, check, around, reserve)
    except StoreFailedError as error:
        if reserve is None or not reserve.held or not is_full(error):
            raise
        reserve.give_up()
    return _open_files(path, sequencing, check, around, reserve)


def _open_files(
    path: Path,
    sequencing: Sequencing,
    check: Callable[[Reader], Awaitable[None]] | None,
    around: Surroundings | None,
    reserve: Reserve | None,
) -> _Files:
    with ExitStack() as undo:
        try:
            make_private_directory(path.parent)
            lock = _lock(path.with_name(f"{path.name}.lock"))
            undo.callback(os.close, lock)
            if reserve is not None:
                reserve.begin()
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            sync_directory(path.parent)
            make_log_durable(path)
            writing = SqliteWriteConnection.to_write(path)
            undo.callback(writing.close)
            if writing.version() == 0:
                writing.migrate()  # a new file, which has nothing to be checked
            if around is not None:
                refuse_marked(writing, around.key)
            if check is not None:
                _run_query(writing, Reader(writing, sequencing), check)
            sealer = None
            if around is None:
                writing.migrate()
            else:
                sealer = Sealer(writing, SqliteNotes(writing), around, sequencing)
                sealer.begin(writing.migrate)
            reading = SqliteConnection.to_read(path)
            files = _Files(lock, writing, reading, sealer, around, reserve)
        except (*UNREADABLE, OSError) as error:
            raise StoreFailedError(str(error)) from error
        undo.pop_all()
    return files


def check_free(path: Path) -> None:
    """Check that no process has a store open, before its files are touched.

    Raises:
        StoreBusyError: one has.
        StoreFailedError: the disk refuses.
    """
    lock = path.with_name(f"{path.name}.lock")
    if lock.exists():
        os.close(_lock(lock))


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a store, so that no node opens it, or its directory, meanwhile.

    Raises:
        StoreBusyError: a process has it open.
        StoreFailedError: the disk refuses.
    """
    lock = _lock(path.with_name(f"{path.name}.lock"))
    try:
        yield
    finally:
        os.close(lock)


def _lock(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreFailedError(f"{path}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise StoreBusyError(str(path.with_suffix(""))) from None
    return descriptor
