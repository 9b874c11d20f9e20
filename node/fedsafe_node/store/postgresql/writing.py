# SPDX-License-Identifier: Apache-2.0
"""The connection of one worker's writer.

All write transactions of all workers are serial: each begins with one advisory lock,
so rows are read and written as if this worker were alone. A sequence tells whether
another had its turn since, and what this one remembers of the database is old.

Rows of the logs, which nothing refuses, wait in memory until a statement could see them
or the batch ends. An act has a savepoint only once it changes something else.

When the connection breaks at a commit, the worker asks over a new one whether its last
token is there, under the lock, which the broken session holds until it has ended: so
it learns whether what it had in hand was committed.
"""

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import psycopg

from fedsafe_node.store.postgresql.catalogue import COLUMNS
from fedsafe_node.store.postgresql.connection import (
    PostgresConnection,
    Rows,
    translated,
)
from fedsafe_node.store.postgresql.replacements import LOG_STEP
from fedsafe_node.store.postgresql.server import Server
from fedsafe_node.store.postgresql.statements import Statement, statement_of
from fedsafe_node.store.postgresql.turns import (
    LOCKED,
    MARK,
    begin_session,
    copy_rows,
    end_stalled,
    is_marked,
    take_turn,
)

_NOTE: Final = "INSERT INTO pg_temp.touched SELECT * FROM "
_ERASE: Final = f"{_NOTE}erase_opening(?, ?, ?, ?)"
_GRANT: Final = f"{_NOTE}grant_opening(?, ?, ?, ?, ?)"
_PRUNE: Final = f"{_NOTE}prune_log(?, ?, ?, ?, ?, ?, ?)"
_TOKEN_BYTES: Final = 16
_FEW: Final = 24  # rows that go with the commit instead of over a COPY of their own
_SETTLE: Final = 8.0  # seconds in which the outcome of a commit has to show
_PAUSE: Final = 0.1  # seconds
_Values = Sequence[object]


@dataclass(slots=True)
class _Buffered:
    """Rows of a log table that wait; `own` counts those of the act under way."""

    statement: Statement
    rows: list[_Values] = field(default_factory=list)
    own: int = 0


class PostgresWriteConnection(PostgresConnection):
    """Writes; reconnects when it begins after the server was gone.

    Owned by the writer's thread: `_turn`, the number of the last turn; `_waiting`,
    rows of the logs; `_last`, statements that go with the commit; `_is_saved`, whether
    the act under way has a savepoint; `_steps`, partitions of the logs that are there;
    `noted`, whether rows may have been noted for the seal.
    """

    def __init__(self, server: Server) -> None:
        """Connect.

        Raises:
            sqlite3.OperationalError: no server answers, or it does not let us in.
        """
        self._server = server
        self._worker = server.worker
        self._turn = -1
        self._waiting: dict[str, _Buffered] = {}
        self._last: list[tuple[bytes, _Values]] = []
        self._is_saved = self._is_in_act = False
        self._changes = self._before = 0
        self._steps: set[int] = set()
        self._types: dict[str, dict[str, str]] = {}
        self.noted = False
        super().__init__(begin_session(server))

    def reconnect(self) -> None:
        """Take a new connection in place of a broken one.

        Raises:
            sqlite3.OperationalError: no server answers, or it does not let us in.
        """
        self._raw.close()
        self._raw = begin_session(self._server)
        self._cursor = self._raw.cursor()
        self._turn = -1
        self._steps.clear()

    @property
    def total_changes(self) -> int:
        """A number that grows whenever rows are changed."""
        return self._changes

    def begin(self) -> bool:
        """Begin to write; True if another worker may have written since the last time.

        Raises:
            sqlite3.Error: no server takes writes now.
        """
        self._forget()
        self.end()
        number = self._take_turn()
        is_next, self._turn = number == self._turn + 1, number
        return not is_next

    def _take_turn(self) -> int:
        for is_last in (False, True):  # until then nothing was begun
            if self.is_broken:
                self.reconnect()
            try:
                return take_turn(self._raw)
            except psycopg.Error as error:
                self.end()
                if is_last or not (self.is_broken or self._ends_stalled(error)):
                    raise translated(error) from None
        raise AssertionError

    def _ends_stalled(self, error: psycopg.Error) -> bool:
        with suppress(psycopg.Error):
            return error.sqlstate == LOCKED and end_stalled(self._raw)
        return False

    def begin_act(self) -> None:
        """Set the point to which `undo_act` goes back."""
        for buffered in self._waiting.values():
            buffered.own = 0
        self._is_in_act, self._is_saved = True, False

    def end_act(self) -> None:
        """Keep what the act did."""
        if self._is_saved:
            self._plain("RELEASE act")
        self._is_in_act = self._is_saved = False

    def undo_act(self) -> None:
        """Take back what the act did."""
        for buffered in self._waiting.values():
            if buffered.own:
                del buffered.rows[-buffered.own :]
        if self._is_saved:
            self._steps.clear()
            self._plain("ROLLBACK TO act")
            self._plain("RELEASE act")
        self._is_in_act = self._is_saved = False

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is under way that can go on, at least after an undo."""
        status = self._raw.info.transaction_status
        if status == psycopg.pq.TransactionStatus.INERROR:
            return self._is_saved or not self._is_in_act
        return status == psycopg.pq.TransactionStatus.INTRANS

    def execute(self, sql: str, values: _Values = ()) -> Rows:
        """Run a statement; an insert into the logs waits for the end of the batch.

        Raises:
            sqlite3.IntegrityError: a rule of the schema forbids it.
            sqlite3.Error: the database does not answer.
        """
        statement = statement_of(sql)
        if statement.is_buffered:
            self._buffer(statement, [values])
            return Rows([], 1)
        self._prepare(statement)
        if statement.is_control or not statement.writes:
            return self._run(statement, values)
        with self._recoverable(), self._raw.pipeline():
            self._raw.execute("SAVEPOINT statement", prepare=False)
            cursor = self._raw.execute(statement.sql, values)
            self._raw.execute("RELEASE statement", prepare=False)
            rows = cursor.fetchall() if statement.gives else []
        self._changes += max(cursor.rowcount, 0)
        return Rows(rows, cursor.rowcount)

    def executemany(self, sql: str, rows: Iterable[_Values]) -> None:
        """Run a statement with many sets of values.

        Raises:
            sqlite3.IntegrityError: a rule of the schema forbids one.
            sqlite3.Error: the database does not answer.
        """
        statement, values = statement_of(sql), list(rows)
        if statement.is_buffered:
            self._buffer(statement, values)
            return
        self._prepare(statement)
        with self._recoverable():
            self._plain("SAVEPOINT statement")
            if statement.table and len(values) > _FEW:
                self._copy(statement, values)
            else:
                self._raw.cursor().executemany(statement.sql, values)
            self._plain("RELEASE statement")
        self._changes += len(values)

    @contextmanager
    def _recoverable(self) -> Iterator[None]:
        """Take back a statement that a rule forbids, as SQLite does by itself."""
        try:
            yield
        except (psycopg.Error, sqlite3.Error) as error:
            told = translated(error) if isinstance(error, psycopg.Error) else error
            if isinstance(told, sqlite3.IntegrityError):
                self._plain("ROLLBACK TO statement")
                self._plain("RELEASE statement")
            raise told from None

    def erase_opening(self, log: int, index: int, group: str, at: int) -> bool:
        """Wipe the sealed bytes of an opening; False if there are none."""
        return self.execute(_ERASE, (log, index, group, at)).rowcount == 1

    def grant_opening(
        self, log: int, index: int, group: str, period: str, sealed: bytes
    ) -> None:
        """Add an opening, or bring one back that was erased."""
        self.execute(_GRANT, (log, index, group, period, sealed))
        self._changes += 1  # it notes only what it brought back

    def prune_log(self, log: int, said: _Values) -> None:
        """Keep what is said of a prefix (a row of `pruned`), and delete its rows."""
        self.execute(_PRUNE, (log, *said))

    def at_commit(self, sql: str, values: _Values) -> None:
        """Run a statement together with the commit."""
        self._last.append((statement_of(sql).sql, values))

    def commit(self) -> None:
        """Make all of it durable; learn what became of it if the server is gone.

        Raises:
            sqlite3.Error: it is not, or nobody knows.
        """
        self._flush()
        if not self._changes_now():
            self._forget()
            self._plain("COMMIT")  # a rollback makes the driver forget its statements
            return
        token = os.urandom(_TOKEN_BYTES)
        few, self._waiting = self._waiting, {}
        try:
            with self._raw.pipeline():
                cursor = self._raw.cursor()
                for buffered in few.values():
                    for row in buffered.rows:
                        cursor.execute(buffered.statement.sql, row)
                for sql, values in self._last:
                    cursor.execute(sql, values)
                cursor.execute(MARK, (self._worker, token))
                cursor.execute("COMMIT", prepare=False)
        except psycopg.Error as error:
            self._forget()
            if not (self.is_broken and self._is_settled(token)):
                self._steps.clear()
                self.end()
                raise translated(error) from None
        self._forget()

    def rollback(self) -> None:
        """Take back all of it."""
        self._forget()
        self._steps.clear()
        if not self.is_broken:
            self._plain("ROLLBACK")

    def is_lost_by(self, error: BaseException, *, committing: bool) -> str | None:
        """Say nothing: the next batch begins on what the server then holds."""
        del error, committing
        return None

    def scrub(self) -> bool:
        """Do nothing: what stays in old row versions is encrypted, see `erasure`."""
        return True

    # --- what waits ---------------------------------------------------------------

    def _buffer(self, statement: Statement, rows: Sequence[_Values]) -> None:
        if not rows:
            return
        buffered = self._waiting.setdefault(statement.table, _Buffered(statement))
        if statement.table != "tile_roots":
            self._make_room({int(str(row[1])) for row in rows})
        buffered.rows.extend(rows)
        buffered.own += len(rows)
        self._changes += len(rows)

    def _make_room(self, indices: Iterable[int]) -> None:
        """See that partitions take indices, and the next ones."""
        ahead = LOG_STEP // 4
        wanted = {at // LOG_STEP for index in indices for at in (index, index + ahead)}
        for step in sorted(wanted - self._steps):
            self._prepare(_EXTEND)
            self._run(_EXTEND, (step * LOG_STEP,))
            self._steps.add(step)

    def _run(self, statement: Statement, values: _Values) -> Rows:
        try:
            return super()._run(statement, values)
        except sqlite3.Error:
            self._give_back()
            raise

    def _give_back(self) -> None:
        """Leave a transaction of which nothing can be kept; others wait for a turn."""
        if not self.in_transaction:
            self._steps.clear()
            self.end()

    def _prepare(self, statement: Statement) -> None:
        """Send what has to be there before a statement."""
        if statement.writes:
            self.noted = True
        changes = statement.writes or statement.is_control
        if self._is_in_act and not self._is_saved and changes:
            self._send(earlier=True)
            self._plain("SAVEPOINT act")
            self._is_saved = True
        if statement.sees_logs:
            self._send(earlier=True)
            if self._is_in_act and not self._is_saved and self._waits():
                self._plain("SAVEPOINT act")
                self._is_saved = True
            self._send(earlier=False)

    def _waits(self) -> bool:
        return any(buffered.rows for buffered in self._waiting.values())

    def _send(self, *, earlier: bool) -> None:
        """Send rows of the logs: those of earlier acts, or all."""
        for buffered in self._waiting.values():
            count = len(buffered.rows) - (buffered.own if earlier else 0)
            if count > 0:
                self._copy(buffered.statement, buffered.rows[:count])
                del buffered.rows[:count]
                if not earlier:
                    buffered.own = 0

    def _flush(self) -> None:
        """Send what is too much to go with the commit."""
        if sum(len(each.rows) for each in self._waiting.values()) > _FEW:
            self._send(earlier=False)

    def _copy(self, statement: Statement, rows: Sequence[_Values]) -> None:
        try:
            copy_rows(self._cursor, statement, self._types_of(statement.table), rows)
        except psycopg.Error as error:
            self._give_back()
            raise translated(error) from None

    def _types_of(self, table: str) -> dict[str, str]:
        if table not in self._types:
            rows = self._run(statement_of(COLUMNS), (table,))
            self._types[table] = {name: kind for name, _, kind in rows}
        return self._types[table]

    # --- the connection -----------------------------------------------------------

    def _plain(self, sql: str) -> None:
        try:
            self._raw.execute(sql.encode(), prepare=False)
        except psycopg.Error as error:
            raise translated(error) from None

    def _changes_now(self) -> bool:
        return self._changes > self._before or bool(self._last)

    def _forget(self) -> None:
        self._waiting.clear()
        self._last.clear()
        self._is_saved = self._is_in_act = self.noted = False
        self._before = self._changes

    def _is_settled(self, token: bytes) -> bool:
        """Learn over a new connection whether a commit of this worker happened."""
        until = time.monotonic() + _SETTLE
        while time.monotonic() < until:
            try:
                self.reconnect()
                return is_marked(self._raw, self._worker, token)
            except (psycopg.Error, sqlite3.Error):
                time.sleep(_PAUSE)
        return False


_EXTEND: Final[Statement] = statement_of("SELECT extend_logs(?)")
