# SPDX-License-Identifier: Apache-2.0
"""Measure what verifying a node costs in CPU, part by part, for each log entry.

A real node whose audit log has so many events of lookups, each with two sealed
openings: the tree alone (records, leaf hashes, tile roots, root; it needs no key),
the tree with all records decoded and all openings opened and compared with their
commitments, the tables and key files against the seal, and all that `fedsafe audit
verify` does, through the node's own service: that, the pages of the database, and
the rows that go together with the events. Beside them hashlib alone and, with
`--pymerkle PATH` (a directory into which `pip install --target PATH pymerkle` has put
it; GPL, so a peer to measure only), the same records in its SQLite tree: each read,
hashed and compared with its leaf, then the root.

    python benchmarks/verify.py [--entries 1000000] [--pymerkle DIR] [--json FILE]
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from time import process_time

from audit_cost import DETAIL, POLICY
from fedsafe_node.app.container import Base, open_base
from fedsafe_node.app.init import create_node
from fedsafe_node.audit.service import AuditService
from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.config import Config, Listen, Place
from fedsafe_node.ground.principal import LOCAL
from fedsafe_node.log.audit import Event
from fedsafe_node.log.commitments import commitments_for
from fedsafe_node.log.verification import verify_log
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogEntry
from measuring import Row, parser, report

NODE = "a.demo"
BARE = "b.demo/bare"
BATCH = 1_000
CONFIG = Config(
    format=1,
    name=NODE,
    url="http://127.0.0.1:1",
    jurisdiction="DE",
    contact=f"safety@{NODE}",
    policy="synthetic",
    listen=Listen("127.0.0.1", 1),
    custody_key="custody.pub",
)


async def open_node(directory: Path, parts: AsyncExitStack) -> Base:
    place, clock = Place(directory / "node"), SystemClock()
    custody = directory / "custody.key"
    await create_node(place, CONFIG, custody_private=custody, staff=(), clock=clock)
    return await open_base(place, CONFIG, clock, parts)


async def fill(base: Base, entries: int) -> None:
    base.trail.know_policy(POLICY, "1a2b3c4d" * 8)

    def event() -> LogEntry:
        return base.trail.entry(
            Event.LOOKUP,
            at=base.clock.now(),
            outcome="none",
            actor="shop-backend",
            detail=DETAIL,
        )

    for _ in range(entries // BATCH):
        batch = [event() for _ in range(BATCH)]
        await append(base, base.trail.log, batch)


async def append(base: Base, log: str, entries: list[LogEntry]) -> None:
    await base.store.write(lambda tx: tx.append_many(log, entries))


async def records_of(base: Base, since: int, count: int) -> list[bytes]:
    return await base.store.scan(
        lambda reader: reader.records(base.trail.log, since, count)
    )


async def copy_records(base: Base, entries: int) -> None:
    for since in range(0, entries, BATCH):
        records = await records_of(base, since, BATCH)
        await append(base, BARE, [LogEntry(record=each) for each in records])


def verifying(runner: asyncio.Runner, base: Base, log: str) -> Callable[[], None]:
    async def query(reader: Reader) -> None:
        if log == BARE:
            await verify_log(reader, log, lambda _: {})
        else:
            await verify_log(reader, log, commitments_for(log), is_own=True)

    return lambda: runner.run(base.store.scan(query))


def sealed(runner: asyncio.Runner, base: Base) -> Callable[[], None]:
    def run() -> None:
        if runner.run(base.store.check_seal()).faults:
            raise AssertionError("the seal is broken")

    return run


def whole(runner: asyncio.Runner, base: Base) -> Callable[[], None]:
    audits = AuditService(
        base.situation,
        base.store,
        base.lists,
        base.trail,
        base.clock,
        guard=base.guard,
        policies=base.place.policies,
    )

    def run() -> None:
        if not runner.run(audits.verify(LOCAL)).ok:
            raise AssertionError("damaged")

    return run


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


def cpu_of(work: Callable[[], None], rounds: int) -> float:
    work()  # warms up
    taken = []
    for _ in range(rounds):
        begin = process_time()
        work()
        taken.append(process_time() - begin)
    return sorted(taken)[rounds // 2]


async def close(parts: AsyncExitStack) -> None:
    await parts.aclose()


def measure(options: argparse.Namespace, directory: Path) -> list[Row]:
    entries = options.entries // BATCH * BATCH
    table: list[Row] = []

    def note(what: str, work: Callable[[], None]) -> None:
        took = cpu_of(work, options.rounds)
        table.append(
            {
                "what": what,
                "entries": entries,
                "CPU seconds": round(took, 3),
                "µs an entry": round(took / entries * 1e6, 2),
            }
        )

    parts = AsyncExitStack()
    with asyncio.Runner() as runner:
        base = runner.run(open_node(directory, parts))
        runner.run(fill(base, entries))
        log = base.trail.log
        note("all that `audit verify` does", whole(runner, base))
        note("tree with two openings an entry", verifying(runner, base, log))
        note("tables and key files against the seal", sealed(runner, base))
        runner.run(copy_records(base, entries))
        note("tree alone", verifying(runner, base, BARE))
        records = runner.run(records_of(base, 0, entries))
        note("hashlib alone, without a tree to keep", hashing(records))
        if options.pymerkle:
            note("pymerkle, SQLite", peer(options.pymerkle, directory, records))
        runner.run(close(parts))
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
