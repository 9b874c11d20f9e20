# SPDX-License-Identifier: Apache-2.0
"""Measure lookups while one member of the federation is silent, in each way.

Three node processes on loopback, two of them needed, then five, three of them needed.
One is asked about another e-mail address each time, at a fixed rate, whether the ones
before were answered or not. The line to the last one leads through a relay in this
process, which falls silent in the way that the row names while lookups are under way:
connections that are kept fall silent as well. `stopped` sends the node SIGSTOP. In
time is what was answered, not deferred, within the deadline by the caller's clock.
What was asked of members is read from the asking node's ledger; beyond what lookups
need it went to who gave nothing.

    python benchmarks/silent_member.py [--lookups 600] [--rate 40] [--seed 1]
        [--only silent,stopped] [--members 3,5]
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from pathlib import Path
from time import perf_counter

import aiohttp
import uvloop

from federation import Federation, pid_of, port_of, running
from fedsafe_cli.demo.fleet import answers, free_ports, start, stop
from fedsafe_cli.demo.nodes import DemoNode
from measuring import Row, parser, percentile, report

DEADLINE_MS = 800
HEALTHY, SILENT, STOPPED = "healthy", "silent", "stopped"
REFUSING, UNREACHED, STALLING = "refusing", "unreached", "stalling"
LATE, RARE, SINGLE = "late", "rare", "single"
WAYS = {
    HEALTHY: "all answer",
    SILENT: "accepts, says nothing",
    STOPPED: "stopped by SIGSTOP",
    REFUSING: "refuses connections",
    UNREACHED: "SYN never answered",
    STALLING: "headers, then nothing",
    LATE: "answers after 700 ms",
    RARE: "answers 1 of 10",
}
_EVALUATE = b"POST /v1/evaluate "
_LATE_SECONDS = 0.7
_HEADERS = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n"
)
_BEFORE = 0.02
"""The share of the lookups before the member falls silent."""
_COVERED_SECONDS = 90.0


class Relay:
    """Stands where the charter says that a member is, and passes on or does not.

    Owned by the event loop: the way in which it is silent, its lines, how many
    evaluations came.
    """

    def __init__(self, port: int, behind: int) -> None:
        self.way = HEALTHY
        self.came = 0
        self._port = port
        self._behind = behind
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self._full: list[socket.socket] = []

    async def listen(self) -> None:
        """Stand there."""
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self._port)

    async def close(self) -> None:
        """Stand there no more; whoever comes is refused."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)
        for each in self._full:
            each.close()
        self._full.clear()
        if server is not None:
            await server.wait_closed()

    async def fall(self, way: str) -> None:
        """Be silent in one way from now on."""
        self.way = way
        if way in {REFUSING, UNREACHED}:
            await self.close()
        if way == UNREACHED:
            self._fill()

    def _fill(self) -> None:
        """Listen with a queue that is full: the kernel answers no SYN any more."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        listener.listen(0)
        self._full.append(listener)
        for _ in range(4):
            line = socket.socket()
            line.settimeout(0)
            with suppress(BlockingIOError):
                line.connect(("127.0.0.1", self._port))
            self._full.append(line)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.ensure_future(self._pass(reader, writer))
        self._lines.add(line)
        line.add_done_callback(self._lines.discard)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        behind: asyncio.StreamWriter | None = None
        back: asyncio.Task[None] | None = None
        try:
            answer, behind = await asyncio.open_connection("127.0.0.1", self._behind)
            back = asyncio.ensure_future(_pump(answer, writer))
            while part := await reader.read(65_536):
                if part.startswith(_EVALUATE):
                    self.came += 1
                    if not await self._lets_through(writer):
                        await reader.read()  # until the asker goes away
                        return
                elif self.way in {SILENT, STALLING}:
                    await reader.read()
                    return
                behind.write(part)
        except OSError:
            pass  # who asked went away
        finally:
            if back is not None:
                back.cancel()
            for each in (behind, writer):
                if each is not None:
                    each.transport.abort()

    async def _lets_through(self, writer: asyncio.StreamWriter) -> bool:
        if self.way == LATE:
            await asyncio.sleep(_LATE_SECONDS)
        if self.way == STALLING:
            writer.write(_HEADERS)
        if self.way == RARE:
            return self.came % 10 == 0
        return self.way not in {SILENT, STALLING}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while part := await reader.read(65_536):
            writer.write(part)
        writer.close()


class Caller:
    """Asks one node at a fixed rate, and keeps how it went."""

    def __init__(
        self, session: aiohttp.ClientSession, node: DemoNode, seed: int
    ) -> None:
        self._session = session
        self._url = f"http://127.0.0.1:{port_of(node)}/v1/lookup"
        self._token = node.client("anna").token
        self._seed = seed
        self.taken: list[float] = []
        self.results: Counter[str] = Counter()
        self.late = 0

    async def ask(self, number: int) -> None:
        """Ask about somebody new."""
        who = sha256(b"%d/%d" % (self._seed, number)).hexdigest()[:16]
        about = {"kind": "email", "value": f"nobody.{who}@mail.example"}
        body = {
            "questions": [about],
            "purpose": "recheck",
            "subject_ref": f"account-{who}",
            "deadline_ms": DEADLINE_MS,
        }
        began = perf_counter()
        async with self._session.post(
            self._url,
            data=json.dumps(body),
            headers={
                "authorization": f"Bearer {self._token}",
                "content-type": "application/json",
            },
        ) as answer:
            found = json.loads(await answer.read())
        took = perf_counter() - began
        result = found.get("result", found.get("code", "unknown"))
        self.results[result] += 1
        self.taken.append(took)
        if result not in {"none", "incomplete"} or took > DEADLINE_MS / 1_000:
            self.late += 1

    async def ask_many(self, count: int, rate: float) -> None:
        """Ask so many times, so many a second."""
        began, asking = perf_counter(), set[asyncio.Task[None]]()
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / rate - perf_counter()))
            asking.add(asyncio.ensure_future(self.ask(number)))
        await asyncio.gather(*asking)


def asked_by(node: DemoNode) -> Counter[str]:
    """Read how many elements a stopped node has asked each member for."""
    path = Path(node.directory, "store.db")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        rows = connection.execute(
            "SELECT member, sum(elements) FROM leased WHERE side = 'asked' "
            "AND purpose = 'lookup' GROUP BY member"
        ).fetchall()
    return Counter(dict(rows))


def move_behind(node: DemoNode) -> int:
    """Have a node listen at another port than the one where it is looked for."""
    (port,) = free_ports(1)
    stop(node.directory)
    file = node.directory / "node.toml"
    before = f"port = {port_of(node)}"
    text = file.read_text(encoding="utf-8")
    if text.count(before) != 1:
        raise SystemExit(f"{file}: no line {before}")
    file.write_text(text.replace(before, f"port = {port}"), encoding="utf-8")
    start(node.directory)
    return port


async def until_covered(nodes: Sequence[DemoNode]) -> None:
    """Wait until nodes answer and have the feeds of all."""

    def covered(node: DemoNode) -> bool:
        if not answers(node.directory):
            return False
        peers = node.client().get("/v1/status").get("peers") or []
        return bool(peers) and all(peer.get("covered") for peer in peers)

    end = perf_counter() + _COVERED_SECONDS
    for node in nodes:
        while not await asyncio.to_thread(covered, node):
            if perf_counter() > end:
                raise SystemExit(f"{node.name} does not get the others' feeds")
            await asyncio.sleep(0.1)


@asynccontextmanager
async def standing(federation: Federation) -> AsyncIterator[Relay]:
    """Put a relay in front of the last node."""
    last = federation.nodes[-1]
    relay = Relay(port_of(last), await asyncio.to_thread(move_behind, last))
    await relay.listen()
    try:
        yield relay
    finally:
        await relay.close()


async def measure_way(
    federation: Federation, relay: Relay, way: str, options: argparse.Namespace
) -> Row:
    """Ask a fresh node while the last one is silent in one way."""
    asker, last = federation.nodes[1], federation.nodes[-1]
    await asyncio.to_thread(stop, asker.directory)
    before = asked_by(asker)
    await asyncio.to_thread(start, asker.directory)
    await until_covered([asker])
    first = int(options.lookups * _BEFORE)
    frozen = pid_of(last) if way == STOPPED else 0
    connector = aiohttp.TCPConnector(limit=1_024)
    async with aiohttp.ClientSession(connector=connector) as session:
        caller = Caller(session, asker, options.seed)
        try:
            asking = asyncio.ensure_future(
                caller.ask_many(options.lookups, options.rate)
            )
            await asyncio.sleep(first / options.rate)
            if frozen:
                os.kill(frozen, signal.SIGSTOP)
            await relay.fall(way)
            await asking
        finally:
            if frozen:
                os.kill(frozen, signal.SIGCONT)
            await relay.close()
            relay.way = HEALTHY
            await relay.listen()
    await asyncio.to_thread(stop, asker.directory)
    asked = asked_by(asker) - before
    await asyncio.to_thread(start, asker.directory)
    needed = options.lookups * (len(federation.nodes) // 2)
    return {
        "members": len(federation.nodes),
        "the last one": WAYS[way],
        "lookups": options.lookups,
        "in time %": f"{100 * (1 - caller.late / options.lookups):.3f}",
        "p50 ms": f"{percentile(caller.taken, 0.5) * 1e3:.1f}",
        "p99 ms": f"{percentile(caller.taken, 0.99) * 1e3:.1f}",
        "most ms": f"{max(caller.taken) * 1e3:.0f}",
        "asked beyond need": asked.total() - needed,
        "of these of the last": asked[last.name],
        "results": ", ".join(f"{k} {v}" for k, v in sorted(caller.results.items())),
    }


async def measure(federation: Federation, options: argparse.Namespace) -> list[Row]:
    async with standing(federation) as relay:
        await until_covered(federation.nodes)
        table: list[Row] = []
        for way in options.only.split(","):
            table.append(await measure_way(federation, relay, way, options))
            print(json.dumps(table[-1]), file=sys.stderr, flush=True)
        return table


def main() -> None:
    options = parser(__doc__, rounds=1)
    options.add_argument("--lookups", type=int, default=600, help="in each way")
    options.add_argument("--rate", type=float, default=40.0, help="lookups a second")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", default=",".join(WAYS), help="|".join(WAYS))
    options.add_argument("--members", default="3,5")
    chosen = options.parse_args()
    table: list[Row] = []
    with tempfile.TemporaryDirectory(dir=chosen.dir) as directory:
        for count in map(int, chosen.members.split(",")):
            with (
                running(Path(directory, str(count)), count) as federation,
                asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
            ):
                table += runner.run(measure(federation, chosen))
    report(table, chosen, seed=chosen.seed, rate=chosen.rate, deadline=DEADLINE_MS)


if __name__ == "__main__":
    main()
