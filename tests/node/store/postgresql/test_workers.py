# SPDX-License-Identifier: Apache-2.0
"""Workers of one node keep what they acknowledge, once, whatever is killed or cut."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from tests.node.store.postgresql.conftest import session
from tests.node.store.postgresql.cutting import Cut, Wire
from tests.postgresql.fixtures import MAJORS, named
from tests.postgresql.server import Server as OwnServer
from tests.support.databases import Prepared
from tests.support.store_worker import LOGS, once, open_worker
from tests.support.store_workers import check, run, working

from fedsafe_node.ground.errors import StoreFailedError
from fedsafe_node.store.address import Server
from fedsafe_node.store.postgresql.writer_connection import PostgresWriteConnection
from fedsafe_node.store.protocol import Store

FEED = LOGS[0]
# For what takes long because it waits for the server.
NEWEST = pytest.mark.parametrize("databases", [max(MAJORS)], ids=named, indirect=True)
LONGEST = 15.0  # seconds for which a worker that stands still may hold up others
OpenWorker = Callable[[str, str], Awaitable[Store]]


def test_killed_workers_and_servers_lose_and_double_nothing(
    own_postgresql: OwnServer, tmp_path: Path
) -> None:
    with working(own_postgresql, tmp_path, seed=3) as workers:
        run(workers, rounds=4, acts=60)
        count = asyncio.run(check(workers))

    assert count > 60


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for directory in ("keys", "keys/periods"):
        (tmp_path / directory).mkdir(mode=0o700)
    return tmp_path


@pytest.fixture
async def open_one(root: Path) -> AsyncIterator[OpenWorker]:
    opened: list[Store] = []

    async def open_it(url: str, name: str) -> Store:
        opened.append(await open_worker(url, root, name))
        return opened[-1]

    yield open_it
    for store in opened:
        await store.close()


@pytest.fixture
def near() -> Iterator[Path]:
    """Give a directory whose name is short enough for a Unix socket."""
    with tempfile.TemporaryDirectory(prefix="fedsafe-") as directory:
        yield Path(directory)


async def records(store: Store) -> list[bytes]:
    return await store.read(lambda reader: reader.records(FEED, 0, 1000))


@pytest.mark.parametrize("cut", Cut)
async def test_a_wire_that_breaks_at_a_commit_leaves_no_doubt(
    prepared: Prepared, open_one: OpenWorker, near: Path, cut: Cut
) -> None:
    async with Wire(prepared.node, near).laid() as wire:
        one = await open_one(wire.url, "one")
        other = await open_one(prepared.node, "other")
        await once(one, FEED, "first")
        wire.cut = cut
        if cut is Cut.ALL:
            assert await once(one, FEED, "doubtful") == 1
        else:
            with pytest.raises(StoreFailedError):
                await once(one, FEED, "doubtful")
            assert await records(other) == [b"first"]
        assert wire.cuts == 1
        assert await once(other, FEED, "between") == 2 - (cut is not Cut.ALL)
        index = await once(one, FEED, "doubtful")
        await once(one, FEED, "last")

        kept = await records(other)
        assert kept[index] == b"doubtful"
        assert sorted(kept) == [b"between", b"doubtful", b"first", b"last"]
        assert await records(one) == kept
        for store in (one, other):
            assert (await store.check_seal()).faults == ()


@NEWEST
async def test_a_commit_that_nobody_can_tell_of_is_never_acknowledged_nor_doubled(
    prepared: Prepared, open_one: OpenWorker, near: Path
) -> None:
    async with Wire(prepared.node, near).laid() as wire:
        one = await open_one(wire.url, "one")
        await once(one, FEED, "first")
        wire.cut, wire.is_open = Cut.ALL, False
        with pytest.raises(StoreFailedError):
            await once(one, FEED, "doubtful")
        trouble = one.trouble()
        wire.is_open = True

        assert trouble is not None
        assert await once(one, FEED, "doubtful") == 1
        assert await once(one, FEED, "last") == 2
        assert await records(one) == [b"first", b"doubtful", b"last"]
        assert one.trouble() is None


HOLDING = """
import sys, sqlite3
from fedsafe_node.store.address import Server
from fedsafe_node.store.postgresql.writer_connection import PostgresWriteConnection
node = PostgresWriteConnection(Server(sys.argv[1], worker="stopped"))
node.begin()
node.execute("INSERT INTO due (job, at) VALUES (?, ?)", ("of the stopped", 1))
print("holding", flush=True)
sys.stdin.readline()
try:
    node.commit()
except sqlite3.Error:
    print("refused", flush=True)
else:
    print("kept", flush=True)
"""


@NEWEST
async def test_a_worker_that_is_stopped_holds_nobody_up_for_long(
    prepared: Prepared, open_one: OpenWorker
) -> None:
    other = await open_one(prepared.node, "other")
    stopped = subprocess.Popen(  # noqa: ASYNC220 - it is started once, before all
        [sys.executable, "-c", HOLDING, prepared.node],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with stopped:
        assert stopped.stdout is not None
        assert stopped.stdin is not None
        assert stopped.stdout.readline() == "holding\n"
        os.kill(stopped.pid, signal.SIGSTOP)
        begun = time.monotonic()
        index = await until_kept(other, "meanwhile")
        took = time.monotonic() - begun
        os.kill(stopped.pid, signal.SIGCONT)
        stopped.stdin.write("go on\n")
        stopped.stdin.flush()
        told = await asyncio.to_thread(stopped.stdout.readline)

    assert took < LONGEST
    assert told == "refused\n"
    assert await other.read(lambda reader: reader.due(10)) == [
        ("job of meanwhile", index)
    ]
    assert (await other.check_seal()).faults == ()


async def until_kept(store: Store, key: str) -> int:
    while True:
        try:
            return await once(store, FEED, key)
        except StoreFailedError:
            continue


@NEWEST
async def test_who_stops_in_the_middle_of_sending_holds_nobody_up_for_long(
    prepared: Prepared, open_one: OpenWorker
) -> None:
    other = await open_one(prepared.node, "other")
    with closing(
        PostgresWriteConnection(Server(prepared.node, worker="stopped"))
    ) as one:
        one.begin()
        copy = one._raw.cursor().copy("COPY due FROM STDIN")  # noqa: SLF001
        with pytest.raises(psycopg.OperationalError), copy as sending:  # noqa: PT012
            sending.write_row(("of the stopped", 1))
            begun = time.monotonic()
            index = await until_kept(other, "meanwhile")
            took = time.monotonic() - begun
        with pytest.raises(sqlite3.Error):
            one.commit()

    assert took < LONGEST
    assert index == 0


async def test_an_idle_connection_that_the_server_ended_costs_no_act(
    prepared: Prepared, open_one: OpenWorker
) -> None:
    one = await open_one(prepared.node, "one")
    await once(one, FEED, "first")
    with session(prepared.superuser) as superuser:
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    assert await once(one, FEED, "second") == 1
    assert await records(one) == [b"first", b"second"]
