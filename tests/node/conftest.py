# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the node's tests: a clock that stands, a store on a real disk."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.postgresql.fixtures import LendPostgresql
from tests.support.databases import (
    Behind,
    Preparing,
    kind_in,
    preparing,
    reach,
)
from tests.support.fleet import NAMES, Fleet, copy_of, make, make_founded
from tests.support.fleet_stores import FLEET_STORES

from fedsafe_node.ground.faults import NO_FAULTS, Faults
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.guard import Guard
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.sqlite.connection import SqliteWriteConnection

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


@pytest.fixture(scope="session")
def prepare(lend_postgresql: LendPostgresql) -> Iterator[Callable[[int], Preparing]]:
    """Give what makes databases for nodes on a server of a version."""
    with ExitStack() as stack:
        made: dict[int, Preparing] = {}

        def of(major: int) -> Preparing:
            if major not in made:
                databases = lend_postgresql(major)
                made[major] = stack.enter_context(preparing(databases))
            return made[major]

        yield of


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an empty file of the embedded store, once; a test works on a copy."""
    path = tmp_path_factory.mktemp("migrated") / "node.db"
    path.touch(mode=0o600)
    with closing(SqliteWriteConnection.to_write(path)) as connection:
        connection.migrate()
    return path


@pytest.fixture
def behind(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    prepare: Callable[[int], Preparing],
    migrated: Path,
) -> Iterator[Behind]:
    """Give an empty store of the run's kind, with its tables.

    The store's own tests use each kind.
    """
    yield from reach(kind_in(request.config), tmp_path, prepare, migrated)


@pytest.fixture
async def open_node_store(
    behind: Behind, clock: FixedClock, keys: PeriodKeys
) -> AsyncIterator[OpenStore]:
    """Open the node's store; each call closes the one before."""
    opened: list[Store] = []

    async def open_it(
        *, guard: Guard | None = None, faults: Faults = NO_FAULTS
    ) -> Store:
        while opened:
            await opened.pop().close()
        opened.append(
            await open_store(
                behind.url, keys=keys, clock=clock, guard=guard, faults=faults
            )
        )
        return opened[-1]

    yield open_it
    while opened:
        await opened.pop().close()


@pytest.fixture
async def store(open_node_store: OpenStore) -> Store:
    return await open_node_store()


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out what is about the embedded store's file, where stores are elsewhere."""
    if kind_in(config) != "sqlite":
        skip = pytest.mark.skip(reason="is about the file of the embedded store")
        for item in items:
            if item.get_closest_marker("embedded") is not None:
                item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def _on_server(
    request: pytest.FixtureRequest, prepare: Callable[[int], Preparing]
) -> None:
    kind = kind_in(request.config)
    if isinstance(kind, int):
        FLEET_STORES.use(prepare(kind))


@pytest.fixture(autouse=True)
def _dropped_after() -> Iterator[None]:
    since = FLEET_STORES.count()
    yield
    FLEET_STORES.drop(since)


@pytest.fixture(autouse=True)
def standing_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nodes in this process run no job by the clock on the wall.

    A test runs those it is about itself, or asks for `ticking_jobs`.
    """
    monkeypatch.setattr("fedsafe_node.app.scheduler.TICK_SECONDS", 3_600)


@pytest.fixture
def ticking_jobs(standing_jobs: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - comes after it
    """Let nodes that start from now on run their jobs by themselves."""
    monkeypatch.setattr("fedsafe_node.app.scheduler.TICK_SECONDS", 1)


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Found a federation of three nodes, once; a test works on a copy."""
    root = tmp_path_factory.mktemp("founded")
    asyncio.run(make_founded(root))
    return root


@pytest.fixture
async def fleet(founded: Path, tmp_path: Path) -> AsyncIterator[Fleet]:
    """Give a founded federation of which no node runs yet."""
    fleet = await asyncio.to_thread(copy_of, founded, tmp_path / "n")
    yield fleet
    await fleet.close()


@pytest.fixture
async def trio(fleet: Fleet) -> Fleet:
    """Give three nodes that run, and have heard of each other."""
    await fleet.start(*NAMES)
    await fleet.covered()
    return fleet


@pytest.fixture(scope="session")
def made_alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one node of no federation, once; a test works on a copy."""
    root = tmp_path_factory.mktemp("alone") / "one"
    asyncio.run(make(root, "a.demo"))
    return root


@pytest.fixture
async def alone(made_alone: Path, tmp_path: Path) -> AsyncIterator[Fleet]:
    """Give one node that runs and belongs to no federation."""
    fleet = await asyncio.to_thread(copy_of, made_alone, tmp_path / "one")
    await fleet.start("a.demo")
    yield fleet
    await fleet.close()
