# SPDX-License-Identifier: Apache-2.0
import asyncio

import pytest
from tests.support.fleet import Fleet, eventually

from fedsafe_node.members.peering.receipts import Receipting, Signer


def waits(task: asyncio.Task[None]) -> bool:
    inner = getattr(task.get_coro(), "cr_await", None)
    return "wait" in getattr(inner, "__name__", "")


@pytest.mark.parametrize("turns", range(6))
async def test_whoever_is_woken_and_cancelled_at_once_ends(
    trio: Fleet, turns: int
) -> None:
    node = trio["a.demo"]
    base, shared = node.base, node.base.situation.shared
    assert shared is not None
    signer = Signer(
        base.situation, base.store, base.keys.statement, base.trail, base.clock
    )
    receipting = Receipting(signer, node.client)
    running = asyncio.create_task(receipting.run(shared.membership))

    async def is_waiting() -> bool:
        return waits(running)

    await eventually(is_waiting)
    receipting.wake()
    for _ in range(turns):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait((running,), timeout=10)

    assert running.cancelled()
