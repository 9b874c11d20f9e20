# SPDX-License-Identifier: Apache-2.0
"""A store outlives its server, however often it is asked meanwhile."""

import asyncio

from tests.node.conftest import FixedClock
from tests.postgresql.server import Server
from tests.support.databases import Preparing

from fedsafe_node.ground.errors import StoreFailedError
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.protocol import Store

MANY = 16  # more than there are threads that read


async def ask(store: Store) -> list[list[str] | BaseException]:
    reads = [store.read(lambda reader: reader.logs()) for _ in range(MANY)]
    return await asyncio.gather(*reads, return_exceptions=True)


async def test_reads_come_back_with_the_server(
    own_postgresql: Server, keys: PeriodKeys, clock: FixedClock
) -> None:
    prepared = await asyncio.to_thread(Preparing(own_postgresql).make)
    store = await open_store(prepared.node, keys=keys, clock=clock)
    try:
        before = await ask(store)
        await asyncio.to_thread(own_postgresql.kill)
        away = [await ask(store), await ask(store), await ask(store)]
        await asyncio.to_thread(own_postgresql.start)
        after = await ask(store)
    finally:
        await store.close()

    assert before == after == [[]] * MANY
    assert {type(one) for answers in away for one in answers} == {StoreFailedError}
