# SPDX-License-Identifier: Apache-2.0
"""Whatever happens, nobody has more evaluated than the budget of a day and hour."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsafe_federation.evaluation.metering import (
    FREE_SECONDS,
    HOUR,
    HOURS,
    RECENT,
    Lease,
    Purse,
    Quota,
    Recent,
    frees_at,
    grant,
    standing,
)

START = 500_000 * HOURS  # an hour in which a day begins
QUOTA = Quota(day=200, hour=60)
KEY = "b.demo"


@dataclass
class Process:
    """One process of an evaluator: its purse is gone when it is killed."""

    rows: list[Lease]
    purse: Purse = field(default_factory=Purse)

    def ask(self, count: int, now: int, quota: Quota = QUOTA) -> bool:
        if self.purse.spend(KEY, count, now=now):
            return True
        self.give_back()
        lease = grant(self.rows, now=now, wanted=count, quota=quota)
        if lease is None:
            return False
        self.rows.append(lease)
        self.purse.put(KEY, lease)
        assert self.purse.spend(KEY, count, now=now)
        return True

    @property
    def hour(self) -> int:
        """The hour off whose budget it spends."""
        return self.purse._held[KEY].hour  # noqa: SLF001

    def give_back(self) -> None:
        left = self.purse.take_out(KEY)
        if left is not None:
            self.rows.append(Lease(left.hour, -left.elements))


STEPS = st.one_of(
    st.tuples(st.just("ask"), st.integers(0, 2), st.integers(1, 90)),
    st.tuples(st.just("kill"), st.integers(0, 2), st.just(0)),
    st.tuples(st.just("stop"), st.integers(0, 2), st.just(0)),
    st.tuples(st.just("clock"), st.just(0), st.integers(-30, 30)),
)


@settings(max_examples=300)
@given(st.lists(STEPS, max_size=60))
def test_no_schedule_gets_more_than_the_budget(
    steps: list[tuple[str, int, int]],
) -> None:
    rows: list[Lease] = []
    processes = [Process(rows) for _ in range(3)]
    now, latest = START, START
    days, hours = Counter[int](), Counter[int]()
    for step, number, amount in steps:
        if step == "clock":
            now += amount
            latest = max(latest, now)
        elif step == "kill":
            processes[number] = Process(rows)
        elif step == "stop":
            processes[number].give_back()
        elif processes[number].ask(amount, now):
            hour = processes[number].hour
            assert hour >= now
            days[hour // HOURS] += amount
            hours[hour] += amount

    assert all(count <= QUOTA.day for count in days.values())
    assert all(count <= QUOTA.hour for count in hours.values())
    began = sum(days.values())
    assert began <= QUOTA.day * (latest // HOURS - START // HOURS + 1)


@given(st.integers(0, 500))
def test_a_kill_loses_a_lease_and_gives_back_nothing(spent: int) -> None:
    rows: list[Lease] = []
    got = 0
    for _ in range(spent):
        got += Process(rows).ask(1, START)  # a process that is killed at once

    assert got <= QUOTA.hour // QUOTA.lease
    assert standing(rows, START).of_hour <= QUOTA.hour


def test_the_clock_going_back_gives_no_second_day() -> None:
    rows: list[Lease] = []
    process = Process(rows)
    hour = START
    while process.ask(60, hour):
        hour += 1
    back = [Process(rows).ask(1, hour - step) for step in (1, 5, 24, 48, 24 * 365)]

    assert standing(rows, hour).of_day == 180
    assert Process(rows).ask(20, hour)
    assert not any(back[2:])
    assert sum(row.elements for row in rows) <= QUOTA.day


def test_the_next_day_begins_anew_and_an_hour_too() -> None:
    rows: list[Lease] = []
    process = Process(rows)

    assert process.ask(60, START)
    assert not process.ask(1, START)
    assert process.ask(60, START + 1)
    assert process.ask(60, START + 2)
    assert not process.ask(60, START + 3)
    assert process.ask(60, START + HOURS)


def test_what_was_not_spent_of_an_hour_comes_back() -> None:
    rows: list[Lease] = []
    process = Process(rows)
    assert process.ask(1, START)
    assert standing(rows, START).of_hour == QUOTA.lease == 6
    process.give_back()

    assert standing(rows, START).of_hour == 1


def test_a_grant_ends_with_its_last_element() -> None:
    rows: list[Lease] = []
    process, quota = Process(rows), Quota(day=200, hour=60, total=70)

    assert process.ask(60, START, quota)
    assert process.ask(10, START + 1, quota)
    assert not process.ask(1, START + HOURS, quota)


@pytest.mark.parametrize(
    ("rows", "wanted", "until"),
    [
        ([Lease(START, 60)], 1, (START + 1) * HOUR),
        ([Lease(START, 60)], 61, (START + HOURS) * HOUR),
        ([Lease(START, 60), Lease(START + 1, 60), Lease(START + 2, 60)], 30, None),
    ],
)
def test_who_is_refused_is_told_when_there_is_more(
    rows: list[Lease], wanted: int, until: int | None
) -> None:
    stands = standing(rows, START)
    expected = until or (START + HOURS) * HOUR

    assert frees_at(stands, wanted, QUOTA) == expected
    if wanted <= QUOTA.hour:
        assert grant(rows, now=expected // HOUR, wanted=wanted, quota=QUOTA)


# --- one charge for an element --------------------------------------------------------

A, B, C = (bytes([number]) * 32 for number in range(3))


def fresh(
    recent: Recent, member: str, elements: Sequence[bytes], *, now: int
) -> Sequence[bytes]:
    return recent.fresh(member, recent.marks(member, elements), now=now)


def test_an_element_is_charged_once_within_a_minute() -> None:
    recent = Recent(bytes(32))
    first = fresh(recent, "b.demo", [A, B, A], now=100)
    recent.charged("b.demo", first, now=100)

    assert len(first) == 2
    assert fresh(recent, "b.demo", [A, B], now=100 + FREE_SECONDS - 1) == []
    assert len(fresh(recent, "b.demo", [A, C], now=101)) == 1
    assert len(fresh(recent, "b.demo", [A, B], now=100 + FREE_SECONDS)) == 2


def test_an_element_is_free_for_the_member_that_paid_only() -> None:
    recent = Recent(bytes(32))
    recent.charged("b.demo", fresh(recent, "b.demo", [A], now=100), now=100)

    assert len(fresh(recent, "c.demo", [A], now=100)) == 1


def test_the_clock_going_back_makes_nothing_free_for_longer() -> None:
    recent = Recent(bytes(32))
    recent.charged("b.demo", fresh(recent, "b.demo", [A], now=1_000), now=1_000)

    assert len(fresh(recent, "b.demo", [A], now=900)) == 1


def test_what_is_remembered_is_bounded_and_the_oldest_is_charged_again() -> None:
    recent = Recent(bytes(32))
    elements = [number.to_bytes(32) for number in range(RECENT + 5)]
    for start in range(0, len(elements), 1_024):
        marks = fresh(recent, "b.demo", elements[start : start + 1_024], now=100)
        recent.charged("b.demo", marks, now=100)

    assert len(fresh(recent, "b.demo", elements, now=100)) == 5
    assert len(fresh(recent, "b.demo", elements[:5], now=100)) == 5
