# SPDX-License-Identifier: Apache-2.0
"""Measure lookups over HTTP in a federation of three nodes, two of them needed.

Three node processes on loopback; one is asked about an unlisted e-mail address
under the credential of a service, as a back-end asks at a sign-up, evaluates with one
peer, writes its audit event and answers. Beside it, in turn: the libsodium calls of
one lookup, replayed raw; a bare aiohttp handler with the same bodies, in a process of
its own; an fdatasync. Then the same with many callers at once. CPU is that of all
processes, the caller's included.

    python benchmarks/lookup.py [--seconds 2] [--callers 64] [--rounds 5]
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from time import perf_counter

from federation import (
    SERVICE,
    Federation,
    Line,
    bare_handler,
    port_of,
    request_of,
    running,
    swarm,
)
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
    percentile,
    report,
)
from sodium_calls import SodiumCalls

LOOKUP = "lookup, 1 caller"
BARE = "bare aiohttp handler"
SODIUM = "libsodium calls"
QUESTION = {
    "questions": [{"kind": "email", "value": "nobody.known@mail.example"}],
    "purpose": "recheck",
    "subject_ref": "account-1",
    "deadline_ms": 5000,
}


class Both:
    """Lines to the node that is asked and to the bare handler."""

    def __init__(
        self, stack: ExitStack, federation: Federation, options: argparse.Namespace
    ) -> None:
        node = federation.nodes[1]
        token = node.client(SERVICE).token
        self.lookup = request_of("/v1/lookup", QUESTION, token)
        self.lines = self._open(stack, port_of(node), options.callers)
        answer = self.lines[0].ask(self.lookup)
        if json.loads(answer)["result"] != "none":
            raise SystemExit(f"not ready: {answer.decode()}")
        port, self.pid = stack.enter_context(bare_handler(answer))
        self.bare = request_of("/", QUESTION, token)
        self.bare_lines = self._open(stack, port, options.callers)

    def _open(self, stack: ExitStack, port: int, count: int) -> list[Line]:
        return [stack.enter_context(closing(Line(port))) for _ in range(count)]


def timed(act: Callable[[], object], into: list[float]) -> Callable[[], None]:
    def work() -> None:
        start = perf_counter()
        act()
        into.append(perf_counter() - start)

    return work


def measure(directory: Path, options: argparse.Namespace) -> list[Row]:
    with ExitStack() as stack:
        federation = stack.enter_context(running(directory))
        both = Both(stack, federation, options)
        file = stack.enter_context(closing(SyncFile(directory)))
        acts: dict[str, Callable[[], object]] = {
            LOOKUP: lambda: both.lines[0].ask(both.lookup),
            SODIUM: SodiumCalls(1).replay,
            BARE: lambda: both.bare_lines[0].ask(both.bare),
            SYNC: file.sync,
        }
        times: dict[str, list[float]] = {name: [] for name in acts}
        seconds, crowd = options.seconds, f"{options.callers} callers"
        works: dict[str, Work] = {
            name: lasting(seconds, timed(act, times[name]))
            for name, act in acts.items()
        }
        works[f"lookup, {crowd}"] = lambda: swarm(both.lines, both.lookup, seconds)
        works[f"{BARE}, {crowd}"] = lambda: swarm(both.bare_lines, both.bare, seconds)
        pids = [*federation.pids, both.pid, os.getpid()]
        figures = interleave(works, options.rounds, cpu=lambda: cpu_of(pids))
    limits = [figures[SODIUM], figures[BARE], figures[BARE], figures[SYNC]]
    return [
        *(_row(name, took, figures, times.get(name)) for name, took in figures.items()),
        {
            "what": "libsodium calls + 2 bare handlers + fdatasync",
            "p50 µs": sum(round(limit.wall * 1e6) for limit in limits),
            "ratio of the lookup to it": round(figures[LOOKUP].times(*limits), 2),
        },
    ]


def _row(
    name: str,
    took: Figures,
    figures: dict[str, Figures],
    latencies: list[float] | None,
) -> Row:
    row: Row = {"what": name}
    if latencies is not None:
        row["p50 µs"] = round(percentile(latencies, 0.5) * 1e6)
        row["p99 µs"] = round(percentile(latencies, 0.99) * 1e6)
    return row | {
        "per second": round(took.rate),
        "CPU µs each": round(took.cpu * 1e6),
        "ratio of the lookup to it": round(figures[LOOKUP].times(took), 2),
    }


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=2.0, help="of each a round")
    options.add_argument("--callers", type=int, default=64)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.dir) as directory:
        table = measure(Path(directory), chosen)
    report(table, chosen, nodes=3, threshold=2)


if __name__ == "__main__":
    main()
