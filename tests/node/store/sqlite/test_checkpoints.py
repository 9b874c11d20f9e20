# SPDX-License-Identifier: Apache-2.0
"""A long write-ahead log is brought into the file, and nobody waits for it."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from threading import Event, Thread

import pytest
from tests.support.residues import LOGS, append, erase, files_left
from tests.support.sqlite import open_sqlite

from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.sqlite.checkpoints import Checkpoints
from fedsafe_node.store.sqlite.connection import SqliteWriteConnection
from fedsafe_node.store.sqlite.residues import Residues

LONG = 60


class Copies:
    """Holds up each copy until it may go on; knows how many were begun and ended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.may_go_on, self.copied = Event(), Event()
        self.begun = self.ended = 0
        copy = Checkpoints._copy  # noqa: SLF001 - the fault is where the thread begins

        def held(checkpoints: Checkpoints) -> None:
            self.begun += 1
            assert self.may_go_on.wait(30)
            copy(checkpoints)
            self.ended += 1
            self.copied.set()

        monkeypatch.setattr(Checkpoints, "_copy", held)
        wait = Checkpoints.wait

        def go_on_and_wait(checkpoints: Checkpoints) -> None:
            if self.goes_on_when_waited_for:
                self.may_go_on.set()
            wait(checkpoints)

        self.goes_on_when_waited_for = False
        monkeypatch.setattr(Checkpoints, "wait", go_on_and_wait)


@pytest.fixture(autouse=True)
def short_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fedsafe_node.store.sqlite.residues.LONG_LOG", LONG)


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> Iterator[Copies]:
    copies = Copies(monkeypatch)
    yield copies
    copies.may_go_on.set()


def frames(directory: Path) -> int:
    return (directory / "node.db-wal").stat().st_size // 4_120


def salt(directory: Path) -> bytes:
    return (directory / "node.db-wal").read_bytes()[16:24]


async def append_until_anew(store: Store, directory: Path) -> int:
    """Append until the log begins anew; return after how many acts it did."""
    random, before = Random(1), salt(directory)  # noqa: S311
    for times in range(1, 200):
        await append(store, random, 1)
        if salt(directory) != before:
            return times
    raise AssertionError("the log never begins anew")


@pytest.mark.usefixtures("clears")
async def test_acts_are_answered_while_the_log_is_copied(
    tmp_path: Path, copies: Copies
) -> None:
    store, random = await open_sqlite(tmp_path), Random(2)  # noqa: S311
    before = salt(tmp_path)
    while not copies.begun:
        await append(store, random, 1)
    held = await append(store, random, 200)
    grown = frames(tmp_path)

    assert (copies.begun, copies.ended) == (1, 0)
    assert (salt(tmp_path), grown > 2 * LONG) == (before, True)
    copies.may_go_on.set()
    await append_until_anew(store, tmp_path)
    erased = await erase(store, held[::3])
    assert await store.scrub()
    assert await files_left(tmp_path, erased) == set()
    await store.close()


async def test_each_long_log_is_copied_once(tmp_path: Path, copies: Copies) -> None:
    copies.may_go_on.set()
    store = await open_sqlite(tmp_path)
    for _ in range(3):
        await append_until_anew(store, tmp_path)
    await store.close()

    assert (copies.begun, copies.ended) == (3, 3)


async def test_a_log_that_a_reader_holds_begins_anew_when_he_is_gone(
    tmp_path: Path, copies: Copies
) -> None:
    copies.may_go_on.set()
    store, random = await open_sqlite(tmp_path), Random(3)  # noqa: S311
    reader = sqlite3.connect(tmp_path / "node.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM entries").fetchone()
    before = salt(tmp_path)
    for _ in range(LONG):
        await append(store, random, 1)
    held = salt(tmp_path) == before
    reader.close()

    assert held
    assert await append_until_anew(store, tmp_path) < LONG / 2
    assert copies.begun == 1
    await store.close()


async def test_without_another_thread_the_writer_copies_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copies: Copies
) -> None:
    def refuse(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    copies.may_go_on.set()
    store = await open_sqlite(tmp_path)
    await append_until_anew(store, tmp_path)
    begun = copies.begun
    with monkeypatch.context() as full:
        full.setattr(Thread, "start", refuse)
        for _ in range(2):
            await append_until_anew(store, tmp_path)

    assert copies.begun == begun
    await store.close()


@pytest.mark.parametrize(
    "error", [sqlite3.OperationalError("no more files"), PermissionError("no")]
)
async def test_without_another_connection_the_writer_copies_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    store = await open_sqlite(tmp_path)

    def refuse(*_: object) -> sqlite3.Connection:
        raise error

    monkeypatch.setattr("fedsafe_node.store.sqlite.connection._open", refuse)
    for _ in range(2):
        await append_until_anew(store, tmp_path)
    await store.close()


@pytest.mark.parametrize("is_empty", [True, False])
async def test_a_file_that_replaced_the_open_one_does_not_get_its_log(
    tmp_path: Path, copies: Copies, *, is_empty: bool
) -> None:
    copies.may_go_on.set()
    store, random = await open_sqlite(tmp_path), Random(6)  # noqa: S311
    held = await append(store, random, 10)
    assert await store.scrub()
    path, other = tmp_path / "node.db", tmp_path / "other.db"

    async def rows(reader: Reader) -> list[bytes]:
        return [
            record for log in LOGS for record in await reader.records(log, 0, 10_000)
        ]

    other.write_bytes(b"" if is_empty else path.read_bytes())
    other.rename(path)
    replacing = path.read_bytes()
    for _ in range(3):
        held += await append(store, random, LONG)
        await append_until_anew(store, tmp_path)

    assert copies.ended
    assert path.read_bytes() == replacing
    assert len(await store.read(rows)) >= len(held)
    await store.close()


async def test_to_scrub_and_to_close_wait_for_the_copy(
    tmp_path: Path, copies: Copies
) -> None:
    store, random = await open_sqlite(tmp_path), Random(5)  # noqa: S311
    held = []
    while not copies.begun:
        held += await append(store, random, 1)
    erased = await erase(store, held[::2])
    copies.goes_on_when_waited_for = True

    assert await store.scrub()
    assert copies.ended == 1
    assert await files_left(tmp_path, erased) == set()
    copies.goes_on_when_waited_for = False
    copies.may_go_on.clear()
    while copies.begun == 1:
        await append(store, random, 1)
    copies.goes_on_when_waited_for = True
    await store.close()
    assert copies.ended == 2


@pytest.mark.usefixtures("clears")
def test_pages_of_a_log_that_was_copied_are_not_looked_at_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copies: Copies
) -> None:
    def add(rows: int) -> int:
        for _ in range(rows):
            connection.begin()
            connection.execute("INSERT INTO some VALUES (randomblob(3000))")
            connection.commit()
        return rows

    path = tmp_path / "node.db"
    path.touch()
    connection = SqliteWriteConnection.to_write(path)
    connection.migrate()
    connection.execute("CREATE TABLE some (cell BLOB)")
    copies.goes_on_when_waited_for = True
    add(3 * LONG)
    assert connection.scrub()
    while connection.clear():
        connection.commit()
    copies.goes_on_when_waited_for = False
    copies.may_go_on.clear()
    looked: list[int] = []
    monkeypatch.setattr(Residues, "_clear", lambda _, number: looked.append(number))
    copies.copied.clear()
    begun, added = copies.begun, 0
    while copies.begun == begun:
        added += add(1)
    added += add(3)
    copies.may_go_on.set()
    assert copies.copied.wait(30)
    added += add(1)
    while connection.clear():
        connection.commit()
    connection.close()

    assert added <= len(looked) < added + 20
