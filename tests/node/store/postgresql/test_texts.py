# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL takes no U+0000 in a text: its sender hears of it, and nobody else."""

from collections.abc import AsyncIterator

import pytest
from tests.node.conftest import FixedClock
from tests.support.databases import Prepared

from fedsafe_node.ground.errors import BadRequestError
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.protocol import Store

UNFIT = "a\0b"


@pytest.fixture
async def server(
    prepared: Prepared, keys: PeriodKeys, clock: FixedClock
) -> AsyncIterator[Store]:
    """Give a node's store on each version."""
    store = await open_store(prepared.node, keys=keys, clock=clock)
    yield store
    await store.close()


async def test_a_text_that_does_not_fit_is_told_to_its_sender_and_is_no_trouble(
    server: Store,
) -> None:
    await server.write(lambda tx: tx.put_document("kept", b"x"))
    with pytest.raises(BadRequestError, match="0000"):
        await server.write(lambda tx: tx.put_document(UNFIT, b"x"))
    with pytest.raises(BadRequestError, match="0000"):
        await server.write(lambda tx: tx.document(UNFIT))
    with pytest.raises(BadRequestError, match="0000"):
        await server.read(lambda reader: reader.document(UNFIT))

    assert server.trouble() is None
    assert await server.read(lambda reader: reader.document("kept")) == b"x"
    await server.write(lambda tx: tx.put_document("later", b"x"))
