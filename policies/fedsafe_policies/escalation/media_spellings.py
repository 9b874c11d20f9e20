# SPDX-License-Identifier: Apache-2.0
"""The ways in which people and programs write bytes as text, undone.

Each function yields the bytes that a text may stand for. Wrong guesses cost time and
nothing else: what is decoded from ordinary prose is noise, in which no file begins.
"""

import binascii
import html
import re
from collections.abc import Iterator
from typing import Final

BASE64_RUN: Final = re.compile(rb"[A-Za-z0-9+/]{8,}")
_HEX_RUN: Final = re.compile(rb"[0-9A-Fa-f]+")
_BASE32_RUN: Final = re.compile(rb"[A-Z2-7]{16,}|[a-z2-7]{16,}")
_DIGITS: Final = b"0123456789"
_UPPER: Final = bytes(range(65, 91))
_LOWER: Final = bytes(range(97, 123))
_ALPHABETS_85: Final = (
    bytes(range(33, 118)),
    _DIGITS + _UPPER + _LOWER + b"!#$%&()*+-;<=>?@^_`{|}~",
    _DIGITS + _LOWER + _UPPER + b".-:+=^!/*?&<>()[]{}@%$#",
)
"""Ascii85, the alphabet of RFC 1924, and Z85."""

_BASE85: Final = tuple(
    (
        {letter: at for at, letter in enumerate(letters)},
        re.compile(b"[" + re.escape(letters) + b"]{20,}"),
    )
    for letters in _ALPHABETS_85
)
_DIGITS_32: Final = bytes.maketrans(
    _UPPER + b"234567", _DIGITS + b"abcdefghijklmnopqrstuv"
)
_WORDS: Final = re.compile(rb"[A-Za-z]+")
_ESCAPED: Final = re.compile(
    rb"(?:\\x|\\u00|%|=)([0-9A-Fa-f]{2})|&#x0*([0-9A-Fa-f]{1,2});|\\([0-3][0-7]{2})|&#0*([0-9]{1,3});"
    rb"|\\([abfnrtv0])"
)
_LETTERS: Final = dict(zip(b"abfnrtv0", b"\a\b\f\n\r\t\v\0", strict=True))
_SOFT_BREAK: Final = re.compile(rb"=[ \t]*\r?\n")
_NUMBERS: Final = re.compile(rb"(?<![0-9])(?:[0-9]{1,3}(?![0-9])[\s,;]*){8,}")
_DENSITY: Final = 6
_ZERO: Final = b"\x00\x00\x00\x00"
_GROUP, _WORD = 5, 1 << 32
_LONGEST: Final = 1 << 16
"""How much of one run is undone in the slower ways; a file begins at its beginning."""

_LONGEST_DIGEST: Final = 128
"""How many hexadecimal digits a digest has at most; a file has more."""


def base64_and_hex(text: bytes) -> Iterator[bytes]:
    """Undo base64 and hexadecimal, at every alignment."""
    for run in BASE64_RUN.finditer(text):
        letters = run[0]
        for start in range(4):
            shifted = letters[start:]
            yield binascii.a2b_base64(shifted[: len(shifted) // 4 * 4])
    for run in _HEX_RUN.finditer(text):
        if len(run[0]) > _LONGEST_DIGEST:
            for start in range(2):
                digits = run[0][start:].decode()
                yield bytes.fromhex(digits[: len(digits) // 2 * 2])


def base32(text: bytes) -> Iterator[bytes]:
    """Undo base32 in one case of letters, at every alignment."""
    for run in _BASE32_RUN.finditer(text):
        letters = run[0][:_LONGEST]
        bits, number = 5 * len(letters), int(letters.upper().translate(_DIGITS_32), 32)
        for start in range(8):
            whole, rest = divmod(bits - start, 8)
            yield (number >> rest & (1 << 8 * whole) - 1).to_bytes(whole, "big")


def base85(text: bytes) -> Iterator[bytes]:
    """Undo the three alphabets of base85, at every alignment.

    Ascii85 writes four zeros as one ``z``, a letter that its alphabet lacks.
    """
    for at, (values, runs) in enumerate(_BASE85):
        for run in runs.finditer(text if at else text.replace(b"z", b"!!!!!")):
            letters = run[0][:_LONGEST]
            if _is_dense(letters):
                digits = [values[letter] for letter in letters]
                for start in range(_GROUP):
                    yield b"".join(_words(digits[start:]))


def _is_dense(run: bytes) -> bool:
    """Tell noise from words, in which most signs are letters."""
    return len(_WORDS.sub(b"", run)) * _DENSITY >= len(run)


def _words(digits: list[int]) -> Iterator[bytes]:
    for at in range(0, len(digits) - _GROUP + 1, _GROUP):
        a, b, c, d, e = digits[at : at + _GROUP]
        number = (((a * 85 + b) * 85 + c) * 85 + d) * 85 + e
        yield number.to_bytes(4, "big") if number < _WORD else _ZERO


def escaped(text: bytes) -> Iterator[bytes]:
    """Undo quoted-printable, escapes of programs and pages, and lists of numbers."""
    joined = _SOFT_BREAK.sub(b"", text)
    if _ESCAPED.search(joined):
        yield _ESCAPED.sub(_byte, joined)
    if b"&" in text:
        yield html.unescape(text.decode("latin-1")).encode("latin-1", "replace")
    for run in _NUMBERS.finditer(text):
        numbers = [int(each) for each in re.findall(rb"[0-9]+", run[0])]
        yield bytes(number if number < 256 else 0 for number in numbers)  # noqa: PLR2004


def _byte(found: re.Match[bytes]) -> bytes:
    two, entity, octal, decimal, letter = found.groups()
    if two is not None or entity is not None:
        return bytes((int(two or entity, 16),))
    if letter is not None:
        return bytes((_LETTERS[letter[0]],))
    number = int(octal, 8) if octal is not None else int(decimal)
    return bytes((number,)) if number < 256 else found[0]  # noqa: PLR2004 - no byte
