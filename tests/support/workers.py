# SPDX-License-Identifier: Apache-2.0
"""Several processes' worth of one node, in one process, over one store.

Each has keys, indexes and a memory of its own, as a process has; what they share is the
node's directory and its store: one on a server, or a file in the place of one.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from tests.support.fleet import Fleet

from fedsafe_node.api.ports import bind_port
from fedsafe_node.app import container as base
from fedsafe_node.app.lifecycle import RunningNode
from fedsafe_node.app.memory_link import MemoryHub, MemoryLink
from fedsafe_node.app.worker import Worker
from fedsafe_node.ground.config import load_config
from fedsafe_node.log.engine import open_store
from fedsafe_node.store.address import Server
from fedsafe_node.store.protocol import Store


class Turns:
    """The leadership of one of several processes, as a test passes it round."""

    def __init__(self) -> None:
        self.leads = asyncio.Event()
        self.rests = asyncio.Event()
        self.rests.set()
        self.given_up = 0

    def win(self) -> None:
        self.rests.clear()
        self.leads.set()

    def lose(self) -> None:
        self.leads.clear()
        self.rests.set()

    async def won(self) -> None:
        await self.leads.wait()

    async def lost(self) -> None:
        await self.rests.wait()

    async def give_up(self) -> None:
        self.given_up += 1


class _Server:
    """A store that stays open when one of the processes lets go of it."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a store has
        return getattr(self.store, name)

    async def close(self) -> None:
        """Leave it to the others."""


class Several:
    """The processes of one node of a fleet."""

    def __init__(self, fleet: Fleet, name: str) -> None:
        self.fleet = fleet
        self.name = name
        self.turns: list[Turns] = []
        self.all: list[RunningNode] = []
        self.server: _Server | None = None
        self.hub = MemoryHub()

    def __getitem__(self, number: int) -> RunningNode:
        return self.all[number]

    def __iter__(self) -> Iterator[RunningNode]:
        return iter(self.all)

    async def open(
        self,
        where: str | Server,
        **given: Any,  # noqa: ANN401 - passed on
    ) -> Store:
        if isinstance(where, Server):
            return await open_store(where, **given)
        if self.server is None:
            self.server = _Server(await open_store(where, **given))
        return cast("Store", self.server)

    async def start(self, *, run: str = "run") -> RunningNode:
        place, turns = self.fleet.place(self.name), Turns()
        config = await asyncio.to_thread(load_config, place)
        listen = config.listen
        worker = Worker(
            number=len(self.all),
            run=run,
            is_first=not self.all,
            leadership=turns,  # type: ignore[arg-type]
            link=MemoryLink(self.hub.open(len(self.all))),
            sockets=tuple(await bind_port(listen.host, listen.port, shared=True)),
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(base, "open_store", self.open)
            node = await RunningNode.start(place, config, self.fleet.clock, worker)
        await node.pictures.loaded.wait()
        self.turns.append(turns)
        self.all.append(node)
        return node

    async def stop(self) -> None:
        while self.all:
            node = self.all.pop()
            node.is_last = not self.all
            await node.stop()
            self.turns.pop()

    async def close(self) -> None:
        await self.stop()
        self.hub.close()
        if self.server is not None:
            await self.server.store.close()
            self.server = None


@asynccontextmanager
async def several(fleet: Fleet, name: str) -> AsyncIterator[Several]:
    """Start two processes of a node; neither leads yet."""
    processes = Several(fleet, name)
    try:
        for _ in range(2):
            await processes.start()
        yield processes
    finally:
        await processes.close()


async def up_to_date(node: RunningNode) -> None:
    """Let a process take up what others have changed, as at each request."""
    await node.base.following.fresh()
