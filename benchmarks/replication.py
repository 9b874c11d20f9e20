# SPDX-License-Identifier: Apache-2.0
"""Measure replication: how fast a fresh node copies and verifies a feed.

One of three nodes publishes media signals while another is down. That one starts,
and the clock runs from its first record of them to its last; then its directory is
put back as it was, for the next round. The limit, in turn, are bare sqlite3 inserts
of the same bytes. CPU is that of both nodes, and of the start of the fresh one.

    python benchmarks/replication.py [--signals 100000] [--rounds 5]
"""

import argparse
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from time import perf_counter

from bare_inserts import BareInserts
from federation import pid_of, running
from fedsafe_cli.demo import DemoNode
from fedsafe_cli.fleet import start, stop
from imports import Desk
from measuring import Figures, Row, cpu_of, parser, report

PACE = 0.005
MOST_SECONDS = 600.0


def cursor_of(database: Path, origin: str) -> int:
    """Tell how many records of an origin a node holds."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        row = store.execute("SELECT cursor FROM peers WHERE origin = ?", (origin,))
        return int((row.fetchone() or (0,))[0])


def replicate(origin: DemoNode, fresh: DemoNode, signals: int) -> tuple[float, float]:
    """Start the fresh node; give wall and CPU seconds for each record."""
    serving = [pid_of(origin)]
    burned = cpu_of(serving)
    pid = start(fresh.directory).pid
    end = perf_counter() + MOST_SECONDS
    first, began = 0, perf_counter()
    while (held := cursor_of(fresh.directory / "store.db", origin.name)) < signals:
        if not first and held:
            first, began = held, perf_counter()
        if perf_counter() > end:
            raise SystemExit("the feed did not arrive; see node.log")
        time.sleep(PACE)  # the pace of looking
    seconds = perf_counter() - began
    burned = cpu_of([*serving, pid]) - burned
    return seconds / (signals - first), burned / signals


def measure(directory: Path, options: argparse.Namespace) -> list[Row]:
    signals = options.signals
    ours, limit = Figures(), Figures()
    with running(directory) as federation:
        origin, _, fresh = federation.nodes
        stop(fresh.directory)
        shutil.copytree(fresh.directory, directory / "kept")
        Desk(federation).publish_files(signals)
        model = origin.directory / "store.db"
        with closing(BareInserts(directory / "bare.db", model)) as bare:
            for _ in range(options.rounds):
                wall, cpu = replicate(origin, fresh, signals)
                ours.taken.append(wall)
                ours.burned.append(cpu)
                stop(fresh.directory)
                shutil.rmtree(fresh.directory)
                shutil.copytree(directory / "kept", fresh.directory)
                began, burned = perf_counter(), time.process_time()
                bare.insert(signals)
                limit.taken.append((perf_counter() - began) / signals)
                limit.burned.append((time.process_time() - burned) / signals)
    return [
        {
            "what": name,
            "rows a second": round(took.rate),
            "µs a row": round(took.wall * 1e6, 1),
            "CPU µs a row": round(took.cpu * 1e6, 1),
            "ratio to the limit": round(took.times(limit), 2),
        }
        for name, took in (("replication", ours), ("bare sqlite3 inserts", limit))
    ]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--signals", type=int, default=100_000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.dir) as directory:
        table = measure(Path(directory), chosen)
    report(table, chosen, signals=chosen.signals)


if __name__ == "__main__":
    main()
