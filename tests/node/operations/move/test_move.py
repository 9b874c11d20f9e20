# SPDX-License-Identifier: Apache-2.0
import asyncio
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo
from tests.support.databases import ClosedBehind
from tests.support.forks import Forks, forks
from tests.support.full_directory import open_node
from tests.support.move_ends import Stopped

from fedsafe_node.ground.errors import (
    SealBrokenError,
    StoreBusyError,
)
from fedsafe_node.operations.move import copy as copying
from fedsafe_node.operations.move import postgresql_ends
from fedsafe_node.operations.move.ends import moved_tables
from fedsafe_node.operations.move.errors import MoveRefusedError, UnverifiedError
from fedsafe_node.operations.move.journey import Watcher
from fedsafe_node.operations.move.postgresql_ends import PostgresTarget
from fedsafe_node.operations.offline_inspect import verify_node
from fedsafe_node.store import schema as sqlite_schema
from fedsafe_node.store.postgresql import schema
from fedsafe_node.store.postgresql.connection import PostgresConnection, connect
from fedsafe_node.store.postgresql.replacements import LOG_STEP
from fedsafe_node.store.postgresql.turns import WRITING
from fedsafe_node.store.sealed_parts import StoreMovedError
from fedsafe_node.store.sqlite.connection import SqliteConnection
from fedsafe_node.store.sqlite.store import held


class Steps(Watcher):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.copied = self.total = 0

    def begin(self, total: int) -> None:
        self.total = total

    def rows(self, table: str, count: int) -> None:
        del table
        self.copied += count

    def step(self, name: str) -> None:
        self.names.append(name)


async def start_and_stop(stopped: Stopped) -> int:
    """Run what a node stands on, let it do an act, and return its audit log's size."""
    async with AsyncExitStack() as parts:
        base = await open_node(stopped.place, parts)
        audit = base.office.trail.log
        assert (await base.store.check_seal()).faults == ()
        await base.store.write(lambda tx: tx.put_document("moved", b"here"))
        return await base.store.read(lambda reader: reader.log_size(audit))


def test_every_row_arrives_and_comes_back_and_the_node_runs_at_each_end(
    stopped: Stopped,
) -> None:
    before = stopped.in_file()
    steps = Steps()
    there = stopped.move(stopped.there, watcher=steps)
    arrived = stopped.in_database()
    with pytest.raises(StoreMovedError):
        asyncio.run(start_and_stop(stopped))
    stopped.switch(stopped.there)
    asyncio.run(start_and_stop(stopped))
    with_act = stopped.in_database()
    back = stopped.move(stopped.back)
    with pytest.raises(StoreMovedError):
        asyncio.run(start_and_stop(stopped))
    stopped.switch(stopped.back)
    returned = stopped.in_file()
    verified = asyncio.run(verify_node(stopped.place, stopped.config))
    asyncio.run(start_and_stop(stopped))

    assert all(before.values())
    assert arrived == before
    assert returned == with_act
    assert with_act["documents"] != before["documents"]
    assert {log.log: log.root for log in there.logs} == {
        log.log: log.root for log in back.logs
    }
    assert all(log.ok for log in (*there.logs, *back.logs))
    assert sum(log.erased for log in there.logs) > 0
    assert verified.ok
    assert back.seal > there.seal
    assert steps.copied == steps.total == sum(there.rows.values())
    assert steps.names == ["verify", "copy", "compare", "seal"]


def test_what_went_there_and_back_goes_there_again(one_stopped: Stopped) -> None:
    stopped = one_stopped
    before = stopped.in_file()
    for route in (stopped.there, stopped.back, stopped.there):
        stopped.move(route)

    assert stopped.in_database() == before


@pytest.fixture(scope="module")
def mover(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """Give what moves stores in processes of their own."""
    folder = tmp_path_factory.mktemp("mover")
    with forks("tests.node.operations.move.child", folder) as forked:
        yield forked


def killed_at(
    mover: Forks, stopped: Stopped, point: str, nth: int, *, back: bool
) -> None:
    """Move in another process, which kills itself when it comes to a point."""
    where = (str(stopped.directory), stopped.database.owner, stopped.database.node)
    ended = mover.run(*where, point, str(nth), *(["back"] if back else []))
    assert ended.status == -signal.SIGKILL, ended.said[-2000:]


POINTS = [
    ("move.after_begin", 1),
    ("move.after_rows", 1),
    ("move.after_rows", 30),
    ("move.after_rows", 90),
    ("move.before_mark", 1),
    ("move.after_mark", 1),
    ("move.after_commit", 1),
]
CASES = [(*each, back) for back in (False, True) for each in POINTS]
CASES.append(("move.before_rename", 1, True))


@pytest.mark.parametrize(
    ("point", "nth", "back"),
    CASES,
    ids=lambda case: ("there", "back")[case] if isinstance(case, bool) else str(case),
)
def test_who_is_killed_anywhere_goes_on_and_no_two_stores_start(
    mover: Forks, one_stopped: Stopped, point: str, nth: int, *, back: bool
) -> None:
    stopped, route = one_stopped, one_stopped.there
    if back:
        stopped.move(route)
        stopped.switch(route)
        route = stopped.back
    before = (stopped.in_database if back else stopped.in_file)()
    killed_at(mover, stopped, point, nth, back=back)
    starts = [asyncio.run(does_start(stopped))]
    stopped.switch(route)
    starts.append(asyncio.run(does_start(stopped)))
    stopped.switch(stopped.back if route == stopped.there else stopped.there)
    if not any(starts):
        steps = Steps()
        stopped.move(route, watcher=steps)
        copied = steps.copied
        stopped.switch(route)
        starts.append(asyncio.run(does_start(stopped)))
        after = (stopped.in_file if back else stopped.in_database)()

        assert "anew" not in steps.names
        assert copied in {0, sum(map(len, before.values()))}
        assert after == before

    assert starts.count(True) == 1


async def does_start(stopped: Stopped) -> bool:
    """Whether a node opens the store that its configuration names; it does nothing."""
    try:
        async with AsyncExitStack() as parts:
            await open_node(stopped.place, parts)
    except (StoreMovedError, SealBrokenError):
        return False
    return True


def test_a_source_that_went_on_meanwhile_is_moved_anew(
    mover: Forks, one_stopped: Stopped
) -> None:
    stopped = one_stopped
    killed_at(mover, stopped, "move.after_rows", 40, back=False)
    asyncio.run(start_and_stop(stopped))
    steps = Steps()
    stopped.move(stopped.there, watcher=steps)

    assert steps.names == ["anew", "verify", "copy", "compare", "seal"]
    assert stopped.in_database() == stopped.in_file()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE persons SET display = 'Otto Unsinn'",
        "DELETE FROM due WHERE job = (SELECT min(job) FROM due)",
        "UPDATE entries SET record = record || '\\x00'::bytea WHERE idx = 299",
        "UPDATE openings SET period = '2020-01' WHERE sealed IS NOT NULL",
    ],
    ids=["person", "job", "entry", "opening"],
)
def test_what_is_changed_in_an_unfinished_copy_is_never_sealed(
    mover: Forks, one_stopped: Stopped, statement: str
) -> None:
    stopped = one_stopped
    killed_at(mover, stopped, "move.before_mark", 1, back=False)
    stopped.change_database(statement)
    with pytest.raises(MoveRefusedError, match="not all the same"):
        stopped.move(stopped.there)
    starts = asyncio.run(does_start(stopped))
    stopped.move(stopped.there, anew=True)

    assert starts
    assert stopped.in_database() == stopped.in_file()


def test_a_store_that_does_not_verify_is_not_moved(one_stopped: Stopped) -> None:
    stopped = one_stopped
    stopped.change_file("UPDATE persons SET display = 'Otto Unsinn'")
    with pytest.raises(UnverifiedError) as caught:
        stopped.move(stopped.there)
    bad = [each for each in caught.value.answer.tables if not each.ok]

    assert [each.table for each in bad] == ["persons"]
    assert not held_in(stopped)


def held_in(stopped: Stopped) -> bool:
    with psycopg.connect(stopped.database.owner) as connection:
        found = connection.execute("SELECT to_regclass('fedsafe.seal') IS NOT NULL")
        return bool((found.fetchone() or (False,))[0])


def test_a_target_that_holds_anything_is_refused_and_left_alone(
    one_stopped: Stopped,
) -> None:
    stopped = one_stopped
    schema.migrate(stopped.database.owner, stopped.there.role)
    stopped.change_database("INSERT INTO meta VALUES ('key', 'x')")
    with pytest.raises(MoveRefusedError, match="holds rows of nobody known"):
        stopped.move(stopped.there)
    stopped.change_database("INSERT INTO logs (origin) VALUES ('x.demo/audit')")
    with pytest.raises(MoveRefusedError, match=r"holds rows of x\.demo"):
        stopped.move(stopped.there, anew=True)
    before = stopped.in_database()
    stopped.change_database("DELETE FROM meta; DELETE FROM logs")
    stopped.move(stopped.there)

    assert before["meta"] == [("key", b"x")]
    assert stopped.in_database() == stopped.in_file()


def test_another_node_s_file_is_refused_on_the_way_back_and_left_alone(
    one_stopped: Stopped, founded: Path
) -> None:
    stopped = one_stopped
    stopped.move(stopped.there)
    for rest in ("-wal", "-shm"):  # what they hold is of the file before
        Path(f"{stopped.place.database}{rest}").unlink(missing_ok=True)
    shutil.copy(founded / "a.demo" / "store.db", stopped.place.database)
    before = stopped.place.database.read_bytes()
    with pytest.raises(MoveRefusedError, match=r"holds rows of a\.demo"):
        stopped.move(stopped.back)

    assert stopped.place.database.read_bytes() == before


def test_a_store_that_runs_at_the_target_is_never_overwritten(
    one_stopped: Stopped,
) -> None:
    stopped = one_stopped
    stopped.move(stopped.there)
    again = stopped.move(stopped.there, anew=True)
    stopped.switch(stopped.there)
    asyncio.run(start_and_stop(stopped))
    before = stopped.in_database()
    stopped.move(stopped.there)
    elsewhere = replace(
        stopped.there, target=f"{stopped.there.target}&connect_timeout=9"
    )
    with pytest.raises(MoveRefusedError, match="has moved already"):
        stopped.move(elsewhere)
    # Whoever puts a backup of the file back finds the server ahead of it.
    stopped.change_file("DELETE FROM seal WHERE part = 'moved'")
    with pytest.raises(MoveRefusedError, match="holds a store of this node already"):
        stopped.move(stopped.there, anew=True)

    assert again.was_there
    assert stopped.in_database() == before


def test_a_marked_source_without_a_copy_moves_only_if_somebody_says_so(
    mover: Forks, one_stopped: Stopped
) -> None:
    stopped = one_stopped
    killed_at(mover, stopped, "move.after_mark", 1, back=False)
    with psycopg.connect(stopped.database.owner) as connection:
        connection.execute("DROP SCHEMA fedsafe CASCADE")
    with pytest.raises(MoveRefusedError, match="nothing of it is at the target"):
        stopped.move(stopped.there)
    stopped.move(stopped.there, anew=True)

    assert stopped.in_database() == stopped.in_file()


def test_nobody_moves_what_somebody_has_open(one_stopped: Stopped) -> None:
    stopped = one_stopped
    with held(stopped.place.database), pytest.raises(StoreBusyError):
        stopped.move(stopped.there)
    node = make_conninfo(stopped.database.node, application_name="fedsafe")
    with psycopg.connect(node), pytest.raises(StoreBusyError):
        stopped.move(stopped.there)
    stopped.move(stopped.there)
    with psycopg.connect(node), pytest.raises(StoreBusyError):
        stopped.move(stopped.back)
    stopped.move(stopped.back)


def test_who_has_just_gone_is_waited_for(
    one_stopped: Stopped, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = one_stopped
    node = make_conninfo(stopped.database.node, application_name="fedsafe")
    stopped.move(stopped.there)
    with closing(psycopg.connect(node, autocommit=True)) as going:
        (pid,) = going.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        going.execute(f"SELECT pg_advisory_lock({WRITING})")
        end = f"SELECT pg_terminate_backend({pid}, 30000)"
        monkeypatch.setattr(postgresql_ends, "_PAUSE", end)
        stopped.move(stopped.back)

    assert stopped.in_file() == stopped.in_database()


def test_identities_go_on_behind_the_highest(one_stopped: Stopped) -> None:
    stopped = one_stopped
    stopped.move(stopped.there)
    with psycopg.connect(stopped.database.node) as connection:
        connection.execute("SET search_path = fedsafe")
        (highest,) = connection.execute("SELECT max(id) FROM logs").fetchone() or (0,)
        connection.execute(
            "CREATE TEMP TABLE touched (name text, sign int, cells text)"
        )
        (given,) = connection.execute(
            "INSERT INTO logs (origin) VALUES ('z.demo/feed') RETURNING id"
        ).fetchone() or (0,)

    assert given == highest + 1


@given(
    cells=st.lists(st.binary(max_size=60_000), max_size=40),
    most=st.integers(1, 9),
)
def test_batches_hold_all_rows_in_order_and_never_too_much(
    cells: list[bytes], most: int
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(copying, "MOST_ROWS", most)
        patched.setattr(copying, "MOST_BYTES", 100_000)
        cut = list(copying.batches([(cell, 1) for cell in cells]))

    assert [row[0] for batch in cut for row in batch] == cells
    assert all(0 < len(batch) <= most for batch in cut)
    assert all(sum(len(row[0]) for row in batch[:-1]) < 100_000 for batch in cut)


def test_a_log_behind_the_first_partitions_has_room(one_stopped: Stopped) -> None:
    stopped = one_stopped
    with closing(PostgresTarget(stopped.database.owner, stopped.there.role)) as target:
        target.begin(("moving", b""))
        for table in ("entries", "openings"):
            target.make_room(table, 4 * LOG_STEP + 1)
            highest = target.connection.execute(
                f"SELECT to_regclass('fedsafe.{table}_4') IS NOT NULL"
            )

            assert highest.fetchone() == (True,)
        with target.finishing():
            found = target.connection.schema()
    schema.migrate(stopped.database.owner, stopped.there.role)
    with closing(PostgresConnection(connect(stopped.database.owner))) as connection:
        assert connection.schema() == found
        assert not [row for row in found if row[0] == "trigger" and row[3] != "O"]


def test_what_others_refer_to_comes_first() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None, factory=ClosedBehind)
    sqlite_schema.migrate(connection)
    tables = moved_tables(SqliteConnection(connection))
    places = {table.name: at for at, table in enumerate(copying.in_order(tables))}
    pairs = [
        (name, parent)
        for name in places
        for (parent,) in connection.execute(
            'SELECT "table" FROM pragma_foreign_key_list(?)', (name,)
        )
        if parent != name
    ]

    assert len(places) == len(tables)
    assert pairs
    assert all(places[parent] < places[name] for name, parent in pairs)
