# SPDX-License-Identifier: Apache-2.0
"""Where the story plays: alone, and never over a demo that runs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fedsafe_cli.demo.fleet import PID_FILE, Process, find
from fedsafe_cli.demo.nodes import MARK, STATE
from fedsafe_cli.demo.stage import stage, watch
from fedsafe_cli.terminal.errors import ProgrammeError, SettingsError, WrongStateError

if TYPE_CHECKING:
    from tests.cli.conftest import Run


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Path]:
    """A demo of one node, for which another process stands that runs."""
    node = tmp_path / "a.demo"
    node.mkdir()
    entry = {"name": "a.demo", "url": "-", "dir": str(node), "config": "-"}
    (tmp_path / STATE).write_text(json.dumps({"nodes": [entry]}))
    program = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(program, stdin=subprocess.PIPE) as child:
        fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
        (node / PID_FILE).write_text(f"{child.pid} {fields[19]}\n")
        yield tmp_path
        child.kill()


def test_a_running_demo_is_not_stopped_by_a_story(run: "Run", running: Path) -> None:
    before = sorted(running.rglob("*"))
    outcome = run("demo", "story", "--once", "--dir", str(running))

    assert outcome.status == 5
    assert f"a demo runs in {running}" in outcome.err
    assert f"fedsafe demo down --dir {running}" in outcome.err
    assert find(running / "a.demo") is not None
    assert sorted(running.rglob("*")) == before


def test_a_second_story_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    with stage(tmp_path):
        (tmp_path / "kept").touch()
        with pytest.raises(WrongStateError, match="a demo runs"), stage(tmp_path):
            pass
        assert (tmp_path / "kept").exists()
    with stage(tmp_path):
        assert not (tmp_path / "kept").exists()


def test_what_a_killed_story_left_is_cleared_with_its_nodes(running: Path) -> None:
    (running / MARK).touch()
    with stage(running):
        assert [path.name for path in running.iterdir()] == [MARK]


def test_a_stage_takes_no_directory_of_others(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(SettingsError, match="holds no demo"), stage(tmp_path):
        pass
    below = tmp_path / "mine" / "deeper"
    with pytest.raises(SettingsError, match="Not a directory"), stage(below):
        pass

    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_story_notices_that_a_node_has_ended(running: Path) -> None:
    node = running / "a.demo"
    process = find(node)
    asked: list[float] = []

    def end(seconds: float) -> None:
        asked.append(seconds)
        nodes[0] = (node, Process(1, "another start"))

    nodes: list[tuple[Path, Process | None]] = [(node, process)]
    with pytest.raises(ProgrammeError, match="has ended") as caught:
        watch(nodes, end)

    assert len(asked) == 1
    assert "demo down" in str(caught.value.hint)
