# SPDX-License-Identifier: Apache-2.0
"""A keyed hash of a multiset of rows, which grows and shrinks row by row.

MSet-Add-Hash of Clarke, Devadas, van Dijk, Gassend and Suh (ASIACRYPT 2003): the sum
of a pseudorandom function of each row. Sums are for the eyes of whoever has the key
only, since from many sums and rows others with the same sum can be found: seal them
before they are stored.

Beside it there is a second sum, in which each row counts as often as the number of
its place says. If a single row differs between two sums, the quotient of both
differences is the number of its place, and nobody had to keep a hash of each row.

    before = Multiset().with_row(hasher, b"first", 1).with_row(hasher, b"second", 2)
    after = before.with_row(hasher, b"second", 2, times=-1)
    assert after == Multiset().with_row(hasher, b"first", 1)
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Self

from fedsafe_crypto.primitives.framing import check_length

KEY_BYTES: Final = 32
SUM_BYTES: Final = 32
PLACES: Final = 1 << 32
# The largest prime below 2^256: quotients exist, and no bit of a hash is lost.
MODULUS: Final = 2**256 - 189

RowHash = Callable[[bytes], int]


def derive_key(key: bytes, purpose: str) -> bytes:
    """Derive an independent key for a purpose of at most 16 ASCII letters.

    Raises:
        WrongLengthError: the key has not 32 bytes.
    """
    check_length("key", key, KEY_BYTES)
    return blake2b(key=key, person=purpose.encode(), digest_size=KEY_BYTES).digest()


def row_hash(key: bytes) -> RowHash:
    """Return keyed BLAKE2b-256 of a row as a number below the modulus.

    Raises:
        WrongLengthError: the key has not 32 bytes.
    """
    check_length("key", key, KEY_BYTES)
    begun = blake2b(key=key, digest_size=SUM_BYTES)

    def hash_row(row: bytes) -> int:
        state = begun.copy()
        state.update(row)
        return int.from_bytes(state.digest()) % MODULUS

    return hash_row


@dataclass(frozen=True, slots=True)
class Multiset:
    """How many rows there are, their sum, and the sum by their places."""

    count: int = 0
    total: int = 0
    by_place: int = 0

    def with_row(
        self, hash_row: RowHash, row: bytes, place: int, *, times: int = 1
    ) -> Self:
        """Add a row at a place, or take it away (`times` = -1)."""
        hashed = times * hash_row(row)
        return self.with_sums(times, hashed, hashed * place)

    def with_sums(self, count: int, total: int, by_place: int) -> Self:
        """Add sums over many rows; those of rows that are taken away are negative."""
        return type(self)(
            self.count + count,
            (self.total + total) % MODULUS,
            (self.by_place + by_place) % MODULUS,
        )

    def place_of_difference(self, other: "Multiset") -> int | None:
        """Return the place of the one row that differs; None if it is not one."""
        total = (self.total - other.total) % MODULUS
        by_place = (self.by_place - other.by_place) % MODULUS
        if total == 0:
            return None
        place = by_place * pow(total, -1, MODULUS) % MODULUS
        return place if place < PLACES else None
