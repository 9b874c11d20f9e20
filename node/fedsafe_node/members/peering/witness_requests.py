# SPDX-License-Identifier: Apache-2.0
"""Ask witnesses to cosign an own log, one request at a time for each.

A witness that saw another size last says so and is asked again with a proof from
there. What it cosigned is verified and kept. One that fails is asked later and later.
One that disputes a checkpoint is asked what it has seen: if that is signed here, it is
right, and this node was put back.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.tlog.cosignature import take_cosignature
from fedsafe_crypto.tlog.note import VerifierKey
from fedsafe_federation.charter.charter import Member
from fedsafe_federation.errors import FederationError, PeerError, PeerRefusedError
from fedsafe_federation.exchange.peer import WITNESS_PATH, PeerClient
from fedsafe_federation.feed.witness_policy import Policy
from fedsafe_federation.feed.witnessing import AddCheckpoint, parse_size
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import NodeError, RolledBackError
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.log.anchor import Cosigned
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.log.proofs import SignedTree
from fedsafe_node.store.peering_rows import CosignatureRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.transaction import Transaction

_AHEAD: Final = timedelta(days=1)
_LOG: Final = logging.getLogger(f"{LOGGER}.cosigning")
_OK, _CONFLICT, _INCONSISTENT = 200, 409, 422


class OwnLog(Protocol):
    """A log of this node that others cosign."""

    @property
    def log(self) -> str:
        """Its name."""
        ...

    async def grow(self) -> SignedTree:
        """Sign its present end."""
        ...

    async def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Prove that it only grew; the proof is empty where there is none."""
        ...

    async def compare(self, note: bytes, source: str) -> None:
        """Compare an own checkpoint that somebody else has kept with what is here.

        Raises:
            RolledBackError: it is of a larger tree, or of another one.
            CryptoError: this node has not signed it, so it says nothing.
        """
        ...


@dataclass(slots=True)
class Asked:
    """A witness, and how asking it goes; `not_before` is in the asker's seconds.

    `old` is the size that it saw last, as far as known, `kept` the one of which its
    cosignature is here: an answer may be lost, or find no room on a full disk.
    `disputed` says that it was written down since it last cosigned that it disputes.
    """

    key: VerifierKey
    name: str
    prefix: str
    old: int = 0
    kept: int = 0
    failures: int = 0
    not_before: float | None = None
    disputed: bool = False
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, key: VerifierKey, member: Member) -> "Asked":
        """Ask a member at its own address."""
        return cls(key, member.name, member.url + WITNESS_PATH)

    def known_in(self, before: Sequence["Asked"]) -> "Asked":
        """Go on with the same witness, if it was asked before."""
        mine = (self.key, self.name, self.prefix)
        same = (each for each in before if (each.key, each.name, each.prefix) == mine)
        return next(same, self)


class Asking:
    """Obtains cosignatures of one log.

    State, owned by the event loop: the witnesses with their tasks, `policy`, `alarm`.
    """

    first_pause = 60.0
    longest_pause = 3600.0

    def __init__(
        self,
        log: OwnLog,
        store: Store,
        client: PeerClient,
        trail: AuditTrail,
        clock: Clock,
    ) -> None:
        self._log = log
        self._store = store
        self._client = client
        self._trail = trail
        self._clock = clock
        self.policy: Policy | None = None
        self._asked: list[Asked] = []
        self.alarm: RolledBackError | None = None

    def failures(self, name: str) -> int:
        """Count how often a witness has failed since it last cosigned."""
        return sum(each.failures for each in self._asked if each.name == name)

    async def settle(self) -> None:
        """Wait until nobody is being asked."""
        tasks = [each.task for each in self._asked if each.task is not None]
        await asyncio.gather(*tasks)

    async def stop(self) -> None:
        """Ask nobody any more."""
        tasks = [each.task for each in self._asked if each.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def cosigned(self) -> Cosigned | None:
        """Give the largest own checkpoint that the quorum has cosigned."""
        policy = self.policy
        if policy is None or not policy.witnesses:
            return None
        rows = await self._store.read(lambda reader: reader.cosignatures(self._log.log))
        return largest(rows, policy)

    def ask_due(self, tree: SignedTree) -> None:
        """Ask those that are due, and are not being asked."""
        now = self._seconds()
        for each in self._asked:
            is_due = each.not_before is None or now >= each.not_before
            if each.task is None and is_due and self._wants(each, tree):
                each.task = asyncio.create_task(self._ask(each, tree))

    async def compare_with(self, witness: Asked) -> None:
        """Ask what a witness has seen of this log.

        Raises:
            RolledBackError: an own checkpoint that is not this node's past.
            PeerError: it does not tell, or shows what this node has not signed.
        """
        note = await self._client.witnessed(witness.name, witness.prefix, self._log.log)
        if note is None:
            return
        try:
            await self._log.compare(note, f"witnessed by {witness.name}")
        except CryptoError:
            # Not signed by this node, so nobody has to believe it.
            raise PeerError(witness.name, "what it has seen is not ours") from None

    def raise_alarm(self, error: RolledBackError) -> None:
        """Know that a witness has seen more than this node has."""
        self.alarm = error
        _LOG.error("a witness has seen more than this node has")

    def _seconds(self) -> float:
        return self._clock.now().timestamp()

    def _wants(self, witness: Asked, tree: SignedTree) -> bool:
        """Whether a witness is to be asked for a checkpoint."""
        del witness, tree
        return True

    def _ended(self) -> None:
        """Learn that a witness is not being asked any more."""

    def _answered(self, found: Cosigned | None, size: int) -> None:
        """Learn that a checkpoint was cosigned, and which the quorum has by now."""

    async def _ask(self, witness: Asked, tree: SignedTree) -> None:
        try:
            await self._obtain(witness, tree)
            witness.failures, witness.not_before = 0, None
        except (FederationError, CryptoError, NodeError) as error:
            # Nothing was kept. A witness that lies, is away or refuses is asked again.
            witness.failures += 1
            doubled = self.first_pause * (1 << min(witness.failures - 1, 10))
            witness.not_before = self._seconds() + min(doubled, self.longest_pause)
            facts = fields(peer=witness.name, reason=type(error).__name__)
            _LOG.info("not cosigned", extra=facts)
            if isinstance(error, RolledBackError):
                self.raise_alarm(error)
        finally:
            witness.task = None
            self._ended()

    async def _obtain(self, witness: Asked, tree: SignedTree) -> None:
        size = tree.checkpoint.size
        status, data = await self._send(witness, tree)
        seen = parse_size(data) if status == _CONFLICT else None
        if seen is not None and seen != witness.old and seen <= size:
            witness.old = seen
            status, data = await self._send(witness, tree)
        if status == _OK:
            await self._keep(witness, tree, data)
            witness.old = witness.kept = size
            witness.disputed = False
            return
        if status in {_CONFLICT, _INCONSISTENT}:
            # Another tree than the own was shown, or an older program says 409 to it.
            await self._dispute(witness, tree, status)
        raise PeerRefusedError(witness.name, status, "unknown")

    async def _send(self, witness: Asked, tree: SignedTree) -> tuple[int, bytes]:
        proof = await self._log.consistency(witness.old, tree.checkpoint.size)
        body = AddCheckpoint(witness.old, proof, tree.note).encode()
        return await self._client.add_checkpoint(witness.name, witness.prefix, body)

    async def _keep(self, witness: Asked, tree: SignedTree, data: bytes) -> None:
        lines = data.decode("utf-8", "replace")
        line, at = take_cosignature(tree.note, lines, witness.key)
        if at > (self._clock.now() + _AHEAD).timestamp():
            raise PeerError(witness.name, "it cosigns in a time to come")
        log, size = self._log.log, tree.checkpoint.size
        row = CosignatureRow(log, size, witness.key.encode(), line, at)
        policy = self.policy

        async def act(tx: Transaction) -> Cosigned | None:
            await tx.put_cosignature(row)
            rows = await tx.cosignatures(log)
            found = largest(rows, policy) if policy is not None else None
            await tx.forget_cosignatures(log, forgotten(rows, found))
            return found

        self._answered(await self._store.write(act), size)

    async def _dispute(self, witness: Asked, tree: SignedTree, status: int) -> None:
        with suppress(FederationError):  # it shows junk: that it disputes is an event
            await self.compare_with(witness)  # raises if the witness is right
        if witness.disputed:
            return
        entry = self._trail.entry(
            Event.CHECKPOINT_DISPUTED,
            at=self._clock.now(),
            outcome="refused",
            detail={
                "log": self._log.log,
                "witness": witness.name,
                "size": tree.checkpoint.size,
                "status": status,
            },
        )

        async def act(tx: Transaction) -> None:
            await tx.append(self._trail.log, entry.record, entry.openings)

        await self._store.write(act)
        witness.disputed = True


MOST_SIZES: Final = 16
"""Checkpoints that wait for a quorum; witnesses are asked for the newest one only."""


def forgotten(rows: Sequence[CosignatureRow], found: Cosigned | None) -> set[int]:
    """Give the sizes of those that nobody needs any more."""
    least = found.size if found is not None else 0
    sizes = {row.size for row in rows}
    newest = sorted(size for size in sizes if size >= least)[-MOST_SIZES:]
    return sizes - {least, *newest}


def largest(
    rows: Sequence[CosignatureRow],
    policy: Policy,
    *,
    least: int = 0,
) -> Cosigned | None:
    """Find the largest checkpoint that a quorum has cosigned, of *least* entries."""
    wanted = {each.key.encode(): each.key for each in policy.witnesses}
    by_size: dict[int, list[CosignatureRow]] = {}
    for row in rows:
        if row.witness in wanted and row.size >= least:
            by_size.setdefault(row.size, []).append(row)
    for size in sorted(by_size, reverse=True):
        there = by_size[size]
        if policy.reached({wanted[row.witness] for row in there}):
            return Cosigned(
                size=size,
                lines=tuple(row.line for row in there),
                by=tuple((wanted[row.witness].name, row.at) for row in there),
            )
    return None
