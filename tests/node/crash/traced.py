# SPDX-License-Identifier: Apache-2.0
"""Append in groups, and say on standard output what the writer does and tells."""

import asyncio
import os
import sys
from pathlib import Path

from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.faults import FaultPoint, Faults
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import Opening

LOGS = ("a.demo/feed", "a.demo/audit")
OPENINGS = (Opening(group="detail", salt=bytes(32), payload=b"p" * 200),)


def tell(word: str) -> None:
    os.write(1, f"{word}\n".encode())


class Telling(Faults):
    def reach(self, point: FaultPoint) -> None:
        tell(point.value)


async def append(store: Store, log: str) -> None:
    await store.write(lambda tx: tx.append(log, b"record", OPENINGS))
    tell("acknowledged")


async def main(directory: Path) -> None:
    store = await open_store(
        f"sqlite://{directory}/node.db",
        keys=PeriodKeys(directory / "keys"),
        clock=SystemClock(),
        faults=Telling(),
    )
    for log in LOGS:
        await append(store, log)  # begins the log and makes this month's key
    tell("ready")
    for callers in (1, 1, 5, 40, 200):
        await asyncio.gather(*(append(store, LOGS[at % 2]) for at in range(callers)))
    tell("done")
    await store.close()


asyncio.run(main(Path(sys.argv[1])))
