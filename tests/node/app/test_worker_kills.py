# SPDX-License-Identifier: Apache-2.0
"""Workers are killed while clients write: nothing that was acknowledged is lost."""

import asyncio
import itertools
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from secrets import choice

import pytest
from aiohttp import ClientSession
from tests.postgresql.fixtures import MAJORS
from tests.support.clients import SIGNAL, about, client, post
from tests.support.databases import Preparing
from tests.support.several import PACE, PATIENCE, Made, Running, eventually, made_on

from fedsafe_node.ground.config import load_config
from fedsafe_node.operations.offline_inspect import verify_node

WORKERS = 3
WRITERS = 12
KILLS = 5
EACH = 20  # acts that are acknowledged between two kills

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def made(prepare: Callable[[int], Preparing], tmp_path: Path) -> Iterator[Made]:
    with made_on(prepare(MAJORS[-1]), tmp_path) as made:
        yield made


@pytest.fixture
def running(made: Made) -> Iterator[Running]:
    node = Running(made.place, WORKERS)
    eventually(node.are_ready)
    yield node
    if node.process.poll() is None:
        node.stop()


async def campaign(http: ClientSession, node: Running) -> dict[int, str]:
    """Write at many clients, kill at random; give what was acknowledged."""
    numbers, kept, over = itertools.count(), dict[int, str](), asyncio.Event()

    async def write() -> None:
        while not over.is_set():
            number = next(numbers)
            told = await post(http, "/v1/signals", {"about": about(number), **SIGNAL})
            kept[number] = str(told["signal"])

    async def kill() -> None:
        for round_ in range(1, KILLS + 1):
            await eventually_kept(EACH * round_)
            pids = await asyncio.to_thread(node.workers)
            with suppress(ProcessLookupError):
                os.kill(choice(pids), signal.SIGKILL)
        await eventually_kept(EACH * (KILLS + 1))
        over.set()

    async def eventually_kept(count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while len(kept) < count:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(PACE)

    await asyncio.gather(kill(), *(write() for _ in range(WRITERS)))
    return kept


async def results(http: ClientSession, numbers: list[int]) -> set[object]:
    found = set[object]()
    for number in numbers:
        question = {"questions": [about(number)], "purpose": "signup_check"}
        answer = await post(http, "/v1/lookup", {**question, "subject_ref": "x"})
        found.add(answer["result"])
    return found


async def run(made: Made, node: Running, base: str) -> dict[int, str]:
    async with client(base, made.credentials["anna"]) as anna:
        kept = await campaign(anna, node)
    some = list(kept)[:: max(1, len(kept) // 20)]
    async with client(base, made.credentials["shop"]) as shop:
        assert await results(shop, some) == {"review"}
    return kept


def test_no_acknowledged_act_is_lost_however_workers_die(
    made: Made, running: Running
) -> None:
    config = load_config(made.place)
    kept = asyncio.run(run(made, running, config.url))

    eventually(lambda: len(running.workers()) == WORKERS)
    assert running.stop() == 0
    assert len(kept) > WRITERS
    assert len(set(kept.values())) == len(kept)
    verified = asyncio.run(verify_node(made.place, config))
    assert verified.ok, verified
