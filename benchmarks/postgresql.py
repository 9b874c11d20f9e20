# SPDX-License-Identifier: Apache-2.0
"""Measure a node on PostgreSQL: lookups, appends, bytes of rows, memory of a worker.

A server of this machine's newest PostgreSQL, durable and of this run alone, beside the
embedded store on the same disk, in turn:

* lookups over HTTP, each with its durable audit event, of a node without a federation:
  one process on SQLite, one and two workers on PostgreSQL. 64 callers in a process of
  their own. CPU is that of all processes of the node and the server; where it and the
  callers' come to all cores, the machine is the limit.
* durable appends to a log, as `durable_appends.py` makes them: 1 and 256 callers on
  SQLite, and on PostgreSQL through one and two workers (one caller each, or 128).
* bytes that an audit entry and a signal take, with their indexes and all that goes
  with them; signals are imported over HTTP.
* memory of both workers with those signals, started anew, and with none. What is
  anonymous each has for itself; the pages of the files that they map are there once.

    python benchmarks/postgresql.py [--signals 1000000] [--seconds 2] [--callers 64]
"""

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from bare_inserts import pieces
from federation import Line, post, request_of
from fedsafe_node.store.address import Server as Where
from measuring import (
    SYNC,
    Figures,
    Row,
    SyncFile,
    Work,
    interleave,
    lasting,
    parser,
    report,
)
from memory import memory_of
from own_nodes import OwnNode, made
from processes import Charged, Helper, append_when_told, ask_in_swarms, helper
from row_space import OnFile, OnServer, Space

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.postgresql.installation import installed
from tests.postgresql.making import serving
from tests.postgresql.server import Server
from tests.support.databases import Prepared, Preparing, preparing

FILE = "SQLite, 1 process"
ONE = "PostgreSQL, 1 worker"
TWO = "PostgreSQL, 2 workers"
PARTS = ("appends", "lookups", "signals")
SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "4GB"}
QUESTION = {
    "questions": [{"kind": "email", "value": "nobody.known@mail.example"}],
    "purpose": "recheck",
    "subject_ref": "account-1",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A running node, where its rows are, and the server if they are there."""

    node: OwnNode
    rows: OnFile | OnServer
    server: Server | None = None

    def roots(self) -> dict[str, Sequence[int]]:
        """Name the processes whose CPU counts."""
        roots: dict[str, Sequence[int]] = {"node": [self.node.pid]}
        if self.server is not None and self.server.process is not None:
            roots["server"] = [self.server.process.pid]
        return roots


# --- lookups --------------------------------------------------------------------------


def lookups(settings: Mapping[str, Setting], options: argparse.Namespace) -> list[Row]:
    """Ask all nodes in turn, many callers at a time."""
    with helper(ask_in_swarms) as asker:
        waits: dict[str, list[tuple[float, float]]] = {name: [] for name in settings}
        works = {
            name: Charged(
                _swarming(setting.node, asker, options, waits[name]),
                {**setting.roots(), "callers": [asker.pid]},
            )
            for name, setting in settings.items()
        }
        before = {name: each.rows.space() for name, each in settings.items()}
        done: dict[str, list[int]] = {name: [] for name in settings}
        counted: dict[str, Work] = {
            name: _counting(work, done[name]) for name, work in works.items()
        }
        figures = interleave(counted, options.rounds)
        after = {name: each.rows.space() for name, each in settings.items()}
    return [
        _lookup_row(name, figures, works[name], waits[name][1:])
        | _entry_cells(before[name], after[name], sum(done[name]))
        for name in settings
    ]


def _swarming(
    node: OwnNode,
    asker: Helper,
    options: argparse.Namespace,
    waits: list[tuple[float, float]],
) -> Work:
    request = request_of("/v1/lookup", QUESTION, node.token("anna"))

    def work() -> int:
        asker.tell(node.port, request, options.callers, options.seconds)
        swarmed = asker.result()
        waits.append((swarmed.half, swarmed.most))
        return int(swarmed.done)

    return work


def _counting(work: Work, done: list[int]) -> Work:
    def counted() -> int:
        done.append(work())
        return done[-1]

    return counted


def _lookup_row(
    name: str,
    figures: Mapping[str, Figures],
    work: Charged,
    waits: Sequence[tuple[float, float]],
) -> Row:
    half, most = (sorted(each)[len(waits) // 2] for each in zip(*waits, strict=True))
    server = work.each("server") if "server" in work.roots else 0.0
    return {
        "lookups": name,
        "per second": round(figures[name].rate),
        "to SQLite": round(1 / figures[name].times(figures[FILE]), 2),
        "p50 ms": round(half * 1e3, 1),
        "p99 ms": round(most * 1e3, 1),
        "CPU µs each": round((work.each("node") + server) * 1e6),
        "of it the server": round(server * 1e6),
        "callers' CPU µs each": round(work.each("callers") * 1e6),
        "cores busy": round(work.cores, 2),
    }


def _entry_cells(before: Space, after: Space, lookups: int) -> Row:
    entries = after.entries - before.entries
    cells: Row = {"audit entries a lookup": round(entries / lookups, 2)}
    logs = after.logs - before.logs if after.logs else after.whole - before.whole
    return cells | {"bytes an entry": round(logs / entries)}


# --- appends --------------------------------------------------------------------------


def appends(
    directory: Path, prepared: Prepared, server: Server, options: argparse.Namespace
) -> list[Row]:
    """Append to a log through one store and another, beside fdatasync."""
    with ExitStack() as stack:
        file = stack.enter_context(closing(SyncFile(directory)))

        def appending(place: str, where: Where | None) -> Helper:
            found = stack.enter_context(
                helper(append_when_told, directory / place, where)
            )
            found.result()  # it is open, and the month's key is made
            return found

        embedded = appending("file", None)
        workers = [
            appending("server", Where(prepared.node, worker=str(number)))
            for number in range(2)
        ]
        postmaster = [server.process.pid] if server.process else []
        charged = {
            f"{name}, {_callers(max(callers, len(helpers)))}": Charged(
                _appending(helpers, callers),
                {"all": [*(each.pid for each in helpers), *more]},
            )
            for callers in (1, options.appenders)
            for name, helpers, more in (
                (FILE, [embedded], []),
                (ONE, workers[:1], postmaster),
                (TWO, workers, postmaster),
            )
        }
        works: dict[str, Work] = {SYNC: lasting(1.0, file.sync), **charged}
        figures = interleave(works, options.rounds)
    return [
        {
            "appends": name,
            "per second": round(took.rate),
            "to fdatasync": round(1 / took.times(figures[SYNC]), 2),
            "CPU µs each": round(charged[name].each("all") * 1e6)
            if name in charged
            else "",
        }
        for name, took in figures.items()
    ]


def _callers(count: int) -> str:
    return "1 caller" if count == 1 else f"{count} callers"


def _appending(helpers: Sequence[Helper], callers: int) -> Work:
    each = max(1, callers // len(helpers))

    def work() -> int:
        for one in helpers:
            one.tell(each)
        return sum(int(one.result()) for one in helpers)

    return work


# --- signals --------------------------------------------------------------------------


def signals(settings: Mapping[str, Setting], options: argparse.Namespace) -> list[Row]:
    """Import signals; tell the bytes of each, and the memory of the workers."""
    empty = _workers_memory(settings[TWO].node)
    rows: list[Row] = []
    for name in (FILE, TWO):
        before = settings[name].rows.space()
        took = _import(settings[name].node, options.signals)
        after = settings[name].rows.space()
        count = after.signals - before.signals
        cells: Row = {
            "signals": name,
            "imported per second": round(count / took),
            "bytes a signal": round((after.whole - before.whole) / count),
        }
        if after.logs:
            own = (after.of_signals - before.of_signals) / count
            logs = (after.logs - before.logs) / count
            cells |= {"of it its row": round(own), "of it its log entries": round(logs)}
        rows.append(cells)
    return [*rows, *_memory_rows(empty, settings[TWO].node, options)]


def _import(node: OwnNode, count: int) -> float:
    client, at, start = node.client("anna"), 0, perf_counter()
    for size in pieces(count):
        own = [_own_ban(number) for number in range(at, at + size)]
        post(client, "/v1/signals/import", {"signals": own})
        at += size
    return perf_counter() - start


def _own_ban(number: int) -> dict[str, object]:
    digest = hashlib.sha256(number.to_bytes(8)).hexdigest()
    return {
        "about": {"kind": "sha256", "value": digest},
        "phenomenon": "abuse_depiction",
        "surface": "public_content",
        "grade": "confirmed_media",
        "rule": "r1",
    }


def _workers_memory(node: OwnNode) -> list[dict[str, int]]:
    """Start a node anew, let all workers answer, and tell the memory of each."""
    node.stop()
    node.start()
    request = request_of("/v1/lookup", QUESTION, node.token("anna"))
    for _ in range(64):  # the kernel deals connections out
        with closing(Line(node.port)) as line:
            line.ask(request)
    return [memory_of(pid) for pid in node.worker_pids()]


def _memory_rows(
    empty: Sequence[Mapping[str, int]], node: OwnNode, options: argparse.Namespace
) -> list[Row]:
    full = _workers_memory(node)
    return [
        {
            "memory, MiB": f"worker {number}",
            "PSS with none": round(before["Pss"] / 1024, 1),
            "PSS": round(after["Pss"] / 1024, 1),
            "anonymous with none": round(before["Anonymous"] / 1024, 1),
            "anonymous": round(after["Anonymous"] / 1024, 1),
            "anonymous bytes a signal": round(
                (after["Anonymous"] - before["Anonymous"]) * 1024 / options.signals, 1
            ),
            "maps files": round((after["Rss"] - after["Anonymous"]) / 1024, 1),
            "maps files alone": round(after["Private_Clean"] / 1024, 1),
        }
        for number, (before, after) in enumerate(zip(empty, full, strict=True), 1)
    ]


# --- all of it ------------------------------------------------------------------------


@contextmanager
def durable_server() -> Iterator[Server]:
    """Run a server of one's own that waits for the disk."""
    found = installed()
    if not found:
        raise SystemExit("no PostgreSQL of version 15 or newer is installed here")
    with serving(found[-1], durable=True, settings=SETTINGS) as server:
        yield server


def measure(directory: Path, server: Server, options: argparse.Namespace) -> list[Row]:
    wanted, table = options.parts or PARTS, list[Row]()
    with preparing(server) as databases:
        if "appends" in wanted:
            table += appends(directory, databases.make(), server, options)
        if "lookups" in wanted or "signals" in wanted:
            with running_nodes(directory, server, databases) as settings:
                if "lookups" in wanted:
                    table += lookups(settings, options)
                if "signals" in wanted:
                    table += signals(settings, options)
    return table


@contextmanager
def running_nodes(
    directory: Path, server: Server, databases: Preparing
) -> Iterator[dict[str, Setting]]:
    """Run the nodes that are compared."""
    with ExitStack() as stack:

        def on_server(name: str, workers: int) -> Setting:
            own = databases.make()
            node = stack.enter_context(made(directory / name, own.node, workers))
            return Setting(node, OnServer(own.owner), server)

        file = stack.enter_context(made(directory / "file.demo", None, 1))
        yield {
            FILE: Setting(file, OnFile(file.directory / "store.db")),
            ONE: on_server("one.demo", 1),
            TWO: on_server("two.demo", 2),
        }


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--signals", type=int, default=250_000)
    options.add_argument("--seconds", type=float, default=2.0, help="of each a round")
    options.add_argument("--callers", type=int, default=64, help="of lookups")
    options.add_argument("--appenders", type=int, default=256, help="of appends")
    options.add_argument(
        "--part",
        dest="parts",
        action="append",
        choices=PARTS,
        help="only this, may repeat",
    )
    chosen = options.parse_args()
    with (
        durable_server() as server,
        tempfile.TemporaryDirectory(dir=chosen.dir) as directory,
    ):
        table = measure(Path(directory), server, chosen)
    report(table, chosen, postgresql=server.major, signals=chosen.signals)


if __name__ == "__main__":
    main()
