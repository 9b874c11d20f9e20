# SPDX-License-Identifier: Apache-2.0
"""Processes that are killed, forked from one that has imported what they run.

To import the programme costs more than most of them do before they die. Each is a
process of its own, with nothing of those before it; what it says goes to a file.

A module that can be forked ends in `serve(work)`, and a test calls

    with forks("tests.node.operations.move.child", tmp_path) as forked:
        ended = forked.run("move.after_rows", "30")
"""

import gc
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

_ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: its status, or minus the signal that killed it."""

    status: int
    said: str


class Forks:
    """Starts processes, by orders to the one that they are forked from."""

    def __init__(self, parent: "subprocess.Popen[str]", folder: Path) -> None:
        self._parent = parent
        self._said = folder / "said"

    def run(self, *words: str) -> Ended:
        """Let a process do what it is told, and wait until it has ended."""
        orders, answers = self._parent.stdin, self._parent.stdout
        assert orders is not None
        assert answers is not None
        self._said.write_bytes(b"")
        orders.write(f"{json.dumps([str(self._said), *words])}\n")
        orders.flush()
        status = answers.readline()
        said = self._said.read_text()
        assert status, f"nothing is forked any more: {said}"
        return Ended(int(status), said)


@contextmanager
def forks(module: str, folder: Path) -> Iterator[Forks]:
    """Import a module once, as long as this lasts; *folder* is for what is said."""
    with subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        try:
            yield Forks(parent, folder)
        finally:
            parent.kill()


def serve(work: Callable[[list[str]], object]) -> None:
    """Fork a process for each order, a line of JSON, and say how it ended."""
    gc.freeze()
    for line in sys.stdin:
        said, *words = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _do(work, said, words)
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _do(work: Callable[[list[str]], object], said: str, words: list[str]) -> NoReturn:
    status = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        written = os.open(said, os.O_WRONLY | os.O_APPEND)
        os.dup2(written, 1)
        os.dup2(written, 2)
        work(words)
        status = 0
    except BaseException:  # noqa: BLE001 - the end of the process
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
