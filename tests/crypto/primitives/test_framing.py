# SPDX-License-Identifier: Apache-2.0

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_crypto.errors import MalformedInputError, WrongLengthError
from fedsafe_crypto.primitives.framing import (
    MAX_LP_BYTES,
    check_length,
    lp,
    lp_text,
    uint,
)


def test_the_length_comes_first_in_two_bytes() -> None:
    assert lp(b"") == b"\0\0"
    assert lp(b"abc") == b"\0\3abc"
    assert lp_text("ä") == b"\0\2\xc3\xa4"
    assert lp(bytes(MAX_LP_BYTES)) == b"\xff\xff" + bytes(MAX_LP_BYTES)


@given(st.lists(st.binary(max_size=4)), st.lists(st.binary(max_size=4)))
def test_different_lists_never_give_the_same_bytes(
    first: list[bytes], second: list[bytes]
) -> None:
    same = b"".join(map(lp, first)) == b"".join(map(lp, second))

    assert same == (first == second)


def test_a_value_that_is_too_long_is_refused() -> None:
    with pytest.raises(WrongLengthError):
        lp(bytes(MAX_LP_BYTES + 1))
    with pytest.raises(WrongLengthError):
        lp_text("x" * (MAX_LP_BYTES + 1))


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(MalformedInputError):
        lp_text("\ud800")


def test_numbers_are_big_endian_and_bounded() -> None:
    assert uint(258, 4) == b"\0\0\1\2"
    assert uint(2**32 - 1, 4) == b"\xff" * 4
    for number in (-1, 2**32):
        with pytest.raises(MalformedInputError):
            uint(number, 4)


def test_only_the_exact_length_passes() -> None:
    check_length("salt", bytes(32), 32)

    for length in (0, 31, 33):
        with pytest.raises(WrongLengthError):
            check_length("salt", bytes(length), 32)
