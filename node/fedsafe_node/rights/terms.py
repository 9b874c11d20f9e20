# SPDX-License-Identifier: Apache-2.0
"""Moments, and how long a request may take (GDPR Art. 12 (3)): calendar months."""

import calendar
from datetime import UTC, datetime
from typing import Final

MONTHS: Final = 1
EXTENDED_MONTHS: Final = 3


def months_after(start: int, count: int) -> int:
    """Give the same moment *count* months later (UTC seconds).

    A day that the month lacks becomes its last one.
    """
    began = datetime.fromtimestamp(start, tz=UTC)
    months = began.month - 1 + count
    year, month = began.year + months // 12, months % 12 + 1
    day = min(began.day, calendar.monthrange(year, month)[1])
    return int(began.replace(year=year, month=month, day=day).timestamp())


def moment(seconds: int) -> str:
    """Write a moment, of UTC seconds, as the API does."""
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="seconds")
