# SPDX-License-Identifier: Apache-2.0
"""A read that waits, over HTTP, on a real node."""

import asyncio
from contextlib import ExitStack

import pytest
from aiohttp import ClientResponse, ClientSession
from tests.support.fleet import Fleet

from fedsafe_node.acts.people import CredentialScope, NewCredentialRequest
from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.api.endpoint import LANES
from fedsafe_node.api.route import Lane
from fedsafe_node.ground.principal import Principal
from fedsafe_node.notices.provider_events.announcer import Announcement
from fedsafe_node.notices.provider_events.feed import MOST_EACH, MOST_WAITING
from fedsafe_node.people.credentials import People
from fedsafe_node.people.service_credentials import Machines
from fedsafe_policies.vocabulary import Purpose, Role

NOTICE = Announcement(EventKind.NOTICE_DUE, "user-4711", {"notice": "n-1"})
TASK = Announcement(EventKind.TASK_DUE, "user-4711", {"task": "t-1"})


async def waiting(fleet: Fleet, session: ClientSession) -> asyncio.Task[ClientResponse]:
    """Begin to wait for an event, and return once the node knows of it."""
    asking = asyncio.create_task(session.get("/v1/events", params={"wait": "30"}))
    bell = fleet["a.demo"].base.announcer.bell
    while not bell.waited_for:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)
    return asking


async def session_of(
    fleet: Fleet, name: str = "shop", scope: CredentialScope = CredentialScope.EVENTS
) -> ClientSession:
    base = fleet["a.demo"].base
    purposes = [Purpose.RECHECK] if scope is CredentialScope.LOOKUP else []
    until = int(base.clock.now().timestamp()) + 3_600
    request = NewCredentialRequest(
        name=name, scope=scope, purposes=purposes, until=until
    )
    machines = Machines(base.office)
    token = (await machines.add(request, Principal("olga", Role.OPERATOR))).token
    return session_with(fleet, token)


def session_with(fleet: Fleet, token: str) -> ClientSession:
    headers = {"Authorization": f"Bearer {token}"}
    return ClientSession(fleet["a.demo"].base.config.url, headers=headers)


async def test_an_event_is_read_as_soon_as_it_is_there(alone: Fleet) -> None:
    base = alone["a.demo"].base
    async with await session_of(alone) as session:
        asking = await waiting(alone, session)
        await base.store.write(lambda tx: base.announcer.announce(tx, TASK))
        async with asyncio.timeout(10):
            answer = await (await asking).json()

    assert [event["kind"] for event in answer["events"]] == ["task.due"]


async def test_whose_credential_ends_meanwhile_is_told_nothing(alone: Fleet) -> None:
    base = alone["a.demo"].base
    async with await session_of(alone) as session:
        asking = await waiting(alone, session)
        await Machines(base.office).revoke("shop", Principal("olga", Role.OPERATOR))
        await base.store.write(lambda tx: base.announcer.announce(tx, TASK))
        async with asyncio.timeout(10):
            response = await asking
        text = await response.text()

    assert response.status in {401, 403}
    assert "user-4711" not in text


async def test_a_node_that_stops_lets_nobody_wait(alone: Fleet) -> None:
    async with await session_of(alone) as session:
        asking = await waiting(alone, session)
        async with asyncio.timeout(10):
            await alone.stop("a.demo")
        async with asyncio.timeout(10):
            answer = await (await asking).json()

    assert answer["events"] == []


async def test_nobody_takes_all_places_by_waiting(alone: Fleet) -> None:
    bell = alone["a.demo"].base.announcer.bell
    async with (
        await session_of(alone) as shop,
        await session_of(alone, "mailer") as other,
    ):
        wait = {"wait": "30"}
        first = [
            asyncio.create_task(shop.get("/v1/events", params=wait))
            for _ in range(MOST_EACH)
        ]
        while len(bell._waiting) < MOST_EACH:  # noqa: ASYNC110, SLF001 - nobody tells
            await asyncio.sleep(0.01)
        beyond = await shop.get("/v1/events", params=wait)
        whole = await beyond.json()
        at_once = await shop.get("/v1/events")
        theirs = asyncio.create_task(other.get("/v1/events", params=wait))
        while len(bell._waiting) < MOST_EACH + 1:  # noqa: ASYNC110, SLF001
            await asyncio.sleep(0.01)
        bell.close()
        ended = [(await task).status for task in [*first, theirs]]

    assert (beyond.status, whole["code"]) == (503, "busy")
    assert at_once.status == 200
    assert ended == [200] * (MOST_EACH + 1)


async def test_those_who_wait_leave_places_to_those_who_do_not(alone: Fleet) -> None:
    feed, most = alone["a.demo"].services.events, MOST_WAITING // MOST_EACH
    with ExitStack() as places:
        for number in range(MOST_WAITING):
            places.enter_context(feed._place(f"shop-{number % most}"))  # noqa: SLF001
        async with await session_of(alone) as session:
            waits = await session.get("/v1/events", params={"wait": "30"})
            reads = await session.get("/v1/events")

    assert (waits.status, reads.status) == (503, 200)
    assert LANES[Lane.EVENTS] > MOST_WAITING


@pytest.mark.parametrize("scope", [None, *CredentialScope])
async def test_only_a_credential_for_events_reads_and_receipts_them(
    alone: Fleet, scope: CredentialScope | None
) -> None:
    base = alone["a.demo"].base
    await base.store.write(lambda tx: base.announcer.announce(tx, NOTICE))
    if scope is None:
        people = People(base.store, base.trail, base.clock)
        token = await people.add("shop", Role.SERVICE, by="setup")
        session = session_with(alone, token)
    else:
        session = await session_of(alone, scope=scope)
    async with session:
        read = await session.get("/v1/events")
        receipt = await session.post("/v1/events/1/receipt")

    expected = 200 if scope is CredentialScope.EVENTS else 403
    assert (read.status, receipt.status) == (expected, expected)


async def test_a_service_without_a_scope_opens_no_request_of_a_person(
    alone: Fleet,
) -> None:
    base = alone["a.demo"].base
    people = People(base.store, base.trail, base.clock)
    token = await people.add("shop", Role.SERVICE, by="setup")
    async with session_with(alone, token) as session:
        answer = await session.post("/v1/rights", json={})

    assert answer.status == 403
