# SPDX-License-Identifier: Apache-2.0
"""One node with a desk for the tests of a module, and readers of its pages."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest
from tests.support.desk import Reader
from tests.support.desk_house import House, house


@pytest.fixture(scope="module")
def office() -> Iterator[House]:
    """Give a node with people on which something stands."""
    with house() as made:
        yield made


Readers = Callable[..., Awaitable[Reader]]


@pytest.fixture
async def reader(office: House) -> AsyncIterator[Readers]:
    """Give browsers, in which somebody has logged in."""
    async with AsyncExitStack() as stack:

        async def made(name: str | None = None, language: str = "en") -> Reader:
            browser = await stack.enter_async_context(Reader(office.origin, language))
            if name is not None:
                await browser.log_in(office.staff, name)
            return browser

        yield made
