# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_crypto.errors import InclusionError, MalformedInputError
from fedsafe_crypto.tlog.ranges import range_proof, verify_range
from fedsafe_crypto.tlog.tree import Frontier, leaf_hash, node_hash

LEAVES = [leaf_hash(bytes([number])) for number in range(40)]
NOTHING = bytes(32)


class Subtrees:
    """Computes every complete subtree from the leaves."""

    def subtree_hash(self, level: int, index: int) -> bytes:
        if level == 0:
            return LEAVES[index]
        left = self.subtree_hash(level - 1, 2 * index)
        return node_hash(left, self.subtree_hash(level - 1, 2 * index + 1))


def root_of(size: int) -> bytes:
    tree = Frontier()
    tree.extend(LEAVES[:size])
    return tree.root()


def test_every_range_of_every_small_tree_verifies() -> None:
    for size in range(1, 24):
        root = root_of(size)
        for start in range(size):
            for end in range(start + 1, size + 1):
                proof = range_proof(Subtrees(), start, end, size)

                verify_range(LEAVES[start:end], start, size, root, proof)
                assert len(proof) <= 2 * size.bit_length()


@given(st.data())
def test_whatever_differs_is_refused(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 40))
    start = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(start + 1, size))
    proof = range_proof(Subtrees(), start, end, size)
    leaves, root = LEAVES[start:end], root_of(size)
    at = data.draw(st.integers(0, len(leaves) - 1))
    wrong = [*leaves[:at], NOTHING, *leaves[at + 1 :]]
    cases = [
        (wrong, start, size, root, proof),
        (leaves[:-1], start, size, root, proof),
        ([*leaves, NOTHING], start, size, root, proof),
        (leaves, start + 1, size, root, proof),
        (leaves, start, size, NOTHING, proof),
        (leaves, start, size, root, [*proof, NOTHING]),
        (leaves, start, size, root, proof[:-1] if proof else [NOTHING]),
        (leaves, start, size, root, [part[:-1] for part in proof] or [b""]),
    ]

    for case in cases:
        with pytest.raises(InclusionError):
            verify_range(*case)


@pytest.mark.parametrize(("start", "end"), [(-1, 1), (1, 1), (2, 1), (0, 41)])
def test_a_range_that_is_none_has_no_proof(start: int, end: int) -> None:
    with pytest.raises(MalformedInputError):
        range_proof(Subtrees(), start, end, 40)
