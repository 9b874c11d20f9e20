# SPDX-License-Identifier: Apache-2.0
"""Any t shares recover the secret; fewer recover something else."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_crypto.errors import (
    CryptoError,
    MalformedElementError,
    MalformedScalarError,
    SharesError,
)
from fedsafe_crypto.oprf.shares import (
    commitment_at,
    draw_polynomial,
    lagrange_at_zero,
    recover,
    split,
    value_at,
)
from fedsafe_crypto.primitives.ristretto import (
    ORDER,
    multiply_base,
    random_scalar,
    scalar_from_int,
)

secrets = st.integers(min_value=1, max_value=ORDER - 1).map(scalar_from_int)


@st.composite
def sizes(draw: st.DrawFn) -> tuple[int, int]:
    count = draw(st.integers(min_value=1, max_value=6))
    return draw(st.integers(min_value=1, max_value=count)), count


@given(secrets, sizes())
def test_any_t_shares_recover_the_secret(secret: bytes, size: tuple[int, int]) -> None:
    threshold, count = size
    shares = split(secret, threshold, count)

    for subset in combinations(shares, threshold):
        assert recover({index: shares[index] for index in subset}) == secret
    assert recover(shares) == secret


@given(secrets, sizes())
def test_fewer_than_t_never_do(secret: bytes, size: tuple[int, int]) -> None:
    threshold, count = size
    shares = split(secret, threshold, count)

    for subset in combinations(shares, threshold - 1):
        if subset:
            assert recover({index: shares[index] for index in subset}) != secret


def test_one_of_one_is_the_secret_itself() -> None:
    secret = random_scalar()

    assert split(secret, 1, 1) == {1: secret}


def test_sixty_four_holders_are_served() -> None:
    secret = random_scalar()
    shares = split(secret, 33, 64)

    assert recover({index: shares[index] for index in range(32, 65)}) == secret


@given(
    st.sets(st.integers(min_value=1, max_value=255), min_size=1, max_size=8),
    st.integers(min_value=0, max_value=2**64),
)
def test_coefficients_keep_a_constant(indices: set[int], constant: int) -> None:
    coefficients = lagrange_at_zero(indices)
    total = sum(int.from_bytes(c, "little") for c in coefficients.values()) * constant

    assert total % ORDER == constant


def test_commitments_promise_the_shares() -> None:
    polynomial = draw_polynomial(4)
    commitments = [multiply_base(coefficient) for coefficient in polynomial]

    for index in (1, 2, 7, 64, 255):
        promised = commitment_at(commitments, index)
        assert promised == multiply_base(value_at(polynomial, index))


@pytest.mark.parametrize("indices", [(), (1, 1), (0, 1), (-1, 2), (1, 256)])
def test_bad_indices_are_refused(indices: tuple[int, ...]) -> None:
    with pytest.raises(SharesError):
        lagrange_at_zero(indices)


@pytest.mark.parametrize("size", [(0, 1), (2, 1), (1, 0), (1, 65), (-1, 3)])
def test_bad_sizes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(SharesError):
        split(random_scalar(), *size)


def test_bad_secrets_are_refused() -> None:
    for secret in (bytes(32), ORDER.to_bytes(32, "little")):
        with pytest.raises(MalformedScalarError):
            split(secret, 2, 3)
    with pytest.raises(CryptoError):
        recover({1: b"short", 2: bytes(32)})
    with pytest.raises(MalformedElementError):
        commitment_at([bytes(32)], 1)
