# SPDX-License-Identifier: Apache-2.0
"""Processes that are measured with their children, and some that do the work.

What a server of many processes costs is the CPU of all of them, those that have ended
in between included. Callers that measure are a process of their own, so that they
share no interpreter lock with what they measure.
"""

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import uvloop

from durable_appends import append, open_node_store
from federation import Line, swarm
from fedsafe_node.app.run import collect_less
from fedsafe_node.store.address import Server
from measuring import Work, cpu_of, percentile, tree_of

_TICK = os.sysconf("SC_CLK_TCK")


def cpu_of_trees(roots: Iterable[int]) -> float:
    """Tell the CPU seconds of processes, of their children, and of those that ended."""
    seconds = 0.0
    for pid in tree_of(roots):
        with suppress(OSError):
            stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
            ended = stat.rpartition(")")[2].split()[13:15]
            seconds += cpu_of([pid]) + sum(map(int, ended)) / _TICK
    return seconds


@dataclass(slots=True)
class Charged:
    """A work, and the CPU seconds it took of each group of processes, in turn."""

    work: Work
    roots: dict[str, Sequence[int]]
    burned: dict[str, list[float]] = field(default_factory=dict)
    busy: list[float] = field(default_factory=list)

    def __call__(self) -> int:
        """Do the work once."""
        before = {name: cpu_of_trees(pids) for name, pids in self.roots.items()}
        start = perf_counter()
        done = self.work()
        seconds = perf_counter() - start
        total = 0.0
        for name, pids in self.roots.items():
            spent = cpu_of_trees(pids) - before[name]
            self.burned.setdefault(name, []).append(spent / done)
            total += spent
        self.busy.append(total / seconds)
        return done

    def each(self, name: str) -> float:
        """CPU seconds of a group for one item; the first round only warms up."""
        return median(self.burned[name][1:])

    @property
    def cores(self) -> float:
        """How many cores all groups together kept busy."""
        return median(self.busy[1:])


@dataclass(slots=True)
class Helper:
    """A process that does what it is told, over a pipe."""

    pid: int
    pipe: "Connection[Any, Any]"

    def tell(self, *command: object) -> None:
        """Let it begin."""
        self.pipe.send(command)

    def result(self) -> Any:  # noqa: ANN401 - what it was told decides
        """Wait for what came of it."""
        return self.pipe.recv()


@contextmanager
def helper(serve: Callable[..., None], *given: object) -> Iterator[Helper]:
    """Start a process that serves a pipe; it ends when nothing more is told."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, *given), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Helper(process.pid or 0, ours)
    finally:
        ours.close()
        process.join(30)
        process.kill()


@dataclass(frozen=True, slots=True)
class Swarmed:
    """How many answers came, and how long half and nearly all of them took."""

    done: int
    half: float
    most: float


def ask_in_swarms(pipe: "Connection[Any, Any]") -> None:
    """Serve (port, request, callers, seconds); lines to a port are kept."""
    lines: dict[int, list[Line]] = {}
    with suppress(EOFError):
        while True:
            port, request, callers, seconds = pipe.recv()
            if port not in lines:
                lines[port] = [Line(port) for _ in range(callers)]
            taken: list[float] = []
            done = swarm(lines[port], request, seconds, taken)
            pipe.send(Swarmed(done, percentile(taken, 0.5), percentile(taken, 0.99)))


def append_when_told(
    pipe: "Connection[Any, Any]", directory: Path, where: Server | None
) -> None:
    """Open a store, say so, and serve a number of callers that append for a second."""
    sys.setswitchinterval(0.0005)  # as the node does
    with (
        suppress(EOFError),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        store = runner.run(open_node_store(directory, where))
        collect_less()  # as the node does
        try:
            pipe.send(runner.run(append(store, 1, [])))
            while True:
                (callers,) = pipe.recv()
                pipe.send(runner.run(append(store, callers, [])))
        finally:
            runner.run(store.close())
