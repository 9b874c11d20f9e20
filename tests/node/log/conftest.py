# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the log's tests: a hand that changes the database behind its back."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.node.databases import Behind


@pytest.fixture
def tamper(behind: Behind) -> Callable[[str], Awaitable[None]]:
    """Run a statement on the database, whatever its triggers would say."""

    async def tamper_with(statement: str) -> None:
        await asyncio.to_thread(behind.change, statement)

    return tamper_with
