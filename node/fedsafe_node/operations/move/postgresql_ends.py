# SPDX-License-Identifier: Apache-2.0
"""A store on a PostgreSQL server, as a place to move from or to.

Rows go over in `COPY`, binary, and a store comes with the rights of the owner: the
node's own role adds nothing to what was pruned or erased. The triggers that note
changes for the seal are off until the last transaction, in which everything is
compared and the seal is written; nobody opens the store before that.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Final

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from fedsafe_node.ground.errors import StoreBusyError
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
from fedsafe_node.store.postgresql.catalogue import COLUMNS, HAS_VERSION, SCHEMA_NAME
from fedsafe_node.store.postgresql.connection import (
    PostgresConnection,
    Raw,
    connect,
    translated,
)
from fedsafe_node.store.postgresql.replacements import LOG_STEP
from fedsafe_node.store.postgresql.schema import migrate
from fedsafe_node.store.postgresql.turns import WRITING
from fedsafe_node.store.sealed_parts import SealKey
from fedsafe_policies.ground.catalogue import Phrase

_NAME: Final = "fedsafe store migrate"
_NO_LIMIT: Final = "SET idle_in_transaction_session_timeout = 0"
_HOLD: Final = f"SELECT pg_try_advisory_lock({WRITING})"
_PAUSE: Final = "SELECT pg_sleep(0.1)"
_TRIES: Final = 20
_OTHERS: Final = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "  # noqa: S608 - our own words
    f"AND application_name LIKE 'fedsafe%' AND application_name <> '{_NAME}'"
)
_MEETS: Final = (
    "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
    "WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.pid = ?"
)
_SNAPSHOT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WHOLE: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ"
_IDENTITIES: Final = (
    "SELECT c.relname::text, a.attname::text FROM pg_class c "  # noqa: S608 - our own words
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    "JOIN pg_attribute a ON a.attrelid = c.oid "
    f"WHERE n.nspname = '{SCHEMA_NAME}' AND a.attidentity <> '' "
    "AND NOT c.relispartition"
)
_NOTING: Final = (
    "SELECT c.relname::text, t.tgname::text FROM pg_trigger t "  # noqa: S608 - our own words
    "JOIN pg_class c ON c.oid = t.tgrelid "
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    f"WHERE n.nspname = '{SCHEMA_NAME}' AND NOT c.relispartition "
    "AND NOT t.tgisinternal AND t.tgname = 'seal_' || c.relname"
)

_ASLEEP: Final = (
    "SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "  # noqa: S608 - our own words
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    f"WHERE n.nspname = '{SCHEMA_NAME}' AND t.tgenabled <> 'O'"
)


class _Session:
    """A connection that keeps every node from writing meanwhile."""

    def __init__(self, url: str, password: str | None = None) -> None:
        self._url = url
        self._password = password
        self._raw = self._connect()
        self.connection = PostgresConnection(self._raw)
        try:
            self.connection.execute(_NO_LIMIT)
            self._hold()
        except BaseException:
            self._raw.close()
            raise

    def _connect(self) -> Raw:
        url = make_conninfo(self._url, application_name=_NAME)
        return connect(url, self._password)

    def _hold(self) -> None:
        # The server ends a session some time after its process is gone.
        place, is_ours = self._raw.info.dbname, False
        for _ in range(_TRIES):
            is_ours = is_ours or self.connection.execute(_HOLD).fetchone()[0]
            (others,) = self.connection.execute(_OTHERS).fetchone()
            if is_ours and not others:
                return
            self.connection.execute(_PAUSE)
        raise StoreBusyError(f"on {self._raw.info.host}, database {place},")

    def close(self) -> None:
        """Close the connection, which lets nodes write again."""
        self._raw.close()


class PostgresSource(_Session):
    """A database that is read, as the node's own role reads it."""

    def __init__(self, url: str, password: str | None = None) -> None:
        """Open it, and begin a snapshot.

        Raises:
            StoreBusyError: a node, or another move, has it open.
            MoveRefusedError: there is no store.
            sqlite3.Error: no server answers, or it does not let us in.
        """
        super().__init__(url, password)
        if not self.connection.execute(HAS_VERSION).fetchone()[0]:
            self.close()
            raise MoveRefusedError(Phrase("there is no store in that database"))
        self.connection.execute(_SNAPSHOT)

    def rows(self, table: Covered, after: Row | None) -> Iterator[Row]:
        """Walk over rows in the order of their keys, those behind a key."""
        select = select_after(table, has_start=after is not None)
        text = _filled(self._raw, select, after or ())
        command = f"COPY ({text}) TO STDOUT (FORMAT BINARY)".encode()
        types = _types(self.connection, table)
        try:
            with self._raw.cursor().copy(command) as copy:
                copy.set_types(types)
                yield from copy.rows()
        except psycopg.Error as error:
            raise translated(error) from None

    def mark(self, cells: tuple[str, bytes]) -> None:
        """Keep a row of the seal, durable when this returns."""
        raw = self._connect()
        try:
            put_part(PostgresConnection(raw), cells)
        finally:
            raw.close()


class PostgresTarget(_Session):
    """A database that is to become a store, as its owner fills it."""

    def __init__(self, owner_url: str, role: str) -> None:
        """Connect.

        Raises:
            StoreBusyError: a node, or another move, has it open.
            sqlite3.Error: no server answers, or it does not let us in.
        """
        super().__init__(owner_url)
        self._role = role

    def check_entry(self, url: str, password: str | None) -> None:
        """See that the node's role gets in, and into the database that is filled.

        The owner's session holds a lock there, which only that database shows.

        Raises:
            MoveRefusedError: it does not get in, or arrives in another database.
        """
        try:
            raw = connect(make_conninfo(url, application_name=_NAME), password)
        except sqlite3.Error as error:
            raise MoveRefusedError(
                Phrase("the node would not get in by --to: {why}").filled(
                    why=str(error)
                ),
                Phrase("nothing was moved: mend what that names, then run this again"),
            ) from None
        with closing(PostgresConnection(raw)) as entry:
            (count,) = entry.execute(_MEETS, (self._raw.info.backend_pid,)).fetchone()
        if not count:
            raise MoveRefusedError(
                Phrase("--to leads to another database than the owner's address"),
                Phrase(
                    "nothing was moved: both name the same host and the same database"
                ),
            )

    def state(self, key: SealKey) -> State:
        """Say what is there."""
        if not self.connection.execute(HAS_VERSION).fetchone()[0]:
            return State(Filled.NOTHING)
        return read_state(self.connection, key)

    def clear(self) -> None:
        """Take away an unfinished copy, or a store that went on elsewhere."""
        self.connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA_NAME} CASCADE")

    def begin(self, cells: tuple[str, bytes]) -> None:
        """Make the tables, and keep the first row of the seal."""
        self.resume()
        with self._transaction("BEGIN"):
            self._set_noting("DISABLE")
            put_part(self.connection, cells)

    def resume(self) -> None:
        """See that the tables are there, and that the node's role may use them."""
        migrate(self._url, self._role)

    def make_room(self, table: str, highest: int) -> None:
        """See that there are partitions for indexes."""
        del table  # a call makes the partition of both
        for step in range(highest // LOG_STEP + 1):
            self.connection.execute("SELECT extend_logs(?)", (step * LOG_STEP,))

    def add(self, table: Covered, rows: Sequence[Row]) -> None:
        """Add rows in one transaction."""
        names = ", ".join(f'"{column}"' for column in table.columns)
        types = _types(self.connection, table)
        command = f"COPY {table.name} ({names}) FROM STDIN (FORMAT BINARY)"
        try:
            with (
                self._raw.transaction(),
                self._raw.cursor().copy(command.encode()) as copy,
            ):
                copy.set_types(types)
                for row in rows:
                    copy.write_row(row)
        except psycopg.Error as error:
            raise translated(error) from None

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Begin the transaction in which all of it becomes a store."""
        with self._transaction(_WHOLE):
            self._set_noting("ENABLE")
            for table, column in self.connection.execute(_IDENTITIES).fetchall():
                self.connection.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), "  # noqa: S608 - our own schema
                    f'(SELECT coalesce(max("{column}"), 0) + 1 FROM {table}), false)'
                )
            yield

    def publish(self) -> None:
        """Need nothing: the last transaction did it."""

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self.connection.execute(begin)
        try:
            yield
            self.connection.execute("COMMIT")
        finally:
            self.connection.end()

    def _set_noting(self, verb: str) -> None:
        for table, trigger in self.connection.execute(_NOTING).fetchall():
            self.connection.execute(f"ALTER TABLE {table} {verb} TRIGGER {trigger}")
        if verb == "ENABLE" and self.connection.execute(_ASLEEP).fetchone() != (0,):
            raise MoveRefusedError(
                Phrase(
                    "triggers of the target are asleep that nobody here put to sleep"
                ),
                Phrase("run this again with --anew"),
            )


def _types(connection: PostgresConnection, table: Covered) -> list[str]:
    rows = connection.execute(COLUMNS, (table.name,))
    kinds = {name: kind for name, _, kind in rows}
    return [kinds[column] for column in table.columns]


def _filled(raw: Raw, text: str, values: Row) -> str:
    """Put values into a statement, since `COPY` takes none."""
    first, *others = text.split("?")
    literals = [sql.Literal(value).as_string(raw) for value in values]
    pairs = zip(literals, others, strict=True)
    return first + "".join(f"{literal}{other}" for literal, other in pairs)
