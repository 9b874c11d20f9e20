# SPDX-License-Identifier: Apache-2.0
"""The processes of a run have one server, and it ends with the last of them.

Tests that change rows alone borrow their databases.
"""

import fcntl
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.node.conftest import prepare  # noqa: F401 - a fixture
from tests.postgresql import guest
from tests.postgresql.databases import Databases, name_in
from tests.postgresql.fixtures import MAJORS
from tests.postgresql.installation import (
    Installation,
    NoServerError,
    installed,
)
from tests.postgresql.janitor import USERS, server_of, wait_for_end
from tests.postgresql.making import attach, make
from tests.postgresql.server import TIMEOUT
from tests.support.databases import Prepared, Preparing

ROOT = Path(__file__).parent.parent.parent


@dataclass
class Guest:
    """A process that holds the server of a run."""

    process: "subprocess.Popen[str]"
    directory: Path
    url: str


@contextmanager
def visiting(run: Path, major: int) -> Iterator[Guest]:
    command = [sys.executable, "-m", guest.__name__, str(run), str(major)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield Guest(process, Path(told["directory"]), told["url"])
        process.kill()


@pytest.fixture
def major(postgresql: Databases) -> int:
    return postgresql.major


def test_a_server_ends_with_the_last_process_that_is_killed(
    tmp_path: Path, major: int
) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(visiting(tmp_path, major))
        second = stack.enter_context(visiting(tmp_path, major))
        server = server_of(first.directory)
        users = stack.enter_context((first.directory / USERS).open("rb"))

        assert first.url == second.url
        assert server is not None
        first.process.kill()
        first.process.wait()
        psycopg.connect(second.url).close()
        assert server_of(second.directory) == server
        second.process.kill()
        second.process.wait()
        assert wait_for_end(server, TIMEOUT)
        fcntl.flock(users, fcntl.LOCK_SH)  # the janitor, who held it, has gone
        assert not first.directory.exists()


def test_a_run_whose_server_has_ended_gets_another(tmp_path: Path, major: int) -> None:
    with (
        visiting(tmp_path, major) as first,
        (first.directory / USERS).open("rb") as end,
    ):
        server = server_of(first.directory)
        assert server is not None
        first.process.kill()
        first.process.wait()
        assert wait_for_end(server, TIMEOUT)
        with visiting(tmp_path, major) as second:
            assert second.directory != first.directory
            psycopg.connect(second.url).close()
        fcntl.flock(end, fcntl.LOCK_SH)
        assert not first.directory.exists()


def test_a_server_that_is_being_ended_is_not_held(tmp_path: Path) -> None:
    ending = Databases(major=17, directory=tmp_path, port=1, password="-")
    programs = Installation(17, tmp_path)
    with (tmp_path / USERS).open("wb") as janitors:
        fcntl.flock(janitors, fcntl.LOCK_EX)

        assert attach(ending, programs) is None
    (tmp_path / USERS).unlink()
    assert attach(ending, programs) is None


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a temporary directory for servers that whoever runs them can read."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield Path(name)


def test_programs_that_fail_are_told_and_leave_nothing(place: Path) -> None:
    programs = write_programs(place / "bin", "echo no room >&2; exit 1")

    with pytest.raises(NoServerError, match="initdb failed: no room"):
        make(Installation(17, programs))
    (programs / "initdb").unlink()
    with pytest.raises(NoServerError, match="initdb cannot be run"):
        make(Installation(17, programs))
    assert list(place.iterdir()) == [programs]


def write_programs(directory: Path, line: str) -> Path:
    directory.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        (directory / name).write_text(f"#!/bin/sh\n{line}\n")
        (directory / name).chmod(0o755)
    return directory


def test_versions_are_found_where_debian_and_others_keep_them(tmp_path: Path) -> None:
    for name in ("debian/17/bin", "debian/9.6/bin", "debian/14/bin", "others"):
        write_programs(tmp_path / name, "echo 'postgres (PostgreSQL) 16.2'")
    found = installed(tmp_path / "debian", str(tmp_path / "others"))

    assert [one.major for one in found] == [16, 17]
    assert installed(tmp_path / "none", str(tmp_path / "none")) == ()


@pytest.fixture
def databases(
    prepare: Callable[[int], Preparing],  # noqa: F811
) -> Preparing:
    """Give what makes databases for nodes."""
    return prepare(MAJORS[-1])


def _run(prepared: Prepared, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(prepared.superuser, autocommit=True) as connection:
        done = connection.execute(statement.encode())
        return done.fetchall() if done.description is not None else []


def test_a_database_that_is_given_back_is_lent_again_without_rows(
    databases: Preparing,
) -> None:
    lent = databases.borrow()
    with psycopg.connect(lent.superuser) as left_open:
        _run(lent, "INSERT INTO fedsafe.turns VALUES ('a', '\\x00')")
        _run(lent, "SELECT nextval('fedsafe.turn')")
        databases.give_back(lent)
        again = databases.borrow()
        with pytest.raises(psycopg.OperationalError):
            left_open.execute("SELECT 1")

    assert again == lent
    assert _run(again, "SELECT count(*) FROM fedsafe.turns") == [(0,)]
    assert _run(again, "SELECT nextval('fedsafe.turn')") == [(1,)]
    databases.give_back(again)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE fedsafe.more (number int)",
        "ALTER TABLE fedsafe.entries DISABLE TRIGGER USER",
        "ALTER TABLE fedsafe.turns ADD COLUMN more int",
        "GRANT DELETE ON fedsafe.entries TO PUBLIC",
        "REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC",
        "ALTER DATABASE {} SET work_mem = 4096",
        "DELETE FROM fedsafe.migrations WHERE number = 1",
    ],
)
def test_a_database_that_was_changed_is_lent_to_nobody(
    databases: Preparing, statement: str
) -> None:
    lent = databases.borrow()
    _run(lent, statement.format(name_in(lent.superuser)))
    databases.give_back(lent)
    other = databases.borrow()

    assert other != lent
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        _run(lent, "SELECT 1")
    databases.give_back(other)
