# SPDX-License-Identifier: Apache-2.0
"""Writers that are FedSafe's store: each a worker that appends to one log.

A record and its answer to a repetition are one act, as in the API. A write that got no
acknowledgement is handed in again under its key.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Final, TypeVar

from tests.campaigns.database_hosts import DatabaseHosts, until
from tests.campaigns.sql_writers import by_key
from tests.support.acknowledged import NotAcknowledgedError, Writer

from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.errors import StoreError
from fedsafe_node.log.engine import LogEngine, open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.address import Server
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import IdempotencyRow
from fedsafe_node.store.transaction import Transaction

T = TypeVar("T")
LOG: Final = "campaign.example/audit"
_PAGE: Final = 10_000
_LATER: Final = 2**40  # no answer expires in a campaign


class StoreWorkload:
    """The store of one node, on the hosts."""

    def __init__(self, hosts: DatabaseHosts, directory: Path) -> None:
        self._hosts = hosts
        self._directory = directory
        self._numbers = count()

    def prepare(self) -> None:
        """Let the owner make the schema."""
        reader = self._opened(owner_url=self._hosts.url("fedsafe_owner"))
        reader.run(lambda store: store.read(lambda tables: tables.logs()))
        reader.close()

    def writer(self) -> Writer:
        """Give one more worker."""
        return self._opened()

    def kept(self, keys: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Read the whole log."""
        del keys
        return by_key(until(lambda: self._read(_records), "the log to be read"))

    def faults(self) -> list[str]:
        """Verify the tree of the log."""
        until(lambda: self._read(_verified), "the log to be verified")
        return []

    def _read(self, query: Callable[[Store], Awaitable[T]]) -> T | None:
        reader = self._opened()
        try:
            return reader.run(query)
        except NotAcknowledgedError:
            return None
        finally:
            reader.close()

    def _opened(self, owner_url: str | None = None) -> "StoreWriter":
        name = f"worker{next(self._numbers)}"
        url = self._hosts.url("fedsafe_node")
        server = Server(url, owner_url=owner_url, worker=name)
        return StoreWriter(server, self._directory / name)


class StoreWriter:
    """A worker with a loop of its own; opens its store anew when it gave up."""

    def __init__(self, server: Server, directory: Path) -> None:
        self._server = server
        self._keys = PeriodKeys(directory)
        self._loop = asyncio.new_event_loop()
        self._store: Store | None = None

    def write(self, key: str) -> str:
        """Append a record, unless it is there already."""

        async def act(tx: Transaction) -> str:
            known = await tx.idempotent_answer(key)
            if known is not None:
                return known.body.decode()
            index = str(await tx.append(LOG, key.encode()))
            answer = IdempotencyRow(key, b"", 201, index.encode(), _LATER)
            await tx.add_idempotent_answer(answer)
            return index

        return self.run(lambda store: store.write(act))

    def run(self, query: Callable[[Store], Awaitable[T]]) -> T:
        """Ask the store something.

        Raises:
            NotAcknowledgedError: it failed.
        """
        return self._loop.run_until_complete(self._run(query))

    async def _run(self, query: Callable[[Store], Awaitable[T]]) -> T:
        try:
            if self._store is None:
                self._store = await open_store(
                    self._server, keys=self._keys, clock=SystemClock()
                )
            return await query(self._store)
        except StoreError as error:
            if self._store is not None and self._store.gave_up():
                await self._store.close()
                self._store = None
            raise NotAcknowledgedError(type(error).__name__) from None

    def close(self) -> None:
        """Close the store."""
        if self._store is not None:
            self._loop.run_until_complete(self._store.close())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


async def _records(store: Store) -> Sequence[tuple[int, str]]:
    engine, found = LogEngine(store), list[tuple[int, str]]()
    while page := await engine.records(LOG, len(found), _PAGE):
        found += enumerate((record.decode() for record in page), len(found))
    return found


async def _verified(store: Store) -> bool:
    await LogEngine(store).verify(LOG, lambda _: {})
    return True
