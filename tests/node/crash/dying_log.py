# SPDX-License-Identifier: Apache-2.0
"""One life of a slim store whose disk may refuse, told on standard output.

Arguments: DIRECTORY RECORD END. It tells what it finds, appends the record, and ends
as END says: `killed`, or `closed` while somebody else reads the database.
"""

import asyncio
import os
import sqlite3
import sys
from pathlib import Path
from signal import SIGKILL

from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.errors import StoreFailedError
from fedsafe_node.log.engine import LogEngine, open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.protocol import Store

LOG = "a.demo/feed"
PADDING = " " * 150_000  # its frames are more than one step of who opens the file


def tell(*words: str) -> None:
    os.write(1, (" ".join(words) + "\n").encode())


async def opened(directory: Path) -> Store:
    keys = PeriodKeys(directory / "keys")
    url = f"sqlite://{directory}/node.db"
    return await open_store(url, keys=keys, clock=SystemClock())


async def main(directory: Path, record: str, end: str) -> None:
    try:
        store = await opened(directory)
    except StoreFailedError:
        tell("shut")
        return
    engine = LogEngine(store)
    await engine.verify(LOG, lambda _: {})
    found = await engine.records(LOG, 0, 100)
    tell("found", *(each.decode().strip() for each in found))
    padded = (record + PADDING).encode()
    try:
        await store.write(lambda tx: tx.append(LOG, padded, ()))
        tell("kept")
    except StoreFailedError:
        tell("refused", str(store.gave_up()))
    if end == "killed":
        os.kill(os.getpid(), SIGKILL)
    other = sqlite3.connect(f"file:{directory}/node.db?mode=ro", uri=True)
    other.execute("SELECT count(*) FROM logs").fetchone()
    await store.close()
    other.close()


asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
