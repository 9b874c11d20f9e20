# SPDX-License-Identifier: Apache-2.0
"""The store on a PostgreSQL server, which several workers of one node share.

Acts run on the worker's writer thread, many to a commit, as on SQLite. Queries run on
threads of a small pool with a connection each, because a server may be slow to answer.
What is gone at a failover is asked for again: a connection that broke is replaced, and
a read that it took down is run once more.

Whoever waits longer than `PATIENCE` is told that the store failed. Then nobody knows
whether what was handed in is kept; to ask again with the same Idempotency-Key is safe.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import local
from typing import Final, TypeVar, cast

import psycopg

from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import (
    SchemaBehindError,
    SchemaError,
    StoreClosedError,
    StoreElsewhereError,
    StoreFailedError,
)
from fedsafe_node.ground.faults import NO_FAULTS, Faults
from fedsafe_node.store.address import Server
from fedsafe_node.store.base_store import WrittenStore
from fedsafe_node.store.disk_errors import by_damage, unfit_text
from fedsafe_node.store.keeping_rows import Room
from fedsafe_node.store.postgresql.catalogue import MAY_CHANGE
from fedsafe_node.store.postgresql.connection import (
    PostgresConnection,
    connect,
    translated,
)
from fedsafe_node.store.postgresql.instances import ElsewhereError
from fedsafe_node.store.postgresql.notes import PostgresNotes
from fedsafe_node.store.postgresql.schema import check_owner, migrate
from fedsafe_node.store.postgresql.writer_connection import PostgresWriteConnection
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.schema import VERSION
from fedsafe_node.store.seal_protocol import Position, Surroundings
from fedsafe_node.store.sealed_parts import refuse_marked
from fedsafe_node.store.sealing import Sealer
from fedsafe_node.store.sql import UNREADABLE, UnfitTextError
from fedsafe_node.store.sql_log_reader import Unsealing
from fedsafe_node.store.transaction import Sequencing, Transaction
from fedsafe_node.store.writer import Writer, run_act

T = TypeVar("T")
PATIENCE: Final = 12.0  # seconds
_READERS: Final = 4
_Check = Callable[[Reader, Mapping[str, Position]], Awaitable[None]]
_SNAPSHOT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresStore(WrittenStore):
    """A node's database on a server.

    Owned by the loop's thread: `_closed`. Owned by the writer: the connection that
    writes. Each thread of the pool owns the connection that it reads.
    """

    def __init__(
        self,
        server: Server,
        opened: "_Opened",
        sequencing: Sequencing,
        clock: Clock,
        faults: Faults,
    ) -> None:
        self._opened = opened
        self._sequencing = sequencing
        self._closed = False
        self._readers = _Readers(server, sequencing)
        writer = Writer(
            opened.writing,
            Transaction(opened.writing, sequencing),
            sequencing,
            seal=opened.sealer,
            reserve=None,
            clock=clock,
            faults=faults,
            loop=asyncio.get_running_loop(),
        )
        super().__init__(writer, opened.sealer, opened.around)

    @classmethod
    async def open(  # noqa: PLR0913 - everything it needs is an argument
        cls,
        server: Server,
        sequencing: Sequencing,
        *,
        clock: Clock,
        check: _Check | None = None,
        around: Surroundings | None = None,
        faults: Faults = NO_FAULTS,
    ) -> "PostgresStore":
        """Connect, and bring the schema up to date if the owner's URL is given.

        *check* and *around* are what they are for `SQLiteStore.open`; *check* is also
        given size and root of the logs, as far as they are known, whenever the
        database may be another one than before.

        Raises:
            SealBrokenError: it is not as the node left it.
            StoreMovedError: it went on in another database.
            SchemaError: a newer program wrote it, or it waits for an upgrade.
            StoreElsewhereError: the node runs out of another directory.
            StoreFailedError: no server answers, or the role may do too much.
        """
        opened = await asyncio.to_thread(_open, server, sequencing, check, around)
        return cls(server, opened, sequencing, clock, faults)

    async def write(
        self,
        act: Callable[[Transaction], Awaitable[T]],
        *,
        vital: bool = False,
        alone: bool = False,
    ) -> T:
        """Run an act and return its result once it is durable.

        Raises:
            StoreFailedError: the server refused, or did not answer in time.
            StoreClosedError: the store takes no more writes.
        """
        handed_in = self._writer.submit(act, vital=vital, alone=alone)
        return cast("T", await _in_time(handed_in))

    async def read(self, query: Callable[[Reader], Awaitable[T]]) -> T:
        """Run a query over a few indexed rows, on the newest snapshot.

        Raises:
            StoreClosedError: the store is closed.
            StoreFailedError: the server refused, or did not answer in time.
        """
        if self._closed:
            raise StoreClosedError
        return cast("T", await _in_time(self._readers.submit(query)))

    async def scan(self, query: Callable[[Reader], Awaitable[T]]) -> T:
        """Run a long query away from the event loop, on the newest snapshot.

        Raises:
            StoreClosedError: the store is closed.
            StoreFailedError: the server refused.
        """
        if self._closed:
            raise StoreClosedError
        return await asyncio.to_thread(self._readers.scan, query)

    def leaves_residues(self) -> bool:
        """Whether what is erased stays for a while: in old row versions and the WAL."""
        return True

    async def room(self) -> Room | None:
        """Return None: the disk is the server's."""
        return None

    async def close(self) -> None:
        """Finish the writes that were handed in, then close."""
        if self._closed:
            return
        self._closed = True
        await self._writer.close()
        await asyncio.to_thread(self._readers.close)
        await asyncio.to_thread(self._opened.writing.close)


@dataclass(frozen=True, slots=True)
class _Opened:
    writing: PostgresWriteConnection
    sealer: Sealer | None
    around: Surroundings | None


async def _in_time(waiting: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(PATIENCE):
            return await waiting
    except TimeoutError:
        raise StoreFailedError("the database did not answer in time") from None


def _open(
    server: Server,
    sequencing: Sequencing,
    check: _Check | None,
    around: Surroundings | None,
) -> _Opened:
    with ExitStack() as undo:
        try:
            writing = PostgresWriteConnection(server)
            undo.callback(writing.close)
            if writing.version() == 0:
                _migrate(server, writing)  # a new database: nothing to be checked
            if writing.execute(MAY_CHANGE).fetchone()[0]:
                why = "the node's role owns the logs, or may change them"
                raise StoreFailedError(why)
            if around is not None:
                refuse_marked(writing, around.key)

            def examine(known: Mapping[str, Position]) -> None:
                if check is not None:
                    run_act(check(Reader(writing, sequencing), known))

            with _snapshot(writing):
                examine({})
            sealer = None
            if around is None:
                _migrate(server, writing)
            else:
                notes = PostgresNotes(writing)
                sealer = Sealer(writing, notes, around, sequencing, examine)
                sealer.begin(
                    lambda finish: _migrate(server, writing, finish),
                    lambda: _snapshot(writing),
                )
        except ElsewhereError as error:
            raise StoreElsewhereError(error.address) from None
        except UNREADABLE as error:
            raise StoreFailedError(str(error)) from error
        undo.pop_all()
    return _Opened(writing, sealer, around)


def _migrate(
    server: Server,
    writing: PostgresWriteConnection,
    finish: Callable[[PostgresConnection], None] = lambda _: None,
) -> None:
    found = writing.version()
    if found > VERSION:
        raise SchemaError(found, VERSION)
    if server.owner_url is None:
        if found < VERSION:
            raise SchemaBehindError(found, VERSION)
        return
    (role,) = writing.execute("SELECT current_user::text").fetchone()
    check_owner(server.owner_url, role)
    if found < VERSION:
        migrate(server.owner_url, role, finish)
        if writing.version() != VERSION:
            raise StoreFailedError("the owner's address leads to another database")


@contextmanager
def _snapshot(connection: PostgresConnection) -> Iterator[None]:
    connection.execute(_SNAPSHOT)
    try:
        yield
    finally:
        connection.end()


class _Readers:
    """Connections that read, each with a thread of its own."""

    def __init__(self, server: Server, unsealing: Unsealing) -> None:
        self._server = server
        self._unsealing = unsealing
        self._mine = local()
        self._connections: list[PostgresConnection] = []
        self._threads = ThreadPoolExecutor(_READERS, thread_name_prefix="fedsafe-read")

    def submit(self, query: Callable[[Reader], Awaitable[T]]) -> "asyncio.Future[T]":
        """Run a query on a thread of the pool."""
        return asyncio.get_running_loop().run_in_executor(
            self._threads, self._read, query
        )

    def _read(self, query: Callable[[Reader], Awaitable[T]]) -> T:
        connection = getattr(self._mine, "connection", None)
        if connection is not None:
            try:
                return self._run(connection, query)
            except StoreFailedError:
                if not connection.is_broken:
                    raise
                self._mine.connection = None  # none may take its place for a while
                self._connections.remove(connection)
                connection.close()
        connection = self._mine.connection = _connect(self._server)
        self._connections.append(connection)
        return self._run(connection, query)

    def scan(self, query: Callable[[Reader], Awaitable[T]]) -> T:
        """Run a query over a connection of its own."""
        return examine_server(self._server, query, self._unsealing)

    def close(self) -> None:
        """End the threads and their connections."""
        self._threads.shutdown(cancel_futures=True)
        for connection in self._connections:
            connection.close()

    def _run(
        self, connection: PostgresConnection, query: Callable[[Reader], Awaitable[T]]
    ) -> T:
        return _run_query(connection, query, self._unsealing)


def examine_server(
    server: Server, query: Callable[[Reader], Awaitable[T]], unsealing: Unsealing
) -> T:
    """Run a query on the newest snapshot, whoever uses the database.

    Raises:
        StoreFailedError: no server answers, or there is no store.
    """
    connection = _connect(server)
    try:
        return _run_query(connection, query, unsealing)
    finally:
        connection.close()


def _connect(server: Server) -> PostgresConnection:
    try:
        return PostgresConnection(connect(server.url, server.password))
    except sqlite3.Error as error:
        raise StoreFailedError(str(error)) from error


def _run_query(
    connection: PostgresConnection,
    query: Callable[[Reader], Awaitable[T]],
    unsealing: Unsealing,
) -> T:
    reader = Reader(connection, unsealing)
    try:
        with connection.pipeline():
            connection.execute(_SNAPSHOT)
            result = run_act(query(reader))
            connection.execute("COMMIT")
    except UnfitTextError as error:
        raise unfit_text(error) from None
    except UNREADABLE as error:
        raise StoreFailedError(str(error)) from error
    except psycopg.Error as error:
        raise StoreFailedError(str(translated(error))) from error
    except Exception as error:
        cause = by_damage(connection, error)
        if cause is error:
            raise
        raise cause from error
    else:
        return result
    finally:
        connection.end()
