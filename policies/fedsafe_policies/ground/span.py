# SPDX-License-Identifier: Apache-2.0
"""Spans of time as a policy writes them, ``"12 months"``, and days as numbers.

Months are calendar months: a span that starts on the 31st ends on the last day of
a shorter month. So a later start never has an earlier end.
"""

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import Final, Self

_WRITTEN = re.compile(r"([1-9][0-9]{0,3}) (day|month)s?", re.ASCII)
_MONTHS_A_YEAR = 12
_SHORTEST_MONTH = 28
_LONGEST_MONTH = 31
_LONGEST_MONTHS = 120
_LONGEST_DAYS = 3660


class Span:
    """A number of days, or of calendar months; one of the two is zero.

    No dataclass, since msgspec would then read it as a table instead of a text.
    """

    __slots__ = ("days", "months")

    def __init__(self, months: int, days: int) -> None:
        self.months: Final = months
        self.days: Final = days

    @classmethod
    def parse(cls, written: str) -> Self:
        """Read ``"1 month"``, ``"12 months"``, ``"7 days"``.

        Raises:
            ValueError: the text is no span, or one of more than ten years.
        """
        match = _WRITTEN.fullmatch(written)
        if match is None:
            raise ValueError("want a span like '12 months' or '7 days'")
        count = int(match[1])
        months, days = (count, 0) if match[2] == "month" else (0, count)
        if months > _LONGEST_MONTHS or days > _LONGEST_DAYS:
            raise ValueError("longer than ten years")
        return cls(months, days)

    @property
    def fewest_days(self) -> int:
        """The days of the span at least, whenever it starts."""
        return self.months * _SHORTEST_MONTH + self.days

    def after(self, start: date) -> date:
        """Return the day on which the span ends; the calendar's end is its limit."""
        try:
            if not self.months:
                return start + timedelta(days=self.days)
            years, month = divmod(start.month - 1 + self.months, _MONTHS_A_YEAR)
            year, month, day = start.year + years, month + 1, start.day
            if day > _SHORTEST_MONTH:
                day = min(day, monthrange(year, month)[1])
            return date(year, month, day)
        except (ValueError, OverflowError):
            return date.max

    def exceeds(self, limit: Self) -> bool:
        """Tell whether this span can end after `limit` for some start."""
        if self.months and limit.months:
            return self.months > limit.months
        longest = self.months * _LONGEST_MONTH + self.days
        return longest > limit.fewest_days

    def __eq__(self, other: object) -> bool:
        """Compare as written: 12 months are not 365 days."""
        if not isinstance(other, Span):
            return NotImplemented
        return (self.months, self.days) == (other.months, other.days)

    def __hash__(self) -> int:
        """Hash as compared."""
        return hash((self.months, self.days))

    def __repr__(self) -> str:
        """Show the span as it is written."""
        return f"Span.parse({str(self)!r})"

    def __str__(self) -> str:
        """Write the span as a policy does."""
        count, unit = (self.months, "month") if self.months else (self.days, "day")
        return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


# Days as numbers: whole UTC days since 1970-01-01.
#
# The engine counts in them, so any number of seconds has a day and no comparison can
# fail.

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
