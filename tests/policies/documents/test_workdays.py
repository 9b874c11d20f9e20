# SPDX-License-Identifier: Apache-2.0
"""A working day ends at midnight in Germany, in summer and in winter."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_policies.documents.policy import shipped
from fedsafe_policies.documents.workdays import end_of_working_days

OFF = shipped("germany").document.working_days


def seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp())


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        # Tuesday noon in winter: the first working day after it is Wednesday
        ("2026-11-24T12:00+01:00", 1, "2026-11-26T00:00+01:00"),
        # half past midnight in Germany is Wednesday, though UTC still has Tuesday
        ("2026-11-25T00:30+01:00", 1, "2026-11-27T00:00+01:00"),
        # over the change to summer time (Sunday, 2026-03-29)
        ("2026-03-27T12:00+01:00", 1, "2026-03-31T00:00+02:00"),
        ("2026-03-26T12:00+01:00", 1, "2026-03-28T00:00+01:00"),
        # over the change to winter time (Sunday, 2026-10-25)
        ("2026-10-23T12:00+02:00", 1, "2026-10-27T00:00+01:00"),
        ("2026-10-22T23:30+02:00", 1, "2026-10-24T00:00+02:00"),
    ],
)
def test_a_working_day_ends_at_german_midnight(
    start: str, count: int, end: str
) -> None:
    assert end_of_working_days(seconds(start), count, OFF) == seconds(end)


@given(st.integers(-(2**62), 2**62), st.integers(1, 60))
def test_any_moment_has_an_end_behind_it(start: int, count: int) -> None:
    assert end_of_working_days(start, count, OFF) > start + count * 82_800
