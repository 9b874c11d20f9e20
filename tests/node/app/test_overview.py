# SPDX-License-Identifier: Apache-2.0
from tests.support.fleet import Fleet


async def test_a_store_that_is_away_takes_no_other_check_with_it(alone: Fleet) -> None:
    node = alone["a.demo"]
    before = await node.services.node.checks()
    await node.base.store.close()

    after = await node.services.node.checks()

    assert before["store"] == "ok"
    assert after == before | {"store": "failing; it cannot be read"}
