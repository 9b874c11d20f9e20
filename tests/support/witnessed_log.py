# SPDX-License-Identifier: Apache-2.0
"""A member's log whose key lies open, to show witnesses what it likes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_crypto.tlog.tiles import TileSource
from fedsafe_crypto.tlog.tree import Frontier, consistency_proof, leaf_hash
from fedsafe_federation.feed.witnessing import AddCheckpoint

MOST: Final = 250


def root_of_leaves(leaves: Sequence[bytes]) -> bytes:
    tree = Frontier()
    tree.extend(leaves)
    return tree.root()


@dataclass(frozen=True)
class OpenLog:
    """Signs trees over leaves that are marked with `past`: another is a fork."""

    name: str
    key: SigningKey
    past: bytes = b""

    @property
    def leaves(self) -> list[bytes]:
        return [leaf_hash(self.past + bytes([number])) for number in range(MOST)]

    def root(self, size: int) -> bytes:
        return root_of_leaves(self.leaves[:size])

    def note(self, size: int, root: bytes | None = None) -> bytes:
        shown = Checkpoint(self.name, size, root or self.root(size))
        return sign_checkpoint(shown, self.key)

    def request(self, old: int, size: int, root: bytes | None = None) -> AddCheckpoint:
        leaves = self.leaves
        source = TileSource(MOST, lambda tile: b"".join(leaves[: tile.width]))
        proof = consistency_proof(source, old, size) if 0 < old < size else []
        return AddCheckpoint(old, tuple(proof), self.note(size, root))
