# SPDX-License-Identifier: Apache-2.0
"""Files of a store, searched for what was erased."""

import asyncio
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run

from tests.support.disk import files_with, pieces

from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import LogEntry, Opening
from fedsafe_node.store.transaction import Transaction

LOGS = ("b.demo/audit", "a.demo/feed", "c.demo/feed")
GROUP = "detail"
Place = tuple[str, int]


def entry(random: Random) -> LogEntry:
    salt, payload = random.randbytes(32), random.randbytes(random.randrange(40, 1_200))
    opening = Opening(group=GROUP, salt=salt, payload=payload)
    return LogEntry(record=random.randbytes(100), openings=(opening,))


async def append(store: Store, random: Random, times: int) -> list[Place]:
    places: list[Place] = []

    async def act(tx: Transaction) -> None:
        for _ in range(times):
            log, count = random.choice(LOGS), random.choice([1, 1, 3, 10, 40])
            indices = await tx.append_many(log, [entry(random) for _ in range(count)])
            places.extend((log, index) for index in indices)

    await store.write(act)
    return places


async def erase(store: Store, places: list[Place]) -> set[bytes]:
    """Erase openings; return the bytes that were sealed."""
    sealed: set[bytes] = set()

    async def act(tx: Transaction) -> None:
        for log, index in places:
            (row,) = await tx.sealed_openings(log, index, 1)
            assert row.sealed is not None
            sealed.add(row.sealed)
            assert await tx.erase_opening(log, index, GROUP, at=1)

    await store.write(act)
    return sealed


async def files_left(directory: Path, erased: set[bytes]) -> set[str]:
    return await asyncio.to_thread(files_with, directory, list(pieces(erased)))
