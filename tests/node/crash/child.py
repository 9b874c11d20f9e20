# SPDX-License-Identifier: Apache-2.0
"""A slim node, store and log only, that kills itself at a named point.

Reads lines `DIRECTORY POINT HITS ROUND` and forks for each: the child works until
the point is reached for the HITS-th time, and tells every acknowledgement on
standard output as it gets it. After each child comes the line `end SIGNAL`.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL

from fedsafe_crypto.primitives.commitment import commit
from fedsafe_crypto.tlog.tiles import TILE_WIDTH
from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.ground.faults import FaultPoint, Faults
from fedsafe_node.log.engine import LogEngine, open_store
from fedsafe_node.log.guard import Guard
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.log.proofs import log_root
from fedsafe_node.members.peering.repeats import count_served, enter
from fedsafe_node.notices.provider_events.announcer import Announcement, Announcer
from fedsafe_node.store.keeping_rows import PrunedRow
from fedsafe_node.store.peering_rows import HandedRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import LogEntry, NewSignal, Opening
from fedsafe_node.store.transaction import Transaction

FEED = "a.demo/feed"
AUDIT = "a.demo/audit"
OLD = "a.demo/anchor"  # all in it goes as soon as it can
CALLERS = 8
ACTS = 40  # a caller
PADDING = 70  # records beside one act's own, so that tiles fill


class KillAt(Faults):
    """Kills the process when a point is reached for the n-th time."""

    def __init__(self, point: FaultPoint, hits: int) -> None:
        self.point = point
        self.hits = hits

    def reach(self, point: FaultPoint) -> None:
        if point is self.point:
            self.hits -= 1
            if self.hits == 0:
                os.kill(os.getpid(), SIGKILL)


class HurriedClock:
    """Goes on by a month every fifty looks, so that keys are made often."""

    def __init__(self, months: int) -> None:
        self.looks = months * 50

    def now(self) -> datetime:
        self.looks += 1
        years, month = divmod(self.looks // 50, 12)
        return datetime(2026 + years, month + 1, 1, tzinfo=UTC)


def entry(log: str, number: int, text: str) -> LogEntry:
    salt = number.to_bytes(32)
    payload = text.encode()
    commitment = commit(log, "detail", salt, payload).hex()
    record = f"{number} {text} {commitment}".encode()
    opening = Opening(group="detail", salt=salt, payload=payload)
    return LogEntry(record=record, openings=(opening,))


def signal(number: int, index: int) -> NewSignal:
    return NewSignal(
        signal_id=number.to_bytes(16),
        origin="a.demo",
        plane="actor",
        scope="all",
        epoch=1,
        generation=1,
        token=number.to_bytes(16),
        match_until=number,
        erase_after=number,
        log=FEED,
        index=index,
        group="detail",
    )


async def one_act(tx: Transaction, announcer: Announcer, number: int) -> int:
    published = entry(FEED, number, "published")
    index = await tx.append(FEED, published.record, published.openings)
    await tx.add_signal(signal(number, index))
    await announcer.announce(
        tx, Announcement(EventKind.TASK_DUE, None, {"number": number})
    )
    if number % 7 == 3:
        raise LookupError
    audit = [entry(AUDIT, number, f"at {index}")]
    if number % 5 == 0:
        audit += [entry(AUDIT, number, f"padding {n}") for n in range(PADDING)]
    await tx.append_many(AUDIT, audit)
    if number % 5 == 0:
        old = [entry(OLD, number, f"old {n}") for n in range(PADDING)]
        await tx.append_many(OLD, old)
        await prune(tx)
    await hand_over(tx, number)
    await tx.set_meta("newest", b"%d" % number)
    return index


async def hand_over(tx: Transaction, number: int) -> None:
    """Hand the same to the same member: the first time a line, then a count."""
    run = HandedRow(
        recipient="b.demo", first=0, last=9, at=number, purpose="p", basis="b"
    )
    handed = await enter(tx, [run], bytes(32), at=number)
    if not handed.first_time:
        await count_served(tx, "b.demo", "a.demo", handed, at=number)


async def prune(tx: Transaction) -> None:
    size, least = await tx.log_size(OLD), await tx.minimum(OLD)
    end = (size - 1) // TILE_WIDTH * TILE_WIDTH
    if end == least:
        return
    for index in range(least, end):
        await tx.erase_opening(OLD, index, "detail", at=1)
    row = PrunedRow(
        log=OLD,
        size=end,
        root=await log_root(tx, OLD, end),
        since="2026-01",
        event=end,
        openings=end,
        at=1,
    )
    await tx.prune(row)


def tell(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def call(store: Store, guard: Guard, announcer: Announcer, first: int) -> None:
    engine = LogEngine(store)
    for number in range(first, first + ACTS):
        try:
            index = await store.write(
                lambda tx, n=number: one_act(tx, announcer, n)  # type: ignore[misc] # mypy can't infer a default's type
            )
        except LookupError:
            continue
        tell("kept", number, index)
        if number % 5 == 0:
            least = await store.read(lambda reader: reader.minimum(OLD))
            tell("pruned", least)
        if number % 3 == 0 and await engine.erase_opening(FEED, index, "detail", at=1):
            tell("erased", number, index)
        if number % CALLERS == 0:
            head = await engine.head(FEED)
            kept = guard.kept(FEED)
            if kept is None or kept.size < head.size:
                guard.keep(FEED, head.size, head.root)
                tell("left", head.size, head.root.hex())


async def work(directory: Path, faults: Faults, round_number: int) -> None:
    keys = PeriodKeys(directory / "keys", faults=faults)
    guard = Guard(directory / "guard", faults=faults)
    clock = HurriedClock(round_number * 30)
    store = await open_store(
        f"sqlite://{directory}/node.db",
        keys=keys,
        clock=clock,
        guard=guard,
        faults=faults,
    )
    first = 1 + round_number * CALLERS * ACTS
    announcer = Announcer(keys, clock)
    starts = (first + ACTS * at for at in range(CALLERS))
    callers = (call(store, guard, announcer, start) for start in starts)
    await asyncio.gather(*callers)
    await store.close()


def main() -> None:
    for line in sys.stdin:
        directory, point, hits, round_number = line.split()
        faults = KillAt(FaultPoint(point), int(hits))
        child = os.fork()
        if child == 0:
            asyncio.run(work(Path(directory), faults, int(round_number)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        tell("end", os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0)


main()
