# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the log's tests: a hand that changes the database behind its back."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest


@pytest.fixture
def tamper(tmp_path: Path) -> Callable[[str], Awaitable[None]]:
    """Run a statement on the database, its triggers dropped."""

    def change(statement: str) -> None:
        connection = sqlite3.connect(tmp_path / "node.db", isolation_level=None)
        triggers = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        )
        for (name,) in triggers.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.executescript(statement)
        connection.close()

    async def tamper_with(statement: str) -> None:
        await asyncio.to_thread(change, statement)

    return tamper_with
