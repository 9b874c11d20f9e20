# SPDX-License-Identifier: Apache-2.0
"""Append until the file system refuses, then check that nothing was lost.

With `--small` the directory lies on a file system that is nearly full: the store
has to say so, and to go on once there is room.
"""

import asyncio
import os
import resource
import sys
from pathlib import Path

from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.errors import StoreClosedError, StoreFailedError
from fedsafe_node.log.engine import LogEngine, open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import Trouble

FEED = "a.demo/feed"
MOST_BYTES = 4_000_000


async def append_until_refused(store: Store) -> tuple[int, int]:
    acknowledged = refused = 0
    record = os.urandom(3000)
    while refused < 3:
        writes = [store.write(lambda tx: tx.append(FEED, record)) for _ in range(10)]
        for result in await asyncio.gather(*writes, return_exceptions=True):
            if isinstance(result, int):
                acknowledged += 1
            elif isinstance(result, StoreFailedError | StoreClosedError):
                refused += 1
            else:
                raise TypeError(repr(result))
    return acknowledged, refused


async def main(directory: Path) -> None:
    keys = PeriodKeys(directory / "keys")
    url = f"sqlite://{directory}/node.db"
    store = await open_store(url, keys=keys, clock=SystemClock())
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, resource.RLIM_INFINITY))
    acknowledged, refused = await append_until_refused(store)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    )
    await store.close()

    store = await open_store(url, keys=keys, clock=SystemClock())
    verified = await LogEngine(store).verify(FEED, lambda _: {})
    if verified.size != acknowledged:
        raise AssertionError((verified.size, acknowledged))
    await store.close()
    sys.stdout.write(f"{acknowledged} {refused}\n")


async def main_on_small_disk(directory: Path) -> None:
    ballast = directory / "ballast"
    await asyncio.to_thread(ballast.write_bytes, bytes(1 << 20))
    keys = PeriodKeys(directory / "keys")
    url = f"sqlite://{directory}/node.db"
    store = await open_store(url, keys=keys, clock=SystemClock())
    acknowledged, refused = await append_until_refused(store)
    trouble = store.trouble()
    await asyncio.to_thread(ballast.unlink)
    await store.write(lambda tx: tx.append(FEED, b"there is room again"))
    after = store.trouble()
    verified = await LogEngine(store).verify(FEED, lambda _: {})
    await store.close()
    if trouble is None or trouble.kind is not Trouble.FULL or after is not None:
        raise AssertionError((trouble, after))
    if verified.size != acknowledged + 1:
        raise AssertionError((verified.size, acknowledged))
    sys.stdout.write(f"{acknowledged} {refused}\n")


run = main_on_small_disk if "--small" in sys.argv else main
asyncio.run(run(Path(sys.argv[1])))
