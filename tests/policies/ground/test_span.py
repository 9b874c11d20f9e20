# SPDX-License-Identifier: Apache-2.0
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_policies.ground.span import Span

SPANS = st.one_of(
    st.builds(Span, st.integers(1, 120), st.just(0)),
    st.builds(Span, st.just(0), st.integers(1, 3660)),
)
DAYS = st.dates(date(1900, 1, 1), date(2200, 1, 1))


@given(SPANS)
def test_a_span_is_read_as_it_is_written(span: Span) -> None:
    assert Span.parse(str(span)) == span
    assert hash(Span.parse(str(span))) == hash(span)


@pytest.mark.parametrize(
    "written",
    ["", "12", "0 days", "12 months ", "1.5 days", "-1 day", "121 months", "٣ days"],
)
def test_anything_else_is_no_span(written: str) -> None:
    with pytest.raises(ValueError, match=r"want a span|ten years"):
        Span.parse(written)


@pytest.mark.parametrize(
    ("start", "written", "end"),
    [
        (date(2026, 1, 31), "1 month", date(2026, 2, 28)),
        (date(2024, 1, 31), "1 month", date(2024, 2, 29)),
        (date(2026, 12, 15), "1 month", date(2027, 1, 15)),
        (date(2024, 2, 29), "12 months", date(2025, 2, 28)),
        (date(2026, 12, 28), "7 days", date(2027, 1, 4)),
        (date(9999, 12, 1), "1 month", date.max),
        (date(9999, 12, 30), "7 days", date.max),
    ],
)
def test_months_follow_the_calendar(start: date, written: str, end: date) -> None:
    assert end == Span.parse(written).after(start)


@given(DAYS, DAYS, SPANS)
def test_a_later_start_never_ends_earlier(one: date, other: date, span: Span) -> None:
    first, second = sorted((one, other))

    assert span.after(first) <= span.after(second)


@given(DAYS, SPANS, SPANS)
def test_what_does_not_exceed_never_ends_later(
    start: date, span: Span, limit: Span
) -> None:
    if not span.exceeds(limit):
        assert span.after(start) <= limit.after(start)


def test_a_span_differs_from_its_text() -> None:
    assert Span.parse("7 days") != "7 days"
    assert repr(Span.parse("1 day")) == "Span.parse('1 day')"
