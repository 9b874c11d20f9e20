# SPDX-License-Identifier: Apache-2.0
"""One thread that owns the write connection and commits acts in groups.

Callers hand in acts; the thread takes all that wait (up to a bound), begins one
transaction, runs each act, commits once, and only then lets the loop know, once
for the whole batch. In WAL mode with `synchronous=FULL` that is one fdatasync
however many acts there are, and nobody is told before it.

* An act that raises takes back only itself (a savepoint, where it is not alone).
* When the disk refuses, the whole batch is taken back, its callers are told, and
  what the sequencer holds in memory is read from disk again.
* A full disk leaves the writer usable. After any other failure of a commit nobody
  can know what the kernel still holds, so the writer fails closed: everything is
  refused until the store is opened anew.
* Whatever ends the thread's work in the middle, its callers are told, and it goes on:
  a writer that is gone would leave everybody waiting.
* What the disk refused is remembered until a commit that changes something succeeds:
  an empty one succeeds on a full disk as well. Then it is an outage that is over,
  for `Gaps` to write down.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context, copy_context
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Protocol, TypeVar, cast

from fedsafe_node.clock import Clock
from fedsafe_node.errors import (
    ConflictError,
    KeyFileError,
    StoreClosedError,
    StoreFailedError,
)
from fedsafe_node.faults import FaultPoint, Faults
from fedsafe_node.store.keeping_rows import Outage
from fedsafe_node.store.protocol import Transaction
from fedsafe_node.store.rows import StoreTrouble, Trouble

T = TypeVar("T")
Act = Callable[[Transaction], Awaitable[Any]]
_Future = asyncio.Future[Any]
_Outcome = tuple[_Future, Any, Exception | None]
_Waiting = tuple[Act | None, _Future, Context]

MAX_BATCH = 1024
_NOTHING = object()  # never in the queue
# Out of damaged pages sqlite3 may build a text, or a message, that is no UTF-8.
UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
BY_WRONG_CELLS = (TypeError, ValueError, AttributeError, OverflowError)
_KINDS = {sqlite3.SQLITE_FULL: Trouble.FULL, sqlite3.SQLITE_BUSY: Trouble.BUSY}


def by_damage(connection: sqlite3.Connection, error: Exception) -> Exception:
    """Tell an error of ours from one that damaged rows made: those are the disk's.

    A flipped bit may turn bytes into text, which nobody who reads them expects.
    """
    if not isinstance(error, BY_WRONG_CELLS):
        return error
    try:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except UNREADABLE as worse:
        verdict = str(worse)
    if verdict == "ok":
        return error
    return StoreFailedError(" ".join(verdict.split()))


class Seal(Protocol):
    """Vouches for what a commit leaves behind, within that commit."""

    def write(self) -> None:
        """Write the seal into the transaction under way."""
        ...

    def confirm(self) -> None:
        """Be told that the transaction was committed."""
        ...

    def forget(self) -> None:
        """Be told that the transaction was taken back."""
        ...

    def reload(self) -> None:
        """Be told that nobody knows how the transaction has ended."""
        ...


class Undo(Protocol):
    """Memory that has to follow when the database takes something back."""

    def begin_act(self) -> None:
        """Remember the present as the start of an act."""
        ...

    def undo_act(self) -> None:
        """Go back to the start of the act."""
        ...

    def forget(self) -> None:
        """Drop everything; read it from disk when it is needed."""
        ...


def run_act(awaitable: Awaitable[T]) -> T:
    """Run an act or query of a store that never suspends.

    Raises:
        RuntimeError: it awaited something else than its transaction or reader.
    """
    steps = awaitable.__await__()
    try:
        steps.send(None)
    except StopIteration as stop:
        return cast("T", stop.value)
    raise RuntimeError("an act or query awaits nothing but the store's own methods")


class Writer:
    """Runs acts on its own thread, many to a commit.

    Owned by the loop's thread: `_thread`, `_closing`.
    Owned by the writer's thread: `_connection`, `_transaction`, `_undo`, `_seal`.
    Owned by the writer's thread: `_wrote`, whether an act of the batch changed rows;
    `_taken`, what was taken from the queue and not answered yet.
    Set by the writer's thread, read by all: `_failure` (once), `trouble`.
    Filled by the writer's thread, emptied by the loop's: `_outages`.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        connection: sqlite3.Connection,
        transaction: Transaction,
        undo: Undo,
        *,
        seal: Seal | None,
        clock: Clock,
        faults: Faults,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._seal = seal
        self._connection = connection
        self._transaction = transaction
        self._undo = undo
        self._clock = clock
        self._faults = faults
        self._loop = loop
        self._wrote = False
        self.trouble: StoreTrouble | None = None
        self._outages: deque[Outage] = deque()
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._taken: list[_Waiting | None] = []
        self._failure: str | None = None
        self._closing = False
        self._thread = self._begin()

    def _begin(self) -> Thread:
        thread = Thread(target=self._serve, name="fedsafe-writer", daemon=True)
        thread.start()
        return thread

    def submit(self, act: Act | None) -> _Future:
        """Hand in an act, or None to scrub; the future ends once it is durable.

        The act runs in the context of its caller: its audit events belong to the
        request that is under way there.

        Raises:
            StoreClosedError: the writer takes no more acts.
        """
        if self._closing or self._failure is not None:
            raise StoreClosedError(self._failure or "closed")
        if not self._thread.is_alive():
            self._thread = self._begin()
        future: _Future = self._loop.create_future()
        self._queue.put((act, future, copy_context()))
        return future

    async def close(self) -> None:
        """Finish what was handed in and end the thread."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def take_outages(self) -> list[Outage]:
        """Return the outages that are over, each of them once."""
        return [self._outages.popleft() for _ in range(len(self._outages))]

    def _serve(self) -> None:
        serving = not self._taken or self._give_up(RuntimeError("the thread ended"))
        while serving:
            try:
                serving = self._serve_batch()
            except BaseException as error:  # noqa: BLE001 - every caller is told
                serving = self._give_up(error)

    def _serve_batch(self) -> bool:
        # What leaves the queue is in `_taken` at once, without a step between at which
        # the thread could be stopped: nobody waits for what was lost.
        taken = self._taken
        taken.extend(islice(iter(self._queue.get, _NOTHING), 1))
        with suppress(Empty):
            more = iter(self._queue.get_nowait, _NOTHING)
            taken.extend(islice(more, MAX_BATCH - len(taken)))
        self._perform([item for item in taken if item is not None])
        serving = None not in taken
        taken.clear()
        return serving

    def _give_up(self, error: BaseException) -> bool:
        failed = self._take_back(error, committing=False)
        try:
            if self._seal is not None:
                self._seal.reload()  # it may have been committed all the same
        except Exception as worse:  # noqa: BLE001 - every caller is told
            self._failure = f"the seal is not read again ({worse}); start the node anew"
        outcomes: list[_Outcome] = [
            (item[1], None, failed) for item in self._taken if item is not None
        ]
        serving = None not in self._taken
        self._taken.clear()
        self._loop.call_soon_threadsafe(_resolve, outcomes)
        return serving

    def _perform(self, batch: list[_Waiting]) -> None:
        acts = [(act, to, within) for act, to, within in batch if act is not None]
        outcomes = self._commit(acts) if acts else []
        outcomes += [self._scrub(future) for act, future, _ in batch if act is None]
        if outcomes:
            self._loop.call_soon_threadsafe(_resolve, outcomes)

    def _commit(self, acts: list[tuple[Act, _Future, Context]]) -> list[_Outcome]:
        if self._failure is not None:
            closed = StoreClosedError(self._failure)
            return [(future, None, closed) for _, future, _ in acts]
        committing = self._wrote = False
        try:
            self._faults.reach(FaultPoint.WRITER_BEFORE_BEGIN)
            self._connection.execute("BEGIN IMMEDIATE")
            together = len(acts) > 1
            outcomes = [self._run(*each, together) for each in acts]
            if self._seal is not None and self._connection.in_transaction:
                self._seal.write()
            committing = True
            if self._connection.in_transaction:
                self._faults.reach(FaultPoint.WRITER_BEFORE_COMMIT)
                self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - every caller is told
            failed = self._take_back(error, committing=committing)
            return [(future, None, failed) for _, future, _ in acts]
        if self._seal is not None:
            self._seal.confirm()
        if self._wrote and self.trouble is not None:
            since, until = self.trouble.since, int(self._clock.now().timestamp())
            kind, self.trouble = self.trouble.kind, None
            self._outages.append(Outage(kind=kind, since=since, until=until))
        self._faults.reach(FaultPoint.WRITER_AFTER_COMMIT)
        return outcomes

    def _run(
        self,
        act: Act,
        future: _Future,
        context: Context,
        together: bool,  # noqa: FBT001
    ) -> _Outcome:
        execute = self._connection.execute
        if together:  # alone, an act takes back the whole transaction
            execute("SAVEPOINT act")
        self._undo.begin_act()
        before = self._connection.total_changes
        try:
            result = context.run(run_act, act(self._transaction))
        except Exception as error:
            if not self._connection.in_transaction:
                raise  # SQLite itself took back everything, as on a full disk
            execute("ROLLBACK TO act" if together else "ROLLBACK")
            if together:
                execute("RELEASE act")
            self._undo.undo_act()
            told = by_damage(self._connection, _for_caller(error))
            if isinstance(told, StoreFailedError):
                self._remember(error)
            return (future, None, told)
        if together:
            execute("RELEASE act")
        self._wrote = self._wrote or self._connection.total_changes > before
        self._faults.reach(FaultPoint.WRITER_AFTER_ACT)
        return (future, result, None)

    def _take_back(self, error: BaseException, *, committing: bool) -> StoreFailedError:
        reason = str(error) if isinstance(error, sqlite3.Error) else repr(error)
        if committing and not _recoverable(error):
            self._failure = f"a commit failed ({reason}); start the node anew"
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as worse:
            self._failure = f"a rollback failed ({worse}); start the node anew"
        self._undo.forget()
        if self._seal is not None:
            self._seal.forget()
        self._remember(error)
        return StoreFailedError(reason)

    def _remember(self, error: BaseException) -> None:
        kind = Trouble.FAILED if self._failure is not None else _kind(error)
        since = int(self._clock.now().timestamp())
        if self.trouble is not None:
            since = self.trouble.since
        self.trouble = StoreTrouble(kind=kind, since=since)

    def _scrub(self, future: _Future) -> _Outcome:
        try:
            row = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            return (future, None, StoreFailedError(str(error)))
        return (future, row[0] == 0, None)


def _recoverable(error: BaseException) -> bool:
    return _kind(error) is not Trouble.FAILED


def _kind(error: BaseException) -> Trouble:
    code = getattr(error, "sqlite_errorcode", None)
    return _KINDS.get(code & 0xFF, Trouble.FAILED) if code else Trouble.FAILED


def _for_caller(error: Exception) -> Exception:
    if isinstance(error, sqlite3.IntegrityError):
        return ConflictError(str(error))
    if isinstance(error, (*UNREADABLE, KeyFileError)):  # the month's key is not made
        return StoreFailedError(str(error))
    return error


def _resolve(outcomes: list[_Outcome]) -> None:
    for future, result, error in outcomes:
        if future.done():
            continue  # the caller was cancelled; what it handed in is kept
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
