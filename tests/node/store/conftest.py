# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the store's contract: all promises hold on every kind of store."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.postgresql.fixtures import MAJORS
from tests.programs import clearing_pages
from tests.support.databases import Behind, Preparing, named_store, reach


@pytest.fixture
def clears() -> None:
    """Do without an SQLite that clears copies of rows out of pages."""
    clearing_pages()


@pytest.fixture(params=["sqlite", *MAJORS], ids=named_store)
def behind(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    prepare: Callable[[int], Preparing],
    migrated: Path,
) -> Iterator[Behind]:
    """Give an empty store with its tables: SQLite, and PostgreSQL."""
    yield from reach(request.param, tmp_path, prepare, migrated)
