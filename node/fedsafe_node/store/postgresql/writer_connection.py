# SPDX-License-Identifier: Apache-2.0
"""The connection of one worker's writer.

All write transactions of all workers are serial: each begins with one advisory lock,
so rows are read and written as if this worker were alone. A sequence tells whether
another had its turn since, and what this one remembers of the database is old.

Rows that nothing refuses wait in memory until a statement could see them or the batch
ends (`pending_rows`). An act has a savepoint only once it changes something else.

When the connection breaks at a commit, the worker asks over a new one whether its last
token is there, under the lock, which the broken session holds until it has ended: so
it learns whether what it had in hand was committed.
"""

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Final

import psycopg

from fedsafe_node.store.address import Server
from fedsafe_node.store.postgresql.catalogue import COLUMNS
from fedsafe_node.store.postgresql.connection import (
    PostgresConnection,
    Rows,
    translated,
)
from fedsafe_node.store.postgresql.pending_rows import Values, Waiting, WaitingRows
from fedsafe_node.store.postgresql.replacements import LOG_STEP
from fedsafe_node.store.postgresql.statements import (
    LOGS,
    WAITING,
    Statement,
    statement_of,
)
from fedsafe_node.store.postgresql.turns import (
    LOCKED,
    MARK,
    begin_session,
    copy_rows,
    end_stalled,
    is_marked,
    take_turn,
)
from fedsafe_node.store.sql import LongTextError, Since

_NOTE: Final = "INSERT INTO pg_temp.touched SELECT * FROM "
_ERASE: Final = f"{_NOTE}erase_opening(?, ?, ?, ?)"
_GRANT: Final = f"{_NOTE}grant_opening(?, ?, ?, ?, ?)"
_PRUNE: Final = f"{_NOTE}prune_log(?, ?, ?, ?, ?, ?, ?)"
_SAVE: Final = "SAVEPOINT act"
_BY_INDEX: Final = frozenset({"entries", "openings"})  # in partitions
_TOKEN_BYTES: Final = 16
_FEW: Final = 24  # rows that go with the commit instead of over a COPY of their own
_SETTLE: Final = 8.0  # seconds in which the outcome of a commit has to show
_PAUSE: Final = 0.1  # seconds


class PostgresWriteConnection(PostgresConnection):
    """Writes; reconnects when it begins after the server was gone.

    Owned by the writer's thread: `_turn`, the number of the last turn; `_waiting`, rows
    that nothing refuses; `_last`, statements that go with the commit; `_due`, those
    that go before the next one; `_is_saved`, whether the act has a savepoint; `_steps`,
    partitions of the logs that are there; `noted`, whether rows may have been noted for
    the seal.
    """

    def __init__(self, server: Server) -> None:
        """Connect.

        Raises:
            sqlite3.OperationalError: no server answers, or it does not let us in.
        """
        self._server = server
        self._worker = server.worker
        self._turn = -1
        self._waiting = WaitingRows()
        self._due: list[str] = []
        self._last: list[tuple[bytes, Values]] = []
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

    def begin(self) -> Since:
        """Begin to write; tell what other workers may have done since the last time.

        Raises:
            sqlite3.Error: no server takes writes now.
        """
        self._forget()
        self.end()
        number = self._take_turn()
        last, self._turn = self._turn, number
        since = Since.NOTHING if number == last + 1 else Since.MORE
        return since if last >= 0 else Since.ANYTHING  # of another server, perhaps

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
        self._waiting.begin_act()
        self._is_in_act, self._is_saved = True, False

    def end_act(self) -> None:
        """Keep what the act did."""
        if self._is_saved:
            self._due.append("RELEASE act")
        self._is_in_act = self._is_saved = False

    def undo_act(self) -> None:
        """Take back what the act did."""
        self._waiting.undo_act()
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

    def execute(self, sql: str, values: Values = ()) -> Rows:
        """Run a statement; rows that nothing refuses wait for the end of the batch.

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
        point = "act" if self._due[-1:] == [_SAVE] else "statement"
        with self._recoverable(point), self._raw.pipeline():
            self._go()
            if point == "statement":
                self._raw.execute("SAVEPOINT statement", prepare=False)
            cursor = self._raw.execute(statement.sql, values)
            if point == "statement":
                self._raw.execute("RELEASE statement", prepare=False)
            rows = cursor.fetchall() if statement.gives else []
        self._changes += max(cursor.rowcount, 0)
        return Rows(rows, cursor.rowcount)

    def executemany(self, sql: str, rows: Iterable[Values]) -> None:
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
        with self._recoverable("statement"):
            self._plain("SAVEPOINT statement")
            if statement.table and len(values) > _FEW:
                self._copy(statement, values)
            else:
                self._raw.cursor().executemany(statement.sql, values)
            self._plain("RELEASE statement")
        self._changes += len(values)

    @contextmanager
    def _recoverable(self, point: str) -> Iterator[None]:
        """Take back a statement that a rule forbids, as SQLite does by itself."""
        try:
            yield
        except (psycopg.Error, sqlite3.Error) as error:
            told = translated(error) if isinstance(error, psycopg.Error) else error
            if isinstance(told, (sqlite3.IntegrityError, LongTextError)):
                self._plain(f"ROLLBACK TO {point}")
                if point == "statement":
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

    def prune_log(self, log: int, said: Values) -> None:
        """Keep what is said of a prefix (a row of `pruned`), and delete its rows."""
        self.execute(_PRUNE, (log, *said))

    def at_commit(self, sql: str, values: Values) -> None:
        """Run a statement together with the commit."""
        self._last.append((statement_of(sql).sql, values))

    def commit(self) -> None:
        """Make all of it durable; learn what became of it if the server is gone.

        Raises:
            sqlite3.Error: it is not, or nobody knows.
        """
        self._flush()
        if self._changes == self._before and not self._last:
            self._forget()
            self._plain("COMMIT")  # a rollback makes the driver forget its statements
            return
        token = os.urandom(_TOKEN_BYTES)
        try:
            with self._raw.pipeline():
                cursor = self._raw.cursor()
                for sql, values in (*self._waiting.take(), *self._last):
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

    def clear(self) -> bool:
        """Do nothing, as `scrub`."""
        return False

    def scrub(self) -> bool:
        """Do nothing: what stays in old row versions is encrypted, see `erasure`."""
        return True

    # --- what waits ---------------------------------------------------------------

    def _buffer(self, statement: Statement, rows: Sequence[Values]) -> None:
        if statement.into in _BY_INDEX:
            self._make_room({int(str(row[1])) for row in rows})
        self.noted = self.noted or statement.into not in LOGS
        self._waiting.add(statement, rows)
        self._changes += len(rows)

    def _make_room(self, indices: Iterable[int]) -> None:
        """See that partitions take indices, and the next ones."""
        ahead = LOG_STEP // 4
        wanted = {at // LOG_STEP for index in indices for at in (index, index + ahead)}
        for step in sorted(wanted - self._steps):
            self._prepare(_EXTEND)
            self._run(_EXTEND, (step * LOG_STEP,))
            self._steps.add(step)

    def _run(self, statement: Statement, values: Values) -> Rows:
        try:
            self._go_now()
            return super()._run(statement, values)
        except sqlite3.Error:
            self._give_back()
            raise

    def _give_back(self) -> None:
        """Leave a transaction that can keep nothing; others wait for a turn."""
        if not self.in_transaction:
            self._steps.clear()
            self.end()

    def _prepare(self, statement: Statement) -> None:
        """Send what has to be there before a statement."""
        if statement.writes:
            self.noted = True
        seen = self._waiting.of(statement.sees)
        changes = statement.writes or statement.is_control or seen
        if self._is_in_act and not self._is_saved and changes:
            self._due.append(_SAVE)
            self._is_saved = True
        for waiting in seen:
            self._send(waiting)

    def _send(self, waiting: Waiting) -> None:
        """Send rows that wait, in one piece."""
        self._copy(waiting.statement, waiting.rows)
        waiting.went(in_act=self._is_in_act)

    def _flush(self) -> None:
        """Send what is too much to go with the commit."""
        if len(self._waiting) > _FEW:
            for waiting in self._waiting.of(WAITING):
                self._send(waiting)

    def _copy(self, statement: Statement, rows: Sequence[Values]) -> None:
        try:
            self._go_now()
            if statement.table:
                types = self._types_of(statement.table)
                copy_rows(self._cursor, statement, types, rows)
            else:
                self._raw.cursor().executemany(statement.sql, rows)
        except psycopg.Error as error:
            self._give_back()
            raise translated(error) from None

    def _types_of(self, table: str) -> dict[str, str]:
        if table not in self._types:
            rows = self._run(statement_of(COLUMNS), (table,))
            self._types[table] = {name: kind for name, _, kind in rows}
        return self._types[table]

    # --- the connection -----------------------------------------------------------

    def _go(self) -> None:
        """Send, within what goes together, what is due before it."""
        due, self._due = self._due, []
        for sql in due:
            self._raw.execute(sql.encode(), prepare=False)

    def _go_now(self) -> None:
        try:
            with self._raw.pipeline() if self._due else nullcontext():
                self._go()
        except psycopg.Error as error:
            raise translated(error) from None

    def _plain(self, sql: str) -> None:
        self._due.append(sql)
        self._go_now()

    def _forget(self) -> None:
        self._waiting.clear()
        self._last.clear()
        self._due.clear()
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
