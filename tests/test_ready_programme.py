# SPDX-License-Identifier: Apache-2.0
"""What is forked behaves as `python -m fedsafe_cli` does."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from fedsafe_cli.demo.fleet import LOG_FILE, find
from tests.support import ready_programme
from tests.support.federation import until
from tests.support.ready_programme import Request, write_command

SPOKEN: Final = os.environ | {"LC_ALL": "C.UTF-8"}


def compared(
    *arguments: str, typed: bytes = b"", **environment: str
) -> tuple[int, bytes]:
    """Run a command both ways; give its status and all that it said, which are one."""
    settings = SPOKEN | environment
    real = subprocess.run(
        [sys.executable, "-m", "fedsafe_cli", *arguments],
        input=typed,
        capture_output=True,
        env=settings,
        check=False,
    )
    forked = ready_programme.run(arguments, typed=typed, environment=settings)
    told = (forked.returncode, forked.stdout, forked.stderr)
    assert told == (real.returncode, real.stdout, real.stderr)
    return forked.returncode, forked.stdout + forked.stderr


@pytest.fixture(autouse=True)
def _no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let only what needs it be started as a process of its own."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    monkeypatch.delitem(SPOKEN, "COVERAGE_PROCESS_CONFIG", raising=False)


def test_it_says_and_ends_with_the_same() -> None:
    status, said = compared("policy", "check", "synthetic")
    assert (status, bool(said)) == (0, True)
    status, _ = compared("policy", "nothing")
    assert status == 2


def test_it_reads_what_is_typed_and_its_environment(tmp_path: Path) -> None:
    (tmp_path / "node.toml").touch()
    where = {"FEDSAFE_CONFIG": str(tmp_path)}
    status, said = compared("lookup", "--kind", "nothing", "-", typed=b"x\n", **where)
    assert status == 2
    status, other = compared(
        "lookup", "--kind", "email", "-", typed=b"a@b.de\n", **where
    )
    assert status == 4
    assert str(tmp_path).encode() in other
    assert other != said


def test_it_starts_where_who_asks_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.txt").write_text("harmless")
    status, said = compared("hash", "own.txt")
    assert (status, b"own.txt" in said) == (0, True)


def test_it_shows_its_arguments_dies_of_its_signals_and_is_found(
    tmp_path: Path,
) -> None:
    (tmp_path / "node.toml").touch()
    read, write = os.pipe()  # what waits for its input
    out = os.open(os.devnull, os.O_WRONLY)
    settings = SPOKEN | {"FEDSAFE_CONFIG": str(tmp_path)}
    waiting = Request(("lookup", "--kind", "email", "-"), settings, str(tmp_path))
    line, pid = ready_programme._ready().fork(waiting, read, out, out)  # noqa: SLF001
    with line:
        shown = Path(f"/proc/{pid}/cmdline")
        until(lambda: shown.read_bytes().endswith(b"\0\0"), "the arguments")
        given = shown.read_bytes().rstrip(b"\0").split(b"\0")
        os.kill(pid, signal.SIGKILL)
        status = int(line.recv(16))
    for file in (read, write, out):
        os.close(file)

    assert given == [
        *(sys.executable.encode(), b"-m", b"fedsafe_cli"),
        *(b"lookup", b"--kind", b"email", b"-"),
    ]
    assert status == -signal.SIGKILL


def test_a_node_that_cannot_start_says_so_in_its_log(tmp_path: Path) -> None:
    process = ready_programme.start(tmp_path)
    until(lambda: not process.alive(), "the end of a node that has no files")

    assert find(tmp_path) is None
    assert b"fedsafe: error" in (tmp_path / LOG_FILE).read_bytes()


def test_a_shell_has_its_status_files_and_signals(tmp_path: Path) -> None:
    write_command(tmp_path)
    script = "fedsafe policy nothing 2> told; echo $?; fedsafe --version"
    settings = SPOKEN | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=tmp_path,
        env=settings,
        capture_output=True,
        check=False,
    )
    version = compared("--version")[1]

    assert done.stdout == b"2\n" + version
    assert (tmp_path / "told").read_bytes().startswith(b"Usage: fedsafe policy")
    (tmp_path / "node.toml").touch()
    with subprocess.Popen(
        [tmp_path / "fedsafe", "lookup", "--kind", "email", "-"],
        env=settings | {"FEDSAFE_CONFIG": str(tmp_path)},
        stdin=subprocess.PIPE,
    ) as waiting:
        state = Path(f"/proc/{waiting.pid}/status")
        until(lambda: _heeds(state, signal.SIGTERM), "a command that passes signals on")
        waiting.send_signal(signal.SIGTERM)
        assert waiting.wait() == -signal.SIGTERM


def _heeds(state: Path, number: int) -> bool:
    caught = re.search(r"SigCgt:\s*(\w+)", state.read_text())
    assert caught is not None
    return bool(int(caught[1], 16) >> (number - 1) & 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [("LC_ALL", "de_DE.UTF-8"), ("PYTHONPATH", "/"), ("LD_PRELOAD", "/x.so")],
)
def test_what_a_start_decides_is_left_to_a_start(name: str, value: str) -> None:
    asked = Request(("--version",), SPOKEN | {name: value}, "/")

    assert not ready_programme._can_be_forked(asked)  # noqa: SLF001
    assert ready_programme._can_be_forked(Request(("--version",), SPOKEN, "/"))  # noqa: SLF001


def test_what_a_test_sets_for_starts_is_left_to_a_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LD_PRELOAD", "/x.so")
    asked = Request(("--version",), SPOKEN | os.environ, "/")

    assert not ready_programme._can_be_forked(asked)  # noqa: SLF001
