# SPDX-License-Identifier: Apache-2.0
"""A node with a desk, and Debian's chromium before it."""

from collections.abc import Iterator

import pytest
from tests.support.browser import Desktop, Screen, chromium, screens_of
from tests.support.desk_house import House, house


@pytest.fixture(scope="session")
def full_house() -> Iterator[House]:
    """Give a node with something on most pages."""
    with house() as made:
        yield made


@pytest.fixture(scope="session")
def screens(full_house: House) -> list[Screen]:
    """Find all screens, once."""
    return screens_of(full_house)


@pytest.fixture(scope="module")
def desktop(full_house: House, screens: list[Screen]) -> Iterator[Desktop]:
    """Give a browser; it ends with its module, since no other loop runs beside it."""
    del screens  # found before: nobody waits for the node's loop in the browser's
    with chromium() as browser:
        yield Desktop(browser, full_house)
