# SPDX-License-Identifier: Apache-2.0
"""Days as numbers: whole UTC days since 1970-01-01.

The engine counts in them, so any number of seconds has a day and no comparison
can fail.
"""

from datetime import date
from typing import Final

SECONDS_A_DAY: Final = 86_400

_FIRST: Final = date(1970, 1, 1).toordinal()


def day_number(day: date) -> int:
    """Number a calendar day."""
    return day.toordinal() - _FIRST


def day_of(number: int) -> date:
    """Return the calendar day of a number; the calendar's ends are its limits."""
    first, last = date.min.toordinal(), date.max.toordinal()
    return date.fromordinal(min(max(number + _FIRST, first), last))


def today(now: int) -> int:
    """Number the UTC day of `now`, in seconds."""
    return now // SECONDS_A_DAY
