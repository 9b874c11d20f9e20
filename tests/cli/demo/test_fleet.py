# SPDX-License-Identifier: Apache-2.0
"""Processes of nodes, as they start and end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.federation import until

from fedsafe_cli.demo.fleet import LOG_FILE, PID_FILE, find, noted, start

_TELLS = """
import pathlib
pathlib.Path(__file__).with_suffix(".loaded").touch()
"""
_STARTS = """
import pathlib, sys
from fedsafe_cli.demo.fleet import start
start(pathlib.Path(sys.argv[1]))
"""
_ENDS_BY_PARTS = """
import ctypes, os, sys, threading

threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0))).start()
ctypes.CDLL(None).pthread_exit(None)
"""


def test_a_process_lives_until_its_last_thread_has_ended(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _ENDS_BY_PARTS], stdin=subprocess.PIPE
    ) as child:
        process = noted(tmp_path, child.pid)
        status = Path(f"/proc/{child.pid}/stat")
        until(lambda: ") Z " in status.read_text(), "the end of its first thread")
        lived = process.alive()
        assert child.stdin is not None
        child.stdin.close()

        assert lived
        until(lambda: not process.alive(), "the end of its last thread")


def test_a_node_loads_nothing_from_where_the_demo_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("fedsafe_cli", "msgspec", "ctypes"):
        (tmp_path / f"{name}.py").write_text(_TELLS)
    (tmp_path / "node.toml").touch()
    monkeypatch.chdir(tmp_path)
    process = start(tmp_path)
    until(lambda: not process.alive(), "the end of a node that is none")

    assert list(tmp_path.glob("*.loaded")) == []
    assert "node.toml" in (tmp_path / LOG_FILE).read_text()


def test_a_node_heeds_the_environment_no_more_than_what_starts_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "sitecustomize.py").write_text(_TELLS)
    (tmp_path / "node.toml").touch()
    subprocess.run(
        [sys.executable, "-I", "-c", _STARTS, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        check=True,
    )
    assert (tmp_path / PID_FILE).exists()
    until(lambda: find(tmp_path) is None, "the end of a node that is none")

    assert list(tmp_path.glob("*.loaded")) == []
    assert "node.toml" in (tmp_path / LOG_FILE).read_text()
