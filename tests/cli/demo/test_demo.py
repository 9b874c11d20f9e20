# SPDX-License-Identifier: Apache-2.0
"""The demo's commands around a demo that does not run."""

import json
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fedsafe_cli.demo.fleet import free_ports

if TYPE_CHECKING:
    from tests.cli.conftest import Run


@pytest.fixture
def lying(short_path: Path) -> Path:
    """A demo of one node that is down."""
    (short_path / "a.demo").mkdir()
    node = {
        "name": "a.demo",
        "url": "http://127.0.0.1:1",
        "dir": str(short_path / "a.demo"),
        "config": str(short_path / "a.demo" / "node.toml"),
    }
    (short_path / "demo.json").write_text(json.dumps({"nodes": [node]}))
    return short_path


def test_the_status_of_a_demo_that_is_down_is_4(run: "Run", lying: Path) -> None:
    shown = run("demo", "status", "--dir", str(lying))
    as_json = run("demo", "status", "--json", "--dir", str(lying))

    assert (shown.status, as_json.status) == (4, 4)
    assert shown.out.split()[-1] == "down"
    assert [each["running"] for each in as_json.document["nodes"]] == [False]


def test_a_demo_is_deleted_only_when_told(run: "Run", lying: Path) -> None:
    kept = run("demo", "down", "--dir", str(lying))
    assert "nothing ran" in kept.out
    assert lying.exists()
    gone = run("demo", "down", "--delete", "--json", "--dir", str(lying))

    assert gone.document == {"stopped": [], "deleted": True}
    assert not lying.exists()
    nothing = run("demo", "down", "--delete", "--dir", str(lying))
    assert "no demo lies in" in nothing.out


def test_a_deletion_is_told(run: "Run", lying: Path) -> None:
    outcome = run("demo", "down", "--delete", "--dir", str(lying))

    assert outcome.out.splitlines() == ["stopped: nothing ran", f"deleted: {lying}"]


def test_a_demo_is_told_in_german(run: "Run", lying: Path) -> None:
    where = ("--dir", str(lying), "--lang", "de")
    shown = run("demo", "status", *where).out
    stopped = run("demo", "down", "--delete", *where).out
    none = [run("demo", what, *where).out for what in ("status", "down")]

    assert shown.split()[:4] == ["Name", "Adresse", "Verzeichnis", "Stand"]
    assert shown.split()[-1] == "steht"
    assert stopped.splitlines() == ["angehalten: nichts lief", f"gelöscht: {lying}"]
    assert all("liegt keine Vorführung" in each for each in none)


def test_a_demo_of_another_size_is_left_alone(run: "Run", lying: Path) -> None:
    outcome = run("demo", "up", "--nodes", "3", "--dir", str(lying))

    assert outcome.status == 2
    assert "a demo of 1 nodes lies in" in outcome.err


@pytest.mark.parametrize("text", ["", "[]", '{"nodes": [{"name": "a"}]}'])
def test_a_damaged_list_of_nodes_is_an_error(
    run: "Run", tmp_path: Path, text: str
) -> None:
    (tmp_path / "demo.json").write_text(text)
    outcome = run("demo", "down", "--dir", str(tmp_path))

    assert outcome.status == 1
    assert "demo.json is damaged" in outcome.err


def test_a_demo_takes_no_directory_of_others(run: "Run", tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    taken = run("demo", "up", "--dir", str(tmp_path))
    long = run("demo", "up", "--dir", str(tmp_path / ("x" * 90)))

    assert (taken.status, long.status) == (2, 2)
    assert "holds no demo" in taken.err
    assert "too long a path" in long.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_port_is_given_once_though_nobody_listens_at_it_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ExitStack() as stack:
        lines = [stack.enter_context(socket.socket()) for _ in range(3)]
        for each in lines:
            each.bind(("127.0.0.1", 0))
        ports = [each.getsockname()[1] for each in lines]
    monkeypatch.setattr("fedsafe_cli.demo.fleet._PORTS", ports)
    with socket.socket(socket.AF_UNIX) as other:  # of another process
        other.bind(f"\0fedsafe-port-{ports[1]}")
        given = [*free_ports(1), *free_ports(1)]

    assert sorted(given) == sorted([ports[0], ports[2]])
