# SPDX-License-Identifier: Apache-2.0
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run

import pytest
from hypothesis import given, settings
from hypothesis.strategies import binary, integers, lists, tuples
from tests.support.residues import Place, append, erase, files_left
from tests.support.sqlite import FailAt, open_sqlite, sqlite_error

from fedsafe_node.ground.errors import StoreClosedError, StoreFailedError
from fedsafe_node.ground.faults import FaultPoint
from fedsafe_node.store.sqlite.connection import SqliteWriteConnection
from fedsafe_node.store.sqlite.residues import Residues, without_copies


@pytest.mark.usefixtures("clears")
@pytest.mark.parametrize("seed", range(3))
async def test_no_file_has_a_piece_of_what_was_erased(
    tmp_path: Path, seed: int
) -> None:
    random, store = Random(seed), await open_sqlite(tmp_path)  # noqa: S311
    erased, held = set[bytes](), list[Place]()
    for _ in range(3):
        held += await append(store, random, 20)
        random.shuffle(held)
        chosen, held = held[:30], held[30:]
        erased |= await erase(store, chosen)
        assert await store.scrub()
        assert await files_left(tmp_path, erased) == set()

    assert not store.leaves_residues()
    await store.close()
    with closing(sqlite3.connect(tmp_path / "node.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.usefixtures("clears")
async def test_what_moved_before_the_store_was_opened_is_cleared_as_well(
    tmp_path: Path,
) -> None:
    random, store = Random(7), await open_sqlite(tmp_path)  # noqa: S311
    held = await append(store, random, 60)
    await store.close()
    store = await open_sqlite(tmp_path)
    erased = await erase(store, held[::2])

    assert await store.scrub()
    assert await files_left(tmp_path, erased) == set()
    await store.close()


@pytest.mark.usefixtures("clears")
async def test_more_pages_than_a_piece_are_cleared_in_one_scrub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedsafe_node.store.sqlite.residues.PIECE", 7)
    random, store = Random(8), await open_sqlite(tmp_path)  # noqa: S311
    held = await append(store, random, 20)
    assert await store.scrub()
    held += await append(store, random, 20)
    erased = await erase(store, held[::3])

    assert await store.scrub()
    assert await files_left(tmp_path, erased) == set()
    await store.close()


@pytest.mark.usefixtures("clears")
async def test_a_commit_that_fails_while_clearing_closes_the_store(
    tmp_path: Path,
) -> None:
    store = await open_sqlite(tmp_path)
    await append(store, Random(9), 20)  # noqa: S311
    await store.close()
    error = sqlite_error(sqlite3.SQLITE_IOERR_FSYNC)
    faults = FailAt(FaultPoint.WRITER_BEFORE_COMMIT, error)
    store = await open_sqlite(tmp_path, faults)

    with pytest.raises(StoreFailedError):
        await store.scrub()
    with pytest.raises(StoreClosedError, match="start the node anew"):
        await store.scrub()
    await store.close()


@pytest.mark.usefixtures("clears")
async def test_what_sqlite_took_back_while_clearing_is_cleared_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take_back(connection: SqliteWriteConnection) -> None:
        connection.execute("ROLLBACK")  # as SQLite does by itself on a full disk
        raise sqlite_error(sqlite3.SQLITE_FULL)

    random, store = Random(7), await open_sqlite(tmp_path)  # noqa: S311
    held = await append(store, random, 60)
    await store.close()
    store = await open_sqlite(tmp_path)
    erased = await erase(store, held[::2])
    with monkeypatch.context() as full:
        full.setattr(SqliteWriteConnection, "commit", take_back)
        with pytest.raises(StoreFailedError):
            await store.scrub()
    await store.write(lambda tx: tx.set_due("job", 1))

    assert await store.scrub()
    assert await files_left(tmp_path, erased) == set()
    await store.close()


@pytest.mark.usefixtures("clears")
async def test_a_full_disk_while_clearing_leaves_the_store_usable(
    tmp_path: Path,
) -> None:
    store = await open_sqlite(tmp_path)
    held = await append(store, Random(10), 30)  # noqa: S311
    await store.close()
    faults = FailAt(FaultPoint.WRITER_BEFORE_COMMIT, sqlite_error(sqlite3.SQLITE_FULL))
    store = await open_sqlite(tmp_path, faults)
    with pytest.raises(StoreFailedError):
        await store.scrub()
    erased = await erase(store, held[::3])

    assert await store.scrub()
    assert await files_left(tmp_path, erased) == set()
    await store.close()


class Rows:
    """A file whose residues are told of each commit, of one row of half a page."""

    def __init__(self, path: Path) -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode = WAL", "wal_autocheckpoint = 0"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE some (cell BLOB)")
        self.connection = connection
        self.log = path.with_name(f"{path.name}-wal")
        self.residues = Residues(connection.execute, self.log)
        self.clear()  # all that was there before

    def close(self) -> None:
        self.connection.close()

    def add(self, commits: int) -> list[bool]:
        """Add rows; tell after which of them the log had to be emptied."""
        return [self._add() for _ in range(commits)]

    def _add(self) -> bool:
        self.connection.execute("INSERT INTO some VALUES (randomblob(2000))")
        return self.residues.committed(self.connection.total_changes)

    def empty_log(self, mode: str = "PASSIVE") -> None:
        self.connection.execute(f"PRAGMA wal_checkpoint({mode})")

    def clear(self) -> int:
        """Clear a piece; return how many pages were looked at."""
        run: list[str] = []
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.set_trace_callback(run.append)
        self.residues.clear()
        self.connection.set_trace_callback(None)
        self.connection.execute("COMMIT")
        self.residues.committed(self.connection.total_changes)
        return sum(sql.startswith("SELECT data") for sql in run)


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[Rows]:
    with closing(Rows(tmp_path / "node.db")) as rows:
        yield rows


@pytest.mark.usefixtures("clears")
def test_what_many_commits_wrote_is_looked_at_once(rows: Rows) -> None:
    rows.add(100)
    assert rows.clear() > 50
    rows.add(3)

    assert 0 < rows.clear() < 10
    assert rows.clear() == 0


@pytest.mark.usefixtures("clears")
def test_a_log_is_emptied_when_it_is_long_and_no_page_is_missed(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedsafe_node.store.sqlite.residues.LONG_LOG", 100)
    before, emptied = rows.clear(), 0
    for _ in range(200):
        if any(rows.add(1)):
            rows.residues.emptied()
            rows.empty_log()
            emptied += 1
    frames = rows.log.stat().st_size // 4_120

    assert before == 0
    assert emptied > 1
    assert frames < 100 + 32 * 4
    assert 100 < rows.clear() < 110


@pytest.mark.usefixtures("clears")
@pytest.mark.parametrize("mode", ["PASSIVE", "TRUNCATE"])
@pytest.mark.parametrize("after", [0, 1])
def test_all_pages_are_looked_at_where_somebody_else_emptied_the_log(
    rows: Rows, mode: str, after: int
) -> None:
    rows.add(100)
    rows.clear()
    rows.add(5)
    rows.empty_log(mode)
    rows.add(after)
    unread = mode == "PASSIVE" and after == 0  # it is all there until it begins anew

    assert (rows.clear() < 10) is unread


@pytest.mark.usefixtures("clears")
def test_a_log_that_began_twice_since_it_was_emptied_is_not_missed(rows: Rows) -> None:
    rows.add(100)
    rows.clear()
    rows.residues.emptied()
    rows.empty_log()
    rows.add(2)
    rows.empty_log()
    rows.add(2)

    assert rows.clear() > 50


def test_where_pages_cannot_be_written_copies_stay_and_it_is_said(
    tmp_path: Path,
) -> None:
    def refuse(_act: int, name: str | None, *_rest: object) -> int:
        is_pages = name == "sqlite_dbpage"
        return sqlite3.SQLITE_DENY if is_pages else sqlite3.SQLITE_OK

    with closing(sqlite3.connect(tmp_path / "node.db")) as connection:
        connection.execute("CREATE TABLE some (cell BLOB)")
        connection.set_authorizer(refuse)
        residues = Residues(connection.execute, tmp_path / "node.db-wal")

        assert not residues.can_clear
        assert not residues.clear()


def test_a_connection_that_does_not_know_its_log_says_that_copies_stay() -> None:
    with closing(sqlite3.connect(":memory:")) as raw:
        assert SqliteWriteConnection(raw).leaves_copies


@pytest.mark.usefixtures("clears")
@given(
    lists(
        tuples(integers(0, 400), integers(0, 3_000)),
        min_size=1,
        max_size=60,
    )
)
@settings(max_examples=10, deadline=None)
def test_a_cleared_page_holds_the_same_cells(changes: list[tuple[int, int]]) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(
            "CREATE TABLE some (key INTEGER PRIMARY KEY, cell BLOB) WITHOUT ROWID"
        )
        connection.execute("CREATE TABLE other (cell BLOB)")
        for key, size in changes:
            cell = bytes([1 + key % 255]) * size
            connection.execute("REPLACE INTO some VALUES (?, ?)", (key, cell))
            connection.execute("INSERT INTO other VALUES (?)", (cell,))
        connection.execute("DELETE FROM other WHERE length(cell) % 3 = 0")
        before = list(connection.iterdump())
        pages = connection.execute("SELECT pgno, data FROM sqlite_dbpage").fetchall()
        for number, page in pages[1:]:
            clean = without_copies(page) or page
            connection.execute(
                "UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?", (clean, number)
            )
            assert without_copies(clean) is None

        assert list(connection.iterdump()) == before
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@given(binary(min_size=512, max_size=512))
def test_no_page_is_too_damaged_to_be_looked_at(page: bytes) -> None:
    for kind in (2, 5, 10, 13):
        clean = without_copies(bytes([kind]) + page[1:])

        assert clean is None or len(clean) == len(page)
