# SPDX-License-Identifier: Apache-2.0
"""What a measurement began ends with it: processes and folders."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from tests.postgresql.installation import installed
from tests.programs import do_without

ROOT: Final = Path(__file__).parents[1]
_LATEST: Final = 60.0
_PACE: Final = 0.02
_BEGINNINGS: Final = """
import subprocess, sys, tempfile, time
from concurrent.futures import ProcessPoolExecutor
from measuring import parser

options = parser(None).parse_args()
print(tempfile.mkdtemp(), flush=True)
SLEEP = [sys.executable, "-c", "import time; time.sleep(600)", options.dir]
subprocess.run(["setsid", "--fork", *SLEEP])
stopped = subprocess.Popen(SLEEP)
stopped.send_signal(19)
with ProcessPoolExecutor(2) as pool:
    try:
        list(pool.map(time.sleep, [600] * 4))
    finally:
        time.sleep(600)
"""


@pytest.fixture
def disk() -> Iterator[Path]:
    """A folder with a short path: sockets lie in it, and a server of somebody else."""
    with TemporaryDirectory(prefix="fb-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def test_nothing_is_left_of_a_script_that_term_ends(disk: Path) -> None:
    with script(["-c", _BEGINNINGS], disk) as process:
        # Itself, two of the pool, the stopped one, and the detached one.
        until(lambda: len(commands_in(disk)) >= 5)
        process.terminate()
        assert process.wait(_LATEST) == 128 + signal.SIGTERM
    assert not commands_in(disk)
    assert not list(disk.iterdir())


def test_no_server_and_no_node_is_left_of_postgresql(disk: Path) -> None:
    if not installed():
        do_without("postgresql")
    arguments = ["benchmarks/postgresql.py", "--part", "lookups"]
    with script(arguments, disk) as process:
        until(lambda: runs("fedsafe_cli node run", disk))
        assert runs("bin/postgres -D", disk)
        process.terminate()
        assert process.wait(_LATEST) == 128 + signal.SIGTERM
    assert not commands_in(disk)
    assert not list(disk.iterdir())


@contextmanager
def script(arguments: list[str], disk: Path) -> Iterator["subprocess.Popen[bytes]"]:
    path = os.pathsep.join([str(ROOT / "benchmarks"), *sys.path])
    process = subprocess.Popen(
        [sys.executable, *arguments, "--dir", disk],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pid, _ in commands_in(disk):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def commands_in(disk: Path) -> list[tuple[int, str]]:
    """List the processes whose commands name the folder, or one in it."""
    found: list[tuple[int, str]] = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            command = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            pid = int(file.parent.name)
            if str(disk) in command and lives(pid):
                found.append((pid, command))
    return found


def runs(what: str, disk: Path) -> bool:
    return any(what in command for _, command in commands_in(disk))


def lives(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def until(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + _LATEST
    while not ready():
        assert time.monotonic() < end
        time.sleep(_PACE)  # the pace of asking
