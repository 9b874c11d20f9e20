# SPDX-License-Identifier: Apache-2.0
"""A witness is killed while 64 ask: nothing is cosigned that it does not remember."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import aiohttp
import pytest
from tests.postgresql.fixtures import MAJORS
from tests.support.databases import Preparing
from tests.support.fleet import copy_of
from tests.support.fleet_stores import FLEET_STORES
from tests.support.move_ends import Stopped
from tests.support.several import Running, eventually
from tests.support.witnessed_log import OpenLog

from fedsafe_federation.exchange.peer import WITNESS_PATH
from fedsafe_node.ground.config import Place, load_config
from fedsafe_node.keys.own_keys import load_keys
from fedsafe_node.operations.offline_inspect import verify_node

LOG: Final = "b.demo/feed"
KILLS: Final = 3
AHEAD: Final = 32

pytestmark = pytest.mark.timeout(300)


class Killed:
    """a.demo as processes of its own, and the log whose tree they are to cosign."""

    def __init__(self, place: Place, workers: int, key: OpenLog) -> None:
        self.place = place
        self.workers = workers
        self.log = key
        self.fork = OpenLog(key.name, key.key, b"other")
        self.url = load_config(place).url + WITNESS_PATH
        self.given: dict[int, set[bytes]] = {}

    def start(self) -> Running:
        running = Running(self.place, self.workers)
        several = self.workers > 1
        eventually(running.are_ready if several else running.who_answers)
        return running

    def kill(self, running: Running) -> None:
        """Kill one of several, at random; else the one."""
        if self.workers > 1:
            with suppress(ProcessLookupError):
                os.kill(running.workers()[-1], signal.SIGKILL)
        else:
            running.process.kill()
            running.process.wait()

    async def size(self, http: aiohttp.ClientSession) -> int:
        """Learn from the conflict which tree is remembered."""
        asked = self.log.request(250, 250).encode()
        while True:
            with suppress(aiohttp.ClientError, OSError):
                target = f"{self.url}/add-checkpoint"
                async with http.post(target, data=asked) as answer:
                    if answer.status == 409:
                        return int(await answer.read())
            await asyncio.sleep(0.05)

    async def burst(self, running: Running | None) -> int:
        """Ask 64 times at once, kill at the first cosignature; give the size after."""
        async with aiohttp.ClientSession() as http:
            old, first = await self.size(http), asyncio.Event()

            async def ask(by: OpenLog, size: int) -> None:
                body = by.request(old, size).encode()
                with suppress(aiohttp.ClientError, OSError):
                    target = f"{self.url}/add-checkpoint"
                    async with http.post(target, data=body) as answer:
                        if answer.status == 200:
                            self.given.setdefault(size, set()).add(by.root(size))
                            first.set()

            async def kill() -> None:
                if running is not None:
                    await first.wait()
                    await asyncio.to_thread(self.kill, running)

            sizes = range(old + 1, old + AHEAD + 1)
            asked = [ask(by, size) for size in sizes for by in (self.log, self.fork)]
            await asyncio.gather(kill(), *asked)
            if running is not None and self.workers == 1:
                return old
            return await self.size(http)


def on_a_server(directory: Path, databases: Preparing) -> Iterator[None]:
    database = databases.make_empty()
    stopped = Stopped(directory, database)
    stopped.move(stopped.there)
    stopped.switch(stopped.there)
    yield
    databases.drop(database)


@pytest.fixture(params=["one process", "three processes"])
def killed(
    request: pytest.FixtureRequest,
    founded: Path,
    tmp_path: Path,
    prepare: Callable[[int], Preparing],
) -> Iterator[Killed]:
    if FLEET_STORES.on_server:
        pytest.skip("it begins in a file, whatever the run is about")
    fleet = copy_of(founded, tmp_path / "n")
    place = fleet.place("a.demo")
    log = OpenLog(LOG, load_keys(fleet.place("b.demo")).feed)
    if request.param == "one process":
        yield Killed(place, 1, log)
    else:
        for _ in on_a_server(place.directory, prepare(MAJORS[-1])):
            yield Killed(place, 3, log)


def test_what_was_cosigned_is_remembered_however_it_dies(killed: Killed) -> None:
    running = killed.start()
    for _ in range(KILLS):
        asyncio.run(killed.burst(running))
        if killed.workers == 1:
            running = killed.start()
        asyncio.run(killed.burst(None))
    remembered = asyncio.run(killed.burst(None))

    assert running.stop() == 0
    assert len(killed.given) > KILLS
    assert max(killed.given) <= remembered
    trees = (killed.log, killed.fork)
    assert [
        by
        for by in trees
        if all(roots == {by.root(size)} for size, roots in killed.given.items())
    ] != []
    config = load_config(killed.place)
    assert asyncio.run(verify_node(killed.place, config)).ok
