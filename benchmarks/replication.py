# SPDX-License-Identifier: Apache-2.0
"""Measure replication: how fast a fresh node copies and verifies a feed.

One of three nodes publishes media signals while another is down. That one starts,
and the clock runs from its first record of them to its last; then all directories are
put back as they were, for the next round. Meanwhile its health is asked for again and
again: how long that takes shows whether it goes on answering. CPU is that of the
serving node and of the fresh one without its start; memory is the most that either
ever held, and what the fresh one held at a tenth of the way.

In turn with it come two others, both without network, node, audit or seal. The limit
are bare sqlite3 inserts of the same bytes. The yardstick is a feed without a tree: a
line of JSON with an Ed25519 signature for each signal, decoded, verified and inserted.

The last table takes a batch of 5,000 records apart: what it costs to encode and to
decode as lines of JSON and in bulk, and to verify; one core, nothing else.

    python benchmarks/replication.py [--signals 100000] [--rounds 5]
"""

import argparse
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter

from bare_inserts import PIECE, BareInserts, pieces
from federation import Line, pid_of, port_of, running
from fedsafe_cli.demo.fleet import start, stop
from fedsafe_cli.demo.nodes import DemoNode
from feed_pieces import FeedPieces
from imports import Desk
from measuring import Figures, Row, cpu_of, interleave, once, parser, percentile, report

PACE = 0.02
MOST_SECONDS = 3_600.0
YARDSTICK = 20_000
HEALTH = b"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@dataclass(slots=True)
class Copies:
    """What the rounds of copying took; CPU in seconds a record, memory in MB."""

    both: Figures = field(default_factory=Figures)
    serving: list[float] = field(default_factory=list)
    fresh: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    memory: list[tuple[int, int, int]] = field(default_factory=list)


def cursor_of(database: Path, origin: str) -> int:
    """Tell how many records of an origin a node holds."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        row = store.execute("SELECT cursor FROM peers WHERE origin = ?", (origin,))
        return int((row.fetchone() or (0,))[0])


def megabytes(pid: int, what: str) -> int:
    """Tell the megabytes that a process holds (VmRSS), or held at most (VmHWM)."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (line,) = (each for each in text.splitlines() if each.startswith(what))
    return int(line.split()[1]) >> 10


def replicate(origin: DemoNode, fresh: DemoNode, signals: int, took: Copies) -> None:
    """Start the fresh node, and follow it from its first record to its last."""
    pids = pid_of(origin), start(fresh.directory).pid
    database, end = fresh.directory / "store.db", perf_counter() + MOST_SECONDS
    while not (first := cursor_of(database, origin.name)):
        if perf_counter() > end:
            raise SystemExit("the feed did not begin to arrive; see node.log")
        time.sleep(PACE)
    began, burned = perf_counter(), [cpu_of([pid]) for pid in pids]
    held, early = first, 0
    with closing(Line(port_of(fresh))) as line:
        while held < signals:
            asked = perf_counter()
            line.ask(HEALTH)
            took.answers.append(perf_counter() - asked)
            if asked > end:
                raise SystemExit("the feed did not arrive; see node.log")
            time.sleep(PACE)  # the pace of looking
            held = cursor_of(database, origin.name)
            if not early and held * 10 >= signals:
                early = megabytes(pids[1], "VmRSS")
    seconds, many = perf_counter() - began, signals - first
    spent = [cpu_of([pid]) - then for pid, then in zip(pids, burned, strict=True)]
    took.both.taken.append(seconds / many)
    took.both.burned.append(sum(spent) / many)
    took.serving.append(spent[0] / many)
    took.fresh.append(spent[1] / many)
    most = [megabytes(pid, "VmHWM") for pid in pids]
    took.memory.append((most[0], early, most[1]))


def measure(directory: Path, options: argparse.Namespace) -> list[Row]:
    made, took = FeedPieces(), Copies()
    limit, yardstick = Figures(), Figures()
    with ExitStack() as stack:
        federation = stack.enter_context(running(directory))
        origin, third, fresh = federation.nodes
        stop(fresh.directory)
        Desk(federation).publish_files(options.signals)
        for node in (origin, third):
            stop(node.directory)
        shutil.copytree(directory / "f", directory / "kept")
        model = origin.directory / "store.db"
        bare = stack.enter_context(closing(BareInserts(directory / "bare.db", model)))

        def with_signatures() -> None:
            for size in pieces(YARDSTICK):
                made.verify_signed()
                bare.insert(size)

        for _ in range(options.rounds):
            for node in federation.nodes:
                stop(node.directory)
            # All are put back together: one alone would be known to be put back.
            shutil.rmtree(directory / "f")
            shutil.copytree(directory / "kept", directory / "f")
            for node in (origin, third):
                start(node.directory)
            replicate(origin, fresh, options.signals, took)
            take(limit, lambda: bare.insert(options.signals), options.signals)
            take(yardstick, with_signatures, YARDSTICK)
    compared = {
        "replication": took.both,
        "bare sqlite3 inserts": limit,
        "JSON lines with a signature each, and inserts": yardstick,
    }
    return [
        *(compare(name, figures, limit) for name, figures in compared.items()),
        *split(took),
        *parts(made, options.rounds),
    ]


def take(figures: Figures, act: Callable[[], None], many: int) -> None:
    """Do it once."""
    began, burned = perf_counter(), time.process_time()
    act()
    figures.taken.append((perf_counter() - began) / many)
    figures.burned.append((time.process_time() - burned) / many)


def compare(name: str, figures: Figures, limit: Figures) -> Row:
    return {
        "what": name,
        "rows a second": round(figures.rate),
        "µs a row": round(figures.wall * 1e6, 1),
        "CPU µs a row": round(figures.cpu * 1e6, 1),
        "ratio to the limit": round(figures.times(limit), 2),
    }


def split(took: Copies) -> list[Row]:
    most, early, late = (
        round(median(column)) for column in zip(*took.memory, strict=True)
    )
    return [
        {
            "node": "serving",
            "CPU µs a row": round(median(took.serving) * 1e6, 1),
            "MB at most": most,
        },
        {
            "node": "fresh",
            "CPU µs a row": round(median(took.fresh) * 1e6, 1),
            "MB at most": late,
            "MB at a tenth": early,
            "answers p50 ms": percentile(took.answers, 0.5) * 1e3,
            "answers p99 ms": percentile(took.answers, 0.99) * 1e3,
        },
    ]


def parts(made: FeedPieces, rounds: int) -> list[Row]:
    figures = interleave(
        {
            "encode lines": once(lambda: made.encode(bulk=False), PIECE),
            "encode bulk": once(lambda: made.encode(bulk=True), PIECE),
            "decode lines": once(lambda: made.decode(made.lines), PIECE),
            "decode bulk": once(lambda: made.decode(made.bulk), PIECE),
            "verify": once(made.verify, PIECE),
            "decode and verify a signature each": once(made.verify_signed, PIECE),
        },
        rounds,
    )
    sizes = {"encode lines": len(made.lines), "encode bulk": len(made.bulk)}
    return [
        {
            "part": name,
            "CPU µs a row": round(took.cpu * 1e6, 2),
            "bytes a row": sizes[name] // PIECE if name in sizes else "",
        }
        for name, took in figures.items()
    ]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--signals", type=int, default=100_000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.dir) as directory:
        table = measure(Path(directory), chosen)
    report(table, chosen, signals=chosen.signals)


if __name__ == "__main__":
    main()
