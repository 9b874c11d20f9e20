# SPDX-License-Identifier: Apache-2.0
"""Deadlines through nights, weekends, holidays of Laender and changes of the clock.

`laender.json` holds the weekdays of 2026 to 2030 that are public holidays in the whole
of a Land, written with the library `holidays` 0.109, which knows nothing of this one.
"""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.escalation.deadlines import end_of, reminder_of
from fedsafe_policies.escalation.laender import Calendar, Land, load_laender
from fedsafe_policies.escalation.urgency import Deadline, Unit

KNOWN: Final = json.loads(
    (Path(__file__).parent / "laender.json").read_text(encoding="utf-8")
)
FIRST, LAST = date(2026, 1, 1), date(2031, 1, 1)
MOMENTS: Final = st.integers(
    min_value=int(datetime.fromisoformat("2026-01-01T00:00Z").timestamp()),
    max_value=int(datetime.fromisoformat("2031-01-01T00:00Z").timestamp()),
)


def seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp())


@pytest.mark.parametrize("land", Land)
def test_the_working_days_of_each_land_are_those_of_an_independent_library(
    land: Land,
) -> None:
    calendar, off = Calendar(land), set(KNOWN[land])
    days = [FIRST + timedelta(days=each) for each in range((LAST - FIRST).days)]
    said = {day for day in days if calendar.is_working_day(day)}

    assert said == {
        day for day in days if day.weekday() < 5 and day.isoformat() not in off
    }


def test_without_a_land_only_what_is_a_holiday_everywhere_counts() -> None:
    everywhere = set.intersection(*map(set, KNOWN.values()))
    days = [FIRST + timedelta(days=each) for each in range((LAST - FIRST).days)]
    weekdays = [day for day in days if day.weekday() < 5]

    off = {day.isoformat() for day in weekdays if not Calendar().is_working_day(day)}
    assert off == everywhere


@pytest.mark.parametrize(
    ("start", "amount", "unit", "land", "end"),
    [
        # through a night and a weekend
        ("2026-11-27T23:50+01:00", 30, "minutes", None, "2026-11-28T00:20+01:00"),
        ("2026-11-27T18:00+01:00", 24, "hours", None, "2026-11-28T18:00+01:00"),
        # hours are hours while clocks go back, and forward
        ("2026-10-25T01:30+02:00", 4, "hours", None, "2026-10-25T04:30+01:00"),
        ("2027-03-28T01:30+01:00", 4, "hours", None, "2027-03-28T06:30+02:00"),
        # the wall clock counts for days and months
        ("2026-10-24T12:00+02:00", 3, "days", None, "2026-10-27T12:00+01:00"),
        ("2027-03-27T12:00+01:00", 3, "days", None, "2027-03-30T12:00+02:00"),
        ("2027-03-25T02:30+01:00", 3, "days", None, "2027-03-28T03:30+02:00"),
        ("2026-10-22T02:30+02:00", 3, "days", None, "2026-10-25T02:30+02:00"),
        ("2026-11-30T12:00+01:00", 3, "months", None, "2027-02-28T12:00+01:00"),
        ("2026-01-31T12:00+01:00", 1, "months", None, "2026-02-28T12:00+01:00"),
        # working days: Bavaria keeps All Saints, Epiphany and Corpus Christi
        ("2027-10-29T12:00+02:00", 1, "working_days", "BE", "2027-11-02T00:00+01:00"),
        ("2027-10-29T12:00+02:00", 1, "working_days", "BY", "2027-11-03T00:00+01:00"),
        ("2027-01-05T09:00+01:00", 3, "working_days", "BE", "2027-01-09T00:00+01:00"),
        ("2027-01-05T09:00+01:00", 3, "working_days", "BY", "2027-01-12T00:00+01:00"),
        # Women's Day in Berlin, Repentance and Prayer in Saxony
        ("2027-03-05T09:00+01:00", 1, "working_days", "BE", "2027-03-10T00:00+01:00"),
        ("2027-03-05T09:00+01:00", 1, "working_days", "BY", "2027-03-09T00:00+01:00"),
        ("2026-11-17T09:00+01:00", 1, "working_days", "SN", "2026-11-20T00:00+01:00"),
        ("2026-11-17T09:00+01:00", 1, "working_days", "TH", "2026-11-19T00:00+01:00"),
        # over Easter and the change to summer time
        ("2027-03-25T12:00+01:00", 3, "working_days", None, "2027-04-02T00:00+02:00"),
        ("2026-10-23T12:00+02:00", 3, "working_days", None, "2026-10-29T00:00+01:00"),
    ],
)
def test_a_deadline_ends_when_people_expect_it(
    start: str, amount: int, unit: str, land: str | None, end: str
) -> None:
    calendar = Calendar(None if land is None else Land(land))
    deadline = Deadline(amount=amount, unit=Unit(unit))

    assert end_of(seconds(start), deadline, calendar) == seconds(end)


def test_a_working_day_ends_at_midnight_where_the_provider_is() -> None:
    day = Deadline(amount=1, unit=Unit.WORKING_DAYS)
    start = seconds("2026-11-24T23:30+00:00")

    assert end_of(start, day, Calendar()) == seconds("2026-11-27T00:00+01:00")
    lisbon = Calendar(zone=ZoneInfo("Europe/Lisbon"))
    assert end_of(start, day, lisbon) == seconds("2026-11-26T00:00+00:00")


@pytest.mark.parametrize(
    ("start", "amount", "unit", "reminder"),
    [
        ("2026-11-28T03:00+01:00", 30, "minutes", "2026-11-28T03:15+01:00"),
        ("2026-10-25T01:00+02:00", 4, "hours", "2026-10-25T02:00+01:00"),
        # Friday to Wednesday: the morning of Tuesday
        ("2026-11-27T12:00+01:00", 3, "working_days", "2026-12-01T09:00+01:00"),
        # it ends on a Tuesday after a long weekend
        ("2026-11-27T12:00+01:00", 1, "months", "2026-12-24T09:00+01:00"),
        # one working day leaves no day before: at once
        ("2026-11-25T12:00+01:00", 1, "working_days", "2026-11-25T12:00+01:00"),
    ],
)
def test_people_are_reminded_while_there_is_time(
    start: str, amount: int, unit: str, reminder: str
) -> None:
    deadline = Deadline(amount=amount, unit=Unit(unit))

    assert reminder_of(seconds(start), deadline, Calendar()) == seconds(reminder)


@given(
    start=MOMENTS,
    amount=st.integers(min_value=1, max_value=30),
    unit=st.sampled_from(Unit),
    land=st.none() | st.sampled_from(Land),
)
def test_a_reminder_comes_between_the_start_and_the_end(
    start: int, amount: int, unit: Unit, land: Land | None
) -> None:
    deadline, calendar = Deadline(amount=amount, unit=unit), Calendar(land)
    end = end_of(start, deadline, calendar)

    assert start <= reminder_of(start, deadline, calendar) < end


def test_a_table_that_lacks_a_land_is_refused() -> None:
    text = b"format = 1\n[everywhere]\nholidays = []\neaster = []\n[land.BY]\n"
    with pytest.raises(PolicyFileError, match="lacks BB"):
        load_laender(text)
