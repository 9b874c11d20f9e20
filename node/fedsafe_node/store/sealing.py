# SPDX-License-Identifier: Apache-2.0
"""Keeps the seal in step with the tables, within the commits of the writer.

Triggers note each row that comes or goes (`Notes`). The notes are part of the
transaction: what an act, a savepoint or a failed statement takes back is noted no more.
At the end of a batch they are added to the sums, and the seal is written in the same
commit. So every way to change a row is seen, whatever statement did it, and no reader
pays.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Protocol, cast

from fedsafe_crypto.primitives.multiset import Multiset
from fedsafe_node.ground.errors import SealBrokenError, StoreFailedError
from fedsafe_node.store.coverage import (
    Covered,
    covered_tables,
    rows_of,
)
from fedsafe_node.store.rows import Tail
from fedsafe_node.store.schema import VERSION
from fedsafe_node.store.seal_check import (
    MOST_AT_START,
    destroyed_files,
    log_faults,
    lost_since,
    schema_digest,
    surroundings_faults,
    table_faults,
)
from fedsafe_node.store.seal_protocol import Position, Surroundings
from fedsafe_node.store.sealed_parts import (
    FILES,
    MAIN,
    MainPart,
    OpenedParts,
    Seal,
    digest_of_parts,
    encode_files,
    encode_main,
    encode_sums,
    parts_of,
    read_seal,
    table_part,
)
from fedsafe_node.store.sql import Connection, WriteConnection
from fedsafe_node.store.sql_logs import SqlLogRows
from fedsafe_policies.ground.catalogue import Phrase

_LOOK_EVERY: Final = 64  # commits
_KEEP: Final = (
    "INSERT INTO seal (part, body) VALUES (?, ?) "
    "ON CONFLICT (part) DO UPDATE SET body = excluded.body"
)
_BODY: Final = f"SELECT body FROM seal WHERE part = '{MAIN}'"  # noqa: S608 - our own word
_SEALED_BY_ANOTHER: Final = "another process has sealed it meanwhile: open it again"
_KEEP_MAIN: Final = f"UPDATE seal SET body = ? WHERE part = '{MAIN}'"  # noqa: S608 - our own word


Note = tuple[str, int, Sequence[Any]]  # a table, 1 (came) or -1 (went), the row


class Notes(Protocol):
    """What rows came and went in the transaction under way."""

    def begin(self, tables: Sequence[Covered]) -> None:
        """Note from now on what happens to these tables."""
        ...

    def look_anew(self) -> None:
        """Be told that nobody knows how the transaction has ended."""
        ...

    def take(self) -> Sequence[Note]:
        """Return what was noted, and forget it."""
        ...


class Logs(Protocol):
    """Where the logs stand."""

    def grown(self, sealed: Mapping[str, Position]) -> Mapping[str, Position]:
        """Return the positions of the logs that have grown since."""
        ...

    def tail(self, rows: SqlLogRows, log: str) -> Tail:
        """Return a log's end."""
        ...

    def vouch(self, sealed: Mapping[str, Position]) -> None:
        """Be told where each log stands, as the last commit has left it."""
        ...


@dataclass(frozen=True, slots=True)
class _State:
    main: MainPart
    files: Mapping[str, bytes]
    tables: Mapping[str, Multiset]
    parts: Mapping[str, bytes]


class Sealer:
    """Writes the seal of one database.

    Owned by the writer's thread: the connection, `_state` (as committed), `_next` (as
    the commit under way will leave it), and `_is_touched`, whether a row may have been
    noted since the last one. `number` is read by others.
    """

    def __init__(
        self,
        connection: WriteConnection,
        notes: Notes,
        around: Surroundings,
        logs: Logs,
        recheck: Callable[[Mapping[str, Position]], None] | None = None,
    ) -> None:
        self._recheck = recheck
        self._execute = connection.execute
        self._connection = connection
        self._around = around
        self._key = around.key
        self._logs = logs
        self._notes = notes
        self._opened = OpenedParts(self._key)
        self._tables: dict[str, Covered] = {}
        self._state: _State | None = None
        self._next: _State | None = None
        self._upgraded: tuple[int, bytes | None] | None = None
        self.number = 0

    def begin(
        self,
        migrate: Callable[[Callable[[Connection], None]], None],
        snapshot: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Check the seal that there is, bring the schema up to date, and go on.

        *migrate* calls what it is given in the transaction that changes the schema. The
        seal is checked within *snapshot*, where others may write meanwhile.

        Raises:
            SealBrokenError: names what is not as it was sealed.
            SchemaError: the database is newer than this program.
            StoreFailedError: another process sealed it at the same time.
        """
        with snapshot():
            before = self._connection.schema()
            seal = read_seal(self._connection, self._key)
            body = None if seal is None else self._body()
            if seal is not None:
                self._check(seal)
        if seal is None and self._around.was_sealed:
            raise SealBrokenError(
                "seal", MAIN, Phrase("it is missing"), is_missing=True
            )
        self._upgraded = None if seal is None else (seal.main.number + 1, body)
        migrate(self._seal_upgrade)
        self._tables = {each.name: each for each in covered_tables(self._connection)}
        self._notes.begin(list(self._tables.values()))
        if self._next is not None:
            self._take(self._next)  # it was sealed together with the upgrade
        elif seal is None or before != self._connection.schema():
            self._seal_all(1 if seal is None else seal.main.number + 1, body)
        else:
            self._resume(seal)
        self._around.end_sealing()  # also if a crash came before it the last time

    def _seal_upgrade(self, connection: Connection) -> None:
        # Not later: whoever is killed between the two would leave a schema that nobody
        # has sealed, which looks like one that somebody has changed.
        if self._upgraded is None:
            return  # the first seal waits for its key
        number, before = self._upgraded
        self._refuse_another(before, connection)
        state = self._whole(connection, number)
        connection.execute("DELETE FROM seal")
        for part, body in (*state.parts.items(), (MAIN, encode_main(state.main))):
            connection.execute(_KEEP, (part, self._key.close(part, body)))
        self._next = state

    def _check(self, seal: Seal) -> None:
        # What a migration changes has to be whole before it is sealed anew.
        version = self._connection.version()
        most = MOST_AT_START if version == VERSION else None
        logs, guards = seal.main.logs, seal.main.guards
        own = {log: at for log, at in logs.items() if log in guards}
        found = self._positions(own)
        for fault in chain(
            surroundings_faults(self._connection, self._around, seal),
            log_faults(own, found),
            table_faults(self._connection, self._key, seal, most=most),
        ):
            raise fault

    def write(self) -> None:
        """Write the seal, if the transaction under way has changed what it tells."""
        state = self._state
        if state is None:
            return
        touched = self._notes.take()
        grown = self._logs.grown(state.main.logs)
        marks = _furthest(state.main.guards, self._around.marks())
        tables, parts, files = state.tables, state.parts, state.files
        # To look at the directories in every commit would cost as much as the rest.
        looks = touched or not grown or state.main.number % _LOOK_EVERY == 0
        news = self._around.news(files, self._destroyed) if looks else None
        if news is not None and news != files:
            files = news
            parts = {**parts, FILES: self._keep(FILES, encode_files(files))}
        if touched:
            tables, parts = self._changed(touched, tables, parts)
        elif not grown and parts is state.parts and marks == state.main.guards:
            return
        main = MainPart(
            number=state.main.number + 1,
            schema=state.main.schema,
            parts=(
                state.main.parts if parts is state.parts else digest_of_parts(parts)
            ),
            logs={**state.main.logs, **grown},
            guards=dict(marks),
        )
        sealed = self._key.close(MAIN, encode_main(main))
        self._connection.at_commit(_KEEP_MAIN, (sealed,))
        self._next = _State(main, files, tables, parts)

    def confirm(self) -> None:
        """Be told that the transaction was committed."""
        if self._next is not None:
            self._take(self._next)

    def forget(self) -> None:
        """Be told that the transaction was taken back."""
        self._next = None

    def reload(self, *, anew: bool = False) -> None:
        """Read again what the database holds; nobody knows how a commit has ended.

        Whoever was told that something is kept can rely on it: a database that is
        older than what this worker knows, or another past, is not gone on with. Where
        it may be another one, *anew*, it is also checked as at the start, and its
        logs have to begin as they are known.

        Raises:
            SealBrokenError: it is not as it was sealed.
            NodeError: it is not what was checked at the start.
        """
        self._notes.look_anew()
        seal, known = None, dict[str, Position]()
        if self._state is not None:
            known |= self._state.main.logs
            seal = read_seal(self._connection, self._opened, has_table=True)
            if seal is None:
                raise SealBrokenError(
                    "seal", MAIN, Phrase("it is missing"), is_missing=True
                )
            for fault in lost_since(self._state.main, seal.main):
                raise fault
        if anew and self._recheck is not None:
            self._recheck(known)
        if seal is not None:
            self._resume(seal)

    def _resume(self, seal: Seal) -> None:
        parts = parts_of(seal.files, seal.tables)
        self._take(_State(seal.main, seal.files, seal.tables, parts))

    def _take(self, state: _State) -> None:
        self._state, self._next = state, None
        self.number = state.main.number
        self._logs.vouch(state.main.logs)

    def _keep(self, part: str, body: bytes) -> bytes:
        sealed = self._key.close(part, body)
        self._connection.at_commit(_KEEP, (part, sealed))
        return body

    def _changed(
        self,
        touched: Iterable[Note],
        tables: Mapping[str, Multiset],
        parts: Mapping[str, bytes],
    ) -> tuple[dict[str, Multiset], dict[str, bytes]]:
        changed: dict[str, list[tuple[int, Sequence[Any]]]] = defaultdict(list)
        for name, sign, row in touched:
            changed[name].append((sign, row))
        new_tables, new_parts = dict(tables), dict(parts)
        for name, rows in changed.items():
            before = tables.get(name, Multiset())
            sums = self._tables[name].change(before, self._key.hash_row, rows)
            if sums == before:
                continue
            part = table_part(name)
            new_tables[name] = sums
            new_parts[part] = self._keep(part, encode_sums(sums))
        return new_tables, new_parts

    def _body(self, connection: Connection | None = None) -> bytes | None:
        row = (connection or self._connection).execute(_BODY).fetchone()
        return None if row is None else bytes(row[0])

    def _refuse_another(
        self, before: bytes | None, connection: Connection | None = None
    ) -> None:
        # Whoever sealed since has the only key, or sums of rows that it has added.
        if self._body(connection) != before:
            raise StoreFailedError(_SEALED_BY_ANOTHER)

    def _seal_all(self, number: int, before: bytes | None) -> None:
        self._connection.begin()
        try:
            self._refuse_another(before)
            self._around.begin_sealing()
            self._execute("DELETE FROM seal")
            self._notes.take()
            state = self._whole(self._connection, number)
            main = encode_main(state.main)
            for part, body in (*state.parts.items(), (MAIN, main)):
                self._keep(part, body)
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()
        self._take(state)

    def _whole(self, connection: Connection, number: int) -> _State:
        tables = {
            table.name: sums
            for table in covered_tables(connection)
            if (sums := table.sum_up(self._key.hash_row, rows_of(connection, table)))
            != Multiset()
        }
        files = self._around.digests()
        parts = parts_of(files, tables)
        names = [name for (name,) in connection.execute("SELECT origin FROM logs")]
        main = MainPart(
            number=number,
            schema=schema_digest(connection),
            parts=digest_of_parts(parts),
            logs=self._positions(names, connection),
            guards=dict(self._around.marks()),
        )
        return _State(main, files, tables, parts)

    def _positions(
        self, names: Iterable[str], connection: Connection | None = None
    ) -> dict[str, Position]:
        # Whoever asks for ends of logs only reads.
        rows = SqlLogRows(cast("WriteConnection", connection or self._connection))
        tails = {name: self._logs.tail(rows, name) for name in names}
        return {name: (tail.size, tail.root) for name, tail in tails.items()}

    def _destroyed(self) -> set[str]:
        return destroyed_files(self._connection)


def _furthest(sealed: Mapping[str, int], marks: Mapping[str, int]) -> Mapping[str, int]:
    """Return how far the guard has come, in this worker or another."""
    if all(marks.get(log) == size for log, size in sealed.items()):
        return marks
    return {
        log: max(sealed.get(log, 0), marks.get(log, 0)) for log in {**sealed, **marks}
    }
