# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a database on a server, and the hands that reach into it."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from tests.postgresql.fixtures import MAJORS, named
from tests.support.databases import Prepared, Preparing

from fedsafe_node.store.postgresql.turns import TOUCHED

Session = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture(params=MAJORS, ids=named)
def databases(
    request: pytest.FixtureRequest, prepare: Callable[[int], Preparing]
) -> Preparing:
    """Give what makes databases, on each version."""
    return prepare(request.param)


@pytest.fixture
def prepared(databases: Preparing) -> Iterator[Prepared]:
    """Give a migrated database, on each version."""
    made = databases.borrow()
    yield made
    databases.give_back(made)


def session(url: str) -> Session:
    connection = psycopg.connect(url, autocommit=True)
    connection.execute("SET search_path = fedsafe, pg_temp")
    return connection


@pytest.fixture
def thief(prepared: Prepared) -> Iterator[Session]:
    """Give a session of somebody who has the password of the node's role."""
    with session(prepared.node) as connection:
        connection.execute(TOUCHED)  # without it, the role changes nothing
        yield connection


@pytest.fixture
def superuser(prepared: Prepared) -> Iterator[Session]:
    """Give a session of a superuser."""
    with session(prepared.superuser) as connection:
        yield connection
