# SPDX-License-Identifier: Apache-2.0
"""Measure what its audit event adds to a lookup, and how fast events become durable.

The event is that of a lookup without a match, built as the node builds it. First its
parts by themselves, in CPU time of all threads: building it, and appending it inside
an act that appends many, so that the commit counts for nothing. Their sum is what a
lookup burns for its audit beside its share of a commit. Then whole acts, built,
appended and acknowledged after their commit, by 1 and by 256 callers, with the time
from call to acknowledgement; beside them, on the same file system and in turn,
fdatasync of an overwritten block, and if there is a Python that has it, pymerkle's
SQLite tree: one bare entry an append, one writer, as it comes.

    python3 -m venv /tmp/pm && /tmp/pm/bin/pip install pymerkle
    python benchmarks/audit_cost.py [--rounds 7] [--pymerkle /tmp/pm/bin/python]
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import perf_counter, process_time

import uvloop

from durable_appends import open_node_store
from fedsafe_node.app.run import collect_less
from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.log.audit import AuditTrail, Detail, Event
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import LogEntry
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Purpose, Surface
from measuring import (
    SYNC,
    Figures,
    Row,
    SyncFile,
    Work,
    cpu_of,
    interleave,
    lasting,
    parser,
    report,
    waited,
)

SECONDS = 1.0
MANY = 1_000
BUILD, APPEND, EMPTY = "build an event", "append it, 1,000 an act", "an act of nothing"
PYMERKLE = "pymerkle SqliteTree, 1 writer"
POLICY = "germany@1a2b3c4d"
DETAIL: Detail = {
    "purpose": Purpose.SIGNUP_CHECK.value,
    "surface": Surface.REGISTRATION.value,
    "rule": "P8",
    "code": "purpose",
    "policy": POLICY,
    "about": Purpose.SIGNUP_CHECK.value,
    "lookups": 1,
}
OTHER_TREE = """
import sys
from time import perf_counter
from pymerkle import SqliteTree
tree, entry = SqliteTree(sys.argv[1]), bytes(300)
for line in sys.stdin:
    done, end = 0, perf_counter() + float(line)
    while perf_counter() < end:
        tree.append_entry(entry)
        done += 1
    print(done, flush=True)
"""


class Audited:
    """A store and the events of lookups."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.trail = AuditTrail("a.demo")
        self.trail.know_policy(POLICY, "1a2b3c4d" * 8)
        self.clock = SystemClock()
        self.waits: dict[int, list[float]] = {1: [], 256: []}

    def build(self) -> LogEntry:
        """Build the event of a lookup."""
        return self.trail.entry(
            Event.LOOKUP,
            at=self.clock.now(),
            outcome="none",
            actor="shop-backend",
            detail=DETAIL,
        )

    async def append_many(self, entries: list[LogEntry]) -> int:
        """Append events one by one in one act."""

        async def act(tx: Transaction) -> None:
            for entry in entries:
                await tx.append_many(self.trail.log, [entry])

        await self.store.write(act)
        return len(entries)

    async def nothing(self) -> int:
        """Do an act that does nothing."""

        async def act(_: Transaction) -> None:
            return None

        await self.store.write(act)
        return 1

    async def acknowledged(self, callers: int) -> int:
        """Build and append for a while, each caller one after the other."""
        end, waits = perf_counter() + SECONDS, self.waits[callers]

        async def call() -> int:
            done, began = 0, perf_counter()
            while began < end:
                await self.append_many([self.build()])
                began, before = perf_counter(), began
                waits.append(began - before)
                done += 1
            return done

        return sum(await asyncio.gather(*(call() for _ in range(callers))))


@contextmanager
def other_tree(python: Path | None, directory: Path) -> Iterator[tuple[Work, int]]:
    """Give the work of pymerkle's tree, and its process."""
    if python is None:
        yield (lambda: 1), os.getpid()
        return
    command = [str(python), "-c", OTHER_TREE, str(directory / "other.db")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise SystemExit("no pipe to the other Python")
        ask, answer = process.stdin, process.stdout

        def work() -> int:
            ask.write(f"{SECONDS}\n")
            ask.flush()
            return int(answer.readline())

        yield work, process.pid
        ask.close()


def measure(
    runner: asyncio.Runner, directory: Path, options: argparse.Namespace
) -> list[Row]:
    audited = Audited(runner.run(open_node_store(directory / "node")))
    built = [audited.build() for _ in range(MANY)]
    collect_less()  # as the node does
    file = SyncFile(directory)
    with closing(file), other_tree(options.pymerkle, directory) as (work, pid):
        works: dict[str, Work] = {
            BUILD: lasting(SECONDS / 4, audited.build),
            EMPTY: lasting(SECONDS / 4, lambda: runner.run(audited.nothing())),
            APPEND: lambda: runner.run(audited.append_many(built)),
            SYNC: lasting(SECONDS, file.sync),
            "1 caller": lambda: runner.run(audited.acknowledged(1)),
            "256 callers": lambda: runner.run(audited.acknowledged(256)),
        }
        cpu: Callable[[], float] = process_time
        if options.pymerkle is not None:
            works[PYMERKLE] = work
            cpu = _both(pid)
        figures = interleave(works, options.rounds, cpu=cpu)
    runner.run(audited.store.close())
    return _table(figures, audited)


def _both(pid: int) -> Callable[[], float]:
    return lambda: process_time() + cpu_of([pid])


def _table(figures: dict[str, Figures], audited: Audited) -> list[Row]:
    append = figures[APPEND].cpu - figures[EMPTY].cpu / MANY
    table: list[Row] = [
        {
            "what": "audit of a lookup: build and append",
            "CPU µs each": round((figures[BUILD].cpu + append) * 1e6, 1),
        }
    ]
    for name, took in figures.items():
        row: Row = {
            "what": name,
            "CPU µs each": round(took.cpu * 1e6, 1),
            "per second": round(took.rate),
            "to fdatasync": round(1 / took.times(figures[SYNC]), 2),
        }
        waits = audited.waits.get(int(name.split()[0])) if "caller" in name else None
        if waits:
            row |= waited(waits)
        table.append(row)
    return table


def main() -> None:
    options = parser(__doc__, rounds=7)
    options.add_argument(
        "--pymerkle", type=Path, metavar="PYTHON", help="a Python that has pymerkle"
    )
    chosen = options.parse_args()
    sys.setswitchinterval(0.0005)  # as the node does
    with (
        tempfile.TemporaryDirectory(dir=chosen.dir) as directory,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        table = measure(runner, Path(directory), chosen)
    report(table, chosen)


if __name__ == "__main__":
    main()
