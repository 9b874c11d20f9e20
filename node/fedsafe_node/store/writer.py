# SPDX-License-Identifier: Apache-2.0
"""One thread that owns the write connection and commits acts in groups.

Callers hand in acts; the thread takes all that wait (up to a bound), begins one
transaction, runs each act, commits once, and only then lets the loop know, once
for the whole batch. In WAL mode with `synchronous=FULL` that is one fdatasync
however many acts there are, and nobody is told before it.

* An act that raises takes back only itself (where it is not alone, by a savepoint, or
  by rows that only waited).
* One that changes thousands of rows has a commit of its own: within a savepoint SQLite
  walks, after each statement, over all the pages that it keeps to go back to it.
* When the disk refuses, the whole batch is taken back, its callers are told, and
  what the sequencer holds in memory is read from disk again.
* A full disk leaves the writer usable, and gives up the reserve: until that is there
  again, only acts that make things safer are kept (`reserve`).
* After any other failure of a commit nobody can know what the kernel still holds, so
  the writer fails closed: everything is refused until the store is opened anew.
* Whatever ends the thread's work in the middle, its callers are told, and it goes on:
  a writer that is gone would leave everybody waiting.
* What the disk refused is remembered until a commit that changes something succeeds:
  an empty one succeeds on a full disk as well. Then it is an outage that is over,
  for `Gaps` to write down.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context, copy_context
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, TypeVar, cast

from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import NoRoomError, StoreClosedError, StoreFailedError
from fedsafe_node.ground.faults import FaultPoint, Faults
from fedsafe_node.store.answers import Answers, Future, Outcome
from fedsafe_node.store.disk_errors import (
    by_damage,
    for_caller,
    is_full,
    kind_of,
    log_cause,
)
from fedsafe_node.store.keeping_rows import Outage
from fedsafe_node.store.reserve import Reserve
from fedsafe_node.store.rows import StoreTrouble, Trouble
from fedsafe_node.store.sealing import Sealer
from fedsafe_node.store.sql import Error, OperationalError, Since, WriteConnection
from fedsafe_node.store.transaction import Transaction, Undo

T = TypeVar("T")
Act = Callable[[Transaction], Awaitable[Any]]

MAX_BATCH = 1024
_NOTHING = object()  # never in the queue


class _Waiting(NamedTuple):
    """What was handed in: an act, or None to scrub."""

    act: Act | None
    future: Future
    context: Context
    vital: bool
    alone: bool


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
    Owned by the writer's thread: `_connection`, `_transaction`, `_undo`, `_seal`,
    `_reserve`; `_since`, what may have happened and is not taken up yet; `_wrote`,
    whether an act of the batch changed rows; `_scarce`, whether the batch has to do
    without the reserve; `_taken`, what was taken from the queue and not answered yet.
    Set by the writer's thread, read by all: `_failure` (once), `trouble`.
    Filled by the writer's thread, emptied by the loop's: `_outages`.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        connection: WriteConnection,
        transaction: Transaction,
        undo: Undo,
        *,
        seal: Sealer | None,
        reserve: Reserve | None,
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
        self._answers = Answers(loop)
        self._wrote = False
        self._since = Since.NOTHING
        self._reserve = reserve
        self._scarce = False
        self.trouble: StoreTrouble | None = None
        self._outages: deque[Outage] = deque()
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._taken: list[_Waiting | None] = []
        self._failure: str | None = None
        self._closing = False
        if reserve is not None and not reserve.held:
            self._remember(NoRoomError())
        self._thread = self._start()

    def _start(self) -> Thread:
        thread = Thread(target=self._serve, name="fedsafe-writer", daemon=True)
        thread.start()
        return thread

    def submit(
        self, act: Act | None, *, vital: bool = False, alone: bool = False
    ) -> Future:
        """Hand in an act, or None to scrub; the future ends once it is durable.

        The act runs in the context of its caller: its audit events belong to the
        request that is under way there.

        Raises:
            StoreClosedError: the writer takes no more acts.
        """
        if self._closing or self._failure is not None:
            raise StoreClosedError(self._failure or "closed")
        if not self._thread.is_alive():
            self._thread = self._start()
        future: Future = self._loop.create_future()
        self._queue.put(_Waiting(act, future, copy_context(), vital, alone))
        return future

    async def close(self) -> None:
        """Finish what was handed in and end the thread."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self._answers.close()

    @property
    def gave_up(self) -> bool:
        """Whether every act is refused until the store is opened anew."""
        return self._failure is not None

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
        if not self._queue.empty():
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
        outcomes: list[Outcome] = [
            (item.future, None, failed) for item in self._taken if item is not None
        ]
        serving = None not in self._taken
        self._taken.clear()
        self._answers.tell(outcomes)
        return serving

    def _perform(self, batch: list[_Waiting]) -> None:
        acts = [(item, item.act) for item in batch if item.act is not None]
        for together in _in_commits(acts):
            self._answers.tell(self._commit(together))
        self._answers.tell(
            [self._scrub(item.future) for item in batch if item.act is None]
        )

    def _commit(self, acts: list[tuple[_Waiting, Act]]) -> list[Outcome]:
        if self._failure is not None:
            closed = StoreClosedError(self._failure)
            return [(item.future, None, closed) for item, _ in acts]
        committing = self._wrote = False
        self._scarce = self._is_scarce()
        try:
            self._faults.reach(FaultPoint.WRITER_BEFORE_BEGIN)
            self._begin()
            together = len(acts) > 1
            outcomes = [self._run(item, act, together) for item, act in acts]
            if self._seal is not None and self._connection.in_transaction:
                self._seal.write()
            committing = True
            if self._connection.in_transaction:
                self._faults.reach(FaultPoint.WRITER_BEFORE_COMMIT)
                self._connection.commit()
            elif any(error is None for _, _, error in outcomes):
                raise OperationalError("the transaction is gone")  # noqa: TRY301
        except Exception as error:  # noqa: BLE001 - every caller is told
            failed = self._take_back(error, committing=committing)
            return [(item.future, None, failed) for item, _ in acts]
        if self._seal is not None:
            self._seal.confirm()
        if self._wrote and self.trouble is not None and not self._scarce:
            since, until = self.trouble.since, int(self._clock.now().timestamp())
            kind, self.trouble = self.trouble.kind, None
            self._outages.append(Outage(kind=kind, since=since, until=until))
        self._faults.reach(FaultPoint.WRITER_AFTER_COMMIT)
        return outcomes

    def _begin(self) -> None:
        since = self._connection.begin()
        if since is Since.ANYTHING or self._since is Since.NOTHING:
            self._since = since
        if self._since is Since.NOTHING:
            return
        if self._since is Since.MORE:
            self._undo.catch_up()
        else:
            self._undo.forget()
        if self._seal is not None:
            self._seal.reload(anew=self._since is Since.ANYTHING)
        self._since = Since.NOTHING

    def _is_scarce(self) -> bool:
        reserve = self._reserve
        return reserve is not None and not reserve.held and not reserve.take_up()

    def _run(self, item: _Waiting, act: Act, together: bool) -> Outcome:  # noqa: FBT001
        connection, future = self._connection, item.future
        if together:  # alone, an act takes back the whole transaction
            connection.begin_act()
        self._undo.begin_act()
        # What was written is asked for only where it can end an outage.
        before = connection.total_changes if self.trouble is not None else None
        try:
            if self._scarce and not item.vital:
                act = self._sparing(act)
            result = item.context.run(run_act, act(self._transaction))
        except Exception as error:
            if not connection.in_transaction:
                raise  # the database took back everything, as on a full disk
            if together:
                connection.undo_act()
            else:
                connection.rollback()
            self._undo.undo_act()
            told = by_damage(connection, for_caller(error))
            if isinstance(told, StoreFailedError):
                self._remember(error)
            return (future, None, told)
        if together:
            connection.end_act()
        if before is not None and not self._wrote:
            self._wrote = connection.total_changes > before
        self._faults.reach(FaultPoint.WRITER_AFTER_ACT)
        return (future, result, None)

    def _sparing(self, act: Act) -> Act:
        """Let an act end well only if it changes nothing, or makes things safer."""
        reserve, connection = cast("Reserve", self._reserve), self._connection

        async def spared(tx: Transaction) -> object:
            mark = await reserve.relief.mark(tx)
            before = connection.total_changes
            result = await act(tx)
            changed = connection.total_changes > before
            if changed and not await reserve.relief.relieves(tx, mark):
                raise NoRoomError
            return result

        return spared

    def _take_back(self, error: BaseException, *, committing: bool) -> StoreFailedError:
        lost = self._connection.is_lost_by(error, committing=committing)
        self._failure = lost or self._failure
        try:
            if self._connection.in_transaction:
                self._connection.rollback()
        except Error as worse:
            self._failure = f"a rollback failed ({worse}); start the node anew"
        self._undo.forget()
        if self._seal is not None:
            self._seal.forget()
        self._remember(error)
        is_of_database = isinstance(error, Error)
        return StoreFailedError(str(error) if is_of_database else repr(error))

    def _remember(self, error: BaseException) -> None:
        kind = Trouble.FAILED if self._failure is not None else kind_of(error)
        if kind is Trouble.FULL and self._reserve is not None and self._reserve.held:
            self._reserve.give_up()
        since = int(self._clock.now().timestamp())
        if self.trouble is not None:
            since = self.trouble.since
        else:
            log_cause(error)
        self.trouble = StoreTrouble(kind=kind, since=since)

    def _scrub(self, future: Future) -> Outcome:
        if self._failure is not None:
            return (future, None, StoreClosedError(self._failure))
        committing = False
        try:
            if self._connection.clear():
                committing = True
                self._faults.reach(FaultPoint.WRITER_BEFORE_COMMIT)
                self._connection.commit()
                return (future, None, None)  # others have a turn before the next piece
        except Error as error:
            if kind_of(error) is Trouble.BUSY and not committing:
                return (future, False, None)
            return (future, None, self._take_back(error, committing=committing))
        try:
            is_clean = self._connection.scrub()
        except Error as error:
            if is_full(error):
                self._remember(error)
            return (future, None, StoreFailedError(str(error)))
        return (future, is_clean, None)


def _in_commits(acts: list[tuple[_Waiting, Act]]) -> list[list[tuple[_Waiting, Act]]]:
    """Cut acts into those that are committed together, in their order."""
    commits: list[list[tuple[_Waiting, Act]]] = [[]]
    for item, act in acts:
        if item.alone:
            commits += [[(item, act)], []]
        else:
            commits[-1].append((item, act))
    return [commit for commit in commits if commit]
