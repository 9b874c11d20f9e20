# SPDX-License-Identifier: Apache-2.0
"""Measure durable log appends beside fdatasync and raw SQLite statements.

Each append is one record of 300 bytes with two sealed openings, acknowledged after
its commit. 1 and 256 callers hand in their next append when the last one is
acknowledged. Beside them, on the same file system and in turn: fdatasync of an
overwritten block of 4 KiB, and the same rows as bare statements on one connection
in one thread, 1 and 256 to a commit, neither hashed nor encrypted. Figures are
medians over rounds of a second each; `to fdatasync` is the median of the ratios of
the rounds.

    python benchmarks/durable_appends.py [--rounds 7] [--json FILE] [--dir DIR]
"""

import argparse
import asyncio
import json
import os
import sqlite3
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import uvloop

from fedsafe_crypto.commitment import commit
from fedsafe_node.clock import SystemClock
from fedsafe_node.log.engine import LogEngine, open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import Opening

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
BLOCK = bytes(4096)
SYNC_FILE_BYTES = 1 << 22
SYNC = "fdatasync"

Work = Callable[[float], Awaitable[int]]  # until when → how many


async def sync_blocks(descriptor: int, until: float) -> int:
    done = 0
    while perf_counter() < until:
        os.pwrite(descriptor, BLOCK, done * len(BLOCK) % SYNC_FILE_BYTES)
        os.fdatasync(descriptor)
        done += 1
    return done


async def insert_rows(
    connection: sqlite3.Connection, rows: Iterator[int], batch: int, until: float
) -> int:
    done = 0
    while perf_counter() < until:
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


async def append(store: Store, callers: int, until: float) -> int:
    async def call() -> int:
        done = 0
        while perf_counter() < until:
            await store.write(lambda tx: tx.append(LOG, RECORD, OPENINGS))
            done += 1
        return done

    return sum(await asyncio.gather(*(call() for _ in range(callers))))


async def open_node_store(directory: Path) -> Store:
    keys = PeriodKeys(directory / "keys")
    url = f"sqlite://{directory}/node.db"
    return await open_store(url, keys=keys, clock=SystemClock())


async def make_bare(directory: Path) -> sqlite3.Connection:
    await (await open_node_store(directory)).close()
    bare = sqlite3.connect(directory / "node.db", isolation_level=None)
    for pragma in ("synchronous = FULL", "wal_autocheckpoint = 4000"):
        bare.execute(f"PRAGMA {pragma}")
    return bare


async def take_rounds(
    works: dict[str, Work], rounds: int
) -> list[dict[str, tuple[float, float]]]:
    taken = []
    for _ in range(rounds + 1):  # the first warms up
        figures = {}
        for name, work in works.items():
            start, burned = perf_counter(), process_time()
            done = await work(start + 1)
            seconds = perf_counter() - start
            figures[name] = (done / seconds, (process_time() - burned) / done)
        taken.append(figures)
    return taken[1:]


async def measure(directory: Path, rounds: int) -> list[dict[str, str | float]]:
    store = await open_node_store(directory / "ours")
    bare, rows = await make_bare(directory / "bare"), count()
    descriptor = os.open(directory / "blocks", os.O_RDWR | os.O_CREAT, 0o600)
    os.pwrite(descriptor, bytes(SYNC_FILE_BYTES), 0)
    works: dict[str, Work] = {
        SYNC: lambda until: sync_blocks(descriptor, until),
        "bare SQLite, 1 a commit": lambda until: insert_rows(bare, rows, 1, until),
        "1 caller": lambda until: append(store, 1, until),
        "bare SQLite, 256 a commit": lambda until: insert_rows(bare, rows, 256, until),
        "256 callers": lambda until: append(store, 256, until),
    }
    with closing(bare):
        taken = await take_rounds(works, rounds)
    os.close(descriptor)
    verified = await LogEngine(store).verify(LOG, lambda _: COMMITMENTS)
    print(f"entries in the log afterwards: {verified.size:,}\n")
    await store.close()
    return [
        {
            "what": name,
            "per second": round(median(figures[name][0] for figures in taken)),
            "CPU µs each": round(median(figures[name][1] for figures in taken) * 1e6),
            "to fdatasync": round(
                median(figures[name][0] / figures[SYNC][0] for figures in taken), 2
            ),
        }
        for name in works
    ]


def print_table(table: list[dict[str, str | float]]) -> None:
    print("| " + " | ".join(table[0]) + " |")
    print("|" + "---|" * len(table[0]))
    for row in table:
        print("| " + " | ".join(map(str, row.values())) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--dir", type=Path, help="an absolute path")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    sys.setswitchinterval(0.0005)  # as the node does
    with tempfile.TemporaryDirectory(dir=options.dir) as directory:
        table = uvloop.run(measure(Path(directory), options.rounds))
    load = os.getloadavg()
    print_table(table)
    print(f"\nload average {load[0]:.2f} {load[1]:.2f} {load[2]:.2f}")
    if options.json:
        options.json.write_text(json.dumps({"table": table, "load": load}) + "\n")


if __name__ == "__main__":
    main()
