# SPDX-License-Identifier: Apache-2.0
"""Measure questions to the audit log's index, and what making it costs.

Events of lookups, of accounts that few or many entries name, are appended a hundred an
act, as an import does; then the index takes in their chunks. CPU of all threads for an
entry, of both. A tenth as many are then appended as single questions leave them: an
act each, with 64 callers at once. What the index costs is its part of all that an
entry takes, itself included. Then questions over the whole log, newest first, as
`fedsafe audit search` asks them: each is answered with its first hundred events,
opened.

    python benchmarks/event_index.py [--entries 100000] [--rounds 5]
"""

import argparse
import asyncio
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from time import perf_counter, process_time

from durable_appends import open_node_store
from fedsafe_node.acts.audit import AuditEvent
from fedsafe_node.audit.event_view import read_log_events
from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.log.audit import ACTOR, DETAIL, SUBJECT, AuditTrail, Event
from fedsafe_node.log.event_index import Looked, Name, candidates, runs, take_in
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogEntry
from measuring import Row, parser, percentile, report

SHOWN = 100
ACT = 100
CALLERS = 64
EVENTS = (Event.LOOKUP,) * 97 + (Event.AUDIT_READ, Event.TASK_READ, Event.REFUSED)
Fits = Callable[[AuditEvent], bool]
QUESTIONS: dict[str, tuple[Looked, Fits]] = {
    "an account that 20 entries name": (
        Looked(names=(Name(SUBJECT, "ref", "few"),)),
        lambda event: event.subject_ref == "few",
    ),
    "an account that many name": (
        Looked(names=(Name(SUBJECT, "ref", "many"),)),
        lambda event: event.subject_ref == "many",
    ),
    "nobody": (Looked(names=(Name(SUBJECT, "ref", "nobody"),)), lambda _: False),
    "a class, one in a hundred": (
        Looked(events=frozenset({Event.REFUSED})),
        lambda event: event.event == Event.REFUSED,
    ),
    "a class that is not there": (
        Looked(events=frozenset({Event.NODE_STARTED})),
        lambda _: False,
    ),
    "a service": (
        Looked(names=(Name(ACTOR, "name", "shop-backend"),)),
        lambda event: event.actor == "shop-backend",
    ),
    "a signal": (
        Looked(names=(Name(DETAIL, "signal", "s-7"),)),
        lambda event: (event.detail or {}).get("signals") == "s-7",
    ),
}


class Log:
    """A log that is filled and asked."""

    def __init__(self, store: Store, entries: int) -> None:
        self.store = store
        self.entries = entries
        self.trail = AuditTrail("a.demo")
        self.clock = SystemClock()
        self.dice = Random(25)  # noqa: S311 - no secret hangs on it

    def entry(self, number: int) -> LogEntry:
        """Build an event; twenty of all are about one account."""
        every = max(1, self.entries // 20)
        if number % every == every // 2:
            account = "few"
        else:
            rare = self.dice.randrange(3)
            account = f"account-{self.dice.randrange(10**6)}" if rare else "many"
        return self.trail.entry(
            self.dice.choice(EVENTS),
            at=self.clock.now(),
            outcome=self.dice.choice(("none", "review")),
            actor=self.dice.choice(("shop-backend", "chat-backend")),
            subject=f"shop/{account}",
            detail={"signals": f"s-{self.dice.randrange(5_000)}", "lookups": 1},
        )

    async def fill(self) -> float:
        """Append all entries; tell the CPU."""
        began = process_time()
        for start in range(0, self.entries, ACT):
            count = min(ACT, self.entries - start)
            entries = [self.entry(start + number) for number in range(count)]
            await self.store.write(
                lambda tx, entries=entries: tx.append_many(self.trail.log, entries)  # type: ignore[misc]
            )
        return process_time() - began

    async def fill_singly(self, count: int) -> float:
        """Append so many entries more, an act each; tell the CPU."""
        began = process_time()

        async def call(entries: int) -> None:
            for number in range(entries):
                entry = self.entry(number)
                await self.store.write(
                    lambda tx, entry=entry: tx.append_many(self.trail.log, [entry])  # type: ignore[misc]
                )

        await asyncio.gather(*(call(count // CALLERS) for _ in range(CALLERS)))
        return process_time() - began

    async def ask(self, looked: Looked, fits: Fits) -> int:
        """Find the newest events, and open them."""

        async def query(reader: Reader) -> int:
            log, found = self.trail.log, 0
            span = 0, await reader.log_size(log)
            async for entries in candidates(reader, log, looked, span, newest=True):
                for run in reversed(runs(sorted(entries))):
                    read = await read_log_events(reader, log, run.start, len(run))
                    found += sum(map(fits, read))
                    if found >= SHOWN:
                        return found
            return found

        return await self.store.scan(query)


async def measure(directory: Path, options: argparse.Namespace) -> list[Row]:
    store = await open_node_store(directory)
    try:
        log = Log(store, options.entries)
        appended = await log.fill()
        began = process_time()
        await take_in(store, log.trail.log)
        taken = process_time() - began
        rows: list[Row] = []
        for name, (looked, fits) in QUESTIONS.items():
            waits = [await _timed(log, looked, fits) for _ in range(4 * options.rounds)]
            rows.append(_row(name, waits))
        singles = log.entries // 10 // CALLERS * CALLERS
        singly = await log.fill_singly(singles)
        many, one = appended / log.entries, singly / max(1, singles)
        index = taken / log.entries
        costs: list[Row] = [
            _cost(f"append, {ACT} an act", many, index),
            _cost(f"append, an act each, {CALLERS} callers", one, index),
            {"entry": "take into the index", "CPU µs": _micros(index)},
        ]
        return [*costs, *rows]
    finally:
        await store.close()


async def _timed(log: Log, looked: Looked, fits: Fits) -> tuple[float, float]:
    began, burned = perf_counter(), process_time()
    await log.ask(looked, fits)
    return perf_counter() - began, process_time() - burned


def _row(name: str, waits: Sequence[tuple[float, float]]) -> Row:
    walls = [wall for wall, _ in waits]
    return {
        "what": name,
        "p50 ms": round(percentile(walls, 0.5) * 1e3, 1),
        "p95 ms": round(percentile(walls, 0.95) * 1e3, 1),
        "CPU ms": round(percentile([cpu for _, cpu in waits], 0.5) * 1e3, 1),
    }


def _cost(entry: str, append: float, index: float) -> Row:
    share = index / (append + index)
    part = round(share, 3)
    return {"entry": entry, "CPU µs": _micros(append), "the index's part": part}


def _micros(seconds: float) -> float:
    return round(seconds * 1e6, 1)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--entries", type=int, default=100_000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.dir) as directory:
        table = asyncio.run(measure(Path(directory), chosen))
    report(table, chosen, entries=chosen.entries)


if __name__ == "__main__":
    main()
