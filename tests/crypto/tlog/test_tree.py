# SPDX-License-Identifier: Apache-2.0

import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import TypedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsafe_crypto.errors import (
    ConsistencyError,
    InclusionError,
    MalformedInputError,
    WrongLengthError,
)
from fedsafe_crypto.tlog.tree import (
    EMPTY_ROOT,
    MAX_SIZE,
    Frontier,
    Row,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_at,
    root_before,
    verify_consistency,
    verify_inclusion,
)

VECTORS = json.loads(
    (Path(__file__).parent.parent / "vectors" / "tree.json").read_text()
)
REFERENCE = VECTORS["reference"]
LEAVES = [leaf_hash(bytes([place])) for place in range(70)]


def naive_root(leaves: list[bytes]) -> bytes:
    if len(leaves) <= 1:
        return leaves[0] if leaves else sha256(b"").digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    joined = b"\1" + naive_root(leaves[:split]) + naive_root(leaves[split:])
    return sha256(joined).digest()


class NaiveSource:
    """Computes each subtree from the leaves; refuses those not complete."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.leaves = leaves

    def subtree_hash(self, level: int, index: int) -> bytes:
        leaves = self.leaves[index << level : (index + 1) << level]
        assert len(leaves) == 1 << level
        return naive_root(leaves)


SOURCE = NaiveSource(LEAVES)
ROOTS = [naive_root(LEAVES[:size]) for size in range(71)]


class InclusionCase(TypedDict):
    leafIdx: int
    treeSize: int
    root: str
    leafHash: str
    proof: list[str]
    wantErr: bool


class ConsistencyCase(TypedDict):
    size1: int
    size2: int
    root1: str
    root2: str
    proof: list[str]
    wantErr: bool


@pytest.mark.parametrize("case", VECTORS["inclusion"], ids=lambda case: case["comment"])
def test_published_inclusion_proofs_are_judged_alike(case: InclusionCase) -> None:
    def judge() -> None:
        verify_inclusion(
            b64decode(case["leafHash"]),
            case["leafIdx"],
            case["treeSize"],
            [b64decode(one) for one in case["proof"]],
            b64decode(case["root"]),
        )

    if case["wantErr"]:
        with pytest.raises(InclusionError):
            judge()
    else:
        judge()


@pytest.mark.parametrize(
    "case", VECTORS["consistency"], ids=lambda case: case["comment"]
)
def test_published_consistency_proofs_are_judged_alike(case: ConsistencyCase) -> None:
    def judge() -> None:
        verify_consistency(
            case["size1"],
            b64decode(case["root1"]),
            case["size2"],
            b64decode(case["root2"]),
            [b64decode(one) for one in case["proof"]],
        )

    if case["wantErr"]:
        with pytest.raises(ConsistencyError):
            judge()
    else:
        judge()


def test_the_reference_tree_comes_out() -> None:
    leaves = [leaf_hash(bytes.fromhex(entry)) for entry in REFERENCE["leaf_inputs"]]
    frontier = Frontier()
    roots = [frontier.root().hex()]
    for leaf in leaves:
        frontier.append(leaf)
        roots.append(frontier.root().hex())

    rows = Frontier().extend(leaves)

    assert roots == REFERENCE["root_hashes"]
    assert [node.hex() for row in rows for node in row.hashes] == (
        REFERENCE["node_hashes"]
    )


@pytest.mark.parametrize("size", range(71))
def test_appending_extending_and_loading_agree_with_a_naive_tree(size: int) -> None:
    appended, extended = Frontier(), Frontier()
    indices = [appended.append(leaf) for leaf in LEAVES[:size]]
    extended.extend(LEAVES[:size])
    loaded = Frontier.load(SOURCE, size)

    assert indices == list(range(size))
    assert appended.size == extended.size == loaded.size == size
    assert appended.peaks == extended.peaks == loaded.peaks
    assert appended.root() == loaded.root() == root_at(SOURCE, size) == ROOTS[size]


@given(st.lists(st.integers(0, 25), max_size=12))
def test_any_batching_gives_the_same_tree_and_all_subtrees(sizes: list[int]) -> None:
    leaves = [leaf_hash(place.to_bytes(2)) for place in range(sum(sizes))]
    source, frontier, seen = NaiveSource(leaves), Frontier(), set[tuple[int, int]]()
    for size in sizes:
        start = frontier.size
        for row in frontier.extend(leaves[start : start + size]):
            for place, node in enumerate(row.hashes, row.first):
                assert node == source.subtree_hash(row.level, place)
                seen.add((row.level, place))

    assert frontier.root() == naive_root(leaves)
    assert seen == {
        (level, index)
        for level in range(len(leaves).bit_length())
        for index in range(len(leaves) >> level)
    }


def test_a_copy_goes_its_own_way() -> None:
    frontier = Frontier()
    frontier.extend(LEAVES[:5])
    copy = frontier.copy()
    frontier.append(LEAVES[5])

    assert copy.root() == ROOTS[5]
    assert frontier.root() == ROOTS[6]
    assert Frontier(copy.size, copy.peaks).root() == ROOTS[5]


def test_extending_by_nothing_changes_nothing() -> None:
    frontier = Frontier()

    assert frontier.extend([]) == []
    assert frontier.root() == EMPTY_ROOT
    assert frontier.extend([LEAVES[0]]) == [Row(0, 0, [LEAVES[0]])]


@pytest.mark.parametrize("size", range(1, 71))
def test_every_leaf_is_proved_and_nothing_else(size: int) -> None:
    for index in range(size):
        proof = inclusion_proof(SOURCE, index, size)
        verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])

        with pytest.raises(InclusionError):
            verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size - 1])
        with pytest.raises(InclusionError):
            verify_inclusion(leaf_hash(b"no"), index, size, proof, ROOTS[size])
        with pytest.raises(InclusionError):
            verify_inclusion(
                LEAVES[index], index, size, [*proof, LEAVES[0]], ROOTS[size]
            )


@pytest.mark.parametrize("new", range(1, 71))
def test_every_older_tree_is_proved_and_nothing_else(new: int) -> None:
    for old in range(1, new + 1):
        proof = consistency_proof(SOURCE, old, new)
        verify_consistency(old, ROOTS[old], new, ROOTS[new], proof)

        with pytest.raises(ConsistencyError):
            verify_consistency(old, ROOTS[old - 1], new, ROOTS[new], proof)
        with pytest.raises(ConsistencyError):
            verify_consistency(old, ROOTS[old], new, ROOTS[new - 1], proof)
        with pytest.raises(ConsistencyError):
            verify_consistency(old, ROOTS[old], new, ROOTS[new], [*proof, LEAVES[0]])


@settings(max_examples=40)
@given(st.data())
def test_proofs_hold_in_larger_trees(data: st.DataObject) -> None:
    size = data.draw(st.integers(71, 700))
    leaves = [leaf_hash(place.to_bytes(2)) for place in range(size)]
    source, root = NaiveSource(leaves), naive_root(leaves)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))

    verify_inclusion(
        leaves[index], index, size, inclusion_proof(source, index, size), root
    )
    verify_consistency(
        old, naive_root(leaves[:old]), size, root, consistency_proof(source, old, size)
    )


@settings(max_examples=200)
@given(st.data())
def test_any_changed_byte_of_a_proof_is_refused(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 70))
    old = data.draw(st.integers(1, new - 1))
    change = data.draw(st.integers(1, 255))
    inclusion = bytearray(b"".join(inclusion_proof(SOURCE, old, new)))
    consistency = bytearray(b"".join(consistency_proof(SOURCE, old, new)))
    inclusion[data.draw(st.integers(0, len(inclusion) - 1))] ^= change
    consistency[data.draw(st.integers(0, len(consistency) - 1))] ^= change

    with pytest.raises(InclusionError):
        verify_inclusion(LEAVES[old], old, new, cut(inclusion), ROOTS[new])
    with pytest.raises(ConsistencyError):
        verify_consistency(old, ROOTS[old], new, ROOTS[new], cut(consistency))


def cut(joined: bytearray) -> list[bytes]:
    return [bytes(joined[at : at + 32]) for at in range(0, len(joined), 32)]


JUNK = st.lists(st.one_of(st.binary(max_size=40), st.binary(min_size=32, max_size=32)))
NUMBER = st.integers(-3, 2**70)


@given(NUMBER, NUMBER, st.binary(max_size=40), st.binary(max_size=40), JUNK)
def test_junk_is_refused(
    first: int, second: int, one: bytes, other: bytes, proof: list[bytes]
) -> None:
    with pytest.raises(InclusionError):
        verify_inclusion(one, first, second, proof, other + b"x")
    with pytest.raises(ConsistencyError):
        verify_consistency(first, one, second, other + one + b"x", proof)


def test_an_empty_old_tree_proves_nothing() -> None:
    with pytest.raises(ConsistencyError):
        verify_consistency(0, EMPTY_ROOT, 5, ROOTS[5], [])
    with pytest.raises(ConsistencyError):
        verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    with pytest.raises(MalformedInputError):
        consistency_proof(SOURCE, 0, 5)


def test_equal_sizes_need_equal_roots_and_no_proof() -> None:
    verify_consistency(5, ROOTS[5], 5, ROOTS[5], [])

    with pytest.raises(ConsistencyError):
        verify_consistency(5, ROOTS[5], 5, ROOTS[6], [])
    with pytest.raises(ConsistencyError):
        verify_consistency(5, ROOTS[5], 5, ROOTS[5], [ROOTS[5]])


@pytest.mark.parametrize(
    ("index", "size"), [(-1, 5), (5, 5), (0, 0), (0, -1), (0, MAX_SIZE + 1)]
)
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(MalformedInputError):
        inclusion_proof(SOURCE, index, size)


@pytest.mark.parametrize(("old", "new"), [(6, 5), (-1, 5), (1, MAX_SIZE + 1)])
def test_there_is_no_proof_of_a_tree_that_shrinks(old: int, new: int) -> None:
    with pytest.raises(MalformedInputError):
        consistency_proof(SOURCE, old, new)


def test_hashes_of_another_length_are_refused_and_nothing_is_added() -> None:
    frontier = Frontier()

    with pytest.raises(WrongLengthError):
        frontier.append(bytes(31))
    with pytest.raises(WrongLengthError):
        frontier.extend([bytes(32), bytes(33)])
    assert frontier.size == 0
    with pytest.raises(WrongLengthError):
        Frontier(1, [bytes(20)])


@pytest.mark.parametrize(("size", "peaks"), [(-1, 0), (1, 0), (3, 1), (4, 2)])
def test_peaks_must_fit_the_size(size: int, peaks: int) -> None:
    with pytest.raises(MalformedInputError):
        Frontier(size, [bytes(32)] * peaks)


def test_a_leaf_never_passes_for_a_node() -> None:
    left, right = LEAVES[:2]

    assert node_hash(left, right) != leaf_hash(left + right)


@given(old=st.integers(0, 70), new=st.integers(0, 70), flip=st.integers(0, 255))
def test_a_proof_binds_the_past_of_a_tree(old: int, new: int, flip: int) -> None:
    proof = consistency_proof(SOURCE, old, new) if 0 < old < new else []
    shows = 0 < old < new and old & (old - 1) > 0
    past = root_before(old, new, ROOTS[new], proof)

    assert past == (ROOTS[old] if shows else None)
    for place, node in enumerate(proof):
        garbled = bytes([node[0] ^ flip]) + node[1:]
        other = [*proof[:place], garbled, *proof[place + 1 :]]
        assert root_before(old, new, ROOTS[new], other) in {past, None}
    assert root_before(old, new, ROOTS[new][:-1], proof) is None
