# SPDX-License-Identifier: Apache-2.0
from collections.abc import Awaitable, Callable

import pytest

from fedsafe_node.ground.errors import CorruptLogError
from fedsafe_node.log.engine import LogEngine
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import LogEntry

FEED = "a.demo/feed"


@pytest.mark.parametrize(
    "damage",
    ["DELETE FROM entries WHERE idx = 598", "DELETE FROM tile_roots WHERE idx = 1"],
)
async def test_no_proof_is_made_where_rows_are_missing(
    store: Store, tamper: Callable[[str], Awaitable[None]], damage: str
) -> None:
    entries = [LogEntry(record=b"%d" % number) for number in range(600)]
    await store.write(lambda tx: tx.append_many(FEED, entries))
    await tamper(damage)

    engine = LogEngine(store)
    for asked in (
        engine.root_at(FEED, 600),
        engine.inclusion(FEED, 3, 600),
        engine.consistency(FEED, 256, 600),
    ):
        with pytest.raises(CorruptLogError, match="rows of its tree are missing"):
            await asked
