# SPDX-License-Identifier: Apache-2.0
"""Proofs that adjacent leaves are those of an RFC 6962 tree, all of them at once.

A range proof holds the roots of the complete subtrees to the left and to the right
of the leaves, from left to right. An inclusion proof for each leaf would cost the
height of the tree each time; this costs at most twice the height for any number.
"""

from collections.abc import Iterator, Sequence
from hmac import compare_digest

from fedsafe_crypto.errors import InclusionError, MalformedInputError
from fedsafe_crypto.tlog.tree import HASH_BYTES, MAX_SIZE, HashSource, node_hash


def range_proof(source: HashSource, start: int, end: int, size: int) -> list[bytes]:
    """Prove that the leaves `start` to below `end` are in the tree of `size` leaves.

    Raises:
        MalformedInputError: The tree has no such leaves.
    """
    if not 0 <= start < end <= size <= MAX_SIZE:
        raise MalformedInputError("no such leaves in a tree of that size")
    return [
        source.subtree_hash(level, index)
        for level, index in _outside(0, size, start, end)
    ]


def verify_range(
    leaves: Sequence[bytes],
    start: int,
    size: int,
    root: bytes,
    proof: Sequence[bytes],
) -> None:
    """Check that leaf hashes are those of the tree from `start` on.

    Raises:
        InclusionError: The proof does not show it.
    """
    end = start + len(leaves)
    fits = 0 <= start < end <= size <= MAX_SIZE
    if not fits or any(len(part) != HASH_BYTES for part in (*leaves, *proof, root)):
        raise InclusionError("range proof does not verify")
    given, beside = iter(leaves), iter(proof)
    try:
        found = _root(0, size, (start, end), given, beside)
    except StopIteration:
        raise InclusionError("range proof does not verify") from None
    if next(beside, None) is not None or not compare_digest(found, root):
        raise InclusionError("range proof does not verify")


def _outside(low: int, high: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    width = high - low
    if start <= low and high <= end:
        return
    if (high <= start or end <= low) and width & (width - 1) == 0:
        level = width.bit_length() - 1
        yield level, low >> level
        return
    middle = low + (1 << (width - 1).bit_length() - 1)
    yield from _outside(low, middle, start, end)
    yield from _outside(middle, high, start, end)


def _root(
    low: int,
    high: int,
    inside: tuple[int, int],
    given: Iterator[bytes],
    beside: Iterator[bytes],
) -> bytes:
    start, end = inside
    width = high - low
    if (high <= start or end <= low) and width & (width - 1) == 0:
        return next(beside)
    if width == 1:
        return next(given)
    middle = low + (1 << (width - 1).bit_length() - 1)
    left = _root(low, middle, inside, given, beside)
    return node_hash(left, _root(middle, high, inside, given, beside))
