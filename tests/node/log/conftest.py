# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the log's tests: a hand that changes the database behind its back."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from tests.postgresql.fixtures import MAJORS
from tests.support.databases import Behind, Preparing, named_store, reach


@pytest.fixture(params=["sqlite", max(MAJORS)], ids=named_store)
def behind(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    prepare: Callable[[int], Preparing],
    migrated: Path,
) -> Iterator[Behind]:
    """Give an empty store: SQLite, and PostgreSQL in its newest version."""
    yield from reach(request.param, tmp_path, prepare, migrated)


@pytest.fixture
def tamper(behind: Behind) -> Callable[[str], Awaitable[None]]:
    """Run a statement on the database, whatever its triggers would say."""

    async def tamper_with(statement: str) -> None:
        await asyncio.to_thread(behind.change, statement)

    return tamper_with
