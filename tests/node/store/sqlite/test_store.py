# SPDX-License-Identifier: Apache-2.0
import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path
from stat import S_IMODE

import pytest
from tests.programs import do_without, program
from tests.support.sqlite import (
    FEED,
    SALT,
    FailAt,
    HeldOnce,
    append,
    open_sqlite,
    sqlite_error,
)

from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.errors import (
    StoreBusyError,
    StoreClosedError,
    StoreError,
    StoreFailedError,
)
from fedsafe_node.ground.faults import FaultPoint
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogEntry, Opening, Trouble
from fedsafe_node.store.sqlite.connection import (
    SqliteConnection,
    SqliteWriteConnection,
)
from fedsafe_node.store.transaction import Transaction


def modes(directory: Path) -> dict[str, int]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path.name: S_IMODE(path.stat().st_mode) for path in files}


async def feed(store: Store) -> list[bytes]:
    return await store.read(lambda reader: reader.records(FEED, 0, 10_000))


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY])
async def test_a_full_disk_fails_the_batch_and_leaves_the_store_usable(
    tmp_path: Path, code: int
) -> None:
    faults = FailAt(FaultPoint.WRITER_BEFORE_COMMIT, sqlite_error(code))
    store = await open_sqlite(tmp_path, faults)

    results = await asyncio.gather(
        *(append(store, b"%d" % number) for number in range(20)),
        return_exceptions=True,
    )

    failed = [result for result in results if isinstance(result, StoreFailedError)]
    kept = [number for number, result in enumerate(results) if isinstance(result, int)]
    assert failed
    assert len(failed) + len(kept) == 20
    assert await feed(store) == [b"%d" % number for number in kept]
    assert await append(store, b"after") == len(kept)
    await store.close()


@pytest.mark.parametrize(
    "error", [sqlite_error(sqlite3.SQLITE_IOERR_FSYNC), OSError("no disk")]
)
async def test_a_commit_that_fails_otherwise_closes_the_store(
    tmp_path: Path, error: Exception
) -> None:
    store = await open_sqlite(tmp_path, FailAt(FaultPoint.WRITER_BEFORE_COMMIT, error))

    with pytest.raises(StoreFailedError):
        await append(store, b"lost")
    with pytest.raises(StoreClosedError, match="start the node anew"):
        await append(store, b"refused")

    assert await feed(store) == []
    await store.close()
    store = await open_sqlite(tmp_path)
    assert await append(store, b"anew") == 0
    await store.close()


async def test_acts_queued_behind_a_failed_commit_are_refused(tmp_path: Path) -> None:
    faults = FailAt(FaultPoint.WRITER_BEFORE_COMMIT, OSError("no disk"))
    store = await open_sqlite(tmp_path, faults)

    results = await asyncio.gather(
        *(append(store, b"%d" % number) for number in range(2000)),
        return_exceptions=True,
    )

    assert all(isinstance(result, StoreError) for result in results)
    assert await feed(store) == []
    await store.close()


async def test_a_fault_before_the_transaction_fails_its_batch_only(
    tmp_path: Path,
) -> None:
    faults = FailAt(FaultPoint.WRITER_BEFORE_BEGIN, sqlite_error(sqlite3.SQLITE_BUSY))
    store = await open_sqlite(tmp_path, faults)

    with pytest.raises(StoreFailedError, match="own words"):
        await append(store, b"lost")

    assert await append(store, b"kept") == 0
    await store.close()


async def test_a_transaction_that_sqlite_took_back_fails_its_whole_batch(
    store: Store,
) -> None:
    async def full(tx: Transaction) -> None:
        assert isinstance(tx, Transaction)
        await tx.append(FEED, b"lost")
        tx._execute("ROLLBACK")  # noqa: SLF001 - as SQLite does on a full disk
        raise sqlite_error(sqlite3.SQLITE_FULL)

    results = await asyncio.gather(
        append(store, b"0"),
        append(store, b"1"),
        store.write(full),
        append(store, b"2"),
        return_exceptions=True,
    )

    kept = [result for result in results if isinstance(result, int)]
    assert isinstance(results[2], StoreFailedError)
    assert kept == list(range(len(kept)))
    assert len(await feed(store)) == len(kept)
    assert await append(store, b"after") == len(kept)


async def test_an_error_of_the_database_reaches_only_the_caller(store: Store) -> None:
    async def act(tx: Transaction) -> None:
        await tx.append(FEED, b"lost")
        raise sqlite_error(sqlite3.SQLITE_ERROR)

    with pytest.raises(StoreFailedError, match="own words"):
        await store.write(act)

    assert await append(store, b"kept") == 0


async def test_an_act_or_query_that_waits_for_something_else_is_refused(
    store: Store,
) -> None:
    async def act(tx: Transaction) -> None:
        await tx.append(FEED, b"lost")
        await asyncio.sleep(0)

    async def query(reader: Reader) -> None:
        await reader.logs()
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="awaits nothing but"):
        await store.write(act)
    with pytest.raises(RuntimeError, match="awaits nothing but"):
        await store.read(query)

    assert await feed(store) == []


async def test_a_store_is_open_once(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path)

    with pytest.raises(StoreBusyError, match=r"node\.db open"):
        await open_sqlite(tmp_path)

    await store.close()
    await (await open_sqlite(tmp_path)).close()


@pytest.mark.parametrize("url", ["mysql:///x", "sqlite://host/x", "sqlite:", "x", ""])
async def test_a_url_of_no_store_is_refused(keys: PeriodKeys, url: str) -> None:
    with pytest.raises(StoreFailedError):
        await open_store(url, keys=keys, clock=SystemClock())


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "node.db").write_bytes(b"no database " * 500)

    with pytest.raises(StoreFailedError, match="not a database"):
        await open_sqlite(tmp_path)
    with pytest.raises(StoreFailedError, match="not a database"):
        await open_sqlite(tmp_path)  # and the lock was given back


async def test_all_files_are_the_nodes_own(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path)
    await append(store, b"record")

    assert await asyncio.to_thread(modes, tmp_path) == {
        "node.db": 0o600,
        "node.db-wal": 0o600,
        "node.db-shm": 0o600,
        "node.db.lock": 0o600,
    }
    await store.close()


async def test_erased_bytes_leave_every_file_of_the_database(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path)
    entry = LogEntry(
        record=b"record", openings=(Opening(group="g", salt=SALT, payload=b"p" * 99),)
    )
    entries = [entry] * 50
    await store.write(lambda tx: tx.append_many(FEED, entries))
    rows = await store.read(lambda reader: reader.sealed_openings(FEED, 7, 1))
    sealed = rows[0].sealed or b""

    def files_with_it() -> list[str]:
        files = (path for path in tmp_path.rglob("*") if path.is_file())
        return [path.name for path in files if sealed in path.read_bytes()]

    assert await asyncio.to_thread(files_with_it)
    await store.write(lambda tx: tx.erase_opening(FEED, 7, "g", at=1))
    assert await store.scrub()
    assert await asyncio.to_thread(files_with_it) == []
    await store.close()


async def test_scrubbing_says_when_a_reader_hinders(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path)
    await append(store, b"before")
    other = sqlite3.connect(tmp_path / "node.db", isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM entries").fetchone()
    await append(store, b"after")

    scrubbed = await store.scrub()

    assert not scrubbed
    other.close()
    assert await store.scrub()
    await store.close()


def test_a_real_disk_that_refuses_loses_nothing_that_was_acknowledged(
    tmp_path: Path,
) -> None:
    child = Path(__file__).parents[2] / "crash" / "full_disk.py"

    done = subprocess.run(  # noqa: PLW1510
        [sys.executable, child, tmp_path], capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")
    acknowledged, refused = map(int, done.stdout.split())
    assert acknowledged > 0
    assert refused > 0


def test_a_disk_that_is_really_full_is_told_and_outlived(tmp_path: Path) -> None:
    child = Path(__file__).parents[2] / "crash" / "full_disk.py"
    mount = 'mount -t tmpfs -o size=3m small "$1" || exit 77'
    script = f'{mount}; exec "$2" "$3" "$1" --small'
    unshare = program("unshare", "util-linux")

    done = subprocess.run(  # noqa: PLW1510
        [unshare, "-rm", "sh", "-c", script, "sh", tmp_path, sys.executable, child],
        capture_output=True,
        text=True,
    )

    if done.returncode == 77 or "unshare" in done.stderr:
        do_without("user namespaces", "to mount a file system")
    assert (done.returncode, done.stderr) == (0, "")
    acknowledged, refused = map(int, done.stdout.split())
    assert acknowledged > 0
    assert refused > 0


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_FULL, Trouble.FULL),
        (sqlite3.SQLITE_BUSY, Trouble.BUSY),
        (sqlite3.SQLITE_IOERR_FSYNC, Trouble.FAILED),
    ],
)
async def test_what_the_disk_refused_is_remembered(
    tmp_path: Path, code: int, kind: Trouble
) -> None:
    faults = FailAt(FaultPoint.WRITER_BEFORE_COMMIT, sqlite_error(code))
    store = await open_sqlite(tmp_path, faults)
    assert store.trouble() is None
    with pytest.raises(StoreFailedError):
        await append(store, b"lost")
    trouble = store.trouble()

    assert trouble is not None
    assert trouble.kind is kind
    await store.close()


async def test_only_a_commit_that_changes_something_ends_the_trouble(
    tmp_path: Path,
) -> None:
    faults = FailAt(FaultPoint.WRITER_BEFORE_COMMIT, sqlite_error(sqlite3.SQLITE_FULL))
    store = await open_sqlite(tmp_path, faults)

    async def nothing(tx: Transaction) -> None:
        await tx.counts()

    async def undone(tx: Transaction) -> None:
        await tx.append(FEED, b"undone")
        raise ValueError("undone")

    with pytest.raises(StoreFailedError):
        await append(store, b"lost")
    await store.write(nothing)
    with pytest.raises(ValueError, match="undone"):
        await store.write(undone)
    still = store.trouble()
    await append(store, b"kept")

    assert still is not None
    assert store.trouble() is None
    await store.close()


@pytest.mark.parametrize("number", [0, 1, 7, 8, 63, 64, 65, 128, 5_000])
def test_many_rows_are_added_by_few_statements(number: int) -> None:
    raw = sqlite3.connect(":memory:", isolation_level=None)
    raw.execute("CREATE TABLE rows (a INTEGER, b TEXT)")
    run: list[str] = []
    raw.set_trace_callback(run.append)
    rows = [(at, str(at)) for at in range(number)]

    add = "INSERT INTO rows (a, b) VALUES (?, ?) ON CONFLICT DO NOTHING"
    SqliteWriteConnection(raw).executemany(add, iter(rows))

    assert len(run) == number // 64 + number % 64 // 8 + number % 8
    assert raw.execute("SELECT a, b FROM rows ORDER BY rowid").fetchall() == rows
    raw.close()


def test_a_change_is_made_with_many_sets_of_values() -> None:
    raw = sqlite3.connect(":memory:", isolation_level=None)
    connection = SqliteWriteConnection(raw)
    raw.execute("CREATE TABLE rows (a INTEGER)")
    connection.executemany(
        "INSERT INTO rows (a) VALUES (?)", ((at,) for at in range(99))
    )

    connection.executemany("DELETE FROM rows WHERE a = ?", ((at,) for at in range(98)))

    assert raw.execute("SELECT a FROM rows").fetchall() == [(98,)]
    raw.close()


@pytest.mark.parametrize(("alone", "commits"), [(False, 2), (True, 4)])
async def test_what_is_alone_shares_its_commit_with_no_other_act(
    tmp_path: Path,
    alone: bool,  # noqa: FBT001 - from a table
    commits: int,
) -> None:
    async def fail(tx: Transaction) -> None:
        await tx.append(FEED, b"taken back")
        raise LookupError

    faults = HeldOnce()
    store = await open_sqlite(tmp_path, faults)
    first = asyncio.create_task(append(store, b"first"))
    await asyncio.to_thread(faults.begun.wait, 30)
    large = store.write(lambda tx: tx.append(FEED, b"large"), alone=alone)
    later = [append(store, b"before"), large, store.write(fail), append(store, b"last")]
    waiting = asyncio.gather(first, *later, return_exceptions=True)
    await asyncio.sleep(0)  # each of them is handed in
    faults.may_go_on.set()
    told = await waiting
    await store.close()

    assert [type(each) for each in told] == [int, int, int, LookupError, int]
    assert faults.commits == commits


async def test_a_scan_gets_the_last_ones_connection_unless_that_one_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[SqliteConnection] = []
    to_read = SqliteConnection.to_read.__func__  # type: ignore[attr-defined]

    def count(kind: type[SqliteConnection], path: Path) -> SqliteConnection:
        opened.append(to_read(kind, path))
        return opened[-1]

    async def size(reader: Reader) -> int:
        return await reader.log_size(FEED)

    async def fail(_: Reader) -> None:
        raise ZeroDivisionError

    store = await open_sqlite(tmp_path)
    monkeypatch.setattr(SqliteConnection, "to_read", classmethod(count))
    sizes = []
    for number in range(3):
        await append(store, b"%d" % number)
        sizes.append(await store.scan(size))
    of_three = len(opened)
    with pytest.raises(ZeroDivisionError):
        await store.scan(fail)
    await store.scan(size)
    of_five = len(opened)
    await store.close()

    assert sizes == [1, 2, 3]
    assert (of_three, of_five) == (1, 2)
    for connection in opened:
        with pytest.raises(sqlite3.ProgrammingError):
            await asyncio.to_thread(connection.version)
