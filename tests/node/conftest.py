# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the node's tests: a clock that stands, a store on a real disk."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fedsafe_node.faults import NO_FAULTS, Faults
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.guard import Guard
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.protocol import Store

OpenStore = Callable[..., Awaitable[Store]]


class FixedClock:
    """A clock that moves only when it is told to."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def advance(self, step: timedelta) -> None:
        self.moment += step


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 24, 12, 0, tzinfo=UTC))


@pytest.fixture
def advance(clock: FixedClock) -> Callable[[timedelta], None]:
    return clock.advance


@pytest.fixture
def keys(tmp_path: Path) -> PeriodKeys:
    return PeriodKeys(tmp_path / "keys" / "periods")


@pytest.fixture(params=["sqlite"])
async def open_node_store(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    clock: FixedClock,
    keys: PeriodKeys,
) -> AsyncIterator[OpenStore]:
    """Open the node's store; each call closes the one before."""
    urls = {"sqlite": f"sqlite://{tmp_path}/node.db"}
    opened: list[Store] = []

    async def open_it(
        *, guard: Guard | None = None, faults: Faults = NO_FAULTS
    ) -> Store:
        while opened:
            await opened.pop().close()
        url = urls[request.param]
        opened.append(
            await open_store(url, keys=keys, clock=clock, guard=guard, faults=faults)
        )
        return opened[-1]

    yield open_it
    while opened:
        await opened.pop().close()


@pytest.fixture
async def store(open_node_store: OpenStore) -> Store:
    return await open_node_store()
