# SPDX-License-Identifier: Apache-2.0
"""The node's one source of time.

Everything that needs the time takes a `Clock`; only `SystemClock` reads the
machine's. The order of things is the index in a log, never the time.
"""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present, aware and in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    __slots__ = ()

    def now(self) -> datetime:
        """Return the present, aware and in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is where time comes from
