# SPDX-License-Identifier: Apache-2.0
"""Working days: Monday to Friday, but for the holidays that a policy names.

A working day ends at midnight in Germany, summer time included, wherever a node is:
all members count the same days. Days are numbers (`ground.span`), so that any moment
has one; outside of the calendar's years there are no holidays, and midnight is that of
UTC.
"""

from contextlib import suppress
from datetime import date, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from fedsafe_policies.documents.document import WorkingDaysOff
from fedsafe_policies.ground.span import SECONDS_A_DAY, day_number, today

_ZONE: Final = ZoneInfo("Europe/Berlin")
_HOUR: Final = 60 * 60
_THURSDAY: Final = 3  # 1970-01-01, with Monday as 0
_SATURDAY: Final = 5
_EPOCH: Final = date(1970, 1, 1).toordinal()
_FIRST_DAY: Final = day_number(date(1900, 1, 1))
_LAST_DAY: Final = day_number(date(2400, 1, 1))


def end_of_working_days(start: int, count: int, off: WorkingDaysOff) -> int:
    """Give the end (UTC seconds) of the *count*th working day after `start`.

    `start` is in UTC seconds; the day that it falls on does not count.
    """
    day = today(start + _ahead(start))
    while count > 0:
        day += 1
        if is_working_day(day, off):
            count -= 1
    midnight = (day + 1) * SECONDS_A_DAY
    # Clocks change between one and two UTC, so both hours before it agree.
    return midnight - _ahead(midnight - 2 * _HOUR)


def _ahead(moment: int) -> int:
    """Say how many seconds Germany is ahead of UTC at a moment."""
    if not _FIRST_DAY <= today(moment) < _LAST_DAY:
        return 0
    offset = datetime.fromtimestamp(moment, _ZONE).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def is_working_day(day: int, off: WorkingDaysOff) -> bool:
    """Tell whether people are at work on the day of this number."""
    if (day + _THURSDAY) % 7 >= _SATURDAY:
        return False
    if not _FIRST_DAY <= day < _LAST_DAY:
        return True
    year = date.fromordinal(day + _EPOCH).year
    return day not in _holidays(year, off.holidays, off.easter)


@lru_cache(maxsize=64)
def _holidays(
    year: int, written: frozenset[str], easter: frozenset[int]
) -> frozenset[int]:
    """Number the holidays of a year; a day that the year lacks is none."""
    days = {_easter(year) + shift - _EPOCH for shift in easter}
    for holiday in written:
        with suppress(ValueError):
            days.add(day_number(date.fromisoformat(f"{year}-{holiday}")))
    return frozenset(days)


def _easter(year: int) -> int:
    """Give the ordinal of Easter Sunday (the anonymous Gregorian computus)."""
    golden, (century, rest) = year % 19, divmod(year, 100)
    moon = (19 * golden + century - century // 4 - (8 * century + 13) // 25 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    shift = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1).toordinal()
