# SPDX-License-Identifier: Apache-2.0
"""`fedsafe node init` that was killed is run again, and makes the node."""

import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from tests.cli.node.killing_init import killed_at
from tests.node.conftest import prepare  # noqa: F401 - a fixture
from tests.postgresql.fixtures import MAJORS
from tests.support.databases import Prepared, Preparing
from tests.support.forks import Forks, forks

from fedsafe_node.ground.key_files import write_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cli.conftest import Run

NEVER: Final = 1_000_000
# Steps before the end: the last is that `node.making` goes, and most are the tables'.
WITH_A_FILE: Final = (80, 50, 20, 3)
WITH_A_SERVER: Final = (1_500, 120, 40, 10)
MADE: Final = {"keys", "guard", "node.toml", "custody.pub"}


@pytest.fixture
def databases(prepare: "Callable[[int], Preparing]") -> Preparing:  # noqa: F811
    """Give what makes databases of the newest version."""
    return prepare(MAJORS[-1])


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Forks]":
    """Give what runs commands in processes of their own."""
    folder = tmp_path_factory.mktemp("forked")
    with forks("tests.cli.node.killing_init", folder) as started:
        yield started


@pytest.fixture(scope="module")
def steps(
    forked: Forks,
    prepare: "Callable[[int], Preparing]",  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[int, int]:
    """Say in how many steps a node is made, with a file and with a server."""
    made = prepare(MAJORS[-1]).make_empty()
    with_file = killed_at(forked, NEVER, wanted(tmp_path_factory.mktemp("f"), None))
    with_server = killed_at(forked, NEVER, wanted(tmp_path_factory.mktemp("s"), made))
    prepare(MAJORS[-1]).drop(made)
    assert with_file is not None
    assert with_server is not None
    return with_file, with_server


def wanted(root: Path, database: Prepared | None) -> list[str]:
    words = ["node", "init", "--dir", str(root / "n"), "--name", "chat.demo"]
    words += ["--policy", "synthetic", "--contact", "trust@chat.demo"]
    words += ["--staff", "anna:analyst", "--listen", "127.0.0.1:8999"]
    if database is not None:
        owner = root / "owner.url"
        owner.touch(0o600)
        owner.write_text(database.owner)
        words += ["--store", database.node, "--store-owner-file", str(owner)]
    return words


def check(run: "Run", root: Path, words: list[str]) -> None:
    """Run it again; nothing of what was killed is left."""
    again = run(*words)
    files = [path for path in root.rglob("*") if path.is_file()]
    outside = {path for path in files if root / "n" not in path.parents}
    token = (root / "n.credentials" / "anna.key").read_bytes().strip()

    assert again.status == 0, again.err
    assert {path.name for path in (root / "n").iterdir()} >= MADE
    assert not (root / "n" / "node.making").exists()
    assert not [path for path in files if path.name.startswith(".")]
    assert len(token) > 20
    assert {str(path.relative_to(root)) for path in outside} - {"owner.url"} == {
        "n.custody.key",
        "n.credentials/anna.key",
    }


@pytest.mark.parametrize("before", WITH_A_FILE)
def test_a_killed_init_is_run_again(
    forked: Forks, run: "Run", short_path: Path, steps: tuple[int, int], before: int
) -> None:
    words = wanted(short_path, None)

    assert killed_at(forked, steps[0] - before, words) is None
    check(run, short_path, words)


@pytest.mark.parametrize("before", WITH_A_SERVER)
def test_a_killed_init_is_run_again_with_a_server(  # noqa: PLR0913 - fixtures
    forked: Forks,
    run: "Run",
    short_path: Path,
    databases: Preparing,
    steps: tuple[int, int],
    before: int,
) -> None:
    made = databases.make_empty()
    words = wanted(short_path, made)

    assert killed_at(forked, steps[1] - before, words) is None
    check(run, short_path, words)
    assert run("audit", "verify", "--config", str(short_path / "n")).status == 0
    databases.drop(made)


def test_what_a_killed_init_left_alone_is_kept(
    forked: Forks, run: "Run", short_path: Path, steps: tuple[int, int]
) -> None:
    words = wanted(short_path, None)
    assert killed_at(forked, steps[0] - 20, words) is None
    other = short_path / "n.custody.key"
    kept = os.urandom(32)
    other.unlink()
    write_secret(other, kept)
    outcome = run(*words)

    assert outcome.status == 2
    assert "n.custody.key: exists already" in outcome.err
    assert other.read_bytes() == kept
    assert list((short_path / "n").iterdir()) == []


def test_a_directory_with_other_files_is_kept_whatever_was_killed(
    run: "Run", short_path: Path
) -> None:
    home = short_path / "n"
    home.mkdir()
    (home / "photo").write_text("dear")
    (home / "node.making").touch()
    outcome = run(*wanted(short_path, None))

    assert outcome.status == 2
    assert "a new node needs an empty directory" in outcome.err
    assert [path.name for path in home.iterdir()] == ["photo"]


def test_two_do_not_make_a_node_at_once(run: "Run", short_path: Path) -> None:
    home = short_path / "n"
    home.mkdir()
    with (home / "node.making").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        outcome = run(*wanted(short_path, None))

    assert outcome.status == 2
    assert "somebody makes a node here" in outcome.err
