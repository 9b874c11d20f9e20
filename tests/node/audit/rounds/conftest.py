# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests of review rounds: they hold on each kind of store."""

from collections.abc import Callable, Iterator
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
