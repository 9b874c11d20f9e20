# SPDX-License-Identifier: Apache-2.0
"""PDQ: what a picture looks like, in 256 bits.

Follows Meta's published description ("The TMK+PDQF Video-Hashing Algorithm and
the PDQ Image-Hashing Algorithm", 2019) and gives the bits, their order and the
quality of the reference implementation. The arithmetic on pixels is in
`fedsafe_federation.media.pdq_transform`, which needs numpy and is loaded only when a
picture is hashed; values and distances need nothing.

A perceptual hash conceals nothing: a thumbnail can be drawn back from it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Final, Self

from fedsafe_federation.errors import MediaError, MediaFault
from fedsafe_federation.media.digests import DIGEST_BYTES, parse_digest
from fedsafe_policies.documents.harmless_media import MATCH_RADIUS
from fedsafe_policies.vocabulary import MediaKind

if TYPE_CHECKING:
    from fedsafe_federation.media.pdq_transform import Pixels

PDQ_BYTES = DIGEST_BYTES[MediaKind.PDQ]
THRESHOLD = MATCH_RADIUS
"""Two pictures are alike up to this many differing bits of 256."""
USABLE_QUALITY = 50
"""Below this a picture is too plain: unrelated plain pictures look alike."""
BEST_QUALITY = 100


@unique
class Orientation(StrEnum):
    """How a picture lies beside the listed one; turned by so many degrees clockwise.

    In the order of `pdqhash.compute_dihedral`: the digest at a place is that of the
    picture after it was put back from lying so.
    """

    ORIGINAL = "original"
    ROTATED_90 = "rotated_90"
    ROTATED_180 = "rotated_180"
    ROTATED_270 = "rotated_270"
    MIRRORED_TOP_BOTTOM = "mirrored_top_bottom"
    MIRRORED_LEFT_RIGHT = "mirrored_left_right"
    MIRRORED_ROTATED_270 = "mirrored_rotated_270"
    MIRRORED_ROTATED_90 = "mirrored_rotated_90"


ORIENTATIONS: Final = tuple(Orientation)


@dataclass(frozen=True, slots=True)
class PdqHash:
    """A PDQ hash and how much picture it rests on (0 to 100).

    Raises:
        MediaError: The digest has not 32 bytes, or the quality is out of range.
    """

    digest: bytes
    quality: int

    def __post_init__(self) -> None:
        """Refuse what no picture can give."""
        if len(self.digest) != PDQ_BYTES or not 0 <= self.quality <= BEST_QUALITY:
            raise MediaError(MediaFault.MALFORMED_DIGEST)

    @classmethod
    def from_hex(cls, text: str, quality: int) -> Self:
        """Read the 64 hexadecimal letters that PDQ hashes are exchanged as.

        Raises:
            MediaError: The text is no PDQ hash, or the quality out of range.
        """
        return cls(parse_digest(MediaKind.PDQ, text), quality)

    @property
    def hex(self) -> str:
        """The hash as it is exchanged: 64 letters, highest frequency first."""
        return self.digest.hex()

    @property
    def usable(self) -> bool:
        """Whether the picture has enough in it to be matched."""
        return self.quality >= USABLE_QUALITY


@dataclass(frozen=True, slots=True)
class TurnedPdq:
    """The PDQ digests of a picture in each of `ORIENTATIONS`, and its quality.

    Raises:
        MediaError: There are not eight digests, or one is malformed.
    """

    digests: tuple[bytes, ...]
    quality: int

    def __post_init__(self) -> None:
        """Refuse what no picture can give."""
        if len(self.digests) != len(ORIENTATIONS):
            raise MediaError(MediaFault.MALFORMED_DIGEST)
        for digest in self.digests:
            PdqHash(digest, self.quality)

    @property
    def original(self) -> PdqHash:
        """The picture as it is."""
        return PdqHash(self.digests[0], self.quality)

    @property
    def hex(self) -> str:
        """All eight as lookups take them: 512 letters."""
        return b"".join(self.digests).hex()


def hamming_distance(one: bytes, other: bytes) -> int:
    """Count the bits in which two PDQ digests differ.

    Raises:
        MediaError: One of them has not 32 bytes.
    """
    if not len(one) == len(other) == PDQ_BYTES:
        raise MediaError(MediaFault.MALFORMED_DIGEST)
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def _places(odd: Callable[[int, int], bool]) -> int:
    """Give the bits of the frequencies (down, across) at which something is odd."""
    return sum(
        1 << (_SIDE * down + across)
        for down in range(_SIDE)
        for across in range(_SIDE)
        if odd(down, across)
    )


def _swap(step: int) -> tuple[int, int]:
    """Give a step of `_diagonal`: how far bits go, and those that go down."""

    def goes(down: int, across: int) -> bool:
        return bool(across & step) and not down & step

    return 15 * step, _places(goes)


_SIDE: Final = 16
# A mirrored picture has every other frequency negated, so its bit turned over.
_TOP_BOTTOM: Final = _places(lambda down, _: not down % 2)
_LEFT_RIGHT: Final = _places(lambda _, across: not across % 2)
_SWAPS: Final = tuple(map(_swap, (8, 4, 2, 1)))
LOOSE: Final = 64
"""So many bits a digest may differ from how the picture lies."""


def _diagonal(bits: int) -> int:
    """Exchange down and across, as mirroring at the diagonal does."""
    for shift, places in _SWAPS:
        swapped = (bits ^ (bits >> shift)) & places
        bits ^= swapped ^ (swapped << shift)
    return bits


def orientations_of(digest: bytes) -> tuple[bytes, ...]:
    """Give what a picture's digest says of it turned and mirrored, in their order.

    `pdq_turned` gives others in a few bits: those of frequencies that lie between the
    median and that of the negated ones.

    Raises:
        MediaError: It has not 32 bytes.
    """
    if len(digest) != PDQ_BYTES:
        raise MediaError(MediaFault.MALFORMED_DIGEST)
    first = int.from_bytes(digest)
    left_right, top_bottom = first ^ _LEFT_RIGHT, first ^ _TOP_BOTTOM
    both = left_right ^ _TOP_BOTTOM
    lying = (
        first,
        _diagonal(left_right),
        both,
        _diagonal(top_bottom),
        top_bottom,
        left_right,
        _diagonal(first),
        _diagonal(both),
    )
    return tuple(each.to_bytes(PDQ_BYTES) for each in lying)


def are_orientations(digests: Sequence[bytes]) -> bool:
    """Tell whether eight digests can be of one picture, in the order of `Orientation`.

    They are compared with what the first says, up to `LOOSE` bits. Those of a
    photograph differ by some ten, and by some thirty where a file was turned for each;
    those of two pictures by some 128, and by 64 or less for one pair in 10^15.

    Raises:
        MediaError: One of them has not 32 bytes.
    """
    if len(digests) != len(ORIENTATIONS):
        return False
    pairs = zip(digests, orientations_of(digests[0]), strict=True)
    return all(hamming_distance(one, other) <= LOOSE for one, other in pairs)


def pdq_hash(pixels: "Pixels") -> PdqHash:
    """Hash a picture given as its samples.

    Args:
        pixels: `(rows, columns, 3)` red, green, blue or `(rows, columns)` luma,
            both unsigned 8-bit. A side of fewer than five pixels gives the zero
            digest with quality 0, as the reference does.

    Raises:
        ValueError: The array has another shape or sample type.
    """
    from fedsafe_federation.media.pdq_transform import transform  # noqa: PLC0415 (numpy)

    return PdqHash(*transform(pixels))


def pdq_turned(pixels: "Pixels") -> TurnedPdq:
    """Hash a picture as it is, turned and mirrored, in one pass over its samples.

    The digests are those of `pdqhash.compute_dihedral`, bit for bit. Arguments and
    errors as for `pdq_hash`.
    """
    from fedsafe_federation.media.pdq_transform import transform_turned  # noqa: PLC0415

    return TurnedPdq(*transform_turned(pixels))
