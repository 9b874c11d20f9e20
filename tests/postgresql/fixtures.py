# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a PostgreSQL server of the newest version that is installed here.

`FEDSAFE_POSTGRESQL=oldest` takes the oldest instead, `all` takes each. Where none can
be started, the tests that ask for one are skipped, or fail where the run needs
PostgreSQL (`tests.programs`).
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from tests.postgresql.databases import Databases
from tests.postgresql.installation import (
    OLDEST,
    Installation,
    NoServerError,
    installed,
)
from tests.postgresql.making import serving
from tests.postgresql.server import Server
from tests.postgresql.sharing import shared
from tests.programs import do_without

INSTALLED: Final = {one.major: one for one in installed()}
_ASKED: Final = {"all": slice(None), "oldest": slice(1), "newest": slice(-1, None)}
# For `params=`: without any, one test remains, to tell that it is skipped.
MAJORS: Final = tuple(INSTALLED)[
    _ASKED[os.environ.get("FEDSAFE_POSTGRESQL", "newest")]
] or (OLDEST,)
PACKAGE: Final = "postgresql"
LendPostgresql = Callable[[int], Databases]


def named(major: int) -> str:
    """Name a version in the name of a test."""
    return f"postgresql-{major}"


def installation_of(major: int) -> Installation:
    """Return the programs of a version.

    Raises:
        NoServerError: it is not installed.
    """
    if not INSTALLED:
        raise NoServerError(f"none from {OLDEST} on is here (apt install postgresql)")
    if major not in INSTALLED:
        raise NoServerError(f"version {major} is not installed")
    return INSTALLED[major]


@pytest.fixture(scope="session")
def lend_postgresql(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Iterator[LendPostgresql]:
    """Give the run's server of a version, for those with parameters of their own."""
    base = tmp_path_factory.getbasetemp()
    run = base if worker_id == "master" else base.parent
    with ExitStack() as stack:
        yield _Lender(run, stack).lend


class _Lender:
    """Starts a server when it is first asked for; asks only once for one in vain."""

    def __init__(self, run: Path, stack: ExitStack) -> None:
        self._run = run
        self._stack = stack
        self._lent: dict[int, Databases | str] = {}

    def lend(self, major: int) -> Databases:
        if major not in self._lent:
            self._lent[major] = self._try(major)
        found = self._lent[major]
        if isinstance(found, str):
            do_without(PACKAGE, found)
        return found

    def _try(self, major: int) -> Databases | str:
        try:
            server = shared(self._run, installation_of(major))
            return self._stack.enter_context(server)
        except NoServerError as error:
            return str(error)


@pytest.fixture(scope="session", params=MAJORS, ids=named)
def postgresql(
    request: pytest.FixtureRequest, lend_postgresql: LendPostgresql
) -> Databases:
    """Give a server that all tests share, to make databases in."""
    return lend_postgresql(request.param)


@pytest.fixture
def postgresql_url(postgresql: Databases) -> Iterator[str]:
    """Give a new, empty database of the shared server."""
    url = postgresql.database()
    yield url
    postgresql.drop(url)


@pytest.fixture(params=MAJORS, ids=named)
def own_postgresql(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Give a durable server that the test may stop and kill."""
    with ExitStack() as stack:
        try:
            installation = installation_of(request.param)
            server = stack.enter_context(serving(installation, durable=True))
        except NoServerError as error:
            do_without(PACKAGE, str(error))
        yield server
