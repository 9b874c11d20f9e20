# SPDX-License-Identifier: Apache-2.0
"""When a deadline ends, and when people are reminded of it; moments in UTC seconds.

Minutes and hours run through nights, weekends and changes of the clock. Days and
months end at the same time of day, by the clock on the wall. A working day ends at
midnight; the day on which the deadline begins does not count.
"""

from calendar import monthrange
from datetime import date, datetime, time, timedelta
from typing import Final

from fedsafe_policies.escalation.laender import Calendar
from fedsafe_policies.escalation.urgency import Deadline, Unit

_SECONDS: Final = {Unit.MINUTES: 60, Unit.HOURS: 3_600}
_DAY: Final = timedelta(days=1)
_MORNING: Final = time(9)
_MONTHS: Final = 12


def end_of(start: int, deadline: Deadline, calendar: Calendar) -> int:
    """Return when a deadline ends that begins at `start`."""
    amount, unit = deadline.amount, deadline.unit
    if unit in _SECONDS:
        return start + amount * _SECONDS[unit]
    if unit is Unit.WORKING_DAYS:
        return _end_of_working_days(start, amount, calendar)
    local = _local(start, calendar)
    day = local.date()
    in_days = unit is Unit.DAYS
    day = day + amount * _DAY if in_days else _months_after(day, amount)
    return _moment(day, local.time(), calendar)


def reminder_of(start: int, deadline: Deadline, calendar: Calendar) -> int:
    """Return when people are reminded: at half time, or the working day before.

    Where a deadline counts days, that is in the morning of the last working day before
    the one that it ends on, or at once.
    """
    end = end_of(start, deadline, calendar)
    if deadline.unit in _SECONDS:
        return start + (end - start) // 2
    return max(start, morning_before(end, calendar))


def morning_before(end: int, calendar: Calendar) -> int:
    """Return the morning of the last working day before the one that `end` is on."""
    day = _local(end - 1, calendar).date() - _DAY
    while not calendar.is_working_day(day):
        day -= _DAY
    return _moment(day, _MORNING, calendar)


def _end_of_working_days(start: int, count: int, calendar: Calendar) -> int:
    day = _local(start, calendar).date()
    while count > 0:
        day += _DAY
        if calendar.is_working_day(day):
            count -= 1
    return _moment(day + _DAY, time(0), calendar)


def _months_after(day: date, months: int) -> date:
    """The same day of a later month, or its last one."""
    years, month = divmod(day.month - 1 + months, _MONTHS)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _local(moment: int, calendar: Calendar) -> datetime:
    return datetime.fromtimestamp(moment, calendar.zone)


def _moment(day: date, at: time, calendar: Calendar) -> int:
    # Of an hour that comes twice the first is meant; one that is left out ends where
    # it would have begun an hour later.
    local = datetime.combine(day, at.replace(fold=0), calendar.zone)
    return int(local.timestamp())
