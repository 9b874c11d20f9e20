# SPDX-License-Identifier: Apache-2.0
"""Measure how soon a ban matches elsewhere, and how soon a revoked one no longer does.

Three node processes on loopback. Anna drafts a ban at a.demo, Ben approves it; from
the moment in which his acknowledgement is read, b.demo is asked again and again until
it matches. Then Ben revokes it, and b.demo is asked until it no longer does. A question
is a whole lookup over HTTP, so no figure can be smaller than one; a lookup that was
measured between the publications is the limit beside it.

Then five node processes: files are published at a.demo one by one at a fixed rate, on
as many connections as it takes, whether the ones before have arrived or not, and each
is followed to the disks of the four others. A file counts from the moment in which its
publication was acknowledged. The rate that was reached is in the table: on a machine
without cores to spare it is less than was asked for.

    python benchmarks/propagation.py [--publishes 200] [--rate 100] [--seconds 20]
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from time import perf_counter

from federation import Federation, Line, port_of, post, request_of, running
from fedsafe_cli.terminal.client import Client
from imports import media_signal
from measuring import Row, parser, percentile, report
from replication import cursor_of

MOST_SECONDS = 30.0
LOOK = 0.004
LINES = 16
MOST_DRAFTED = 25  # files without a list
WARM = 20
FINDING = {
    "phenomenon": "grooming",
    "surface": "public_content",
    "grade": "confirmed_conduct",
    "rule": "tos-4.2",
    "scope": "federation",
    "findings": ["adult"],
}


@dataclass(slots=True)
class Times:
    """Seconds of every publication, in order."""

    approving: list[float] = field(default_factory=list)
    matching: list[float] = field(default_factory=list)
    revoking: list[float] = field(default_factory=list)
    vanishing: list[float] = field(default_factory=list)
    asking: list[float] = field(default_factory=list)


class Course:
    """One ban after another, from draft to revocation."""

    def __init__(self, federation: Federation, line: Line, token: str) -> None:
        a, self._b = federation.nodes[0], line
        self._anna, self._ben = a.client("anna"), a.client("ben")
        self._token = token
        self.times = Times()

    def run(self, number: int) -> None:
        """Draft, approve, wait for the match, revoke, wait until it is gone."""
        about = {"kind": "email", "value": f"banned.{number}@mail.example"}
        body = {
            "questions": [about],
            "purpose": "recheck",
            "subject_ref": f"account-{number}",
            "deadline_ms": 5_000,
        }
        request = request_of("/v1/lookup", body, self._token)
        start = perf_counter()
        self._matches(request)
        self.times.asking.append(perf_counter() - start)
        signal = self._draft(self._anna, about)
        start = perf_counter()
        post(self._ben, "/v1/signals/approve", {"signals": [signal]})
        acknowledged = perf_counter()
        self.times.approving.append(acknowledged - start)
        self.times.matching.append(self._until(request, acknowledged, matches=True))
        start = perf_counter()
        post(self._ben, f"/v1/signals/{signal}/revoke", {"reason": "mistake"})
        acknowledged = perf_counter()
        self.times.revoking.append(acknowledged - start)
        self.times.vanishing.append(self._until(request, acknowledged, matches=False))

    def _draft(self, anna: Client, about: dict[str, str]) -> object:
        removed = time.strftime("%Y-%m-%d", time.gmtime())
        finding = FINDING | {"about": about, "removed_on": removed}
        return post(anna, "/v1/signals", finding)["signal"]

    def _until(self, request: bytes, start: float, *, matches: bool) -> float:
        while self._matches(request) is not matches:
            if perf_counter() - start > MOST_SECONDS:
                raise SystemExit(f"not within {MOST_SECONDS:g} s")
        return perf_counter() - start

    def _matches(self, request: bytes) -> bool:
        return bool(json.loads(self._b.ask(request))["matches"])


@dataclass(slots=True)
class Steady:
    """When each publication was acknowledged, and when each node has held how many."""

    acknowledged: list[float] = field(default_factory=list)
    held: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    def delays(self, base: int) -> list[float]:
        """Give the delay of each publication at each node; *base* were there before."""
        found: list[float] = []
        for seen in self.held.values():
            steps = iter(seen)
            at, size = next(steps)
            for number, moment in enumerate(self.acknowledged, start=base + 1):
                while size < number:
                    at, size = next(steps)
                found.append(max(0.0, at - moment))
        return found


def drafts(client: Client, signals: int) -> list[str]:
    """Let one person draft so many signals about files."""
    made = [media_signal(number) for number in range(signals)]
    ids: list[str] = []
    for start in range(0, signals, MOST_DRAFTED):
        part = made[start : start + MOST_DRAFTED]
        answer = post(client, "/v1/signals/import", {"signals": part})
        found = answer["signals"]
        if not isinstance(found, list):
            raise SystemExit("the answer is no list")
        ids += [str(each) for each in found]
    return ids


def publish_steadily(
    lines: Sequence[Line], requests: Sequence[bytes], rate: float
) -> list[float]:
    """Publish each at its time, or as soon as a line is free; tell when each was."""
    start, numbers = perf_counter(), count()
    acknowledged: list[float] = []

    def publish(line: Line) -> None:
        while (number := next(numbers)) < len(requests):
            time.sleep(max(0.0, start + number / rate - perf_counter()))
            line.ask(requests[number])
            acknowledged.append(perf_counter())

    with ThreadPoolExecutor(len(lines)) as pool:
        for _ in pool.map(publish, lines):
            pass
    return sorted(acknowledged)


def watch(federation: Federation, steady: Steady, until: int) -> None:
    """Look at the disks of the others until all of them hold so many records."""
    origin, *others = federation.nodes
    end = perf_counter() + MOST_SECONDS * 10
    left = {node.name: node.directory / "store.db" for node in others}
    while left and perf_counter() < end:
        for name, database in tuple(left.items()):
            size = cursor_of(database, origin.name)
            steady.held.setdefault(name, []).append((perf_counter(), size))
            if size >= until:
                del left[name]
        time.sleep(LOOK)
    if left:
        raise SystemExit(f"not within {MOST_SECONDS * 10:g} s at {', '.join(left)}")


def measure_steady(options: argparse.Namespace, directory: Path) -> list[Row]:
    with ExitStack() as stack:
        federation = stack.enter_context(running(directory, 5))
        origin = federation.nodes[0]
        anna, token = origin.client("anna"), origin.client("ben").token
        lines = [
            stack.enter_context(closing(Line(port_of(origin)))) for _ in range(LINES)
        ]
        many = int(options.rate * options.seconds)
        made = [
            request_of("/v1/signals/approve", {"signals": [draft]}, token)
            for draft in drafts(anna, many + WARM)
        ]
        publish_steadily(lines, made[:WARM], options.rate)
        watch(federation, Steady(), WARM)
        steady, burned = Steady(), federation.cpu()
        with ThreadPoolExecutor(1) as beside:
            watching = beside.submit(watch, federation, steady, many + WARM)
            began = perf_counter()
            steady.acknowledged = publish_steadily(lines, made[WARM:], options.rate)
            reached = many / (perf_counter() - began)
            watching.result()
        spent = (federation.cpu() - burned) / many
    delays = steady.delays(WARM)
    return [
        {
            "nodes": 5,
            "asked a second": options.rate,
            "published a second": round(reached, 1),
            "p50 ms": percentile(delays, 0.5) * 1e3,
            "p99 ms": percentile(delays, 0.99) * 1e3,
            "most ms": max(delays) * 1e3,
            "CPU ms a publication": round(spent * 1e3, 2),
        }
    ]


def row(what: str, seconds: list[float]) -> Row:
    return {
        "what": what,
        "p50 ms": percentile(seconds, 0.5) * 1e3,
        "p99 ms": percentile(seconds, 0.99) * 1e3,
        "most ms": max(seconds) * 1e3,
    }


def measure(options: argparse.Namespace, directory: Path) -> list[Row]:
    with ExitStack() as stack:
        federation = stack.enter_context(running(directory))
        b = federation.nodes[1]
        token = b.client("anna").token
        line = stack.enter_context(closing(Line(port_of(b))))
        course = Course(federation, line, token or "")
        for number in range(options.publishes + 1):
            course.run(number)
    times = course.times
    for seconds in (
        times.approving,
        times.matching,
        times.revoking,
        times.vanishing,
        times.asking,
    ):
        del seconds[0]  # it warmed up
    return [
        row("approval acknowledged to match at b", times.matching),
        row("revocation acknowledged to no match at b", times.vanishing),
        row("the approval itself", times.approving),
        row("the revocation itself", times.revoking),
        row("one lookup at b", times.asking),
    ]


def main() -> None:
    options_parser = parser(__doc__)
    options_parser.add_argument("--publishes", type=int, default=200)
    options_parser.add_argument("--rate", type=float, default=100.0)
    options_parser.add_argument("--seconds", type=float, default=20.0)
    options = options_parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        table = measure(options, Path(folder) / "three")
        table += measure_steady(options, Path(folder) / "five")
    report(table, options, publishes=options.publishes)


if __name__ == "__main__":
    main()
