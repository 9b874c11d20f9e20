# SPDX-License-Identifier: Apache-2.0
"""The gate that every written identifier passes, and the case fold.

Newer Unicode versions assign code points and give them case mappings, so a
value that holds one would fold differently under two Python versions. Whatever
Unicode 14.0 (that of Python 3.11) had not assigned is refused, and for what it
had assigned normalisation and case folding are stable by Unicode's own policy.
Other properties are not, and right-to-left names depend on one: what a later version
gave another is refused as well.
The ranges lie in `data/unicode_14_unassigned.json`.
"""

from bisect import bisect_right
from functools import cache
from json import loads
from typing import Final
from unicodedata import category, normalize

from fedsafe_federation.errors import IdentifierError, IdentifierFault
from fedsafe_policies.vocabulary import IdentifierKind

MAX_RAW_BYTES: Final = 4096

JOINERS: Final = frozenset("\u200c\u200d")
"""Zero-width joiners, which IDNA permits in some scripts."""

DIRECTION_MARKS: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
"""What address books wrap around a pasted phone number."""

VARIATION_SELECTORS: Final = frozenset("\ufe0e\ufe0f")

# Default_Ignorable_Code_Point of Unicode 14.0 outside category Cf.
_IGNORABLE: Final = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0}
    | {*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
)


# Ahom's medial RA is no longer a nonspacing mark since Unicode 16.0 (Python 3.14).
_CHANGED: Final = frozenset("\U0001171e")


@cache
def unassigned_ranges() -> tuple[tuple[int, int], ...]:
    """Return the ranges, both ends included, that Unicode 14.0 left open."""
    from pathlib import Path  # noqa: PLC0415 - plain values never come here

    path = Path(__file__).parent.parent / "data" / "unicode_14_unassigned.json"
    return tuple((first, last) for first, last in loads(path.read_text("ascii")))


@cache
def _boundaries() -> tuple[int, ...]:
    return tuple(
        edge for first, last in unassigned_ranges() for edge in (first, last + 1)
    )


def is_assigned(character: str) -> bool:
    """Tell whether Unicode 14.0 had assigned a character."""
    return bisect_right(_boundaries(), ord(character)) % 2 == 0


def admit(
    kind: IdentifierKind, raw: str, *, tolerated: frozenset[str] = frozenset()
) -> str:
    """Return a raw value without outer white space, or refuse it.

    Args:
        kind: What the value is, for the error.
        raw: The value as somebody wrote it.
        tolerated: Invisible characters that this kind knows how to treat.

    Raises:
        IdentifierError: The value is empty, too long, or holds a character that
            no identifier may hold.
    """
    if len(raw) > MAX_RAW_BYTES:
        raise IdentifierError(kind, IdentifierFault.TOO_LONG)
    text = raw.strip()
    if not text:
        raise IdentifierError(kind, IdentifierFault.EMPTY)
    if text.isascii() and text.isprintable():
        return text
    if len(raw.encode("utf-8", "surrogatepass")) > MAX_RAW_BYTES:
        raise IdentifierError(kind, IdentifierFault.TOO_LONG)
    for character in text:
        if character not in tolerated:
            fault = _fault_of(character)
            if fault is not None:
                raise IdentifierError(kind, fault)
    return text


def _fault_of(character: str) -> IdentifierFault | None:
    # Python's own category would call a later character assigned, so ours first.
    if not is_assigned(character) or character in _CHANGED:
        return IdentifierFault.UNASSIGNED_CHARACTER
    if ord(character) in _IGNORABLE:
        return IdentifierFault.INVISIBLE_CHARACTER
    match category(character):
        case "Cc" | "Zl" | "Zp":
            return IdentifierFault.CONTROL_CHARACTER
        case "Cs":
            return IdentifierFault.LONE_SURROGATE
        case "Cf":
            return IdentifierFault.INVISIBLE_CHARACTER
        case _:
            return None


def fold(text: str) -> str:
    """Fold compatibility forms and case (NFKC and casefold) to a fixed point."""
    if text.isascii():
        return text.lower()
    while (folded := normalize("NFKC", normalize("NFKC", text).casefold())) != text:
        text = folded
    return text
