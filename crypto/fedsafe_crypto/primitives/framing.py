# SPDX-License-Identifier: Apache-2.0
"""How values become bytes before they are hashed, signed or bound to a ciphertext.

`lp(b) = I2OSP(len b, 2) ‖ b` (protocol 3.2). Two different lists of framed values
never give the same bytes.
"""

from typing import Final

from fedsafe_crypto.errors import MalformedInputError, WrongLengthError

MAX_LP_BYTES: Final = 0xFFFF


def lp(value: bytes) -> bytes:
    """Put the length of a value before it.

    Raises:
        WrongLengthError: The value is longer than 65,535 bytes.
    """
    length = len(value)
    if length > MAX_LP_BYTES:
        raise WrongLengthError("framed value", length, MAX_LP_BYTES)
    return length.to_bytes(2) + value


def lp_text(text: str) -> bytes:
    """Frame a text as UTF-8.

    Raises:
        MalformedInputError: The text holds a lone surrogate.
        WrongLengthError: Its encoding is longer than 65,535 bytes.
    """
    try:
        return lp(text.encode())
    except UnicodeEncodeError:
        raise MalformedInputError("a text that has no UTF-8 encoding") from None


def uint(value: int, width: int) -> bytes:
    """Encode a number big-endian.

    Raises:
        MalformedInputError: The number is negative or too large.
    """
    try:
        return value.to_bytes(width)
    except OverflowError:
        raise MalformedInputError(f"a number does not fit {width} bytes") from None


def check_length(what: str, value: bytes | memoryview, want: int) -> None:
    """Refuse a value that has not exactly the length that its format fixes.

    Raises:
        WrongLengthError: It is shorter or longer.
    """
    if len(value) != want:
        raise WrongLengthError(what, len(value), want)
