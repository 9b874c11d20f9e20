# SPDX-License-Identifier: Apache-2.0
"""An embedded store with faults."""

import asyncio
import sqlite3
from pathlib import Path
from threading import Event

from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.faults import NO_FAULTS, FaultPoint, Faults
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.protocol import Store

FEED = "a.demo/feed"
SALT = bytes(32)


class FailAt(Faults):
    """Raises an error at a point, the given number of times."""

    def __init__(self, point: FaultPoint, error: Exception, times: int = 1) -> None:
        self.point = point
        self.error = error
        self.times = times

    def reach(self, point: FaultPoint) -> None:
        if point is self.point and self.times:
            self.times -= 1
            raise self.error


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("the disk's own words")
    error.sqlite_errorcode = code
    return error


async def open_sqlite(directory: Path, faults: Faults = NO_FAULTS) -> Store:
    keys = await asyncio.to_thread(PeriodKeys, directory / "keys")
    url = f"sqlite://{directory}/node.db"
    return await open_store(url, keys=keys, clock=SystemClock(), faults=faults)


async def append(store: Store, record: bytes) -> int:
    return await store.write(lambda tx: tx.append(FEED, record))


class HeldOnce(Faults):
    """Holds up the first commit until all that is handed in waits; counts them."""

    def __init__(self) -> None:
        self.begun, self.may_go_on = Event(), Event()
        self.commits = 0

    def reach(self, point: FaultPoint) -> None:
        if point is FaultPoint.WRITER_BEFORE_BEGIN:
            self.begun.set()
            assert self.may_go_on.wait(30)
        elif point is FaultPoint.WRITER_AFTER_COMMIT:
            self.commits += 1
