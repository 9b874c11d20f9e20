# SPDX-License-Identifier: Apache-2.0
"""A multiset's hash knows its rows, not their order, and where one row differs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_crypto.errors import WrongLengthError
from fedsafe_crypto.primitives.multiset import Multiset, derive_key, row_hash

KEY = bytes(32)
HASH = row_hash(KEY)
ROWS = st.lists(st.tuples(st.binary(max_size=40), st.integers(0, 2**32 - 1)))


def hashed(rows: list[tuple[bytes, int]]) -> Multiset:
    sums = Multiset()
    for row, place in rows:
        sums = sums.with_row(HASH, row, place)
    return sums


@given(ROWS.flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))))
def test_the_order_of_rows_does_not_matter(
    both: tuple[list[tuple[bytes, int]], list[tuple[bytes, int]]],
) -> None:
    rows, shuffled = both

    assert hashed(shuffled) == hashed(rows)


@given(ROWS, ROWS)
def test_rows_that_went_leave_nothing(
    rows: list[tuple[bytes, int]], gone: list[tuple[bytes, int]]
) -> None:
    sums = hashed(rows + gone)
    for row, place in gone:
        sums = sums.with_row(HASH, row, place, times=-1)

    assert sums == hashed(rows)


@given(ROWS, st.binary(max_size=40), st.binary(max_size=40), st.integers(0, 2**32 - 1))
def test_the_one_row_that_differs_is_found(
    rows: list[tuple[bytes, int]], old: bytes, new: bytes, place: int
) -> None:
    before = hashed([*rows, (old, place)])
    after = hashed([*rows, (new, place)])

    assert (before == after) is (old == new)
    assert after.place_of_difference(before) == (None if old == new else place)


def test_two_rows_that_differ_are_not_taken_for_one() -> None:
    before = hashed([(b"a", 1), (b"b", 2)])

    assert hashed([(b"b", 1), (b"a", 2)]).place_of_difference(before) is None


def test_a_row_that_is_there_twice_counts_twice() -> None:
    assert hashed([(b"a", 1), (b"a", 1)]) != hashed([(b"a", 1)])
    assert hashed([(b"a", 1), (b"a", 1)]) != Multiset()


def test_another_key_gives_another_hash() -> None:
    other = row_hash(derive_key(KEY, "rows"))

    assert other(b"a") != HASH(b"a")
    assert derive_key(KEY, "rows") != derive_key(KEY, "box")
    with pytest.raises(WrongLengthError):
        row_hash(b"short")
