# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_policies.documents.policy import SHIPPED, Policy, shipped
from fedsafe_policies.rules.retention import explain_end, retention
from fedsafe_policies.vocabulary import IdentifierKind, MediaKind

KINDS = st.one_of(st.sampled_from(IdentifierKind), st.sampled_from(MediaKind))
DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))
POLICIES = st.sampled_from([shipped(name) for name in SHIPPED])


def seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("kind", "at_most"),
    [
        (IdentifierKind.EMAIL, date(2027, 9, 21)),
        (IdentifierKind.PHONE, date(2027, 3, 21)),
        (IdentifierKind.DEVICE, date(2027, 9, 21)),
        (IdentifierKind.IP, date(2026, 9, 28)),
        (MediaKind.SHA256, date(2028, 9, 21)),
        (MediaKind.PDQ, date(2028, 9, 21)),
    ],
)
def test_each_kind_ends_in_the_last_bucket_of_its_time(
    synthetic: Policy, kind: IdentifierKind | MediaKind, at_most: date
) -> None:
    match_until, _ = retention(kind, date(2026, 9, 21), synthetic)

    assert seconds(at_most - timedelta(days=7)) < match_until <= seconds(at_most)


@given(KINDS, DAYS, POLICIES)
def test_days_are_rounded_down_and_in_order(
    kind: IdentifierKind | MediaKind, since: date, policy: Policy
) -> None:
    match_until, erase_after = retention(kind, since, policy)

    assert seconds(since) < match_until <= erase_after
    assert erase_after - match_until <= 7 * 86_400
    assert match_until % 86_400 == 0
    if kind is not IdentifierKind.IP:
        assert match_until % (7 * 86_400) == 0


@given(DAYS)
def test_an_address_never_matches_beyond_seven_days(since: date) -> None:
    match_until, _ = retention(IdentifierKind.IP, since, shipped("synthetic"))

    assert match_until <= seconds(since) + 7 * 86_400


@given(KINDS, DAYS, DAYS, POLICIES)
def test_a_later_start_never_ends_earlier(
    kind: IdentifierKind | MediaKind, one: date, other: date, policy: Policy
) -> None:
    first, second = sorted((one, other))
    early, late = retention(kind, first, policy), retention(kind, second, policy)

    assert early[0] <= late[0]
    assert early[1] <= late[1]


@given(KINDS, DAYS, st.integers(0, 2**33))
def test_a_signal_ends_with_its_epoch(
    kind: IdentifierKind | MediaKind, since: date, epoch_ends: int
) -> None:
    times = retention(kind, since, shipped("synthetic"), epoch_ends=epoch_ends)
    free = retention(kind, since, shipped("synthetic"))

    assert times == (min(free[0], epoch_ends), min(free[1], epoch_ends))


@pytest.mark.promise("LR-24")
@given(KINDS, DAYS)
def test_strict_keeps_nothing_longer_than_synthetic(
    kind: IdentifierKind | MediaKind, since: date
) -> None:
    strict = retention(kind, since, shipped("strict"))
    loose = retention(kind, since, shipped("synthetic"))

    assert strict[0] <= loose[0]
    assert strict[1] <= loose[1]


@given(KINDS, DAYS, DAYS, POLICIES)
def test_what_is_over_is_told_the_first_day_that_still_counts(
    kind: IdentifierKind | MediaKind, since: date, now: date, policy: Policy
) -> None:
    at = seconds(now) + 3_600
    term = explain_end(kind, since, policy, at)
    until, _ = retention(kind, since, policy)

    assert seconds(term.ended) == until
    assert retention(kind, term.first, policy)[0] > at
    assert retention(kind, term.first - timedelta(days=1), policy)[0] <= at
    assert (since < term.first) is (until <= at)
