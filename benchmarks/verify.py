# SPDX-License-Identifier: Apache-2.0
"""Measure what verifying a log costs in CPU, part by part, for each of its entries.

A log of so many audit events, each with two sealed openings, in the node's own store
with its seal: the tree alone (records, tiles, anchors), the tree with all openings
opened and compared with their commitments, and the tables and files against the seal.
With `--pymerkle PATH` (a directory into which `pip install --target PATH pymerkle`
has put it; GPL, so a peer to measure only) the same records in its SQLite tree: each
read, hashed and compared with its leaf, then the root.

    python benchmarks/verify.py [--entries 100000] [--pymerkle DIR] [--json FILE]
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from time import process_time

from fedsafe_crypto.commitment import commit
from fedsafe_node.clock import SystemClock
from fedsafe_node.config import Place
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.log.verification import verify_log
from fedsafe_node.sealed_files import SealedFiles
from fedsafe_node.store.protocol import Reader, Store
from fedsafe_node.store.rows import LogEntry, Opening
from measuring import Row, parser, report

LOG, BARE = "a.demo/audit", "a.demo/bare"
GROUPS = ("actor", "detail")
BATCH = 1_000


def entry() -> LogEntry:
    openings = tuple(
        Opening(group=group, salt=os.urandom(32), payload=os.urandom(60))
        for group in GROUPS
    )
    made = [commit(LOG, each.group, each.salt, each.payload) for each in openings]
    return LogEntry(record=b"".join(made).hex().encode().ljust(300), openings=openings)


def commitments_of(record: bytes) -> dict[str, bytes]:
    made = bytes.fromhex(record[:128].decode())
    return {GROUPS[0]: made[:32], GROUPS[1]: made[32:]}


async def open_node_store(directory: Path) -> Store:
    place = Place(directory)
    return await open_store(
        f"sqlite://{directory}/node.db",
        keys=PeriodKeys(place.periods),
        clock=SystemClock(),
        around=SealedFiles(place, {}),
    )


async def fill(store: Store, entries: int) -> None:
    for _ in range(entries // BATCH):
        batch = [entry() for _ in range(BATCH)]
        bare = [LogEntry(record=each.record, openings=()) for each in batch]
        await append(store, LOG, batch)
        await append(store, BARE, bare)


async def append(store: Store, log: str, entries: list[LogEntry]) -> None:
    await store.write(lambda tx: tx.append_many(log, entries))


async def records_of(store: Store, entries: int) -> list[bytes]:
    return await store.scan(lambda reader: reader.records(LOG, 0, entries))


def sealed(runner: asyncio.Runner, store: Store) -> Callable[[], None]:
    def run() -> None:
        runner.run(store.check_seal())

    return run


def verifying(runner: asyncio.Runner, store: Store, log: str) -> Callable[[], None]:
    async def query(reader: Reader) -> None:
        await verify_log(reader, log, commitments_of, is_own=True)

    return lambda: runner.run(store.scan(query))


def bare_verifying(runner: asyncio.Runner, store: Store) -> Callable[[], None]:
    async def query(reader: Reader) -> None:
        await verify_log(reader, BARE, lambda _: {})

    return lambda: runner.run(store.scan(query))


def hashing(records: list[bytes]) -> Callable[[], None]:
    def run() -> None:
        level = [sha256(b"\0" + record).digest() for record in records]
        while len(level) > 1:
            pairs = zip(level[::2], level[1::2], strict=False)
            level = [sha256(b"\1" + left + right).digest() for left, right in pairs]

    return run


def peer(path: str, directory: Path, records: list[bytes]) -> Callable[[], None]:
    sys.path.insert(0, path)
    tree = import_module("pymerkle").SqliteTree(str(directory / "pymerkle.db"))
    tree.append_entries(records)

    def run() -> None:
        tree.cache_clear()
        for index in range(1, len(records) + 1):
            if tree.hash_buff(tree.get_entry(index)) != tree.get_leaf(index):
                raise AssertionError(index)
        tree.get_root()

    return run


def cpu_of(work: Callable[[], None]) -> float:
    work()  # warms up
    taken = []
    for _ in range(3):
        begin = process_time()
        work()
        taken.append(process_time() - begin)
    return sorted(taken)[1]


def measure(options: argparse.Namespace, directory: Path) -> list[Row]:
    entries = options.entries // BATCH * BATCH
    with asyncio.Runner() as runner:
        store = runner.run(open_node_store(directory))
        runner.run(fill(store, entries))
        records = runner.run(records_of(store, entries))
        works = {
            "hashlib alone, without a tree to keep": hashing(records),
            "tree alone": bare_verifying(runner, store),
            "tree with two openings an entry": verifying(runner, store, LOG),
            "tables and key files against the seal": sealed(runner, store),
        }
        if options.pymerkle:
            works["pymerkle, SQLite"] = peer(options.pymerkle, directory, records)
        table: list[Row] = []
        for name, work in works.items():
            took = cpu_of(work)
            each = took / entries * 1e6
            table.append(
                {
                    "what": name,
                    "entries": entries,
                    "CPU seconds": round(took, 3),
                    "µs an entry": round(each, 2),
                }
            )
        runner.run(store.close())
    return table


def main() -> None:
    arguments = parser(__doc__, rounds=3)
    arguments.add_argument("--entries", type=int, default=100_000)
    arguments.add_argument("--pymerkle", metavar="DIR", default="")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=options.dir) as directory:
        table = measure(options, Path(directory))
    report(table, options)


if __name__ == "__main__":
    main()
