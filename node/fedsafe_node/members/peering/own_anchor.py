# SPDX-License-Identifier: Apache-2.0
"""Grow and sign the own anchor, the log that peers cosign for the audit log.

A checkpoint of either log is kept by the rollback guard before it goes on: the audit
log's before it is committed to, the anchor's before anybody sees it.
"""

import asyncio
from collections.abc import Awaitable, Callable

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_crypto.tlog.cosignature import add_lines
from fedsafe_crypto.tlog.note import VerifierKey
from fedsafe_federation.feed.witnessing import anchor_life, anchor_name
from fedsafe_federation.wire.pace import Offload
from fedsafe_node.log.anchor import (
    CHECKPOINT,
    AnchorProof,
    Cosigned,
    anchor_entry,
    checkpoint_in,
)
from fedsafe_node.log.audit import AuditTrail
from fedsafe_node.log.guard import Guard
from fedsafe_node.log.proofs import SignedTree, log_root
from fedsafe_node.members.peering.own_logs import OwnLogKeys, compare_own, prove_growth
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Tail
from fedsafe_node.store.transaction import Transaction


class Anchor:
    """The own anchor.

    State: `_anchored` is the size of the audit log that was committed to last; it and
    the guard's file are changed under `_growing` only.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        trail: AuditTrail,
        store: Store,
        guard: Guard,
        key: SigningKey,
        keep_audit: Callable[[], Awaitable[Tail]],
        *,
        offload: Offload,
    ) -> None:
        self.log = trail.anchor
        self.keys = OwnLogKeys("audit", key)
        self._audit = trail.log
        self._store = store
        self._guard = guard
        self._signing_key = key
        self._keep_audit = keep_audit
        self._offload = offload
        self._growing = asyncio.Lock()
        self._anchored = 0

    @property
    def key(self) -> VerifierKey:
        """The key that the anchor is verified under now."""
        return VerifierKey.of(self.log, self._signing_key.public)

    @property
    def next_log(self) -> str:
        """Name the anchor that this node begins when it is restored next."""
        node = self._audit.partition("/")[0]
        return anchor_name(node, (anchor_life(self.log, node) or 0) + 1)

    async def grow(self) -> SignedTree:
        """Commit to the audit log's present end, if it grew, and sign the anchor.

        Raises:
            RolledBackError: what left before is not what is here.
            NodeError: store or guard take no writes.
        """
        async with self._growing:
            await self._extend()
            known = self._guard.known(self.log)
            tail = await self._store.write(lambda tx: tx.tail(self.log))
            await self._offload(
                lambda: self._guard.keep(self.log, tail.size, tail.root, known=known)
            )
        checkpoint = Checkpoint(self.log, tail.size, tail.root)
        return SignedTree(checkpoint, sign_checkpoint(checkpoint, self._signing_key))

    async def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Prove that the anchor only grew; the proof is empty where there is none."""
        return await prove_growth(self._store, self.log, old, new)

    async def compare(self, note: bytes, source: str) -> None:
        """Compare an own checkpoint that somebody else has kept with what is here.

        Raises:
            RolledBackError: it is of a larger tree, or of another one.
            CryptoError: this node has not signed it, so it says nothing.
        """
        await compare_own(self._store, self.log, self.keys, note, source)

    async def prove(self, cosigned: Cosigned) -> AnchorProof | None:
        """Tell which checkpoint of the audit log a cosigned anchor commits to last.

        None if its opening is erased.
        """
        index = cosigned.size - 1

        async def query(reader: Reader) -> AnchorProof | None:
            opening = await reader.opening(self.log, index, CHECKPOINT)
            if opening is None:
                return None
            root = await log_root(reader, self.log, cosigned.size)
            checkpoint = Checkpoint(self.log, cosigned.size, root)
            note = sign_checkpoint(checkpoint, self._signing_key)
            return AnchorProof(
                note=add_lines(note, "".join(cosigned.lines)),
                index=index,
                size=checkpoint_in(opening.payload).size,
                by=cosigned.by,
            )

        return await self._store.scan(query)

    async def _extend(self) -> None:
        tail = await self._keep_audit()
        if tail.size == self._anchored:
            return
        checkpoint = Checkpoint(self._audit, tail.size, tail.root)
        note = sign_checkpoint(checkpoint, self._signing_key)
        entry = anchor_entry(self.log, note)

        async def act(tx: Transaction) -> None:
            if await self._last(tx) < tail.size:  # else another process has done it
                await tx.append(self.log, entry.record, entry.openings)

        await self._store.write(act)
        self._anchored = tail.size

    async def _last(self, reader: Reader) -> int:
        size = await reader.log_size(self.log)
        if size == 0:
            return 0
        opening = await reader.opening(self.log, size - 1, CHECKPOINT)
        if opening is None:
            return 0
        try:
            return checkpoint_in(opening.payload).size
        except CryptoError:
            return 0
