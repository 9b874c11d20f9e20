# SPDX-License-Identifier: Apache-2.0
"""Killed at any point, a node loses nothing that it acknowledged."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from signal import SIGKILL
from typing import IO

import pytest

from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.faults import FaultPoint
from fedsafe_node.log.engine import LogEngine, open_store
from fedsafe_node.log.guard import Guard
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.notices.provider_events.announcer import Announcer
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import SignalRow

FEED = "a.demo/feed"
AUDIT = "a.demo/audit"
OLD = "a.demo/anchor"
ROUNDS = 3
PLAN = {
    FaultPoint.WRITER_BEFORE_BEGIN: (1, 2, 9),
    FaultPoint.WRITER_AFTER_ACT: (1, 2, 30),
    FaultPoint.WRITER_BEFORE_COMMIT: (1, 2, 9),
    FaultPoint.WRITER_AFTER_COMMIT: (1, 2, 9),
    FaultPoint.LOG_BEFORE_APPEND: (1, 10, 60),
    FaultPoint.LOG_AFTER_APPEND: (1, 11, 61),
    FaultPoint.LOG_AFTER_TILE: (1, 2, 4),
    FaultPoint.LOG_AFTER_ERASE: (1, 5, 20),
    FaultPoint.LOG_BEFORE_PRUNE: (1, 2, 7),
    FaultPoint.LOG_AFTER_PRUNE: (1, 2, 7),
    FaultPoint.KEY_BEFORE_RENAME: (1, 2, 3),
    FaultPoint.KEY_AFTER_RENAME: (1, 2, 3),
    FaultPoint.GUARD_BEFORE_RENAME: (1, 2, 3),
    FaultPoint.GUARD_AFTER_RENAME: (1, 2, 3),
}
COMBINATIONS = [(point, hits) for point, all_hits in PLAN.items() for hits in all_hits]


class Acknowledged:
    """What the child was told before it died, over all rounds."""

    def __init__(self) -> None:
        self.kept: dict[int, int] = {}
        self.erased: set[int] = set()
        self.left: dict[int, str] = {}
        self.pruned = 0

    def hear(self, words: list[str]) -> None:
        match words:
            case ["kept", number, index]:
                self.kept[int(number)] = int(index)
            case ["erased", _, index]:
                self.erased.add(int(index))
            case ["pruned", size]:
                self.pruned = max(self.pruned, int(size))
            case ["left", size, root]:
                self.left[int(size)] = root
            case _:
                raise AssertionError(words)


@pytest.fixture(scope="module")
def child() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(Path(__file__).parent / "child.py")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        stream(process.stdin).close()


def stream(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def run_round(
    child: subprocess.Popen[str], order: str, acknowledged: Acknowledged
) -> int:
    orders, answers = stream(child.stdin), stream(child.stdout)
    orders.write(order + "\n")
    orders.flush()
    for line in answers:
        words = line.split()
        if words[0] == "end":
            return int(words[1])
        acknowledged.hear(words)
    raise AssertionError("the forking process died itself")


def commitments_of(record: bytes) -> Mapping[str, bytes]:
    return {"detail": bytes.fromhex(record.split()[-1].decode())}


def numbers(records: list[bytes], kind: bytes) -> dict[int, bytes]:
    found = [record for record in records if record.split()[1] == kind]
    by_number = {int(record.split()[0]): record for record in found}
    assert len(by_number) == len(found)
    return by_number


def check_invariants(directory: Path, acknowledged: Acknowledged) -> None:
    keys, guard = PeriodKeys(directory / "keys"), Guard(directory / "guard")
    asyncio.run(check_store(directory, keys, guard, acknowledged))


async def check_store(
    directory: Path, keys: PeriodKeys, guard: Guard, acknowledged: Acknowledged
) -> None:
    store = await open_store(
        f"sqlite://{directory}/node.db", keys=keys, clock=SystemClock(), guard=guard
    )
    engine = LogEngine(store)
    for log in (FEED, AUDIT, OLD):
        await engine.verify(log, commitments_of)
    await check_pruned(store, acknowledged.pruned)
    await check_nothing_is_half_applied(store)
    await check_announcements(store, Announcer(keys, SystemClock()))
    feed = await engine.records(FEED, 0, 100_000)
    for number, index in acknowledged.kept.items():
        assert int(feed[index].split()[0]) == number
    for index in acknowledged.erased:
        assert await engine.opening(FEED, index, "detail") is None
    for size, root in acknowledged.left.items():
        assert (await engine.root_at(FEED, size)).hex() == root
    await store.close()


async def check_nothing_is_half_applied(store: Store) -> None:
    engine = LogEngine(store)
    feed = await engine.records(FEED, 0, 100_000)
    audit = await engine.records(AUDIT, 0, 1_000_000)
    signals = await store.scan(lambda reader: reader.signals_after(0, 100_000))
    newest = await store.read(lambda reader: reader.meta("newest"))
    published, witnessed = numbers(feed, b"published"), numbers(audit, b"at")
    assert published.keys() == witnessed.keys() == by_number(signals).keys()
    assert not any(number % 7 == 3 for number in published)
    for number, row in by_number(signals).items():
        assert feed[row.index] == published[number]
        assert int(witnessed[number].split()[2]) == row.index
    padding = [record for record in audit if record.split()[1] == b"padding"]
    assert len(padding) == 70 * sum(number % 5 == 0 for number in published)
    assert (newest is None) == (not published)
    lines = await store.read(lambda reader: reader.handed(5, 10))
    served = await store.read(lambda reader: reader.served_again(1 << 40))
    again = sum(part.times for line in lines for part in line.again)
    assert len(lines) == bool(published)
    assert sum(each.times for each in served) == again == max(0, len(published) - 1)
    assert newest is None or int(newest) in published


async def check_pruned(store: Store, acknowledged: int) -> None:
    """Check that exactly what is said to be pruned is gone."""
    least = await store.read(lambda reader: reader.minimum(OLD))
    size = await store.read(lambda reader: reader.log_size(OLD))
    left = await store.scan(lambda reader: reader.records(OLD, 0, size))
    marks = await store.scan(lambda reader: reader.sealed_openings(OLD, 0, size))
    assert acknowledged <= least <= size
    assert len(left) == size - least
    assert {mark.index for mark in marks} == set(range(least, size))


async def check_announcements(store: Store, announcer: Announcer) -> None:
    events = await store.scan(lambda reader: reader.provider_events(0, 100_000))
    announced = [announcer.read(event) for event in events]
    signals = await store.scan(lambda reader: reader.signals_after(0, 100_000))
    caused = sorted(int(each.content["number"] or 0) for each in announced if each)
    assert caused == sorted(by_number(signals))
    assert [event.number for event in events] == list(range(1, len(events) + 1))


def by_number(signals: list[SignalRow]) -> dict[int, SignalRow]:
    return {int.from_bytes(row.signal_id): row for row in signals}


@pytest.mark.promise("RM-06")
@pytest.mark.parametrize(("point", "hits"), COMBINATIONS)
def test_nothing_acknowledged_is_lost_and_nothing_is_half_applied(
    child: subprocess.Popen[str], tmp_path: Path, point: FaultPoint, hits: int
) -> None:
    acknowledged = Acknowledged()
    for round_number in range(ROUNDS):
        order = f"{tmp_path} {point} {hits} {round_number}"
        assert run_round(child, order, acknowledged) == SIGKILL
        check_invariants(tmp_path, acknowledged)


def test_the_plan_kills_often_enough() -> None:
    assert len(COMBINATIONS) >= 25
    assert len(COMBINATIONS) * ROUNDS >= 100


def test_a_run_that_nobody_kills_acknowledges_everything(
    child: subprocess.Popen[str], tmp_path: Path
) -> None:
    acknowledged = Acknowledged()

    order = f"{tmp_path} {FaultPoint.LOG_AFTER_TILE} 1000000 0"
    assert run_round(child, order, acknowledged) == 0

    wanted = [number for number in range(1, 321) if number % 7 != 3]
    assert sorted(acknowledged.kept) == wanted
    assert acknowledged.erased
    assert acknowledged.left
    check_invariants(tmp_path, acknowledged)
