# SPDX-License-Identifier: Apache-2.0
"""What an own log shows to those that cosign it, and learns from them."""

from collections.abc import Mapping, Sequence

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.note import VerifierKey
from fedsafe_federation.charter.former_keys import FormerKeys
from fedsafe_federation.feed.witnessing import open_log
from fedsafe_node.ground.errors import RolledBackError
from fedsafe_node.log.proofs import SignedTree, log_root, prove_consistency
from fedsafe_node.members.peering.feed_server import FeedServer
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader


async def prove_growth(store: Store, log: str, old: int, new: int) -> tuple[bytes, ...]:
    """Prove that a log only grew; the proof is empty where there is none."""
    if not 0 < old < new:
        return ()
    return tuple(
        await store.read(lambda reader: prove_consistency(reader, log, old, new))
    )


class OwnLogKeys:
    """The keys of an own log: the present one, and those that were given up in order.

    Others may have kept what the node signed with one of these. Owned by the event
    loop: `former`.
    """

    def __init__(self, use: str, key: SigningKey) -> None:
        """Know the present key; *use* names it among those of a member."""
        self._use = use
        self._key = key
        self.former: Sequence[FormerKeys] = ()

    def of(self, log: str) -> Mapping[VerifierKey, int | None]:
        """Give the keys, the present one first, with since when they were stolen."""
        found: dict[VerifierKey, int | None] = {
            VerifierKey.of(log, self._key.public): None
        }
        for each in self.former:
            found[VerifierKey.of(log, getattr(each, self._use))] = each.stolen
        return found


async def compare_own(
    store: Store, log: str, keys: OwnLogKeys, note: bytes, source: str
) -> None:
    """Compare an own checkpoint that somebody else has kept with what is here.

    Raises:
        RolledBackError: it is of a larger tree, or of another one.
        CryptoError: this node has not signed it, so it says nothing.
    """
    _, seen = open_log(note, keys.of(log))

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

    def __init__(
        self, feed: FeedServer, store: Store, log: str, keys: OwnLogKeys
    ) -> None:
        self.log = log
        self.keys = keys
        self._feed = feed
        self._store = store

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
        await compare_own(self._store, self.log, self.keys, note, source)
