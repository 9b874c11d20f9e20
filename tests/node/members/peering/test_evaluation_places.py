# SPDX-License-Identifier: Apache-2.0
"""No member takes all places of evaluations, nor the machine behind them."""

import asyncio
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from secrets import token_bytes
from threading import Event

import aiohttp
from tests.support.fleet import FEDERATION, PATIENCE, Fleet

from fedsafe_crypto.oprf.threshold import Generation
from fedsafe_crypto.primitives.ristretto import multiply_base, random_scalar
from fedsafe_federation.evaluation.statements import sign_request
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.ground.errors import CrowdedError
from fedsafe_node.members.peering.evaluation_places import MOST_PLACES, Places

COPIES = 5  # of one element: charged once, computed each time on a thread
THREADS = 2
A, B, C = "a.demo", "b.demo", "c.demo"


async def _stay(places: Places, member: str, begun: list[str]) -> None:
    async with places.hold(member):
        begun.append(member)
        await asyncio.Event().wait()


async def test_one_alone_has_half_and_leaves_half() -> None:
    places, begun = Places(8), list[str]()
    tasks = [asyncio.create_task(_stay(places, A, begun)) for _ in range(5)]
    tasks += [asyncio.create_task(_stay(places, B, begun)) for _ in range(3)]
    await asyncio.sleep(0)
    refused = [each for each in tasks if each.done()]

    assert refused == [tasks[4], tasks[7]]
    assert all(isinstance(each.exception(), CrowdedError) for each in refused)
    assert begun == [A, A, B, B]  # of each two at once
    for each in tasks:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.TaskGroup() as group:  # all is free again
        again = [group.create_task(_stay(places, A, begun)) for _ in range(4)]
        await asyncio.sleep(0)
        assert not any(each.done() for each in again)
        for each in again:
            each.cancel()


async def test_a_member_that_asks_without_end_keeps_no_other_out(fleet: Fleet) -> None:
    await fleet.start(A, B, C)
    await fleet.attested(A, B, C)
    element = multiply_base(random_scalar())
    url = fleet[B].base.config.url + "/v1/evaluate"
    is_full = asyncio.Event()

    def ask(member: str, number: int) -> bytes:
        now = fleet.clock.now()
        request = sign_request(
            [element] * number,
            sender=member,
            receiver=B,
            generation=Generation(1, 1),
            nonce=token_bytes(16),
            now=now,
            deadline=now + timedelta(seconds=30),
            key=fleet[member].base.keys.statement,
            federation=FEDERATION,
        )
        return encode(request)

    async def send(http: aiohttp.ClientSession, body: bytes) -> int:
        head = {"Content-Type": "application/json"}
        async with http.post(url, data=body, headers=head) as response:
            if response.status == HTTPStatus.SERVICE_UNAVAILABLE:
                is_full.set()
            return response.status

    bodies = [ask(C, COPIES) for _ in range(MOST_PLACES + 8)]
    workers, go_on = fleet[B].base.workers, Event()
    busy = [
        asyncio.create_task(workers(partial(go_on.wait, PATIENCE)))
        for _ in range(THREADS)
    ]
    lines = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=lines) as http:
        crowd = [asyncio.create_task(send(http, body)) for body in bodies]
        await is_full.wait()
        mine = await send(http, ask(A, 1))
        go_on.set()
        statuses = set(await asyncio.gather(*crowd))
        await asyncio.gather(*busy)

    assert mine == HTTPStatus.OK
    assert statuses == {HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE}
