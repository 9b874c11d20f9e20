# SPDX-License-Identifier: Apache-2.0
"""Two workers that write in turn follow each other's logs and seals."""

import asyncio
from collections.abc import Awaitable
from contextlib import closing
from itertools import cycle
from pathlib import Path
from typing import Final

import pytest
from tests.node.conftest import FixedClock
from tests.node.store.postgresql.conftest import Session, session
from tests.support.databases import Prepared, Preparing

from fedsafe_crypto.primitives.commitment import commit
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import SealBrokenError, StoreFailedError
from fedsafe_node.log.engine import LogEngine, open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.address import Server
from fedsafe_node.store.oversight_rows import SpentRow
from fedsafe_node.store.postgresql.connection import PostgresConnection, connect
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import LogEntry, Opening
from fedsafe_node.store.sealed_files import SealedFiles
from fedsafe_node.store.sealed_parts import read_seal
from fedsafe_node.store.transaction import Transaction

FEED: Final = "a.demo/feed"
OPENING: Final = Opening("actor", bytes(32), b"anna")
COMMITTED: Final = {"actor": commit(FEED, "actor", OPENING.salt, OPENING.payload)}
COUNTS: Final = (1, 3, 252, 255, 1, 700, 2)  # less than a tile, a whole one, several


async def open_worker(
    prepared: Prepared, place: Path, clock: FixedClock, name: str
) -> Store:
    at = Place(place)
    around = await asyncio.to_thread(SealedFiles, at, {})
    keys = await asyncio.to_thread(PeriodKeys, at.periods)
    server = Server(prepared.node, worker=name)
    return await open_store(server, keys=keys, clock=clock, around=around)


async def add(store: Store, first: int, count: int) -> range:
    async def act(tx: Transaction) -> range:
        await tx.add_spent(SpentRow("anna", "recheck", first, count))
        records = [b"%d" % (first + more) for more in range(count)]
        entries = [LogEntry(record, (OPENING,)) for record in records]
        return await tx.append_many(FEED, entries)

    return await store.write(act)


async def test_each_worker_goes_on_where_the_other_has_stopped(
    prepared: Prepared, tmp_path: Path, clock: FixedClock
) -> None:
    workers = [
        await open_worker(prepared, tmp_path / "n", clock, name) for name in ("0", "1")
    ]
    size, given = 0, list[int]()
    for count, worker in zip((*COUNTS, *COUNTS), cycle(workers), strict=False):
        given += await add(worker, size, count)
        size += count
    logs = [LogEngine(worker) for worker in workers]
    verified = [await log.verify(FEED, lambda _: COMMITTED) for log in logs]
    reports = [await worker.check_seal() for worker in workers]
    for worker in workers:
        await worker.close()

    assert given == list(range(size))
    assert [each.size for each in verified] == [size, size]
    assert [list(report.faults) for report in reports] == [[], []]


def sealed_logs(prepared: Prepared, place: Path) -> dict[str, tuple[int, bytes]]:
    with closing(PostgresConnection(connect(prepared.node))) as connection:
        seal = read_seal(connection, SealedFiles(Place(place), {}).key)
    assert seal is not None
    return seal.main.logs


async def told(act: Awaitable[object]) -> str:
    try:
        await act
    except StoreFailedError as error:
        return str(error)
    return "kept"


async def test_a_worker_does_not_go_on_with_a_database_that_was_put_back(
    databases: Preparing,
    prepared: Prepared,
    tmp_path: Path,
    clock: FixedClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    place = tmp_path / "n"
    worker = await open_worker(prepared, place, clock, "0")
    await add(worker, 0, 1)
    await worker.close()
    yesterday = await asyncio.to_thread(databases.copy, prepared)
    worker = await open_worker(prepared, place, clock, "0")
    await add(worker, 1, 4)
    await asyncio.to_thread(databases.put_back, yesterday, prepared)
    refused = [await told(add(worker, 5, count)) for count in (1, 9, 1)]
    await worker.close()

    assert [each.count("was committed") for each in refused] == [1, 1, 1]
    logged = [each.exc_info for each in caplog.records if each.msg == "writes fail"]
    assert [each[0] for each in logged if each] == [SealBrokenError]


async def test_a_worker_does_not_go_on_where_another_has_put_back_and_added_more(
    databases: Preparing, prepared: Prepared, tmp_path: Path, clock: FixedClock
) -> None:
    place = tmp_path / "n"
    worker = await open_worker(prepared, place, clock, "0")
    await add(worker, 0, 1)
    await worker.close()
    yesterday = await asyncio.to_thread(databases.copy, prepared)
    busy, idle = [await open_worker(prepared, place, clock, name) for name in "01"]
    await add(busy, 1, 4)
    await asyncio.to_thread(databases.put_back, yesterday, prepared)
    await add(idle, 21, 9)  # it knows of nothing that is lost

    refused = [await told(add(busy, 10, 1)) for _ in range(2)]

    await idle.close()
    await busy.close()
    assert ["holds other entries" in each for each in refused] == [True, True], refused


async def test_a_row_that_a_thief_has_added_becomes_no_entry_of_the_log(
    prepared: Prepared, thief: Session, tmp_path: Path, clock: FixedClock
) -> None:
    place = tmp_path / "n"
    workers = [await open_worker(prepared, place, clock, name) for name in ("0", "1")]
    await add(workers[0], 0, 1)
    await add(workers[1], 1, 1)
    thief.execute("INSERT INTO entries SELECT log, 2, 'x' FROM entries WHERE idx = 1")
    refused = [await told(add(worker, 2, 1)) for worker in workers * 3]
    with closing(session(prepared.superuser)) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("DELETE FROM entries WHERE idx = 2")
    given = [await add(worker, 2, 1) for worker in workers]
    for worker in workers:
        await worker.close()

    assert "kept" not in refused
    assert [list(each) for each in given] == [[2], [3]]


async def test_a_worker_that_only_counts_leaves_the_seal_of_the_log_as_it_is(
    prepared: Prepared, tmp_path: Path, clock: FixedClock
) -> None:
    place = tmp_path / "n"
    first = await open_worker(prepared, place, clock, "0")
    second = await open_worker(prepared, place, clock, "1")
    await add(second, 0, 1)
    await add(first, 1, 4)
    before = await asyncio.to_thread(sealed_logs, prepared, place)
    await second.write(lambda tx: tx.add_spent(SpentRow("ben", "recheck", 1, 1)))
    after = await asyncio.to_thread(sealed_logs, prepared, place)
    report = await second.check_seal()
    await first.close()
    await second.close()

    assert after[FEED][0] == 5
    assert after == before
    assert list(report.faults) == []


async def test_whenever_a_commit_is_refused_the_next_one_is_taken(
    prepared: Prepared, tmp_path: Path, clock: FixedClock, superuser: Session
) -> None:
    superuser.execute(
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'No space left' USING ERRCODE = 'disk_full'; END $$"
    )
    place = 0
    for often in (1, 4, 5):  # what is written often becomes a prepared statement
        store = await open_worker(prepared, tmp_path / "n", clock, "0")
        for _ in range(often):
            place = (await add(store, place, 1)).stop
        superuser.execute(
            "CREATE TRIGGER no_room BEFORE INSERT ON entries EXECUTE FUNCTION no_room()"
        )
        refused = await told(add(store, place, 1))
        superuser.execute("DROP TRIGGER no_room ON entries")
        kept = await told(add(store, place, 1))
        await store.close()

        assert ("No space left" in refused, kept) == (True, "kept")
        place += 1
