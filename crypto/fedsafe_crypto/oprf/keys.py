# SPDX-License-Identifier: Apache-2.0
"""Generations, the pins that everybody holds of one, and a node's own share.

A generation is one sharing of one key. Its pins are public: the key V, and each
holder's public share Vᵢ. A node checks kᵢ·G = Vᵢ when it loads its share; a client
checks Σ λᵢ·Vᵢ = V for each quorum that it uses.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Self

from fedsafe_crypto.errors import (
    GenerationMismatchError,
    SharesError,
    WrongLengthError,
)
from fedsafe_crypto.oprf.shares import check_index, check_sizes, lagrange_at_zero
from fedsafe_crypto.primitives.ristretto import (
    ELEMENT_BYTES,
    REFUSED_BYTES,
    SCALAR_BYTES,
    check_element,
    check_scalar,
    multiply_base,
    sum_products,
)

_NUMBER_BYTES: Final = 4
_GENERATION_BYTES: Final = 2 * _NUMBER_BYTES
_SHARE_BYTES: Final = _GENERATION_BYTES + 2 + SCALAR_BYTES
_PINS_HEAD_BYTES: Final = _GENERATION_BYTES + 2 + ELEMENT_BYTES
_MEMBER_BYTES: Final = 1 + ELEMENT_BYTES


@dataclass(frozen=True, slots=True, order=True)
class Generation:
    """Which key (epoch) and which sharing of it (number)."""

    epoch: int
    number: int

    def __post_init__(self) -> None:
        """Refuse numbers that the encoding cannot hold."""
        for value in (self.epoch, self.number):
            if not 0 <= value < 2 ** (8 * _NUMBER_BYTES):
                raise SharesError("epoch and generation are 32-bit numbers")

    def __str__(self) -> str:
        """Write it as epoch.number."""
        return f"{self.epoch}.{self.number}"

    def to_bytes(self) -> bytes:
        """Encode in 8 bytes."""
        return self.epoch.to_bytes(_NUMBER_BYTES) + self.number.to_bytes(_NUMBER_BYTES)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what to_bytes wrote.

        Raises:
            WrongLengthError: Not 8 bytes.
        """
        if len(data) != _GENERATION_BYTES:
            raise WrongLengthError("generation", len(data), _GENERATION_BYTES)
        epoch, number = data[:_NUMBER_BYTES], data[_NUMBER_BYTES:]
        return cls(int.from_bytes(epoch), int.from_bytes(number))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """What everybody holds of one generation: the public key and public shares.

    Raises:
        SharesError: The threshold or an index is out of bounds.
        MalformedElementError: The key or a public share is no element.
    """

    generation: Generation
    threshold: int
    public: bytes
    members: Mapping[int, bytes]
    _checked: set[frozenset[int]] = field(
        init=False, repr=False, compare=False, default_factory=set
    )

    def __post_init__(self) -> None:
        """Check every part by itself."""
        check_sizes(self.threshold, len(self.members))
        check_element(self.public)
        for index, share in self.members.items():
            check_index(index)
            check_element(share)
        ordered = MappingProxyType(dict(sorted(self.members.items())))
        object.__setattr__(self, "members", ordered)

    def check_subset(self, indices: Collection[int]) -> None:
        """Check that these public shares make the public key (cached).

        Raises:
            SharesError: They do not, or they are fewer than t or not members.
        """
        subset = frozenset(indices)
        if subset in self._checked:
            return
        if len(subset) < self.threshold or not subset <= self.members.keys():
            raise SharesError(f"share indices {sorted(subset)} are no quorum")
        coefficients = lagrange_at_zero(sorted(subset))
        shares = [self.members[index] for index in coefficients]
        try:
            joined = sum_products(list(coefficients.values()), shares)
        except REFUSED_BYTES as error:
            raise SharesError("public shares cancel out") from error
        if joined != self.public:
            raise SharesError(
                f"public shares {sorted(subset)} do not make the public key"
            )
        self._checked.add(subset)

    def check(self) -> None:
        """Check that all public shares lie on one polynomial, the key at zero.

        Raises:
            SharesError: They do not.
        """
        for index in list(self.members)[self.threshold - 1 :]:
            self.check_subset(self.quorum_with(index))

    def quorum_with(self, index: int) -> tuple[int, ...]:
        """Name t members, that one among them.

        Raises:
            SharesError: It is no member.
        """
        if index not in self.members:
            raise SharesError(f"share {index} is not pinned")
        others = [member for member in self.members if member != index]
        return (*others[: self.threshold - 1], index)

    def to_bytes(self) -> bytes:
        """Encode: generation, t, n, key, then index and public share of each."""
        head = self.generation.to_bytes() + bytes((self.threshold, len(self.members)))
        members = (bytes((index,)) + share for index, share in self.members.items())
        return head + self.public + b"".join(members)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what to_bytes wrote.

        Raises:
            WrongLengthError: The length fits no number of members.
            SharesError: The threshold or an index is out of bounds or order.
            MalformedElementError: The key or a public share is no element.
        """
        count = data[_GENERATION_BYTES + 1] if len(data) > _GENERATION_BYTES + 1 else 0
        want = _PINS_HEAD_BYTES + count * _MEMBER_BYTES
        if len(data) != want:
            raise WrongLengthError("pins", len(data), want)
        entries = [
            (data[at], data[at + 1 : at + _MEMBER_BYTES])
            for at in range(_PINS_HEAD_BYTES, want, _MEMBER_BYTES)
        ]
        indices = [index for index, _ in entries]
        if indices != sorted(set(indices)):
            raise SharesError("share indices out of order")
        return cls(
            generation=Generation.from_bytes(data[:_GENERATION_BYTES]),
            threshold=data[_GENERATION_BYTES],
            public=data[_GENERATION_BYTES + 2 : _PINS_HEAD_BYTES],
            members=dict(entries),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyShare:
    """One node's part of the key of one generation; never printed.

    Raises:
        SharesError: The index or the threshold is out of bounds.
        MalformedScalarError: The secret is zero or not reduced.
    """

    generation: Generation
    index: int
    threshold: int
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Check every part by itself."""
        check_index(self.index)
        check_sizes(self.threshold, self.threshold)
        check_scalar(self.secret)

    def check(self, pins: Pins) -> None:
        """Check the share against the pins; every node does so when it loads them.

        Raises:
            GenerationMismatchError: The pins are of another generation.
            SharesError: The pinned public share is not this share's.
        """
        check_generation(self.generation, pins)
        pinned = pins.members.get(self.index)
        if self.threshold != pins.threshold or pinned != multiply_base(self.secret):
            raise SharesError(f"share {self.index} is not the pinned one")

    def to_bytes(self) -> bytes:
        """Encode in 42 bytes: generation, index, t, secret."""
        head = self.generation.to_bytes() + bytes((self.index, self.threshold))
        return head + self.secret

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what to_bytes wrote.

        Raises:
            WrongLengthError: Not 42 bytes.
            SharesError: The index or the threshold is out of bounds.
            MalformedScalarError: The secret is zero or not reduced.
        """
        if len(data) != _SHARE_BYTES:
            raise WrongLengthError("key share", len(data), _SHARE_BYTES)
        return cls(
            generation=Generation.from_bytes(data[:_GENERATION_BYTES]),
            index=data[_GENERATION_BYTES],
            threshold=data[_GENERATION_BYTES + 1],
            secret=data[_GENERATION_BYTES + 2 :],
        )


def check_generation(generation: Generation, pins: Pins) -> None:
    """Refuse to use anything with the pins of another generation.

    Raises:
        GenerationMismatchError: The generations differ.
    """
    if generation != pins.generation:
        raise GenerationMismatchError(
            f"generation {generation} met pins of {pins.generation}"
        )
