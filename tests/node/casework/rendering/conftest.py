# SPDX-License-Identifier: Apache-2.0
"""Papers are made without a node: what all tests of nodes prepare is left out."""

import pytest


@pytest.fixture(scope="session")
def _on_server() -> None:
    """Use no server."""


@pytest.fixture
def _dropped_after() -> None:
    """Drop no store, for there is none."""


@pytest.fixture
def standing_jobs() -> None:
    """Stop no job, for none runs."""
