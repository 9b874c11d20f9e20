# SPDX-License-Identifier: Apache-2.0
"""ristretto255 against RFC 9496 and RFC 9380, and what it refuses."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_crypto.errors import (
    CryptoError,
    MalformedElementError,
    MalformedScalarError,
    SharesError,
    WrongLengthError,
)
from fedsafe_crypto.primitives.ristretto import (
    ORDER,
    add,
    check_element,
    check_scalar,
    element_from_uniform,
    expand_message,
    hash_to_group,
    hash_to_scalar,
    invert_all,
    multiply,
    multiply_base,
    random_scalar,
    reduce_uniform,
    scalar_add,
    scalar_from_int,
    scalar_invert,
    scalar_multiply,
    scalar_negate,
    scalar_subtract,
    subtract,
    sum_elements,
    sum_products,
)

IDENTITY = bytes(32)
G = multiply_base(scalar_from_int(1))
NOT_REDUCED = [
    ORDER.to_bytes(32, "little"),
    (ORDER + 1).to_bytes(32, "little"),
    (2**252 + 2**251).to_bytes(32, "little"),
    b"\xff" * 32,
]

numbers = st.integers(min_value=1, max_value=ORDER - 1)


@pytest.mark.usefixtures("each_sodium")
def test_multiples_of_the_generator(vectors: Callable[[str], Any]) -> None:
    expected = vectors("rfc9496")["multiples_of_the_generator"]

    multiples = [G]
    while len(multiples) < 15:
        multiples.append(add(multiples[-1], G))

    assert [m.hex() for m in multiples] == expected[1:]
    for number, encoding in enumerate(expected[1:], start=1):
        assert multiply_base(scalar_from_int(number)).hex() == encoding
        assert multiply(scalar_from_int(number), G).hex() == encoding


@pytest.mark.usefixtures("each_sodium")
def test_invalid_encodings_are_refused_everywhere(
    vectors: Callable[[str], Any],
) -> None:
    two = scalar_from_int(2)
    uses: list[Callable[[bytes], bytes]] = [
        check_element,
        lambda bad: multiply(two, bad),
        lambda bad: add(bad, G),
        lambda bad: add(G, bad),
        lambda bad: subtract(G, bad),
        lambda bad: sum_elements([bad]),
        lambda bad: sum_products([two], [bad]),
    ]
    for case in vectors("rfc9496")["invalid"]:
        for use in uses:
            with pytest.raises(MalformedElementError):
                use(bytes.fromhex(case["encoding"]))


@pytest.mark.usefixtures("each_sodium")
def test_elements_from_uniform_bytes(vectors: Callable[[str], Any]) -> None:
    for case in vectors("rfc9496")["from_uniform"]:
        uniform = bytes.fromhex(case["uniform"])

        assert element_from_uniform(uniform).hex() == case["element"]


def test_message_expansion(vectors: Callable[[str], Any]) -> None:
    published = vectors("rfc9380")
    for case in published["cases"]:
        got = expand_message(
            case["message"].encode(), published["dst"].encode(), case["length"]
        )

        assert got.hex() == case["uniform"]


@pytest.mark.usefixtures("each_sodium")
def test_the_identity_is_refused_everywhere() -> None:
    one = scalar_from_int(1)
    minus_one = scalar_negate(one)
    attempts: list[Callable[[], bytes]] = [
        lambda: check_element(IDENTITY),
        lambda: multiply(one, IDENTITY),
        lambda: add(IDENTITY, G),
        lambda: add(G, IDENTITY),
        lambda: subtract(G, IDENTITY),
        lambda: add(G, multiply_base(minus_one)),
        lambda: subtract(G, G),
        lambda: sum_products([one, minus_one], [G, G]),
        lambda: element_from_uniform(bytes(64)),
    ]
    for attempt in attempts:
        with pytest.raises(MalformedElementError):
            attempt()


@pytest.mark.usefixtures("each_sodium")
@pytest.mark.parametrize("bad", NOT_REDUCED, ids=["L", "L+1", "3·2^251", "ones"])
def test_unreduced_scalars_are_refused_everywhere(bad: bytes) -> None:
    one = scalar_from_int(1)
    attempts: list[Callable[[], object]] = [
        lambda: check_scalar(bad),
        lambda: multiply(bad, G),
        lambda: multiply_base(bad),
        lambda: scalar_add(bad, one),
        lambda: scalar_add(one, bad),
        lambda: scalar_subtract(one, bad),
        lambda: scalar_multiply(one, bad),
        lambda: scalar_invert(bad),
        lambda: scalar_negate(bad),
        lambda: invert_all([one, bad]),
    ]
    for attempt in attempts:
        with pytest.raises(MalformedScalarError):
            attempt()


def test_zero_multiplies_and_inverts_nothing() -> None:
    zero = scalar_from_int(0)
    attempts: list[Callable[[], object]] = [
        lambda: check_scalar(zero),
        lambda: multiply(zero, G),
        lambda: multiply_base(zero),
        lambda: scalar_invert(zero),
        lambda: invert_all([scalar_from_int(2), zero]),
    ]
    for attempt in attempts:
        with pytest.raises(MalformedScalarError):
            attempt()


@pytest.mark.parametrize("length", [0, 1, 31, 33, 64])
def test_wrong_lengths_are_refused_before_c_sees_them(length: int) -> None:
    bad = b"\1" * length
    one = scalar_from_int(1)
    attempts: list[Callable[[], object]] = [
        lambda: check_scalar(bad),
        lambda: check_element(bad),
        lambda: multiply(bad, G),
        lambda: multiply(one, bad),
        lambda: multiply_base(bad),
        lambda: add(bad, G),
        lambda: subtract(G, bad),
        lambda: scalar_add(bad, one),
        lambda: scalar_multiply(one, bad),
        lambda: scalar_negate(bad),
        lambda: reduce_uniform(bad[:63]),
        lambda: element_from_uniform(bad[:63]),
    ]
    for attempt in attempts:
        with pytest.raises(WrongLengthError):
            attempt()


@given(numbers, numbers)
def test_scalars_compute_as_numbers_do(a: int, b: int) -> None:
    left, right = scalar_from_int(a), scalar_from_int(b)

    assert scalar_add(left, right) == scalar_from_int(a + b)
    assert scalar_subtract(left, right) == scalar_from_int(a - b)
    assert scalar_multiply(left, right) == scalar_from_int(a * b)
    assert scalar_negate(left) == scalar_from_int(-a)
    assert scalar_invert(left) == scalar_from_int(pow(a, -1, ORDER))


@given(st.lists(numbers, max_size=6))
def test_many_inverses_are_the_single_ones(values: list[int]) -> None:
    scalars = [scalar_from_int(value) for value in values]

    assert invert_all(scalars) == [scalar_invert(scalar) for scalar in scalars]


@given(numbers, numbers)
def test_multiplication_distributes(a: int, b: int) -> None:
    if (a + b) % ORDER == 0:
        return
    left, right = scalar_from_int(a), scalar_from_int(b)

    assert sum_products([left, right], [G, G]) == multiply_base(scalar_add(left, right))
    assert multiply(left, multiply_base(right)) == multiply(right, multiply_base(left))


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_junk_raises_only_our_errors(a: bytes, b: bytes) -> None:
    operations: list[Callable[[bytes, bytes], object]] = [
        multiply,
        add,
        subtract,
        scalar_add,
        scalar_subtract,
        scalar_multiply,
        hash_to_group,
        hash_to_scalar,
    ]
    for operation in operations:
        with suppress(CryptoError):
            operation(a, b)


def test_sums_need_as_many_scalars_as_elements() -> None:
    one = scalar_from_int(1)
    for scalars, elements in (([], []), ([one], []), ([one], [G, G])):
        with pytest.raises(SharesError):
            sum_products(scalars, elements)
    with pytest.raises(SharesError):
        sum_elements([])


def test_expansion_has_limits() -> None:
    for dst, length in ((b"", 64), (b"d" * 256, 64), (b"d", 0), (b"d", 255 * 64 + 1)):
        with pytest.raises(WrongLengthError):
            expand_message(b"", dst, length)
    assert len(expand_message(b"", b"d", 255 * 64)) == 255 * 64


def test_random_scalars_skip_zero() -> None:
    draws = iter([bytes(64), b"\2" + bytes(63)])

    assert random_scalar(lambda _: next(draws)) == scalar_from_int(2)
    assert random_scalar() != random_scalar()
