# SPDX-License-Identifier: Apache-2.0
"""What a worker writes in the campaigns, and a process that goes on writing it.

    python -m tests.support.store_worker URL KEYS NAME JOURNAL WRITERS SEED

Each act appends a record whose text is its Idempotency-Key, with an opening, and keeps
the answer and a small row of the node. What was acknowledged is written down in the
journal, one line each, and synced; what failed is asked again until it is told.
"""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Final

from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import ConflictError, StoreClosedError, StoreFailedError
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.address import Server
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import IdempotencyRow, Opening
from fedsafe_node.store.sealed_files import SealedFiles
from fedsafe_node.store.transaction import Transaction

LOGS: Final = ("a.demo/feed", "a.demo/audit")
BAD: Final = b"never kept"
_FAR: Final = 1 << 40
_PAUSE: Final = 0.05


class RefusedError(Exception):
    """An act takes itself back."""


async def open_worker(url: str, root: Path, name: str) -> Store:
    """Open a node's store as one of its workers."""
    place = Place(root)

    def from_disk() -> tuple[PeriodKeys, SealedFiles]:
        keys = PeriodKeys(place.keys / "periods", shared=True, tidy=False)
        return keys, SealedFiles(place, {})

    keys, around = await asyncio.to_thread(from_disk)
    return await open_store(
        Server(url, worker=name), keys=keys, clock=SystemClock(), around=around
    )


def opening(key: str) -> Opening:
    """Make the opening of an act's entry."""
    return Opening(group="detail", salt=bytes(32), payload=key.encode())


async def once(store: Store, log: str, key: str) -> int:
    """Append a record once, however often it is asked for; return its index."""

    async def act(tx: Transaction) -> int:
        known = await tx.idempotent_answer(key)
        if known is not None:
            return known.status
        index = await tx.append(log, key.encode(), [opening(key)])
        await tx.set_due(f"job of {key.partition('/')[0]}", index)
        await tx.add_idempotent_answer(
            IdempotencyRow(
                key=key,
                request_digest=bytes(32),
                status=index,
                body=log.encode(),
                expires_at=_FAR,
            )
        )
        return index

    return await store.write(act)


async def _fail(store: Store, log: str) -> None:
    async def act(tx: Transaction) -> None:
        await tx.append(log, BAD, [opening("bad")])
        await tx.set_due("bad", 1)
        raise RefusedError

    with suppress(RefusedError):
        await store.write(act)


async def _write(store: Store, name: str, seed: int, journal: int) -> None:
    choice = Random(seed)  # noqa: S311 - which log, and when to fail
    number = 0
    while True:
        number += 1
        key, log = f"{name}/{number}", choice.choice(LOGS)
        while True:
            try:
                if choice.random() < 0.05:
                    await _fail(store, log)
                index = await once(store, log, key)
            except (StoreFailedError, ConflictError):
                await asyncio.sleep(_PAUSE)  # the pace of asking again
                continue
            break
        line = f"{log} {index} {key}\n".encode()
        await asyncio.to_thread(_note, journal, line)


def _note(journal: int, line: bytes) -> None:
    os.write(journal, line)
    os.fsync(journal)


async def _work(  # noqa: PLR0913 - as on the command line
    url: str, root: Path, name: str, path: Path, writers: int, seed: int
) -> None:
    journal = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    while True:
        try:
            store = await open_worker(url, root, name)
        except StoreFailedError:
            await asyncio.sleep(_PAUSE)
            continue
        with suppress(StoreClosedError):
            await asyncio.gather(
                *(
                    _write(store, f"{name}-{path.stem}-{n}", seed + n, journal)
                    for n in range(writers)
                )
            )
        await store.close()


if __name__ == "__main__":
    given = sys.argv[1:]
    asyncio.run(
        _work(
            *(given[0], Path(given[1]), given[2], Path(given[3])),
            *(int(given[4]), int(given[5])),
        )
    )
