# SPDX-License-Identifier: Apache-2.0
"""Shares and pins that do not fit together are refused."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_crypto.errors import (
    CryptoError,
    GenerationMismatchError,
    LibraryMissingError,
    MalformedElementError,
    MalformedScalarError,
    SharesError,
    WrongLengthError,
)
from fedsafe_crypto.oprf.keys import Generation, KeyShare, Pins
from fedsafe_crypto.oprf.shares import split
from fedsafe_crypto.primitives.ristretto import multiply_base, random_scalar
from fedsafe_crypto.primitives.sodium import CHOICE_VARIABLE, load

GENERATION = Generation(1, 2)


def deal(
    threshold: int, count: int, generation: Generation = GENERATION
) -> tuple[Pins, dict[int, KeyShare]]:
    secret = random_scalar()
    shares = split(secret, threshold, count)
    pins = Pins(
        generation=generation,
        threshold=threshold,
        public=multiply_base(secret),
        members={index: multiply_base(share) for index, share in shares.items()},
    )
    return pins, {
        index: KeyShare(
            generation=generation, index=index, threshold=threshold, secret=share
        )
        for index, share in shares.items()
    }


PINS, SHARES = deal(2, 3)


def test_pins_of_one_sharing_fit_together() -> None:
    pins, shares = deal(3, 5)

    pins.check()
    for subset in combinations(shares, 3):
        pins.check_subset(subset)
    pins.check_subset(shares.keys())
    for share in shares.values():
        share.check(pins)


def test_one_exchanged_public_share_is_found() -> None:
    wrong = replace(PINS, members={**PINS.members, 3: multiply_base(random_scalar())})

    wrong.check_subset([1, 2])
    for subset in ([1, 3], [2, 3], [1, 2, 3]):
        with pytest.raises(SharesError):
            wrong.check_subset(subset)
    with pytest.raises(SharesError):
        wrong.check()


def test_a_good_subset_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pins, _ = deal(2, 3)
    pins.check_subset([1, 2])
    monkeypatch.setenv(CHOICE_VARIABLE, "none")
    load.cache_clear()
    try:
        pins.check_subset([2, 1])
        with pytest.raises(LibraryMissingError):
            pins.check_subset([1, 3])
    finally:
        load.cache_clear()


def test_a_failed_subset_is_not_remembered_as_good() -> None:
    wrong = replace(PINS, public=multiply_base(random_scalar()))

    for _ in range(2):
        with pytest.raises(SharesError):
            wrong.check_subset([1, 2])


def test_what_is_remembered_stays_with_its_pins() -> None:
    PINS.check()
    wrong = replace(PINS, public=multiply_base(random_scalar()))

    with pytest.raises(SharesError):
        wrong.check_subset([1, 2])


@pytest.mark.parametrize("indices", [[], [1], [1, 1], [1, 4], [0, 1]])
def test_a_subset_is_at_least_t_members(indices: list[int]) -> None:
    with pytest.raises(SharesError):
        PINS.check_subset(indices)


def test_public_shares_that_cancel_out_are_refused() -> None:
    share = PINS.members[1]
    # 2·V₁ - V₂ with V₂ = 2·V₁ is the identity.
    double = multiply_base(random_scalar())
    cancelling = replace(
        PINS, members={1: share, 2: double, 3: share}, public=multiply_base(b"\1" * 32)
    )

    with pytest.raises(SharesError):
        cancelling.check_subset([1, 2])


def test_a_share_is_checked_against_its_pin() -> None:
    mine = SHARES[1]

    for wrong in (
        replace(mine, index=2),
        replace(mine, index=9),
        replace(mine, secret=random_scalar()),
        replace(mine, threshold=3),
    ):
        with pytest.raises(SharesError):
            wrong.check(PINS)


@pytest.mark.parametrize("other", [Generation(1, 3), Generation(2, 2)])
def test_a_share_of_another_generation_is_no_accusation(other: Generation) -> None:
    with pytest.raises(GenerationMismatchError):
        replace(SHARES[1], generation=other).check(PINS)


def test_shares_are_not_printed() -> None:
    share = SHARES[1]

    assert share.secret.hex() not in repr(share)
    assert repr(share.secret) not in repr(share)
    assert "index=1" in repr(share)


def test_pins_cannot_be_changed() -> None:
    members = dict(PINS.members)
    pins = replace(PINS, members=members)
    members[1] = members[2]

    assert pins == PINS


def test_parts_out_of_bounds_are_refused() -> None:
    one = PINS.members[1]
    attempts: list[tuple[Callable[[], object], type[CryptoError]]] = [
        (lambda: replace(PINS, threshold=0), SharesError),
        (lambda: replace(PINS, threshold=4), SharesError),
        (lambda: replace(PINS, members={}), SharesError),
        (lambda: replace(PINS, members={0: one, 1: one}), SharesError),
        (lambda: replace(PINS, members={256: one, 1: one}), SharesError),
        (lambda: replace(PINS, public=bytes(32)), MalformedElementError),
        (lambda: replace(PINS, members={1: one, 2: one[:31]}), WrongLengthError),
        (lambda: replace(SHARES[1], secret=bytes(32)), MalformedScalarError),
        (lambda: replace(SHARES[1], secret=b"\xff" * 32), MalformedScalarError),
        (lambda: replace(SHARES[1], index=0), SharesError),
        (lambda: Generation(-1, 0), SharesError),
        (lambda: Generation(0, 2**32), SharesError),
    ]
    for attempt, error in attempts:
        with pytest.raises(error):
            attempt()


def test_encodings_round_trip() -> None:
    for share in SHARES.values():
        assert KeyShare.from_bytes(share.to_bytes()) == share
    assert Pins.from_bytes(PINS.to_bytes()) == PINS
    assert Generation.from_bytes(GENERATION.to_bytes()) == GENERATION
    assert Generation(1, 9) < Generation(2, 0)
    assert str(Generation(3, 4)) == "3.4"


def test_pins_have_one_encoding() -> None:
    data = PINS.to_bytes()
    head, members = data[:42], [data[at : at + 33] for at in range(42, len(data), 33)]

    for order in (members[::-1], [members[0], *members[:2]]):
        with pytest.raises(SharesError):
            Pins.from_bytes(head + b"".join(order))


@given(st.binary(max_size=150))
def test_junk_raises_only_our_errors(data: bytes) -> None:
    for read in (Generation.from_bytes, KeyShare.from_bytes, Pins.from_bytes):
        with suppress(CryptoError):
            read(data)


@given(st.integers(min_value=0, max_value=140), st.integers(min_value=1, max_value=255))
def test_changed_pins_never_pass_for_the_same(place: int, change: int) -> None:
    data = bytearray(PINS.to_bytes())
    data[place] ^= change
    with suppress(CryptoError):
        assert Pins.from_bytes(bytes(data)) != PINS
