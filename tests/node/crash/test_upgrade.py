# SPDX-License-Identifier: Apache-2.0
"""Killed at any statement of an upgrade, a store opens, and all of it is sealed."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from signal import SIGKILL

import pytest
from tests.support.seals import Around

from fedsafe_node.store.schema import MIGRATIONS, VERSION
from fedsafe_node.store.seal_check import examine_seal
from fedsafe_node.store.sqlite.connection import SqliteConnection

SEALED = [name for name, _ in MIGRATIONS].index("0009_seal") + 1
Order = Callable[[str, Path, int], int]


@pytest.fixture(scope="module")
def order() -> Iterator[Order]:
    command = [sys.executable, "-m", "tests.node.crash.upgrading"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        orders, answers = process.stdin, process.stdout
        assert orders is not None
        assert answers is not None

        def ask(word: str, directory: Path, number: int) -> int:
            print(word, directory, number, file=orders, flush=True)
            return int(answers.readline())

        yield ask
        orders.close()


def check_whole(directory: Path) -> None:
    """Check that a store is of the newest version, sealed, and lost nothing."""
    connection = SqliteConnection.to_read(directory / "node.db")
    report = examine_seal(connection, Around(), newest=2)
    due = connection.execute("SELECT job, at FROM due").fetchall()
    entries = connection.execute("SELECT record FROM entries").fetchall()
    version = connection.version()
    connection.close()
    assert report.faults == ()
    assert (version, due, entries) == (VERSION, [("expiry", 7)], [(b"record",)])


def test_an_upgrade_that_is_killed_before_any_change_is_made_good(
    order: Order, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    assert order("make", old, VERSION - 3) == 0
    kills = 0
    while True:
        directory = tmp_path / str(kills)
        shutil.copytree(old, directory)
        ended = order("open", directory, kills + 1)
        if ended == 0:
            break
        assert ended == -SIGKILL
        kills += 1
        assert order("open", directory, 0) == 0
        check_whole(directory)
        shutil.rmtree(directory)

    check_whole(directory)
    assert kills > 20


@pytest.mark.parametrize("known", range(SEALED, VERSION))
def test_a_store_of_any_sealed_version_is_brought_up_to_date(
    order: Order, tmp_path: Path, known: int
) -> None:
    assert order("make", tmp_path, known) == 0
    with closing(sqlite3.connect(tmp_path / "node.db")) as connection:
        before = connection.execute("PRAGMA user_version").fetchone()

    brought_up = order("open", tmp_path, 0)

    assert brought_up == 0
    assert before == (known,)
    check_whole(tmp_path)
