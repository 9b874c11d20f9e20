# SPDX-License-Identifier: Apache-2.0
"""A stopped node that has a row in every table, and databases to move its store to."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.postgresql.fixtures import MAJORS, named
from tests.support.databases import Prepared, Preparing
from tests.support.fleet_stores import FLEET_STORES
from tests.support.full_directory import build
from tests.support.move_ends import Stopped


@pytest.fixture(scope="session", autouse=True)
def _begins_in_a_file(_on_server: None) -> None:
    if FLEET_STORES.on_server:
        pytest.skip("every move begins in a file, whatever the run is about")


@pytest.fixture(scope="session")
def built(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a node's directory, once; a test works on a copy."""
    _, now = asyncio.run(build(founded, tmp_path_factory.mktemp("built")))
    return now


@pytest.fixture
def directory(built: Path, tmp_path: Path) -> Path:
    """Give a copy of the node's directory."""
    shutil.copytree(built, tmp_path / "b", ignore=shutil.ignore_patterns("*.sock"))
    return tmp_path / "b"


@pytest.fixture(params=MAJORS, ids=named)
def database(
    request: pytest.FixtureRequest, prepare: Callable[[int], Preparing]
) -> Iterator[Prepared]:
    """Give an empty database of each version."""
    databases = prepare(request.param)
    made = databases.make_empty()
    yield made
    databases.drop(made)


@pytest.fixture(params=MAJORS[-1:], ids=named)
def one_database(
    request: pytest.FixtureRequest, prepare: Callable[[int], Preparing]
) -> Iterator[Prepared]:
    """Give an empty database of the newest version."""
    databases = prepare(request.param)
    made = databases.make_empty()
    yield made
    databases.drop(made)


@pytest.fixture
def stopped(directory: Path, database: Prepared) -> Stopped:
    """Give a stopped node and a database; each version."""
    return Stopped(directory, database)


@pytest.fixture
def one_stopped(directory: Path, one_database: Prepared) -> Stopped:
    """Give a stopped node and a database of the newest version."""
    return Stopped(directory, one_database)
