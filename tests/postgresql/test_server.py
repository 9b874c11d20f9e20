# SPDX-License-Identifier: Apache-2.0
"""A server of one's own can be ended in every way, and comes back."""

import os

import psycopg
import pytest
from tests.postgresql.janitor import server_of
from tests.postgresql.server import Server


def marks(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT mark FROM marks ORDER BY mark").fetchall()
    return [mark for (mark,) in rows]


@pytest.fixture
def url(own_postgresql: Server) -> str:
    """Give a database in which one row is committed."""
    url = own_postgresql.database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE marks AS SELECT 1 AS mark")
    return url


def test_a_killed_server_comes_back_with_what_was_committed(
    own_postgresql: Server, url: str
) -> None:
    with psycopg.connect(url) as open_one:
        open_one.execute("INSERT INTO marks VALUES (2)")
        own_postgresql.kill()

        assert not own_postgresql.runs()
        with pytest.raises(psycopg.OperationalError):
            open_one.execute("SELECT 1")
        open_one.close()
    own_postgresql.start()

    assert marks(url) == [1]
    assert "was not properly shut down" in own_postgresql.log()


def test_a_restarted_server_is_where_it_was(own_postgresql: Server, url: str) -> None:
    before = server_of(own_postgresql.directory)
    own_postgresql.restart()

    assert server_of(own_postgresql.directory) not in (None, before)
    assert marks(url) == [1]
    assert "was not properly shut down" not in own_postgresql.log()


def test_a_durable_server_waits_for_the_disk(own_postgresql: Server) -> None:
    with psycopg.connect(own_postgresql.url()) as connection:
        for setting in (b"SHOW fsync", b"SHOW full_page_writes"):
            assert connection.execute(setting).fetchone() == ("on",)


def test_a_server_that_runs_is_not_started_again(own_postgresql: Server) -> None:
    with pytest.raises(RuntimeError, match="runs already"):
        own_postgresql.start()


def test_root_is_not_who_runs_it(own_postgresql: Server) -> None:
    pid = server_of(own_postgresql.directory)

    assert pid is not None
    assert os.stat(f"/proc/{pid}").st_uid != 0  # noqa: PTH116


def test_a_closed_server_leaves_nothing(own_postgresql: Server) -> None:
    pid = server_of(own_postgresql.directory)
    own_postgresql.close()

    assert not own_postgresql.directory.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid or 0, 0)
