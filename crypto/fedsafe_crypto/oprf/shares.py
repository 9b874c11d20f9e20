# SPDX-License-Identifier: Apache-2.0
"""Shamir's secret sharing over the scalar field of ristretto255.

A polynomial of degree t - 1 holds the secret at zero; share i is its value at i.
Indices are public and run from 1 to 255; they are never reused, so they may have
gaps. Secret arithmetic is libsodium's; only indices are computed as numbers.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from secrets import token_bytes
from typing import Final

from fedsafe_crypto.errors import SharesError
from fedsafe_crypto.primitives.ristretto import (
    ORDER,
    Randomness,
    check_scalar,
    multiply,
    random_scalar,
    scalar_add,
    scalar_from_int,
    scalar_multiply,
    sum_elements,
)

MAX_INDEX: Final = 255
MAX_SHARES: Final = 64


def check_sizes(threshold: int, count: int) -> None:
    """Refuse a threshold that the number of share holders does not allow.

    Raises:
        SharesError: Not 1 ≤ t ≤ n ≤ 64.
    """
    if not 1 <= threshold <= count <= MAX_SHARES:
        raise SharesError(f"threshold {threshold} of {count} share holders")


def check_index(index: int) -> int:
    """Return a share index.

    Raises:
        SharesError: It is not between 1 and 255.
    """
    if not 1 <= index <= MAX_INDEX:
        raise SharesError(f"share index {index}")
    return index


def draw_polynomial(
    threshold: int, *, secret: bytes | None = None, randomness: Randomness = token_bytes
) -> list[bytes]:
    """Draw the coefficients of a polynomial, the secret first.

    Raises:
        SharesError: The threshold is not between 1 and 64.
        MalformedScalarError: The secret is zero or not reduced.
    """
    check_sizes(threshold, MAX_SHARES)
    first = random_scalar(randomness) if secret is None else check_scalar(secret)
    return [first, *(random_scalar(randomness) for _ in range(threshold - 1))]


def value_at(polynomial: Sequence[bytes], index: int) -> bytes:
    """Evaluate a polynomial at an index: that index's share."""
    at = scalar_from_int(check_index(index))
    value = polynomial[-1]
    for coefficient in reversed(polynomial[:-1]):
        value = scalar_add(scalar_multiply(value, at), coefficient)
    return value


def commitment_at(commitments: Sequence[bytes], index: int) -> bytes:
    """Compute the public share that Feldman's commitments promise to an index.

    Raises:
        MalformedElementError: A commitment or the sum is no element.
    """
    at = check_index(index)
    terms = [
        multiply(scalar_from_int(at**power), commitment)
        for power, commitment in enumerate(commitments)
    ]
    return sum_elements(terms)


def split(
    secret: bytes,
    threshold: int,
    count: int,
    *,
    randomness: Randomness = token_bytes,
) -> dict[int, bytes]:
    """Split a secret into shares 1 to n, any t of which recover it.

    Raises:
        SharesError: Not 1 ≤ t ≤ n ≤ 64.
        MalformedScalarError: The secret is zero or not reduced.
    """
    check_sizes(threshold, count)
    polynomial = draw_polynomial(threshold, secret=secret, randomness=randomness)
    return {index: value_at(polynomial, index) for index in range(1, count + 1)}


def lagrange_at_zero(indices: Collection[int]) -> dict[int, bytes]:
    """Give each index its coefficient: Σ λᵢ·f(i) = f(0).

    Raises:
        SharesError: No index, one twice, or one out of bounds.
    """
    return dict(_lagrange(tuple(indices)))


def recover(shares: Mapping[int, bytes]) -> bytes:
    """Recover the secret from at least t shares, all of them used.

    With fewer than t the result is another scalar, unrelated to the secret.

    Raises:
        SharesError: There are no shares or an index is out of bounds.
        MalformedScalarError: A share is not reduced.
    """
    total = scalar_from_int(0)
    for index, coefficient in lagrange_at_zero(shares.keys()).items():
        total = scalar_add(total, scalar_multiply(coefficient, shares[index]))
    return total


@lru_cache(maxsize=256)
def _lagrange(indices: tuple[int, ...]) -> tuple[tuple[int, bytes], ...]:
    if not indices or len(set(indices)) != len(indices):
        raise SharesError(f"share indices {list(indices)}")
    coefficients: list[tuple[int, bytes]] = []
    for index in indices:
        above, below = 1, 1
        check_index(index)
        for other in indices:
            if other != index:
                above = above * other % ORDER
                below = below * (other - index) % ORDER
        coefficient = above * pow(below, -1, ORDER)
        coefficients.append((index, scalar_from_int(coefficient)))
    return tuple(coefficients)
