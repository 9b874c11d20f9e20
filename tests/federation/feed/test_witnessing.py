# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import key_of

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_crypto.tlog.note import VerifierKey
from fedsafe_crypto.tlog.tiles import TileSource
from fedsafe_crypto.tlog.tree import EMPTY_ROOT, Frontier, consistency_proof, leaf_hash
from fedsafe_federation.errors import (
    FederationError,
    MalformedError,
    UntrustedError,
    WitnessConflictError,
    WitnessRefusedError,
)
from fedsafe_federation.feed.witnessing import (
    NOTHING_SEEN,
    AddCheckpoint,
    Seen,
    judge,
    parse_size,
)

ORIGIN = "a.example/anchor"
KEY = key_of("a.example", "audit")
VERIFIER = VerifierKey.of(ORIGIN, KEY.public)
LEAVES = [leaf_hash(bytes([number])) for number in range(40)]
SOURCE = TileSource(40, lambda tile: b"".join(LEAVES[: tile.width]))


def root_of(size: int) -> bytes:
    tree = Frontier()
    tree.extend(LEAVES[:size])
    return tree.root()


def request(old: int, size: int, root: bytes | None = None) -> AddCheckpoint:
    proof = consistency_proof(SOURCE, old, size) if 0 < old < size else []
    checkpoint = Checkpoint(ORIGIN, size, root or root_of(size))
    return AddCheckpoint(old, tuple(proof), sign_checkpoint(checkpoint, KEY))


def seen(size: int) -> Seen:
    return Seen(size, root_of(size))


@given(st.integers(0, 40), st.integers(0, 40))
def test_what_extends_what_was_seen_may_be_cosigned(old: int, size: int) -> None:
    old, size = sorted((old, size))
    asked = AddCheckpoint.parse(request(old, size).encode())

    assert asked == request(old, size)
    assert asked.origin() == ORIGIN
    assert judge(asked, VERIFIER, seen(old)) == Checkpoint(ORIGIN, size, root_of(size))


def test_the_first_checkpoint_needs_no_proof() -> None:
    assert judge(request(0, 7), VERIFIER, NOTHING_SEEN).size == 7
    with pytest.raises(WitnessRefusedError):
        judge(replace(request(0, 7), proof=(bytes(32),)), VERIFIER, NOTHING_SEEN)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_another_size_than_was_seen_is_told(a: int, b: int, c: int) -> None:
    old, size = sorted((a, b))
    if c == old:
        return
    with pytest.raises(WitnessConflictError) as caught:
        judge(request(old, size), VERIFIER, seen(c))

    assert caught.value.size == c


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (request(7, 7, bytes(32)), WitnessRefusedError),
        (request(7, 9, bytes(32)), WitnessRefusedError),
        (replace(request(7, 9), proof=()), WitnessRefusedError),
        (replace(request(7, 7), proof=(bytes(32),)), WitnessRefusedError),
        (replace(request(7, 9), old=10), MalformedError),
        (replace(request(7, 9), note=b"junk"), MalformedError),
        (
            replace(
                request(7, 9),
                note=sign_checkpoint(
                    Checkpoint(ORIGIN, 9, root_of(9)), key_of("other")
                ),
            ),
            UntrustedError,
        ),
    ],
)
def test_what_does_not_extend_it_is_refused(
    asked: AddCheckpoint, error: type[FederationError]
) -> None:
    with pytest.raises(error):
        judge(asked, VERIFIER, seen(7))


def test_two_trees_of_one_size_are_a_fork() -> None:
    with pytest.raises(WitnessRefusedError) as caught:
        judge(request(7, 7, bytes(32)), VERIFIER, seen(7))

    assert caught.value.fork


def test_an_empty_tree_has_the_empty_root() -> None:
    assert judge(request(0, 0), VERIFIER, NOTHING_SEEN).root == EMPTY_ROOT
    with pytest.raises(WitnessRefusedError):
        judge(request(0, 0, bytes(32)), VERIFIER, NOTHING_SEEN)


def test_a_stranger_learns_no_size() -> None:
    forged = replace(
        request(3, 9),
        note=sign_checkpoint(Checkpoint(ORIGIN, 9, root_of(9)), key_of("other")),
    )
    with pytest.raises(UntrustedError):
        judge(forged, VERIFIER, seen(7))


GOOD = request(7, 9).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        GOOD.replace(b"old 7", b"old 07"),
        GOOD.replace(b"old 7", b"old -1"),
        GOOD.replace(b"old 7", b"new 7"),
        GOOD.replace(b"\n\n", b"\n", 1),
        b"old 7\nAAAA\n\n" + GOOD.partition(b"\n\n")[2],
        b"old 7\n" + b"x" * 44 + b"\n\n",
        b"old 7\n" + (b"A" * 43 + b"=\n") * 64 + b"\n" + GOOD.partition(b"\n\n")[2],
    ],
)
def test_a_body_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedError):
        AddCheckpoint.parse(body).origin()


@given(st.binary(max_size=120))
def test_junk_raises_only_our_error(junk: bytes) -> None:
    with pytest.raises((FederationError, CryptoError)):
        judge(AddCheckpoint.parse(junk), VERIFIER, NOTHING_SEEN)


@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=3))
def test_a_good_request_in_which_something_changes_is_refused_or_the_same(
    at: int, junk: bytes
) -> None:
    changed = GOOD[:at] + junk + GOOD[at + len(junk) :]
    try:
        asked = AddCheckpoint.parse(changed)
        accepted = judge(asked, VERIFIER, seen(7))
    except (FederationError, CryptoError):
        assert changed != GOOD
        return

    assert accepted == Checkpoint(ORIGIN, 9, root_of(9))
    assert asked.encode() == changed
    assert asked.proof == request(7, 9).proof


def test_a_size_is_read_strictly() -> None:
    assert parse_size(b"20852014\n") == 20852014
    for body in (b"7", b"07\n", b"-1\n", b"7\n\n", b""):
        assert parse_size(body) is None
