# SPDX-License-Identifier: Apache-2.0
"""Moves a store: `fedsafe store migrate`.

The node stands still: its directory is held, a server's write lock too, so nobody
writes at either end. First the source is verified as `fedsafe audit verify` does, then
its rows are copied, compared and sealed at the target, and that is verified in the
same transaction. Whatever ends it before leaves the source as it was, and a second
call goes on where the first one came to, if the source is still in the same state.

At no moment two stores can be started. The source is marked as moved before the last
transaction at the target; if the process dies between both, neither starts until the
same command has come to its end. The mark is sealed, so nobody without the key of the
seal makes one, and a node of an older version takes it for a broken seal.
"""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from fedsafe_node.acts.audit import LogCheck, VerifyAnswer
from fedsafe_node.ground.config import Config, Place
from fedsafe_node.ground.errors import StoreFailedError
from fedsafe_node.ground.faults import NO_FAULTS, FaultPoint, Faults
from fedsafe_node.log.guard import Kept, read_kept
from fedsafe_node.operations.move.addresses import (
    Route,
    file_in,
    is_file,
    same_spelling,
)
from fedsafe_node.operations.move.copy import copy_rows, total_rows
from fedsafe_node.operations.move.ends import Filled, Source, State, Target, seal_of
from fedsafe_node.operations.move.errors import MoveRefusedError, UnverifiedError
from fedsafe_node.operations.move.finish import (
    check_tables,
    compare,
    same_state,
    write_seal,
)
from fedsafe_node.operations.move.sqlite_ends import SqliteSource, SqliteTarget
from fedsafe_node.operations.offline_inspect import unsealing_of, verify_reader
from fedsafe_node.operations.stopped_node import alone_in
from fedsafe_node.store.address import driver_needed, password_of
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.sealed_files import SealedFiles
from fedsafe_node.store.sealed_parts import Moved, Seal, SealKey, close_mark, read_marks
from fedsafe_node.store.sql import UNREADABLE, Connection
from fedsafe_node.store.sql_log_reader import Unsealing
from fedsafe_node.store.sqlite.store import held
from fedsafe_node.store.writer import run_act
from fedsafe_policies.ground.catalogue import Phrase


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was moved: the number of the new seal, logs, rows by table.

    `was_there`: an earlier call had done it, and nothing was left to do.
    """

    seal: int
    logs: tuple[LogCheck, ...]
    rows: dict[str, int]
    was_there: bool = False


class Watcher:
    """Is told how far it has come; here nobody looks."""

    def begin(self, total: int) -> None:
        """Be told how many rows there are."""

    def rows(self, table: str, count: int) -> None:
        """Be told that more rows are at the target."""

    def step(self, name: str) -> None:
        """Be told what is done next: `verify`, `copy`, `compare`, `seal`."""


def move_store(  # noqa: PLR0913 - everything it needs is an argument
    place: Place,
    config: Config,
    route: Route,
    *,
    anew: bool = False,
    watcher: Watcher | None = None,
    faults: Faults = NO_FAULTS,
) -> Outcome:
    """Move the store of a node that does not run.

    Raises:
        MoveRefusedError: it is not moved like this, with the way out.
        UnverifiedError: the source, or what came of it, does not verify.
        StoreBusyError: a node has it open.
        StoreFailedError: a database does not answer, or refuses.
        NodeError: key files, guard or seal are not as the node left them.
    """
    try:
        with _ends(place, route, faults) as (source, target):
            kept = read_kept(place.guard)
            around = SealedFiles(place, {log: each.size for log, each in kept.items()})
            journey = _Journey(
                _Node(config.name, kept, around, unsealing_of(place.periods)),
                source,
                target,
                watcher or Watcher(),
                faults,
            )
            return journey.go(route.target, anew=anew)
    except (*UNREADABLE, OSError) as error:
        raise StoreFailedError(str(error)) from error


@contextmanager
def _ends(
    place: Place, route: Route, faults: Faults
) -> Iterator[tuple[Source, Target]]:
    with driver_needed():
        from fedsafe_node.operations.move.postgresql_ends import (  # noqa: PLC0415
            PostgresSource,
            PostgresTarget,
        )
    with ExitStack() as stack:
        stack.enter_context(alone_in(place))
        stack.enter_context(held(place.database))
        if is_file(route.source):
            source = stack.enter_context(closing(SqliteSource(file_in(route.source))))
            server = PostgresTarget(route.owner or "", route.role)
            stack.enter_context(closing(server))
            storage = route.storage
            password = password_of(place.directory, storage) if storage else None
            server.check_entry(route.target, password)
            yield source, server
        else:
            server_source = PostgresSource(route.source, route.source_password)
            stack.enter_context(closing(server_source))
            target = SqliteTarget(file_in(route.target), faults)
            yield server_source, stack.enter_context(closing(target))


@dataclass(frozen=True, slots=True)
class _Node:
    name: str
    kept: dict[str, Kept]
    around: SealedFiles
    unsealing: Unsealing

    @property
    def key(self) -> SealKey:
        return self.around.key

    def verify(self, connection: Connection, where: Phrase) -> VerifyAnswer:
        """Verify what is at an end, on the snapshot under way.

        Raises:
            UnverifiedError: it does not add up.
        """
        reader = Reader(connection, self.unsealing)
        query = verify_reader(reader, self.kept, self.name, self.around)
        answer = run_act(query)
        if not answer.ok:
            raise UnverifiedError(where, answer)
        return answer


@dataclass(frozen=True, slots=True)
class _Journey:
    node: _Node
    source: Source
    target: Target
    watcher: Watcher
    faults: Faults

    def go(self, to: str, *, anew: bool) -> Outcome:
        seal = seal_of(self.source.connection, self.node.key)
        _, moved = read_marks(self.source.connection, self.node.key)
        state = self.target.state(self.node.key)
        if moved is not None and same_spelling(moved.to) != to:
            raise MoveRefusedError(
                Phrase("this store has moved already: it goes on at {to}").filled(
                    to=moved.to
                ),
                Phrase("name that in --to to end a move that was broken off"),
            )
        if moved is not None and _is_whole(state, moved):
            return self._end_again(state)
        is_begun = self._is_begun(state, seal, anew=anew)
        if moved is not None and not is_begun and not anew:
            raise MoveRefusedError(
                Phrase(
                    "this store was marked as moved, and nothing of it is at the target"
                ),
                Phrase("if it never ran there, --anew moves it once more"),
            )
        self.watcher.step("verify")
        before = self.node.verify(self.source.connection, Phrase("the store"))
        self._copy(seal, is_begun=is_begun)
        return self._finish(to, seal, before)

    def _is_begun(self, state: State, seal: Seal, *, anew: bool) -> bool:
        """Say whether there is something to go on with; take away what is useless."""
        if state.filled is Filled.FOREIGN:
            raise MoveRefusedError(
                Phrase(
                    "the target holds rows of {owner}; nothing of it was changed"
                ).filled(owner=state.owner),
                Phrase("name an empty database"),
            )
        if state.filled is Filled.WHOLE:
            number = state.seal.main.number if state.seal else 0
            if state.moved is None or number >= seal.main.number:
                raise MoveRefusedError(
                    Phrase(
                        "the target holds a store of this node already (seal "
                        "{number}); nothing of it was changed"
                    ).filled(number=number),
                    Phrase("name an empty database, or move from there"),
                )
        if state.filled is Filled.PART and not anew:
            if state.moving == same_state(seal):
                return True
            self.watcher.step("anew")  # the source went on since
        if state.filled is not Filled.NOTHING:
            self.target.clear()
        return False

    def _copy(self, seal: Seal, *, is_begun: bool) -> None:
        if is_begun:
            self.target.resume()
        else:
            self.target.begin(close_mark(self.node.key, same_state(seal)))
        self.faults.reach(FaultPoint.MOVE_AFTER_BEGIN)
        check_tables(self.source.connection, self.target.connection)
        self.watcher.step("copy")
        self.watcher.begin(total_rows(self.source.connection))
        copy_rows(self.source, self.target, self.watcher.rows, self.faults)

    def _finish(self, to: str, seal: Seal, before: VerifyAnswer) -> Outcome:
        with self.target.finishing():
            self.watcher.step("compare")
            counts = compare(self.source, self.target, self.node.key, seal)
            self.watcher.step("seal")
            number = write_seal(
                self.source.connection, self.target.connection, self.node.key, seal
            )
            after = self.node.verify(self.target.connection, Phrase("the copy"))
            if after.logs != before.logs:
                raise UnverifiedError(Phrase("the copy"), after)
            self.faults.reach(FaultPoint.MOVE_BEFORE_MARK)
            mark = Moved(to, seal.main.number)
            self.source.mark(close_mark(self.node.key, mark))
            self.faults.reach(FaultPoint.MOVE_AFTER_MARK)
        self.target.publish()
        self.faults.reach(FaultPoint.MOVE_AFTER_COMMIT)
        return Outcome(number, tuple(after.logs), counts)

    def _end_again(self, state: State) -> Outcome:
        """End what an earlier call has come to the end of."""
        self.target.publish()
        seal = state.seal
        return Outcome(0 if seal is None else seal.main.number, (), {}, was_there=True)


def _is_whole(state: State, moved: Moved) -> bool:
    """Whether a target holds what the source became."""
    if state.filled is not Filled.WHOLE or state.seal is None:
        return False
    return state.moved is None and state.seal.main.number > moved.number
