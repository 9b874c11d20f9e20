# SPDX-License-Identifier: Apache-2.0
"""One node runs out of one directory; whoever starts a copy of it is refused."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.node.conftest import FixedClock
from tests.node.store.postgresql.conftest import Session
from tests.support.databases import Prepared

from fedsafe_node.ground.errors import (
    StoreBusyError,
    StoreElsewhereError,
    StoreFailedError,
)
from fedsafe_node.ground.store_settings import Storage
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.address import Server, store_at
from fedsafe_node.store.postgresql.instances import instance_of
from fedsafe_node.store.protocol import Store

OpenIn = Callable[[str, str], Awaitable[Store]]


def server_of(directory: Path, prepared: Prepared) -> Server:
    directory.mkdir(exist_ok=True)
    server = store_at(directory / "store.db", Storage(prepared.node))
    assert isinstance(server, Server)
    return server


@pytest.fixture
async def open_in(
    prepared: Prepared, keys: PeriodKeys, clock: FixedClock, tmp_path: Path
) -> AsyncIterator[OpenIn]:
    opened: list[Store] = []

    async def open_it(directory: str, worker: str) -> Store:
        server = await asyncio.to_thread(server_of, tmp_path / directory, prepared)
        where = replace(server, worker=worker)
        store = await open_store(where, keys=keys, clock=clock)
        opened.append(store)
        return store

    yield open_it
    for store in opened:
        await store.close()


async def put(store: Store, name: str) -> None:
    await store.write(lambda tx: tx.put_document(name, b"x"))


async def test_a_copy_of_the_directory_is_refused_while_the_node_runs(
    open_in: OpenIn,
) -> None:
    here = await open_in("here", "0")
    with pytest.raises(StoreElsewhereError, match="stop it there") as caught:
        await open_in("copy", "0")
    await put(here, "kept")

    assert isinstance(caught.value, StoreBusyError)
    assert here.trouble() is None


async def test_a_directory_is_moved_once_the_node_is_stopped(open_in: OpenIn) -> None:
    here = await open_in("here", "0")
    await put(here, "one")
    await here.close()
    there = await open_in("there", "0")
    await put(there, "two")

    assert await there.read(lambda r: r.document("one")) == b"x"


async def test_the_workers_of_one_directory_run_beside_each_other(
    open_in: OpenIn,
) -> None:
    one, two = await open_in("here", "0"), await open_in("here", "1")
    await put(one, "one")
    await put(two, "two")

    assert await one.read(lambda r: r.document("two")) == b"x"


async def test_a_node_whose_place_was_taken_while_it_was_cut_off_writes_no_more(
    open_in: OpenIn, superuser: Session
) -> None:
    here = await open_in("here", "0")
    superuser.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = 'fedsafe'"
    )
    copy = await open_in("copy", "0")
    with pytest.raises(StoreFailedError, match="elsewhere"):
        await put(here, "lost")
    await put(copy, "kept")
    await copy.close()
    await put(here, "again")

    assert await here.read(lambda r: r.document("lost")) is None
    assert await here.read(lambda r: r.document("kept")) == b"x"


def test_an_instance_is_one_directory_of_one_running_system(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    known = instance_of(one)
    (one / "file").touch()
    linked = tmp_path / "linked"
    linked.symlink_to(one)

    assert known is not None
    assert 0 <= known < 1 << 31
    assert instance_of(one) == instance_of(linked) == known
    assert instance_of(two) != known
    assert instance_of(tmp_path / "missing") is None
