# SPDX-License-Identifier: Apache-2.0
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_node.rules.budgets import meter as meters
from fedsafe_node.rules.budgets.meter import DAY, HOUR, SLOT, Counts, Meter

BEGAN = 1_800_000_000


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(1, 9)), max_size=60))
def test_no_hour_ever_holds_more_than_the_budget(steps: list[tuple[int, int]]) -> None:
    budget, now, meter = 20, BEGAN, Meter()
    spent: list[tuple[int, int]] = []
    for wait, wanted in steps:
        now += wait
        if meter.within(now).spent + wanted <= budget:
            meter.spend(now, Counts(spent=wanted))
            spent.append((now, wanted))

    for start, _ in spent:
        within = [n for at, n in spent if start <= at < start + HOUR]
        assert sum(within) <= budget


@given(st.integers(0, 10 * HOUR), st.integers(1, 9))
def test_what_was_spent_is_free_again_after_an_hour(wait: int, wanted: int) -> None:
    meter = Meter()
    meter.spend(BEGAN, Counts(spent=wanted))
    left = meter.within(BEGAN + wait).spent

    assert left == (wanted if wait < HOUR + SLOT - BEGAN % SLOT else 0)
    assert meter.frees_at(BEGAN) == BEGAN - BEGAN % SLOT + SLOT + HOUR


def test_a_clock_that_is_set_back_frees_nothing() -> None:
    meter = Meter()
    meter.spend(BEGAN, Counts(spent=7))
    meter.spend(BEGAN - DAY, Counts(spent=1))

    assert meter.within(BEGAN - DAY).spent == 8
    assert meter.within(BEGAN).spent == 8


def test_what_was_kept_counts_as_what_was_spent() -> None:
    meter = Meter(DAY)
    meter.load(BEGAN - 2 * HOUR, Counts(spent=5))
    meter.spend(BEGAN, Counts(spent=2))

    assert (meter.within(BEGAN).spent, meter.within(BEGAN, DAY).spent) == (2, 7)


def test_distinct_ones_are_counted_within_a_slot() -> None:
    meter = Meter()
    first = meter.new(BEGAN, [b"a", b"b", b"a"], [b"x"])
    second = meter.new(BEGAN + 1, [b"a", b"c"], [b"x"])
    later = meter.new(BEGAN + SLOT, [b"a"], [b"x"])

    assert (first.identifiers, first.accounts) == (2, 1)
    assert (second.identifiers, second.accounts) == (1, 0)
    assert (later.identifiers, later.accounts) == (1, 1)


def test_beyond_what_is_remembered_identifiers_count_and_accounts_do_not() -> None:
    meter, many = Meter(), [n.to_bytes(4) for n in range(meters.MOST_SEEN)]
    meter.new(BEGAN, many, many)
    more = meter.new(BEGAN, [b"more", b"more"], [b"more"])

    assert (more.identifiers, more.accounts) == (2, 0)


def test_a_meter_keeps_nothing_that_was_asked() -> None:
    meter = Meter()
    meter.new(BEGAN, [b"anna@example.de"], [b"account-1"])

    assert "anna" not in repr(vars(meter))
    assert "account" not in repr(meter._identifiers.found)  # noqa: SLF001
