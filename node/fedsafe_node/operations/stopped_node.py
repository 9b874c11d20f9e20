# SPDX-License-Identifier: Apache-2.0
"""A node that does not run: it is kept from starting, and its store is opened."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.config import Config, Place
from fedsafe_node.ground.errors import StoreBusyError
from fedsafe_node.log.audit import AuditTrail
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.guard import Guard
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.log.pseudonyms import Pseudonyms
from fedsafe_node.people.names import names_of_people
from fedsafe_node.store.address import store_at
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reserve import Reserve
from fedsafe_node.store.sealed_files import SealedFiles


@contextmanager
def alone_in(place: Place) -> Iterator[int]:
    """Be the only one that runs the node of a directory; give the lock's descriptor.

    It is held until whoever has inherited the descriptor has ended as well.

    Raises:
        StoreBusyError: somebody else does.
    """
    lock = os.open(place.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreBusyError(str(place.directory)) from None
        yield lock
    finally:
        os.close(lock)


async def open_node_store(
    place: Place,
    config: Config,
    clock: Clock,
    reserve: Reserve | None = None,
    *,
    owner_url: str | None = None,
) -> Store:
    """Open the node's store with its period keys and guard.

    *owner_url* is the owner's address of a database on a server, where its schema is
    to be made or brought up to date.

    Raises:
        ConfigError: the file with the password of its server does not fit.
        StoreError: it does not fit, or does not open.
    """
    keys, guard = await asyncio.to_thread(
        lambda: (PeriodKeys(place.periods), Guard(place.guard))
    )
    around = await asyncio.to_thread(lambda: SealedFiles(place, guard.sizes))
    return await open_store(
        await asyncio.to_thread(store_at, place.database, config.store, owner_url),
        keys=keys,
        clock=clock,
        guard=guard,
        node=config.name,
        around=around,
        reserve=reserve,
    )


@asynccontextmanager
async def stopped_store(
    place: Place, config: Config, clock: Clock, *, owner_url: str | None = None
) -> AsyncIterator[Store]:
    """Open the store of a node that does not run, and see that it is not started.

    Raises:
        StoreBusyError: it runs.
        ConfigError: the file with the password of its server does not fit.
        StoreError: it does not fit, or does not open.
    """
    with alone_in(place):
        store = await open_node_store(place, config, clock, owner_url=owner_url)
        try:
            yield store
        finally:
            await store.close()


async def open_trail(place: Place, node: str, store: Store) -> AuditTrail:
    """Open what makes audit events, while the node itself is not running.

    Raises:
        KeyFileError: a key of the pseudonyms cannot be read.
    """
    pseudonyms = await asyncio.to_thread(lambda: Pseudonyms(place.pseudonyms))
    trail = AuditTrail(node, pseudonyms)
    trail.know_people(*await store.read(names_of_people))
    return trail
