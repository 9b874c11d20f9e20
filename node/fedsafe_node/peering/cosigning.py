# SPDX-License-Identifier: Apache-2.0
"""Let witnesses cosign the own anchor, and believe them when they have seen more.

At every interval the anchor grows by a commitment to the audit log's checkpoint, and
each witness is asked for a cosignature: one request at a time for each, after a
failure later and later. A witness that saw another size last says so and is asked
again with a proof from there. What it cosigned is verified and kept. Nothing waits
for witnesses: where the quorum stays away the node answers on, and says since when.

A witness remembers what this node has signed even if its whole directory was put back
from an old copy, rollback guard and all. So a node that starts asks its witnesses
first, and does not go on where one of them shows an own checkpoint that it does not
have: what it would append now would contradict what it has signed before.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from fedsafe_crypto.checkpoint import Checkpoint
from fedsafe_crypto.cosignature import take_cosignature
from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.note import VerifierKey, split_note
from fedsafe_federation.errors import (
    FederationError,
    PeerError,
    PeerRefusedError,
)
from fedsafe_federation.peer import WITNESS_PATH, PeerClient
from fedsafe_federation.witness_policy import Policy, majority
from fedsafe_federation.witnessing import AddCheckpoint, parse_size, witness_of
from fedsafe_node.clock import Clock
from fedsafe_node.errors import NodeError, RolledBackError
from fedsafe_node.log.anchor import AnchorProof, Cosigned
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.log.tiling import SignedTree
from fedsafe_node.membership import Membership
from fedsafe_node.peering.anchoring import Anchor
from fedsafe_node.store.protocol import Store, Transaction
from fedsafe_node.store.witness_rows import CosignatureRow
from fedsafe_node.telemetry import LOGGER, fields

STALE: Final = timedelta(minutes=10)
MOST_SIZES: Final = 16
"""Checkpoints that wait for a quorum; witnesses are asked for the newest one only."""
_AHEAD: Final = timedelta(days=1)
_FIRST_PAUSE: Final = timedelta(minutes=1)
_LONGEST: Final = timedelta(hours=1)
_LOG: Final = logging.getLogger(f"{LOGGER}.cosigning")
_OK, _CONFLICT, _INCONSISTENT = 200, 409, 422


@dataclass(slots=True)
class _Asked:
    """A witness, and how asking it goes."""

    key: VerifierKey
    name: str
    prefix: str
    old: int = 0
    failures: int = 0
    not_before: datetime | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Cosigning:
    """Obtains cosignatures of the own anchor.

    State, owned by the event loop: the witnesses with their tasks, `_policy`,
    `_since` (when the quorum was there last, or asking began), `alarm`, `refused`
    (at the start nobody told what it has seen, and not for want of a connection).
    """

    def __init__(
        self,
        anchor: Anchor,
        store: Store,
        client: PeerClient,
        trail: AuditTrail,
        clock: Clock,
    ) -> None:
        self._anchor = anchor
        self._store = store
        self._client = client
        self._trail = trail
        self._clock = clock
        self._policy: Policy | None = None
        self._asked: list[_Asked] = []
        self._others: list[_Asked] = []
        self._since = clock.now()
        self.alarm: RolledBackError | None = None
        self.refused = False

    def join(self, membership: Membership, policy: Policy | None) -> list[str]:
        """Know the witnesses: those of the policy, else all other members.

        Return those that are not asked: no members, and without an address.
        """
        members = {witness_of(each): each for each in membership.others}
        self._policy = policy or majority(list(members))
        self._since = self._clock.now()
        self._others = [
            _Asked(key, member.name, member.url + WITNESS_PATH)
            for key, member in members.items()
        ]
        strangers: list[str] = []
        before, self._asked = self._asked, []
        for witness in self._policy.witnesses:
            member = members.get(witness.key)
            name, prefix = witness.key.name, witness.url
            if member is not None:
                name, prefix = member.name, prefix or member.url + WITNESS_PATH
            if prefix is None:
                strangers.append(name)
            else:
                asked = _Asked(witness.key, name, prefix.rstrip("/"))
                same = (each for each in before if _is_same(each, asked))
                self._asked.append(next(same, asked))
        return strangers

    async def check(self) -> None:
        """Ask all other members at once what they have seen of this node.

        All, whatever the policy says: whoever puts a directory back can put a policy
        into it as well. Those that do not answer are left out; if one or more refuse to
        tell, as they do where the clock is wrong, and nobody tells, `refused` is set:
        an old copy may be behind it.

        Raises:
            RolledBackError: one has seen a checkpoint that is not this node's past.
        """
        keys = {witness.key for witness in self._others}
        others = [each for each in self._asked if each.key not in keys]
        checks = [self._compare(each) for each in (*self._others, *others)]
        answers = await asyncio.gather(*checks, return_exceptions=True)
        for found in answers:
            if isinstance(found, RolledBackError):
                raise found
            if isinstance(found, BaseException) and not isinstance(found, PeerError):
                raise found
        refusals = [isinstance(each, PeerRefusedError) for each in answers]
        self.refused = any(refusals) and None not in answers
        if self.refused:
            _LOG.error("no member tells what it has seen", extra=fields(reason="clock"))

    async def run(self) -> None:
        """Grow the anchor and ask whoever is due; return while they are asked."""
        if self.refused:
            await self._check_again()
        if self._policy is None or self.alarm is not None:
            return
        tree, now = await self._anchor.grow(), self._clock.now()
        for witness in self._asked:
            is_due = witness.not_before is None or now >= witness.not_before
            if witness.task is None and is_due:
                witness.task = asyncio.create_task(self._ask(witness, tree))

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

    @property
    def needed(self) -> bool:
        """Whether anybody has to cosign; not with a policy that wants nobody."""
        return self._policy is None or not self._policy.reached(set())

    async def cosigned(self) -> Cosigned | None:
        """Give the largest own checkpoint that the quorum has cosigned."""
        policy = self._policy
        if policy is None or not policy.witnesses:
            return None
        rows = await self._store.read(
            lambda reader: reader.cosignatures(self._anchor.log)
        )
        return _largest(rows, policy)

    async def proof(self) -> AnchorProof | None:
        """Show which checkpoint of the audit log the quorum has cosigned."""
        found = await self.cosigned()
        return await self._anchor.prove(found) if found is not None else None

    async def tree(self) -> SignedTree:
        """Give the anchor as the quorum has cosigned it, else as it is now.

        Raises:
            NodeError: store or guard take no writes.
        """
        found = await self.proof()
        if found is None:
            return await self._anchor.grow()
        checkpoint = Checkpoint.parse(split_note(found.note)[0])
        return SignedTree(checkpoint, found.note)

    def failures(self, name: str) -> int:
        """Count how often a witness has failed since it last cosigned."""
        return sum(each.failures for each in self._asked if each.name == name)

    def stale_since(self) -> datetime | None:
        """Since when the quorum has been away; None if it was there of late."""
        policy = self._policy
        if policy is None or policy.reached(set()):
            return None
        is_late = self._clock.now() - self._since > STALE
        return self._since if is_late else None

    async def _check_again(self) -> None:
        try:
            await self.check()
        except RolledBackError as error:
            self._alarm(error)

    def _alarm(self, error: RolledBackError) -> None:
        self.alarm = error
        _LOG.error("a witness has seen more than this node has")

    async def _ask(self, witness: _Asked, tree: SignedTree) -> None:
        try:
            await self._obtain(witness, tree)
            witness.failures, witness.not_before = 0, None
        except (FederationError, CryptoError, NodeError) as error:
            # Nothing was kept. A witness that lies, is away or refuses is asked again.
            witness.failures += 1
            pause = min(_FIRST_PAUSE * (1 << min(witness.failures - 1, 10)), _LONGEST)
            witness.not_before = self._clock.now() + pause
            facts = fields(peer=witness.name, reason=type(error).__name__)
            _LOG.info("not cosigned", extra=facts)
            if isinstance(error, RolledBackError):
                self._alarm(error)
        finally:
            witness.task = None

    async def _obtain(self, witness: _Asked, tree: SignedTree) -> None:
        size = tree.checkpoint.size
        status, data = await self._send(witness, tree)
        seen = parse_size(data) if status == _CONFLICT else None
        if seen is not None and seen != witness.old and seen <= size:
            witness.old = seen
            status, data = await self._send(witness, tree)
        if status == _OK:
            await self._keep(witness, tree, data)
            witness.old = size
            return
        if status in {_CONFLICT, _INCONSISTENT}:
            # Another tree than the own was shown, or an older program says 409 to it.
            await self._dispute(witness, tree, status)
        raise PeerRefusedError(witness.name, status, "unknown")

    async def _send(self, witness: _Asked, tree: SignedTree) -> tuple[int, bytes]:
        proof = await self._anchor.consistency(witness.old, tree.checkpoint.size)
        body = AddCheckpoint(witness.old, proof, tree.note).encode()
        return await self._client.add_checkpoint(witness.name, witness.prefix, body)

    async def _keep(self, witness: _Asked, tree: SignedTree, data: bytes) -> None:
        lines = data.decode("utf-8", "replace")
        line, at = take_cosignature(tree.note, lines, witness.key)
        if at > (self._clock.now() + _AHEAD).timestamp():
            raise PeerError(witness.name, "it cosigns in a time to come")
        log, size = self._anchor.log, tree.checkpoint.size
        row = CosignatureRow(log, size, witness.key.encode(), line, at)
        policy = self._policy

        async def act(tx: Transaction) -> Cosigned | None:
            await tx.put_cosignature(row)
            rows = await tx.cosignatures(log)
            found = _largest(rows, policy) if policy is not None else None
            await tx.forget_cosignatures(log, _past(rows, found))
            return found

        found = await self._store.write(act)
        if found is not None and found.size == size:
            self._since = self._clock.now()

    async def _dispute(self, witness: _Asked, tree: SignedTree, status: int) -> None:
        with suppress(FederationError):  # it shows junk: that it disputes is an event
            await self._compare(witness)  # raises if the witness is right
        entry = self._trail.entry(
            Event.ANCHOR_DISPUTED,
            at=self._clock.now(),
            outcome="refused",
            detail={
                "witness": witness.name,
                "size": tree.checkpoint.size,
                "status": status,
            },
        )

        async def act(tx: Transaction) -> None:
            await tx.append(self._trail.log, entry.record, entry.openings)

        await self._store.write(act)

    async def _compare(self, witness: _Asked) -> None:
        note = await self._client.witnessed(
            witness.name, witness.prefix, self._anchor.log
        )
        if note is None:
            return
        try:
            await self._anchor.compare(note, f"witnessed by {witness.name}")
        except CryptoError:
            # Not signed by this node, so nobody has to believe it.
            raise PeerError(witness.name, "what it has seen is not ours") from None


def _past(rows: Sequence[CosignatureRow], found: Cosigned | None) -> set[int]:
    """Give the sizes of those that nobody needs any more."""
    least = found.size if found is not None else 0
    sizes = {row.size for row in rows}
    newest = sorted(size for size in sizes if size >= least)[-MOST_SIZES:]
    return sizes - {least, *newest}


def _largest(rows: Sequence[CosignatureRow], policy: Policy) -> Cosigned | None:
    wanted = {each.key.encode(): each.key for each in policy.witnesses}
    by_size: dict[int, list[CosignatureRow]] = {}
    for row in rows:
        if row.witness in wanted:
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


def _is_same(one: _Asked, other: _Asked) -> bool:
    return (one.key, one.name, one.prefix) == (other.key, other.name, other.prefix)
