# SPDX-License-Identifier: Apache-2.0
"""How long functions are run, which this package leaves to whoever uses it."""

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Offload(Protocol):
    """Runs a long pure function away from the event loop."""

    async def __call__(self, work: Callable[[], T]) -> T:
        """Run *work* and return what it returns."""
        ...
