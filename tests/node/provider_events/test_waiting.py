# SPDX-License-Identifier: Apache-2.0
"""A read that waits, over HTTP, on a real node."""

import asyncio

from aiohttp import ClientResponse, ClientSession
from tests.node.fleet import Fleet

from fedsafe_node.people.credentials import People
from fedsafe_node.provider_events.announcing import Announcement, EventKind
from fedsafe_policies.vocabulary import Role

TASK = Announcement(EventKind.TASK_DUE, "user-4711", {"task": "t-1"})


async def waiting(fleet: Fleet, session: ClientSession) -> asyncio.Task[ClientResponse]:
    """Begin to wait for an event, and return once the node knows of it."""
    asking = asyncio.create_task(session.get("/v1/events", params={"wait": "30"}))
    bell = fleet["a.demo"].base.announcer.bell
    while not bell.waited_for:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)
    return asking


async def session_of(fleet: Fleet) -> ClientSession:
    base = fleet["a.demo"].base
    people = People(base.store, base.trail, base.clock)
    token = await people.add("shop", Role.SERVICE, by="setup")
    headers = {"Authorization": f"Bearer {token}"}
    return ClientSession(base.config.url, headers=headers)


async def test_an_event_is_read_as_soon_as_it_is_there(alone: Fleet) -> None:
    base = alone["a.demo"].base
    async with await session_of(alone) as session:
        asking = await waiting(alone, session)
        await base.store.write(lambda tx: base.announcer.announce(tx, TASK))
        answer = await (await asyncio.wait_for(asking, 10)).json()

    assert [event["kind"] for event in answer["events"]] == ["task.due"]


async def test_whose_credential_ends_meanwhile_is_told_nothing(alone: Fleet) -> None:
    base = alone["a.demo"].base
    async with await session_of(alone) as session:
        asking = await waiting(alone, session)
        row = await base.store.read(lambda reader: reader.credential_named("shop"))
        assert row is not None
        await base.store.write(lambda tx: tx.remove_credential(row.id))
        await base.store.write(lambda tx: base.announcer.announce(tx, TASK))
        response = await asyncio.wait_for(asking, 10)
        text = await response.text()

    assert response.status in {401, 403}
    assert "user-4711" not in text


async def test_a_node_that_stops_lets_nobody_wait(alone: Fleet) -> None:
    async with await session_of(alone) as session:
        asking = await waiting(alone, session)
        await asyncio.wait_for(alone.stop("a.demo"), 10)
        answer = await (await asyncio.wait_for(asking, 10)).json()

    assert answer["events"] == []
