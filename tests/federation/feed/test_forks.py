# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import key_of

from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_crypto.tlog.cosignature import add_lines, cosign
from fedsafe_crypto.tlog.note import VerifierKey
from fedsafe_crypto.tlog.tiles import TileSource
from fedsafe_crypto.tlog.tree import Frontier, consistency_proof, leaf_hash
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.forks import ForkEvidence, fork_of, open_fork
from fedsafe_federation.wire.wireformat import decode, encode

LOG = "a.example/feed"
KEY = key_of("a.example", "feed")
VERIFIER = VerifierKey.of(LOG, KEY.public)
SIZES = st.integers(1, 40)


@dataclass(frozen=True)
class View:
    """One of the trees that the log shows."""

    past: bytes

    def leaves(self) -> list[bytes]:
        return [leaf_hash(self.past + bytes([number])) for number in range(40)]

    def root(self, size: int) -> bytes:
        tree = Frontier()
        tree.extend(self.leaves()[:size])
        return tree.root()

    def note(self, size: int) -> str:
        shown = Checkpoint(LOG, size, self.root(size))
        return sign_checkpoint(shown, KEY).decode()

    def proof(self, old: int, new: int) -> list[bytes]:
        leaves = self.leaves()
        source = TileSource(40, lambda tile: b"".join(leaves[: tile.width]))
        proof = consistency_proof(source, old, new) if old < new else []
        return proof if old & (old - 1) or old == new else [self.root(old), *proof]


ONE, OTHER = View(b"one"), View(b"other")


def evidence(old: int, new: int, second: View = OTHER) -> ForkEvidence:
    proof = second.proof(old, new)
    return fork_of(VERIFIER, ONE.note(old), second.note(new), proof)


@given(SIZES, SIZES)
def test_two_views_of_any_sizes_are_proven(a: int, b: int) -> None:
    old, new = sorted((a, b))
    shown = decode(encode(evidence(old, new)), ForkEvidence)
    fork = open_fork(shown)

    assert fork.log == LOG
    assert [tree.size for tree in fork.trees] == [old, new]


@given(SIZES, SIZES)
def test_one_view_proves_nothing(a: int, b: int) -> None:
    old, new = sorted((a, b))
    with pytest.raises(MalformedError):
        open_fork(evidence(old, new, ONE))


@given(SIZES, SIZES, st.integers(0, 10_000))
def test_nobody_makes_evidence_up(a: int, b: int, at: int) -> None:
    old, new = sorted((a, b))
    honest = evidence(old, new, ONE)
    note = honest.second.encode()
    place = at % len(note)
    changed = note[:place] + bytes([note[place] ^ 1]) + note[place + 1 :]
    wrong = ONE.proof(old, new)[::-1]
    forged = sign_checkpoint(Checkpoint(LOG, new, OTHER.root(new)), key_of("x"))

    for lie in (
        {"second": changed.decode("latin-1")},
        {"second": forged.decode()},
        {"proof": [bytes(32)]},
        {"proof": [*wrong, bytes(32)]},
        {"key": VerifierKey.of(LOG, key_of("x").public).encode()},
        {"key": "none"},
    ):
        with pytest.raises(MalformedError):
            open_fork(msgspec.structs.replace(honest, **lie))


def test_a_contradiction_has_one_name_whoever_cosigned_it() -> None:
    plain = evidence(7, 9)
    line = cosign(plain.first.partition("\n\n")[0] + "\n", "w", key_of("w"), at=1)
    cosigned = add_lines(plain.first.encode(), line).decode()
    other = msgspec.structs.replace(plain, first=cosigned)
    turned = msgspec.structs.replace(plain, first=plain.second, second=plain.first)

    assert open_fork(other).digest == open_fork(plain).digest
    assert open_fork(turned).digest == open_fork(plain).digest
    assert open_fork(evidence(7, 10)).digest != open_fork(plain).digest
