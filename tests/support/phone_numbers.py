# SPDX-License-Identifier: Apache-2.0
"""Seeded German mobile numbers of valid form: the thief's dictionary."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Final

_PREFIXES: Final = ("151", "152", "157", "159", "160", "170", "171", "175", "176")


def numbers(seed: str, count: int) -> list[str]:
    """Give *count* different numbers in their canonical form, by a seed."""
    found: dict[str, None] = {}
    for number in _stream(seed):
        found[number] = None
        if len(found) == count:
            break
    return list(found)


def _stream(seed: str) -> Iterator[str]:
    position = 0
    while True:
        drawn = int.from_bytes(sha256(f"{seed} {position}".encode()).digest()[:8])
        prefix = _PREFIXES[drawn % len(_PREFIXES)]
        digits = 8 if len(prefix) == 3 and prefix.startswith("15") else 7
        yield f"+49{prefix}{drawn // 16 % 10**digits:0{digits}d}"
        position += 1
