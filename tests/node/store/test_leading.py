# SPDX-License-Identifier: Apache-2.0
import asyncio
import logging
from collections.abc import AsyncIterator, Callable

import psycopg
import pytest
from tests.postgresql.server import Server as Throwaway

from fedsafe_node.ground.telemetry import LOGGER
from fedsafe_node.store.address import Server
from fedsafe_node.store.postgresql.leader_lock import LEADING, AdvisoryLeadership

Make = Callable[[], AdvisoryLeadership]
CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
    "AND granted AND (classid::bigint << 32) + objid::bigint = %s"
)


@pytest.fixture
async def make(postgresql_url: str) -> AsyncIterator[Make]:
    made: list[AdvisoryLeadership] = []

    def make_one(url: str = postgresql_url) -> AdvisoryLeadership:
        made.append(AdvisoryLeadership(Server(url), beat=0.01, settle=0.02))
        return made[-1]

    yield make_one
    for leadership in made:
        await leadership.give_up()


async def soon(leadership: AdvisoryLeadership) -> None:
    async with asyncio.timeout(10):
        await leadership.won()


async def cut(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as server:
        await server.execute(CUT, (LEADING,))


async def test_of_two_workers_one_leads(make: Make) -> None:
    one, other = make(), make()
    await soon(one)
    waiting = asyncio.create_task(other.won())

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await asyncio.shield(waiting)
    await one.give_up()
    async with asyncio.timeout(10):
        await waiting
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await other.lost()


async def test_a_worker_whose_session_ends_leads_no_more(
    make: Make, postgresql_url: str
) -> None:
    one = make()
    await soon(one)

    await cut(postgresql_url)

    async with asyncio.timeout(10):
        await one.lost()
    await soon(one)


async def test_a_worker_that_loses_while_it_settles_does_not_lead(
    postgresql_url: str,
) -> None:
    one = AdvisoryLeadership(Server(postgresql_url), beat=0.01, settle=0.5)
    task = asyncio.create_task(one.won())
    while not await _is_held(postgresql_url):  # noqa: ASYNC110 - only the server knows
        await asyncio.sleep(0.01)

    await cut(postgresql_url)

    async with asyncio.timeout(10):
        await task
    assert await _is_held(postgresql_url)
    await one.give_up()


async def test_a_lock_that_is_let_go_on_the_server_is_noticed(make: Make) -> None:
    one = make()
    await soon(one)
    assert one._connection is not None  # noqa: SLF001 - as a pool in between would

    await one._connection.execute("SELECT pg_advisory_unlock_all()")  # noqa: SLF001

    async with asyncio.timeout(10):
        await one.lost()


async def test_without_a_server_nobody_leads_and_that_is_logged_once(
    own_postgresql: Throwaway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    one = AdvisoryLeadership(Server(own_postgresql.url()), beat=0.01, settle=0.02)
    await soon(one)

    await asyncio.to_thread(own_postgresql.kill)

    async with asyncio.timeout(10):
        await one.lost()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await one.won()
    await asyncio.to_thread(own_postgresql.start)
    await soon(one)
    await one.give_up()

    assert [record.msg for record in caplog.records] == [
        "the server does not say who leads",
        "the server says again who leads",
    ]


async def _is_held(url: str) -> bool:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as server:
        cursor = await server.execute(
            "SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted "
            "AND (classid::bigint << 32) + objid::bigint = %s",
            (LEADING,),
        )
        return await cursor.fetchone() is not None
