# SPDX-License-Identifier: Apache-2.0
"""Measure durable log appends beside fdatasync and raw SQLite statements.

Each append is one record of 300 bytes with two sealed openings, acknowledged after
its commit. 1 and 256 callers hand in their next append when the last one is
acknowledged; beside their rate it is told how long they wait. Beside them, on the same
file system and in turn: fdatasync of an overwritten block of 4 KiB, and the same rows
as bare statements on one connection in one thread, 1 and 256 to a commit, neither
hashed nor encrypted. Each takes a second a round.

    python benchmarks/durable_appends.py [--rounds 7] [--json FILE] [--dir DIR]
"""

import argparse
import asyncio
import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from time import perf_counter

import uvloop

from fedsafe_crypto.primitives.commitment import commit
from fedsafe_node.app.run import collect_less
from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.config import Place
from fedsafe_node.log.engine import LogEngine, open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.address import Server
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import Opening
from fedsafe_node.store.sealed_files import SealedFiles
from measuring import (
    SYNC,
    Row,
    SyncFile,
    Work,
    interleave,
    lasting,
    parser,
    report,
    waited,
)

LOG = "a.demo/audit"
SEALED = os.urandom(192)  # salt, payload, nonce and tag
OPENINGS = tuple(
    Opening(group=group, salt=os.urandom(32), payload=os.urandom(120))
    for group in ("actor", "subject")
)
COMMITMENTS = {
    opening.group: commit(LOG, opening.group, opening.salt, opening.payload)
    for opening in OPENINGS
}
RECORD = b"".join(COMMITMENTS.values()).hex().encode().ljust(300)
SECONDS = 1.0
ONE, MANY = "1 caller", "256 callers"


def insert_rows(connection: sqlite3.Connection, rows: Iterator[int], batch: int) -> int:
    done, end = 0, perf_counter() + SECONDS
    while perf_counter() < end:
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(batch):
            row = next(rows)
            connection.execute("INSERT INTO entries VALUES (1, ?, ?)", (row, RECORD))
            connection.executemany(
                "INSERT INTO openings VALUES (1, ?, ?, '2026-11', ?, NULL)",
                [(row, opening.group, SEALED) for opening in OPENINGS],
            )
        connection.execute("COMMIT")
        done += batch
    return done


async def append(store: Store, callers: int, waits: list[float]) -> int:
    end = perf_counter() + SECONDS

    async def call() -> int:
        done, began = 0, perf_counter()
        while began < end:
            await store.write(lambda tx: tx.append(LOG, RECORD, OPENINGS))
            began, before = perf_counter(), began
            waits.append(began - before)
            done += 1
        return done

    return sum(await asyncio.gather(*(call() for _ in range(callers))))


async def open_node_store(directory: Path, where: Server | None = None) -> Store:
    place = Place(directory)
    keys = PeriodKeys(place.periods)
    url = f"sqlite://{directory}/node.db"
    around = SealedFiles(place, {})
    return await open_store(where or url, keys=keys, clock=SystemClock(), around=around)


def make_bare(directory: Path) -> sqlite3.Connection:
    bare = sqlite3.connect(directory / "node.db", isolation_level=None)
    for pragma in ("synchronous = FULL", "wal_autocheckpoint = 4000"):
        bare.execute(f"PRAGMA {pragma}")
    return bare


def measure(
    runner: asyncio.Runner, directory: Path, options: argparse.Namespace
) -> list[Row]:
    store = runner.run(open_node_store(directory / "ours"))
    runner.run(runner.run(open_node_store(directory / "bare")).close())
    file, rows = SyncFile(directory), count()
    collect_less()  # as the node does
    waits: dict[str, list[float]] = {ONE: [], MANY: []}
    with closing(file), closing(make_bare(directory / "bare")) as bare:
        works: dict[str, Work] = {
            SYNC: lasting(SECONDS, file.sync),
            "bare SQLite, 1 a commit": lambda: insert_rows(bare, rows, 1),
            ONE: lambda: runner.run(append(store, 1, waits[ONE])),
            "bare SQLite, 256 a commit": lambda: insert_rows(bare, rows, 256),
            MANY: lambda: runner.run(append(store, 256, waits[MANY])),
        }
        figures = interleave(works, options.rounds)
    verified = runner.run(LogEngine(store).verify(LOG, lambda _: COMMITMENTS))
    runner.run(store.close())
    print(f"entries in the log afterwards: {verified.size:,}")
    return [
        {
            "what": name,
            "per second": round(took.rate),
            "CPU µs each": round(took.cpu * 1e6),
            "to fdatasync": round(1 / took.times(figures[SYNC]), 2),
            **(waited(waits[name]) if name in waits else {}),
        }
        for name, took in figures.items()
    ]


def main() -> None:
    options = parser(__doc__, rounds=7).parse_args()
    sys.setswitchinterval(0.0005)  # as the node does
    with (
        tempfile.TemporaryDirectory(dir=options.dir) as directory,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        table = measure(runner, Path(directory), options)
    report(table, options)


if __name__ == "__main__":
    main()
