# SPDX-License-Identifier: Apache-2.0
"""What `audit verify` says of real directories in which no node runs."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from tests.support.fleet import Fleet, make

from fedsafe_node.ground.errors import NodeError
from fedsafe_node.ground.principal import LOCAL

if TYPE_CHECKING:
    from tests.cli.conftest import Run

AUDIT: Final = "a.demo/audit"
Harm = Callable[[Path], int | None]
"""Harms a directory; returns the first entry that does not fit, if it knows one."""


async def live(root: Path) -> Fleet:
    """Let a node live for a while, and stop."""
    fleet = await make(root, "a.demo")
    await again(fleet)
    return fleet


async def again(fleet: Fleet) -> None:
    await fleet.start("a.demo")
    await fleet["a.demo"].services.audits.verify(LOCAL)
    await fleet.stop("a.demo")


@pytest.fixture
def stopped(short_path: Path) -> Path:
    """Give the directory of a node that was stopped."""
    asyncio.run(live(short_path))
    return short_path / "a.demo"


def flip_a_byte(directory: Path) -> int:
    database = directory / "store.db"
    with sqlite3.connect(database) as connection:
        (record,) = connection.execute(
            "SELECT record FROM entries WHERE idx = 2"
        ).fetchone()
    connection.close()
    data = bytearray(database.read_bytes())
    at = data.find(record) + len(record) // 2
    data[at] ^= 1
    database.write_bytes(data)
    return 2


def drop_the_newest(directory: Path) -> int:
    connection = sqlite3.connect(directory / "store.db")
    (newest,) = connection.execute("SELECT max(idx) FROM entries").fetchone()
    triggers = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'entries' AND "
        "type = 'trigger'"
    ).fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("DELETE FROM entries WHERE idx = ?", (newest,))
    for _, sql in triggers:
        connection.execute(sql)
    connection.commit()
    connection.close()
    return int(newest)


def put_an_old_copy_back(directory: Path) -> int:
    """Put back a database with its own seal, from before the last run."""
    database = directory / "store.db"
    copy = database.with_name("copy")
    shutil.copy(database, copy)
    asyncio.run(again(Fleet(directory.parent)))
    copy.replace(database)
    connection = sqlite3.connect(database)
    (size,) = connection.execute("SELECT max(idx) + 1 FROM entries").fetchone()
    connection.close()
    return int(size)


def delete_it(directory: Path) -> int:
    (directory / "store.db").unlink()
    return 0


def write_garbage(directory: Path) -> None:
    (directory / "store.db").write_bytes(b"this was a database" * 500)


def damage_a_page(directory: Path) -> None:
    database = directory / "store.db"
    data = bytearray(database.read_bytes())
    data[4096:8192] = bytes(4096)
    database.write_bytes(data)


HARMS: Final[dict[Harm, tuple[int, str]]] = {
    flip_a_byte: (20, "tampered"),
    drop_the_newest: (21, "incomplete"),
    put_an_old_copy_back: (21, "incomplete"),
    delete_it: (21, "incomplete"),
    write_garbage: (22, "unreadable"),
    damage_a_page: (22, "unreadable"),
}


def files(directory: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.suffix not in {".db-shm", ".db-wal"}
    }


def test_a_stopped_node_is_verified_where_it_lies(run: "Run", stopped: Path) -> None:
    before = files(stopped)
    config = ("--config", str(stopped))
    shown = run("audit", "verify", *config, "--lang", "en")
    german = run("audit", "verify", *config, "--lang", "de")
    read = run("audit", "verify", *config, "--json").document

    assert (shown.status, german.status) == (0, 0)
    assert "all logs and tables verify" in shown.out
    assert "its directory was verified" in shown.err
    assert "geprüft wurde sein Verzeichnis" in german.err
    assert read["ok"] is True
    assert [log["log"] for log in read["logs"]] == [AUDIT]
    assert {table["table"] for table in read["tables"]} == {"database", "seal"}
    assert files(stopped) == before


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_damage_has_its_status_and_names_the_first_bad_entry(
    run: "Run", stopped: Path, harm: Harm
) -> None:
    status, damage = HARMS[harm]
    index = harm(stopped)
    before = files(stopped)
    config = ("--config", str(stopped))
    read = run("audit", "verify", *config, "--json")
    shown = run("audit", "verify", *config, "--lang", "en")
    german = run("audit", "verify", *config, "--lang", "de")
    checks = [*read.document["logs"], *read.document["tables"]]

    assert (read.status, shown.status, german.status) == (status,) * 3
    assert read.document["ok"] is False
    assert damage in {check.get("damage") for check in checks}
    if index is not None:
        (log,) = read.document["logs"]
        assert (log["log"], log["first_bad_index"]) == (AUDIT, index)
        assert f"at entry {index}" in shown.out
        assert f"Eintrag {index}" in german.out
    assert files(stopped) == before


@pytest.mark.parametrize(
    "harm", set(HARMS) - {delete_it}, ids=lambda harm: harm.__name__
)
def test_what_is_verified_so_is_what_no_node_starts_from(
    stopped: Path, harm: Harm
) -> None:
    harm(stopped)

    with pytest.raises(NodeError):
        asyncio.run(Fleet(stopped.parent).start("a.demo"))


async def test_a_node_that_runs_behind_no_socket_is_not_disturbed(
    run: "Run", short_path: Path
) -> None:
    fleet = await make(short_path, "a.demo")
    await fleet.start("a.demo")
    socket = fleet.place("a.demo").socket
    await asyncio.to_thread(socket.rename, socket.with_name("elsewhere"))
    node = fleet["a.demo"]
    config = ("--config", str(fleet.place("a.demo").directory))
    verifying = asyncio.create_task(
        asyncio.to_thread(run, "audit", "verify", *config, "--json")
    )
    answers = [await node.services.audits.verify(LOCAL) for _ in range(20)]
    outcome = await verifying
    await fleet.close()

    assert (outcome.status, outcome.document["ok"]) == (0, True)
    assert all(answer.ok for answer in answers)


def test_a_directory_without_a_node_is_not_verified(
    run: "Run", short_path: Path
) -> None:
    (short_path / "node.toml").write_text("format = 2\n")
    outcome = run("audit", "verify", "--config", str(short_path))

    assert outcome.status == 2
    assert "node.toml" in outcome.err
    assert outcome.out == ""
