# SPDX-License-Identifier: Apache-2.0
"""What an own log shows to those that cosign it, and learns from them."""

from fedsafe_crypto.checkpoint import open_checkpoint
from fedsafe_crypto.note import VerifierKey
from fedsafe_node.errors import RolledBackError
from fedsafe_node.log.proofs import log_root, prove_consistency
from fedsafe_node.log.tiling import SignedTree
from fedsafe_node.peering.serving import FeedServer
from fedsafe_node.store.protocol import Reader, Store


async def prove_growth(store: Store, log: str, old: int, new: int) -> tuple[bytes, ...]:
    """Prove that a log only grew; the proof is empty where there is none."""
    if not 0 < old < new:
        return ()
    return tuple(
        await store.read(lambda reader: prove_consistency(reader, log, old, new))
    )


async def compare_own(store: Store, key: VerifierKey, note: bytes, source: str) -> None:
    """Compare an own checkpoint that somebody else has kept with what is here.

    Raises:
        RolledBackError: it is of a larger tree, or of another one.
        CryptoError: this node has not signed it, so it says nothing.
    """
    log, seen = key.name, open_checkpoint(note, key)

    async def query(reader: Reader) -> tuple[int, bytes]:
        size = await reader.log_size(log)
        if seen.size > size:
            return size, b""
        return size, await log_root(reader, log, seen.size)

    size, root = await store.read(query)
    if root != seen.root:
        raise RolledBackError(log, seen.size, size, source)


class OwnFeed:
    """The own feed, as others cosign it."""

    def __init__(self, feed: FeedServer, store: Store, key: VerifierKey) -> None:
        self.log = key.name
        self._feed = feed
        self._store = store
        self._key = key

    async def grow(self) -> SignedTree:
        """Sign its present end.

        Raises:
            NodeError: the guard takes no writes, or has kept another.
        """
        return await self._feed.sign_feed()

    async def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Prove that it only grew; the proof is empty where there is none."""
        return await prove_growth(self._store, self.log, old, new)

    async def compare(self, note: bytes, source: str) -> None:
        """Compare an own checkpoint that somebody else has kept with what is here.

        Raises:
            RolledBackError: it is of a larger tree, or of another one.
            CryptoError: this node has not signed it, so it says nothing.
        """
        await compare_own(self._store, self._key, note, source)
