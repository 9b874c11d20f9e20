# SPDX-License-Identifier: Apache-2.0
"""The Merkle tree of RFC 6962 over SHA-256: growing it, proving, verifying.

A `Frontier` is all that an appending log must remember: the roots of the complete
subtrees that make up the tree, one for each bit set in its size. Proofs come out of
a `HashSource`, which gives the root of any complete subtree; `tiles.py` has one over
C2SP tiles. Verification needs neither.

    tree = Frontier()
    tree.extend([leaf_hash(b"first"), leaf_hash(b"second")])
    assert tree.root() == node_hash(leaf_hash(b"first"), leaf_hash(b"second"))
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from typing import Final, Protocol, Self

from fedsafe_crypto.errors import (
    ConsistencyError,
    InclusionError,
    MalformedInputError,
    WrongLengthError,
)
from fedsafe_crypto.primitives.framing import check_length

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()
MAX_SIZE: Final = 2**63 - 1

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry of the log (RFC 6962 §2.1)."""
    return sha256(_LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into their parent (RFC 6962 §2.1)."""
    return sha256(_NODE + left + right).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """Hash many entries of the log, without a call for each."""
    return [sha256(_LEAF + entry).digest() for entry in entries]


def parent_hashes(nodes: Sequence[bytes]) -> list[bytes]:
    """Hash neighbours, two by two, into their parents; one left over is not."""
    pairs = zip(nodes[::2], nodes[1::2], strict=False)
    return [sha256(_NODE + left + right).digest() for left, right in pairs]


@dataclass(frozen=True, slots=True)
class Row:
    """Roots of new complete subtrees of one height, side by side.

    Attributes:
        level: Their height: each spans 2**level leaves.
        first: The index of the first among all subtrees of that height.
        hashes: The roots.
    """

    level: int
    first: int
    hashes: list[bytes]


class Frontier:
    """The right edge of a growing tree.

    `_peaks[level]` is the complete subtree of that height which has no complete
    parent yet; it counts only where the bit is set in `_size`.
    """

    __slots__ = ("_peaks", "_size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        """Start empty, or from what `size` and `peaks` of another gave.

        Raises:
            MalformedInputError: The number of peaks does not fit the size.
            WrongLengthError: A peak has not 32 bytes.
        """
        given = list(peaks)
        if not 0 <= size <= MAX_SIZE or len(given) != size.bit_count():
            raise MalformedInputError("peaks do not fit the size of the tree")
        _check_hashes(given)
        self._size = size
        self._peaks = [
            given.pop() if size >> level & 1 else b""
            for level in range(size.bit_length())
        ]

    @classmethod
    def load(cls, source: "HashSource", size: int) -> Self:
        """Read the frontier of a stored tree."""
        _check_size(size)
        peaks = [
            source.subtree_hash(level, (size >> level) - 1)
            for level in reversed(range(size.bit_length()))
            if size >> level & 1
        ]
        return cls(size, peaks)

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """The roots of the complete subtrees, from left to right."""
        levels = reversed(range(len(self._peaks)))
        return tuple(self._peaks[level] for level in levels if self._size >> level & 1)

    def copy(self) -> Self:
        """Give an independent frontier of the same tree."""
        return type(self)(self._size, self.peaks)

    def append(self, leaf: bytes) -> int:
        """Add one leaf hash and give its index.

        Raises:
            WrongLengthError: It has not 32 bytes.
        """
        check_length("leaf hash", leaf, HASH_BYTES)
        index, level, node = self._size, 0, leaf
        while index >> level & 1:
            node = sha256(_NODE + self._peaks[level] + node).digest()
            level += 1
        self._place(level, node)
        self._size += 1
        return index

    def extend(self, leaves: Iterable[bytes]) -> list[Row]:
        """Add many leaf hashes and give the complete subtrees that they made.

        The first row is the leaves; a store keeps those rows that it serves.

        Raises:
            WrongLengthError: A hash has not 32 bytes; nothing was added.
        """
        nodes = list(leaves)
        _check_hashes(nodes)
        old, level, rows = self._size, 0, list[Row]()
        self._size += len(nodes)
        while nodes:
            rows.append(Row(level, old >> level, nodes))
            paired = [self._peaks[level], *nodes] if old >> level & 1 else nodes
            if len(paired) & 1:
                self._place(level, paired[-1])
            nodes = parent_hashes(paired)
            level += 1
        return rows

    def root(self) -> bytes:
        """Give the root of the tree as it is now."""
        root = b""
        for level, peak in enumerate(self._peaks):
            if self._size >> level & 1:
                root = node_hash(peak, root) if root else peak
        return root or EMPTY_ROOT

    def _place(self, level: int, peak: bytes) -> None:
        missing = level + 1 - len(self._peaks)
        self._peaks.extend([b""] * missing)
        self._peaks[level] = peak


class HashSource(Protocol):
    """Whoever knows the complete subtrees of a tree."""

    def subtree_hash(self, level: int, index: int) -> bytes:
        """Give the root over leaves `index << level` to `(index + 1) << level`.

        It is asked for complete subtrees of the tree only; what it raises when it
        lacks one passes through.
        """
        ...


def root_at(source: HashSource, size: int) -> bytes:
    """Give the root that the tree had at a size.

    Raises:
        MalformedInputError: No such size.
    """
    _check_size(size)
    return _range_root(source, 0, size) if size else EMPTY_ROOT


def inclusion_proof(source: HashSource, index: int, size: int) -> list[bytes]:
    """Prove that the leaf at `index` is in the tree of `size` leaves.

    Raises:
        MalformedInputError: The tree has no such leaf.
    """
    _check_size(size)
    if not 0 <= index < size:
        raise MalformedInputError("no such leaf in a tree of that size")
    proof = list[bytes]()
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(_range_root(source, middle, end))
            end = middle
        else:
            proof.append(_range_root(source, start, middle))
            start = middle
    return proof[::-1]


def consistency_proof(source: HashSource, old: int, new: int) -> list[bytes]:
    """Prove that the tree of `new` leaves extends the one of `old`.

    Raises:
        MalformedInputError: Not 0 < old ≤ new: with an empty tree all trees are
            consistent, so there is nothing to prove.
    """
    _check_size(new)
    if not 0 < old <= new:
        raise MalformedInputError("no consistency proof between these sizes")
    proof = list[bytes]()
    start, end = 0, new
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(_range_root(source, middle, end))
            end = middle
        else:
            proof.append(_range_root(source, start, middle))
            start = middle
    if start > 0:  # RFC 6962 §2.1.2: the verifier has the old root itself
        proof.append(_range_root(source, start, end))
    return proof[::-1]


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check an inclusion proof (RFC 9162 §2.1.3.2).

    Raises:
        InclusionError: It does not prove that leaf at that place under that root.
    """
    if not (0 <= index < size <= MAX_SIZE and _all_hashes([leaf, root, *proof])):
        raise InclusionError("inclusion proof does not verify")
    node, place, last = leaf, index, size - 1
    for sibling in proof:
        if last == 0:
            raise InclusionError("inclusion proof does not verify")
        if place & 1 or place == last:
            node = node_hash(sibling, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        place, last = place >> 1, last >> 1
    if last != 0 or not compare_digest(node, root):
        raise InclusionError("inclusion proof does not verify")


def verify_consistency(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check a consistency proof (RFC 9162 §2.1.4.2).

    Raises:
        ConsistencyError: It does not prove that the new tree extends the old one,
            or the old tree is empty, which proves nothing.
    """
    if not (0 < old <= new <= MAX_SIZE and _all_hashes([old_root, new_root, *proof])):
        raise ConsistencyError("consistency proof does not verify")
    if old == new:
        if proof or not compare_digest(old_root, new_root):
            raise ConsistencyError("consistency proof does not verify")
        return
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    found = _replay(old - 1, new - 1, path) if path else None
    if found != (old_root, new_root):
        raise ConsistencyError("consistency proof does not verify")


def root_before(
    old: int, new: int, new_root: bytes, proof: Sequence[bytes]
) -> bytes | None:
    """Give the root of the first `old` leaves of the new tree, as a proof shows it.

    The proof binds it: two checkpoints and a proof that leads from the newer to
    another root than the older's convict a log of a fork. None if the proof does
    not lead to the new root, or the old tree is complete, so that the proof does
    not hold its root (RFC 6962 §2.1.2).
    """
    if not (0 < old < new <= MAX_SIZE and proof and _all_hashes([new_root, *proof])):
        return None
    found = _replay(old - 1, new - 1, list(proof)) if old & (old - 1) else None
    return found[0] if found and compare_digest(found[1], new_root) else None


def _replay(place: int, last: int, path: list[bytes]) -> tuple[bytes, bytes] | None:
    while place & 1:
        place, last = place >> 1, last >> 1
    old_node = new_node = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if place & 1 or place == last:
            old_node = node_hash(sibling, old_node)
            new_node = node_hash(sibling, new_node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new_node = node_hash(new_node, sibling)
        place, last = place >> 1, last >> 1
    return (old_node, new_node) if last == 0 else None


def _range_root(source: HashSource, start: int, end: int) -> bytes:
    width = end - start
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return source.subtree_hash(level, start >> level)
    middle = start + _split(width)
    return node_hash(
        _range_root(source, start, middle), _range_root(source, middle, end)
    )


def _split(width: int) -> int:
    """Give the largest power of two below a width (RFC 6962 §2.1)."""
    return 1 << (width - 1).bit_length() - 1


def _check_size(size: int) -> None:
    if not 0 <= size <= MAX_SIZE:
        raise MalformedInputError("no size of a tree")


def _all_hashes(hashes: Iterable[bytes]) -> bool:
    return set(map(len, hashes)) <= {HASH_BYTES}


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if not _all_hashes(hashes):
        wrong = next(len(one) for one in hashes if len(one) != HASH_BYTES)
        raise WrongLengthError("hash", wrong, HASH_BYTES)
