# SPDX-License-Identifier: Apache-2.0
"""Connections to PostgreSQL, as the store speaks to any database (`sql`).

Every connection is asked for the rules on which the promises of the store rest: the
commit waits for the disk (and for the synchronous standbys, where there are any), and
no transaction is left open by a process that stands still.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, cast

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.numeric import Int8Dumper

from fedsafe_node.store.postgresql.catalogue import (
    COLUMNS,
    HAS_VERSION,
    SCHEMA_NAME,
    SCHEMA_PARTS,
    TABLES,
    VERSION,
)
from fedsafe_node.store.postgresql.statements import Statement, statement_of
from fedsafe_node.store.sql import Column, LongTextError, UnfitTextError

_NO_SUCH_TEXT: Final = "22021"  # as the server says it; the driver has no code
ENCODING: Final = "UTF8"
"""How texts come and go, whatever an address, a role or the environment asks for."""

_PAGE: Final = 4_096  # rows
_OUT_OF_TIME: Final = 3  # seconds until a server that does not answer is given up
_PARAMETERS: Final[dict[str, Any]] = {
    "application_name": "fedsafe",
    "connect_timeout": _OUT_OF_TIME,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_SETTINGS: Final = (
    f"SET search_path = {SCHEMA_NAME}, pg_temp",
    "SET bytea_output = hex",
    "SET idle_in_transaction_session_timeout = '15s'",
    # The server lets go of what a machine that is lost has locked.
    (
        "SELECT set_config('tcp_keepalives_idle', '5', false), "
        "set_config('tcp_keepalives_interval', '2', false), "
        "set_config('tcp_keepalives_count', '3', false)"
    ),
    (
        "SELECT set_config('synchronous_commit', 'on', false) WHERE "
        "current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')"
    ),
)
Raw = psycopg.Connection[Any]


class _Whole(Int8Dumper):
    """Gives every whole number, a truth value too, as the columns have it: bigint."""

    def dump(self, obj: Any) -> bytes:  # noqa: ANN401 - as the driver calls it
        return cast("bytes", super().dump(int(obj)))


class Rows:
    """The rows that a statement gave, all of them."""

    __slots__ = ("_next", "_rows", "rowcount")

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        self._rows = rows
        self._next = 0
        self.rowcount = rowcount

    def fetchone(self) -> Any:  # noqa: ANN401 - a raw row
        """Return the next row, None at the end."""
        return next(iter(self.fetchmany(1)), None)

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        return self.fetchmany(len(self._rows))

    def fetchmany(self, size: int) -> list[Any]:
        """Return some of the rows that are left; none at the end."""
        page = self._rows[self._next : self._next + size]
        self._next += len(page)
        return page

    def __iter__(self) -> Iterator[Any]:
        """Walk over the rows that are left."""
        return iter(self.fetchall())


def connect(url: str, password: str | None = None) -> Raw:
    """Open a connection.

    Raises:
        sqlite3.OperationalError: no server answers, it does not let us in, or the
            database does not take every text.
    """
    try:
        parameters: dict[str, Any] = {
            **_PARAMETERS,
            **conninfo_to_dict(url),
            "client_encoding": ENCODING,
        }
    except psycopg.Error:  # whose words quote the address, and a password in it
        want = "want postgresql://USER@HOST/DATABASE as the address of the database"
        raise sqlite3.OperationalError(want) from None
    if password is not None:
        parameters["password"] = password
    try:
        raw = psycopg.connect(
            make_conninfo("", **parameters),
            autocommit=True,  # transactions are begun and ended by name
            cursor_factory=psycopg.RawCursor,
        )
    except psycopg.Error as error:
        raise translated(error) from None
    encoding = raw.info.parameter_status("server_encoding")
    if encoding != ENCODING:  # such a one refuses texts, or tells them as bytes
        raw.close()
        raise sqlite3.OperationalError(
            f"the database keeps texts in {encoding}, not in {ENCODING}: make it anew "
            f"with ENCODING '{ENCODING}'"
        )
    try:
        raw.adapters.register_dumper(int, _Whole)
        raw.adapters.register_dumper(bool, _Whole)
        for setting in _SETTINGS:
            raw.execute(setting.encode())
    except psycopg.Error as error:
        raw.close()
        raise translated(error) from None
    return raw


def translated(error: psycopg.Error) -> sqlite3.Error:
    """Say an error of the driver in the words of the store, without any value.

    What the server says beside its first line may show the values of a row.
    """
    first = error.diag.message_primary
    if first is None:  # of the connection: the driver's own words, on one line
        first = " ".join(str(error).split()) or type(error).__name__
    kind: type[sqlite3.Error] = sqlite3.OperationalError
    if isinstance(error, psycopg.IntegrityError):
        kind = sqlite3.IntegrityError
    elif isinstance(error, psycopg.errors.ProgramLimitExceeded):
        kind = LongTextError
    elif isinstance(error, psycopg.DataError):
        is_of_text = error.sqlstate in (None, _NO_SUCH_TEXT)
        kind = UnfitTextError if is_of_text else sqlite3.DataError
    told = kind(first)
    told.sqlstate = error.sqlstate  # type: ignore[attr-defined]
    return told


class PostgresConnection:
    """A connection that reads."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self._cursor = raw.cursor()
        self._walk = object()  # which walk has the server's cursor

    def close(self) -> None:
        """Close the connection."""
        self._raw.close()

    @property
    def is_broken(self) -> bool:
        """Whether the server is gone."""
        return self._raw.closed or self._raw.broken

    def execute(self, sql: str, values: Sequence[object] = ()) -> Rows:
        """Run a statement.

        Raises:
            sqlite3.IntegrityError: a rule of the schema forbids it.
            sqlite3.Error: the database does not answer.
        """
        return self._run(statement_of(sql), values)

    def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement with many sets of values.

        Raises:
            sqlite3.IntegrityError: a rule of the schema forbids one.
            sqlite3.Error: the database does not answer.
        """
        try:
            self._cursor.executemany(statement_of(sql).sql, rows)
        except psycopg.Error as error:
            raise translated(error) from None

    def _run(self, statement: Statement, values: Sequence[object]) -> Rows:
        cursor = self._cursor
        try:
            cursor.execute(statement.sql, values)
            rows = cursor.fetchall() if statement.gives else []
        except psycopg.Error as error:
            raise translated(error) from None
        return Rows(rows, cursor.rowcount)

    def pipeline(self) -> AbstractContextManager[object]:
        """Send statements whose rows nobody waits for together with the next."""
        return self._raw.pipeline()

    def end(self) -> None:
        """Leave a transaction in which something has failed.

        The driver takes statements for prepared that the server never came to, behind
        the one that failed. It forgets them all only at a rollback that is prepared.
        """
        idle = pq.TransactionStatus.IDLE
        if not self.is_broken and self._raw.info.transaction_status != idle:
            try:
                self._raw.execute("ROLLBACK", prepare=True)
            except psycopg.Error:
                self._raw.close()

    def walk(self, sql: str) -> Iterator[Any]:
        """Walk over many rows, of which not all are in memory at once.

        One walk at a time: a new one ends the last, whose rest nobody wants any more.

        Raises:
            RuntimeError: that was wrong.
        """
        self._walk = mine = object()
        self.execute("CLOSE ALL")
        self.execute(f"DECLARE walk NO SCROLL CURSOR FOR {sql}")
        while page := self.execute(f"FETCH {_PAGE} FROM walk").fetchall():
            yield from page
            if self._walk is not mine:
                raise RuntimeError("another walk has begun")
        self.execute("CLOSE walk")

    def tables(self) -> list[str]:
        """Return the names of all tables, in their order."""
        return [name for (name,) in self.execute(TABLES)]

    def columns(self, table: str) -> list[Column]:
        """Return the columns of a table, in their order."""
        return [(name, is_key) for name, is_key, _ in self.execute(COLUMNS, (table,))]

    def schema(self) -> list[tuple[str, ...]]:
        """Return all of the schema as (kind, name, …); whatever is added shows."""
        return [row for sql in SCHEMA_PARTS for row in self.execute(sql)]

    def odd_part(self) -> str:
        """Name no part: no other schema is here to compare with."""
        return SCHEMA_NAME

    def version(self) -> int:
        """Return the number of the last migration."""
        if not self.execute(HAS_VERSION).fetchone()[0]:
            return 0
        (number,) = self.execute(VERSION).fetchone()
        return int(number)

    def damage(self) -> str | None:
        """Return nothing: whoever walks all rows learns of a page that is damaged."""
        return None

    def is_damaged(self) -> str | None:
        """Say what the server has become, if that could have made an error."""
        return "the connection is lost" if self.is_broken else None

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is under way that can go on."""
        return self._raw.info.transaction_status == pq.TransactionStatus.INTRANS
