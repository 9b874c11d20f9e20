# SPDX-License-Identifier: Apache-2.0
"""Measure how soon what is revoked or disputed is gone, and gone from the disks.

Node processes on loopback, five unless told. Seconds from the acknowledgement:

* a revocation until no other node matches it (all are asked in turn), until the bytes
  of its opening are in no node's database file or write-ahead log (these are searched
  raw), and until the origin has the erasure receipts of all;
* a dispute of a third node until no node matches, and the origin's ruling until all do.

Then the other nodes are stopped, additions are imported at the origin while signals
that they hold are revoked, and the others are started together: how many additions
still waited at each when the last of the revoked signals was stopped there, read from
one snapshot of its database.

    python benchmarks/revocation.py [--revocations 60] [--waves 1000]
        [--additions 10000] [--disputes 12] [--nodes 5]
"""

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from time import perf_counter

from bare_inserts import pieces
from federation import Federation, Line, port_of, post, request_of, running
from fedsafe_cli.demo.fleet import answers, start, stop
from fedsafe_cli.demo.nodes import DemoNode
from fedsafe_cli.terminal.client import Client
from imports import LIST, approve_list, media_signal
from measuring import Row, parser, percentile, report
from propagation import FINDING

MOST_SECONDS = 30.0
LONG_SECONDS = 600.0
RESIDUE_SECONDS = 10.0
CALLERS = 8
_PACE = 0.01
_ORIGIN = "a.demo"
_SEALED = (
    "SELECT o.sealed FROM signals s JOIN openings o ON o.idx = s.idx AND o.log = "
    "(SELECT id FROM logs WHERE origin = s.log) WHERE s.signal_id = ?"
)
_STATE = (
    "SELECT (SELECT count(*) FROM signals WHERE origin = ? AND status = 'revoked'), "
    "coalesce((SELECT cursor FROM peers WHERE origin = ?), 0)"
)


def wait(ready: Callable[[], bool], what: str, most: float = MOST_SECONDS) -> float:
    """Look until it is so; give how many seconds that took."""
    begin = perf_counter()
    while not ready():
        if perf_counter() - begin > most:
            raise SystemExit(f"{what}: not within {most:g} s")
        time.sleep(_PACE)
    return perf_counter() - begin


@contextmanager
def reading(node: DemoNode) -> Iterator[sqlite3.Connection]:
    """Read a node's database beside it."""
    uri = f"file:{node.directory / 'store.db'}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        yield connection


class Disks:
    """The database files of all nodes, searched for bytes."""

    def __init__(self, nodes: Sequence[DemoNode]) -> None:
        self._nodes = nodes

    def openings(self, signal: str) -> dict[str, bytes]:
        """Read the sealed opening of a signal as each node has it."""
        found: dict[str, bytes] = {}
        for node in self._nodes:
            with reading(node) as db:
                name = bytes.fromhex(signal.replace("-", ""))
                row = db.execute(_SEALED, (name,)).fetchone()
            if row is None or row[0] is None or not self.holds(node, row[0]):
                raise SystemExit(f"{node.name} has no opening of {signal}")
            found[node.name] = row[0]
        return found

    def are_clean(self, openings: dict[str, bytes]) -> bool:
        """Whether no file holds any part of these openings."""
        return not self.places(openings)

    def places(self, openings: dict[str, bytes]) -> list[str]:
        """Name the files, and where in them, that hold parts of these openings."""
        return [
            place
            for node in self._nodes
            for place in self._found(node, openings[node.name])
        ]

    def holds(self, node: DemoNode, sealed: bytes) -> bool:
        """Whether a file of a node holds a part of an opening."""
        return bool(self._found(node, sealed))

    def _found(self, node: DemoNode, sealed: bytes) -> list[str]:
        """Look for the beginning, the middle and the end."""
        middle, places = len(sealed) // 2, list[str]()
        parts = (sealed[:32], sealed[middle : middle + 32], sealed[-32:])
        for name in ("store.db", "store.db-wal", "store.db-journal"):
            path = node.directory / name
            data = path.read_bytes() if path.exists() else b""
            found = [at for part in parts if (at := data.find(part)) >= 0]
            places += [f"{node.name}/{name} at {at}" for at in found]
        return places


class Course:
    """Bans one after the other, from draft to their end."""

    def __init__(self, federation: Federation, lines: Sequence[Line]) -> None:
        self.nodes = federation.nodes
        self._lines = lines
        origin = self.nodes[0]
        self.anna, self.ben = origin.client("anna"), origin.client("ben")
        self._tokens = [node.client("anna").token or "" for node in self.nodes]
        self._disks = Disks(self.nodes)
        self._number = 0
        self.residues: list[str] = []
        self.times: dict[str, list[float]] = {}

    def revoke(self) -> None:
        """Publish, revoke, and look until it is gone everywhere."""
        signal, requests = self._published()
        openings = self._disks.openings(signal)
        begin = perf_counter()
        post(self.ben, f"/v1/signals/{signal}/revoke", {"reason": "mistake"})
        acknowledged = perf_counter()
        self._note("the revocation itself", acknowledged - begin)
        wait(lambda: not self._matching(requests), "no match")
        self._since("revocation to no match at any node", acknowledged)
        self._erased(openings, acknowledged)
        wait(lambda: self._has_receipts(signal), "receipts")
        self._since("revocation to all receipts", acknowledged)

    def _erased(self, openings: dict[str, bytes], acknowledged: float) -> None:
        """Look until no file has the openings, or count one that a page keeps."""
        while perf_counter() - acknowledged < RESIDUE_SECONDS:
            if self._disks.are_clean(openings):
                self._since("revocation to no opening in any SQLite file", acknowledged)
                return
            time.sleep(_PACE)
        self.residues.append(", ".join(self._disks.places(openings)))

    def dispute(self, officer: Client, ruler: Client) -> None:
        """Publish, dispute at a third node, rule at the origin."""
        signal, requests = self._published()
        body = {"signal": signal, "contention": "wrong_person"}
        found = post(officer, "/v1/disputes", body)
        acknowledged = perf_counter()
        wait(lambda: not self._matching(requests), "no match")
        self._since("dispute at a third node to no match at any", acknowledged)
        target = f"/v1/disputes/{found['dispute']}/ruling"
        wait(lambda: self._knows(ruler, str(found["dispute"])), "the dispute")
        post(ruler, target, {"stands": True, "reason": "ruling-1"})
        acknowledged = perf_counter()
        wait(lambda: self._matching(requests) == len(self.nodes), "matches")
        self._since("ruling to a match at every node", acknowledged)

    def _published(self) -> tuple[str, list[bytes]]:
        self._number += 1
        about = {"kind": "email", "value": f"banned.{self._number}@mail.example"}
        removed = time.strftime("%Y-%m-%d", time.gmtime())
        finding = FINDING | {"about": about, "removed_on": removed}
        signal = str(post(self.anna, "/v1/signals", finding)["signal"])
        post(self.ben, "/v1/signals/approve", {"signals": [signal]})
        body = {
            "questions": [about],
            "purpose": "recheck",
            "subject_ref": f"account-{self._number}",
            "deadline_ms": 5_000,
        }
        requests = [request_of("/v1/lookup", body, token) for token in self._tokens]
        wait(lambda: self._matching(requests) == len(self.nodes), "matches")
        return signal, requests

    def _matching(self, requests: Sequence[bytes]) -> int:
        return sum(
            bool(json.loads(line.ask(request))["matches"])
            for line, request in zip(self._lines, requests, strict=True)
        )

    def _has_receipts(self, signal: str) -> bool:
        shown = self.ben.get(f"/v1/signals/{signal}")["erasure"]
        others = len(self.nodes) - 1
        return (shown["recipients"], shown["receipts"]) == (others, others)

    def _knows(self, who: Client, dispute: str) -> bool:
        listed = who.get("/v1/disputes?state=open")["disputes"]
        return any(each["dispute"] == dispute for each in listed)

    def _since(self, what: str, moment: float) -> None:
        self._note(what, perf_counter() - moment)

    def _note(self, what: str, seconds: float) -> None:
        self.times.setdefault(what, []).append(seconds)

    def rows(self) -> list[Row]:
        """Give what was measured; the first of each warmed up."""
        return [
            {
                "what": what,
                "count": len(taken[1:]),
                "p50 s": percentile(taken[1:], 0.5),
                "p99 s": percentile(taken[1:], 0.99),
                "most s": max(taken[1:]),
            }
            for what, taken in self.times.items()
        ]


class Wave:
    """Many revocations behind many additions."""

    def __init__(self, federation: Federation, course: Course) -> None:
        self._nodes = federation.nodes
        self._others = self._nodes[1:]
        self._course = course
        self._made = 0

    def run(self, revocations: int, additions: int) -> list[Row]:
        """Stop the others, import and revoke, start them, and look."""
        held = self._import(revocations)
        wait(self._level, "replication", LONG_SECONDS)
        for node in self._others:
            stop(node.directory)
        half = additions // 2
        self._import(half)
        begin = perf_counter()
        with ThreadPoolExecutor(CALLERS) as callers:
            list(callers.map(self._revoke, held))
        issuing = perf_counter() - begin
        self._import(additions - half)
        begin = perf_counter()
        for node in self._others:
            start(node.directory)
        return [
            {"what": "issuing the revocations", "seconds": issuing},
            *self._watch(begin, revocations),
        ]

    def _watch(self, begin: float, revocations: int) -> list[Row]:
        size = self._size()
        rows: dict[str, Row] = {}

        def done() -> bool:
            for node in self._others:
                stopped, cursor = self._state(node)
                if stopped >= revocations and node.name not in rows:
                    rows[node.name] = {
                        "what": f"all revoked signals stopped at {node.name}",
                        "seconds": perf_counter() - begin,
                        "additions still waiting": size - cursor,
                    }
            return len(rows) == len(self._others)

        wait(done, "the wave", LONG_SECONDS)
        wait(self._level, "replication", LONG_SECONDS)
        level = perf_counter() - begin
        whole: Row = {"what": "all additions at all nodes", "seconds": level}
        return [*rows.values(), whole | {"additions still waiting": 0}]

    def _import(self, signals: int) -> list[str]:
        ids: list[str] = []
        for size in pieces(signals):
            made = [media_signal(self._made + number) for number in range(size)]
            self._made += size
            body = {"signals": made, "list": LIST}
            answer = post(self._course.anna, "/v1/signals/import", body)
            approve_list(self._course.ben)
            ids += [str(each) for each in _list(answer["signals"])]
        return ids

    def _revoke(self, signal: str) -> None:
        target = f"/v1/signals/{signal}/revoke"
        post(self._course.ben, target, {"reason": "finding_withdrawn"})

    def _size(self) -> int:
        return int(self._course.anna.get("/v1/status")["feed_size"])

    def _state(self, node: DemoNode) -> tuple[int, int]:
        with reading(node) as db:
            stopped, cursor = db.execute(_STATE, (_ORIGIN, _ORIGIN)).fetchone()
        before = len(self._course.times.get("revocation to all receipts", ()))
        return stopped - before, cursor

    def _level(self) -> bool:
        size = self._size()
        return all(self._state(node)[1] == size for node in self._others)


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise SystemExit("the answer is no list")
    return value


def add_reviewer(node: DemoNode) -> Client:
    """Let somebody rule who had no part in it; the node is stopped for that."""
    stop(node.directory)
    key = node.directory / "rita.key"
    command = [sys.executable, "-m", "fedsafe_cli", "node", "credential", "add", "rita"]
    options = ["--role", "reviewer", "--out", str(key), "--config", node.dir]
    subprocess.run([*command, *options], check=True, capture_output=True)
    start(node.directory)
    wait(lambda: answers(node.directory), "the start")
    return Client(
        str(node.directory / "node.sock"), key.read_text().strip(), str(node.directory)
    )


def measure(options: argparse.Namespace, directory: Path) -> list[Row]:
    with ExitStack() as stack:
        federation = stack.enter_context(running(directory, options.nodes))
        ruler = add_reviewer(federation.nodes[0])
        lines = [
            stack.enter_context(closing(Line(port_of(node))))
            for node in federation.nodes
        ]
        course = Course(federation, lines)
        officer = federation.nodes[2].client("ben")
        for _ in range(options.revocations + 1):
            course.revoke()
        for _ in range(options.disputes + 1):
            course.dispute(officer, ruler)
        table = course.rows()
        for places in course.residues:
            print(f"a part of an opening is left after 10 s: {places}")
        if options.waves:
            wave = Wave(federation, course)
            report(wave.run(options.waves, options.additions), options)
        return table


def main() -> None:
    options_parser = parser(__doc__)
    options_parser.add_argument("--revocations", type=int, default=60)
    options_parser.add_argument("--disputes", type=int, default=12)
    options_parser.add_argument("--waves", type=int, default=1_000)
    options_parser.add_argument("--additions", type=int, default=10_000)
    options_parser.add_argument("--nodes", type=int, default=5)
    options = options_parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        table = measure(options, Path(folder))
    report(table, options, nodes=options.nodes, revocations=options.revocations)


if __name__ == "__main__":
    main()
