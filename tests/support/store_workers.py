# SPDX-License-Identifier: Apache-2.0
"""Kills workers of one node, and the server that they share, while they write."""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Final

import psycopg
from psycopg.sql import SQL
from tests.postgresql.databases import name_in
from tests.postgresql.server import Server
from tests.support.store_worker import BAD, LOGS, open_worker

from fedsafe_crypto.tlog.tree import Frontier, leaf_hashes
from fedsafe_node.log.proofs import log_root
from fedsafe_node.store.postgresql.schema import migrate
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader

WORKERS: Final = 4
WRITERS: Final = 16  # of each worker
_MOST: Final = 1 << 30
_LONGEST: Final = 60.0
_PACE: Final = 0.01


@dataclass
class Workers:
    """The processes of one node, and what they have been told is kept."""

    server: Server
    url: str
    root: Path
    seed: int
    running: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    started: int = 0

    @property
    def journals(self) -> list[Path]:
        """Where the acknowledged acts are, a file for each process."""
        return sorted(self.root.glob("*.journal"))

    def start(self, number: int) -> "subprocess.Popen[bytes]":
        """Start a worker."""
        self.started += 1
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.support.store_worker"),
                *(self.url, self.root, f"w{number}"),
                self.root / f"{self.started}.journal",
                *(str(WRITERS), str(self.seed + 100 * self.started)),
            ]
        )

    def begin(self) -> None:
        """Start all workers."""
        self.running = [self.start(number) for number in range(WORKERS)]

    def replace(self, number: int) -> None:
        """Kill a worker, and start another in its place."""
        self.kill(number)
        self.running[number] = self.start(number)

    def kill(self, number: int) -> None:
        """Kill a worker (-9)."""
        self.running[number].kill()
        self.running[number].wait()

    def end(self) -> None:
        """Kill all workers."""
        for number in range(len(self.running)):
            self.kill(number)

    def acknowledged(self) -> int:
        """Count the acts that were acknowledged, in all."""
        return sum(path.read_bytes().count(b"\n") for path in self.journals)

    def progress(self, acts: int) -> None:
        """Wait until so many more acts are acknowledged."""
        wanted = self.acknowledged() + acts
        until = time.monotonic() + _LONGEST
        while self.acknowledged() < wanted:
            for process in self.running:
                assert process.poll() is None, "a worker ended by itself"
            assert time.monotonic() < until, "nothing is acknowledged any more"
            time.sleep(_PACE)  # the pace of looking


@contextmanager
def working(server: Server, root: Path, seed: int) -> Iterator[Workers]:
    """Found a node's store on a server, and let workers write to it."""
    url = server.database()
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for role in ("owner", "node"):
            connection.execute(SQL("CREATE ROLE {} LOGIN").format(_named(role)))
        connection.execute(
            SQL("GRANT CREATE ON DATABASE {} TO owner").format(_named(name_in(url)))
        )
    migrate(server.url(name_in(url), role="owner"), "node")
    for directory in ("keys", "keys/periods"):
        (root / directory).mkdir(mode=0o700)
    workers = Workers(server, server.url(name_in(url), role="node"), root, seed)
    asyncio.run(_found(workers))
    workers.begin()
    try:
        yield workers
    finally:
        workers.end()


def _named(name: str) -> "psycopg.sql.Identifier":
    return psycopg.sql.Identifier(name)


async def _found(workers: Workers) -> None:
    store = await open_worker(workers.url, workers.root, "first")
    await store.close()


def run(
    workers: Workers,
    rounds: int,
    *,
    acts: int = 100,
    told: Callable[[int, str, int], None] = lambda *_: None,
) -> None:
    """Kill something at random moments, and let them go on; rounds of it."""
    choice = Random(workers.seed)  # noqa: S311 - what to kill
    for number in range(1, rounds + 1):
        workers.progress(choice.randint(1, 2 * acts))
        victim = choice.choice(("server", "worker", "worker", "workers"))
        if victim == "server":
            workers.server.kill()
            workers.server.start()
        elif victim == "worker":
            workers.replace(choice.randrange(WORKERS))
        else:
            for each in choice.sample(range(WORKERS), WORKERS // 2):
                workers.replace(each)
        told(number, victim, workers.acknowledged())
    workers.progress(acts)
    workers.end()


async def check(workers: Workers) -> int:
    """Compare what is kept with what was acknowledged; return how much it is."""
    store = await open_worker(workers.url, workers.root, "last")
    try:
        kept = {log: await _checked(store, log) for log in LOGS}
        report = await store.check_seal()
        assert report.faults == (), report.faults
        count = 0
        for path in workers.journals:
            for line in path.read_text().splitlines():
                log, index, key = line.split()
                assert kept[log][int(index)] == key.encode(), f"lost: {line}"
                count += 1
        everything = [record for records in kept.values() for record in records]
        doubled = [key for key, n in Counter(everything).items() if n > 1]
        assert doubled == []
        assert BAD not in everything
        for log, records in kept.items():
            await _answers(store, log, records)
        return count
    finally:
        await store.close()


async def _checked(store: Store, log: str) -> list[bytes]:
    async def query(reader: Reader) -> list[bytes]:
        size = await reader.log_size(log)
        records = await reader.records(log, 0, _MOST)
        assert len(records) == size, f"{size} entries of {log} have gaps"
        tree = Frontier()
        tree.extend(leaf_hashes(records))
        assert await log_root(reader, log, size) == tree.root()
        openings = await reader.openings(log, 0, _MOST)
        opened = [each.opening for each in openings]
        assert [each and each.payload for each in opened] == records
        return records

    return await store.scan(query)


async def _answers(store: Store, log: str, records: list[bytes]) -> None:
    async def query(reader: Reader) -> None:
        for index, record in enumerate(records):
            answer = await reader.idempotent_answer(record.decode())
            assert answer is not None
            assert (answer.status, answer.body) == (index, log.encode())

    await store.scan(query)
