# SPDX-License-Identifier: Apache-2.0
"""What counts as covered: what is tested by example, once.

To trace a test costs as much again as to run it. So whole federations, campaigns and
properties run untraced, with the processes that they start: what they alone reach does
not count as covered.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from coverage import Coverage

_TESTS: Final = Path(__file__).parent
_UNTRACED: Final = (
    _TESTS / "system",
    _TESTS / "foreign",
    _TESTS / "node" / "api" / "test_schemathesis.py",
)
_FOR_CHILDREN: Final = "COVERAGE_PROCESS_CONFIG"


def is_traced(item: pytest.Item) -> bool:
    """Whether what a test reaches counts as covered."""
    is_property = getattr(item.obj, "is_hypothesis_test", False)  # type: ignore[attr-defined]
    return not is_property and not any(map(item.path.is_relative_to, _UNTRACED))


@contextmanager
def untraced() -> Iterator[None]:
    """Trace neither this process nor those that are started meanwhile."""
    measuring = Coverage.current()
    if measuring is None or measuring._collector is None:  # noqa: SLF001
        yield
        return
    # Coverage.start() would go through all modules each time.
    collector = measuring._collector  # noqa: SLF001
    told = os.environ.pop(_FOR_CHILDREN, None)
    collector.pause()
    try:
        yield
    finally:
        collector.resume()
        if told is not None:
            os.environ[_FOR_CHILDREN] = told
