# SPDX-License-Identifier: Apache-2.0
"""Nodes that are forked from a process that has imported all of the programme.

A node spends nine tenths of its start on importing. Who kills hundreds of them forks
them instead: each is a process of its own that runs what `fedsafe node run` runs, and
ends and is killed as that one is. One may be told to lie (`lying_node`), or to go by a
clock that is wrong, and each takes orders (`ordered_node`).

    python -m tests.support.hatchery

reads orders from its standard input, a line of JSON each, and answers with process ids.
"""

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Final, NoReturn

from tests.support.lying_node import lie
from tests.support.ordered_node import MovedClock, move_clock, take_orders

from fedsafe_cli.demo.fleet import LOG_FILE, Process, noted
from fedsafe_node.app.run import prepare, serve
from fedsafe_node.ground.config import Place

_ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Egg:
    """Which node is to run, how it lies, by how much its clock is wrong, when it dies.

    That is after so many of its fault points; never, if it is none.
    """

    directory: str
    clock: str
    how: str = ""
    skew: float = 0.0
    dies: int = 0


class Hatchery:
    """Starts nodes, by orders to the process that they are forked from.

    All go by the clock of one file, which `move_clock` moves.
    """

    def __init__(self, parent: "subprocess.Popen[str]", clock: Path) -> None:
        self._parent = parent
        self._lock = Lock()
        self.clock = clock

    def start(
        self, directory: Path, how: str = "", skew: float = 0.0, dies: int = 0
    ) -> Process:
        """Start a node; its output goes to its log."""
        egg = Egg(str(directory), str(self.clock), how, skew, dies)
        orders, answers = self._parent.stdin, self._parent.stdout
        assert orders is not None
        assert answers is not None
        with self._lock:
            orders.write(f"{json.dumps(asdict(egg))}\n")
            orders.flush()
            pid = answers.readline()
        if not pid:
            raise AssertionError("nothing hatches any more")
        return noted(directory, int(pid))


@contextmanager
def hatchery(clock: Path) -> Iterator[Hatchery]:
    """Have all of the programme imported once, as long as this lasts."""
    move_clock(clock, 0)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.hatchery"],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        try:
            yield Hatchery(parent, clock)
        finally:
            parent.kill()


def main() -> None:
    import uvloop  # noqa: F401, PLC0415 - what every child would import

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    gc.freeze()
    for line in sys.stdin:
        egg = Egg(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            _hatch(egg)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _hatch(egg: Egg) -> NoReturn:
    status = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _redirect(Path(egg.directory) / LOG_FILE)
        if egg.how:
            lie(egg.how)
        take_orders(Path(egg.directory), egg.dies)
        _run(egg)
        status = 0
    except BaseException:  # noqa: BLE001 - the end of the process
        traceback.print_exc()
    finally:
        os._exit(status)


def _redirect(log: Path) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    written = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for source, target in ((nothing, 0), (written, 1), (written, 2)):
        os.dup2(source, target)


def _run(egg: Egg) -> None:
    import uvloop  # noqa: PLC0415 - only a running node needs it

    clock = MovedClock(Path(egg.clock), egg.skew)

    async def served() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        await serve(Place(Path(egg.directory)), stop, clock)

    prepare()
    uvloop.run(served())


if __name__ == "__main__":
    main()
