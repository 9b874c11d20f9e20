# SPDX-License-Identifier: Apache-2.0
"""Run a command that kills itself (SIGKILL) at a step of what it does to the outside.

A step is a change of a file or directory, or a statement to a server. With a step that
does not come, the command ends by itself and says how many there were.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final, ParamSpec, TypeVar

import psycopg
from tests.support.forks import Forks, serve

import fedsafe_cli.node.node_factory  # noqa: F401 - what the command imports by itself
from fedsafe_cli.main import main

P = ParamSpec("P")
T = TypeVar("T")
_CHANGES: Final = {
    *("os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "os.chmod"),
}
_WRITES: Final = os.O_WRONLY | os.O_RDWR


def killed_at(forked: Forks, step: int, words: Sequence[str]) -> int | None:
    """Run a command until a step; the number of steps if it ended before."""
    ended = forked.run(str(step), *words)
    if ended.status == -signal.SIGKILL:
        return None
    assert ended.status == 0, ended.said
    return int(ended.said.rpartition("steps: ")[2])


class _Steps:
    """Counts what is done, and kills the process at its last step."""

    def __init__(self, left: int) -> None:
        self.began = self.left = left

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def see(self, event: str, args: tuple[Any, ...]) -> None:
        if event in _CHANGES or (event == "open" and args[2] & _WRITES):
            self.step()

    def counted(self, function: Callable[P, T]) -> Callable[P, T]:
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            self.step()
            result = function(*args, **kwargs)
            self.step()
            return result

        return call


def run(words: list[str]) -> None:
    """Run a command of the command line, until the step that comes first."""
    steps = _Steps(int(words[0]))
    for kind in (psycopg.Connection, psycopg.RawCursor):
        kind.execute = steps.counted(kind.execute)  # type: ignore[method-assign,assignment]
    sys.argv[1:] = words[1:]
    sys.addaudithook(steps.see)
    status = main()
    sys.stdout.flush()
    sys.stderr.write(f"steps: {steps.began - steps.left}\n")
    assert status == 0


if __name__ == "__main__":
    serve(run)
