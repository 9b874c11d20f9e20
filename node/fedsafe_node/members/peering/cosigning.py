# SPDX-License-Identifier: Apache-2.0
"""Let witnesses cosign the own anchor, and believe them when they have seen more.

At every interval the anchor grows by a commitment to the audit log's checkpoint, and
each witness is asked for a cosignature (`witness_requests`). Nothing waits for
witnesses: where the quorum stays away the node answers on, and says since when.

A witness remembers what this node has signed even if its whole directory was put back
from an old copy, rollback guard and all. So a node that starts asks its witnesses
first, and does not go on where one of them shows an own checkpoint that it does not
have: what it would append now would contradict what it has signed before.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Final

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.tlog.checkpoint import Checkpoint
from fedsafe_crypto.tlog.note import split_note
from fedsafe_federation.errors import PeerError, PeerRefusedError
from fedsafe_federation.exchange.peer import WITNESS_PATH, PeerClient
from fedsafe_federation.feed.witness_policy import Policy, majority
from fedsafe_federation.feed.witnessing import open_log, witness_of
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import RolledBackError
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.keys.membership import Membership
from fedsafe_node.log.anchor import AnchorProof, Cosigned
from fedsafe_node.log.audit import AuditTrail
from fedsafe_node.log.proofs import SignedTree
from fedsafe_node.members.peering.own_anchor import Anchor
from fedsafe_node.members.peering.witness_requests import Asked, Asking
from fedsafe_node.store.protocol import Store

STALE: Final = timedelta(minutes=10)
_PATIENCE: Final = 5.0
_LOG: Final = logging.getLogger(f"{LOGGER}.cosigning")


class Cosigning(Asking):
    """Obtains cosignatures of the own anchor.

    State, owned by the event loop, beside the asker's: `_others` are all other members,
    `_since` is when the quorum was there last, or asking began, `refused` says that at
    the start nobody told what it has seen, and not for want of a connection.
    """

    def __init__(
        self,
        anchor: Anchor,
        store: Store,
        client: PeerClient,
        trail: AuditTrail,
        clock: Clock,
    ) -> None:
        super().__init__(anchor, store, client, trail, clock)
        self._anchor = anchor
        self._others: list[Asked] = []
        self._since = clock.now()
        self.refused = False
        self._unchecked = False

    def join(self, membership: Membership, policy: Policy | None) -> list[str]:
        """Know the witnesses: those of the policy, else all other members.

        Return those that are not asked: no members, and without an address.
        """
        members = {witness_of(each): each for each in membership.others}
        self.policy = policy or majority(list(members))
        self._since = self._clock.now()
        self._others = [Asked.of(key, member) for key, member in members.items()]
        strangers: list[str] = []
        before, self._asked = self._asked, []
        for witness in self.policy.witnesses:
            member = members.get(witness.key)
            name, prefix = witness.key.name, witness.url
            if member is not None:
                name, prefix = member.name, prefix or member.url + WITNESS_PATH
            if prefix is None:
                strangers.append(name)
            else:
                asked = Asked(witness.key, name, prefix.rstrip("/"))
                self._asked.append(asked.known_in(before))
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
        checks = [self.compare_with(each) for each in (*self._others, *others)]
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

    def check_soon(self) -> None:
        """Check again in the next run: the members are others than before.

        Whoever takes up a version must not wait for members, who may be taking it up
        as well and answer nothing until then.
        """
        self._unchecked = True

    async def compare_with(self, witness: Asked) -> None:
        """Ask what a witness has seen of this anchor, and of one that comes after it.

        Raises:
            RolledBackError: an own checkpoint that is not this node's past.
            PeerError: it does not tell, or shows what this node has not signed.
        """
        await super().compare_with(witness)
        later = self._anchor.next_log
        note = await self._client.witnessed(witness.name, witness.prefix, later)
        if note is None:
            return
        try:
            _, seen = open_log(note, self._anchor.keys.of(later))
        except CryptoError:
            raise PeerError(witness.name, "what it has seen is not ours") from None
        source = f"witnessed by {witness.name}"
        raise RolledBackError(later, seen.size, 0, source)

    async def run(self) -> None:
        """Grow the anchor and ask whoever is due; return while they are asked."""
        if self._unchecked:
            self._unchecked = False
            await self._check_again()
            self.refused = False  # those that have yet to join may refuse
        elif self.refused:
            await self._check_again()
        if self.policy is None or self.alarm is not None:
            return
        self.ask_due(await self._anchor.grow())

    @property
    def needed(self) -> bool:
        """Whether anybody has to cosign; not with a policy that wants nobody."""
        return self.policy is None or not self.policy.reached(set())

    async def proof(self) -> AnchorProof | None:
        """Show which checkpoint of the audit log the quorum has cosigned."""
        found = await self.cosigned()
        return await self._anchor.prove(found) if found is not None else None

    async def renew(self) -> AnchorProof | None:
        """Let witnesses cosign the audit log as it is now; show what the quorum has.

        Waits some seconds at most, then shows what was cosigned before. Of several
        processes the one that leads may do it.

        Raises:
            NodeError: store or guard take no writes.
        """
        await self._wait()  # who is being asked is asked about an older end
        await self.run()
        await self._wait()
        return await self.proof()

    async def _wait(self) -> None:
        tasks = [each.task for each in self._asked if each.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=_PATIENCE)

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

    def stale_since(self) -> datetime | None:
        """Since when the quorum has been away; None if it was there of late."""
        policy = self.policy
        if policy is None or policy.reached(set()):
            return None
        is_late = self._clock.now() - self._since > STALE
        return self._since if is_late else None

    async def _check_again(self) -> None:
        try:
            await self.check()
        except RolledBackError as error:
            self.raise_alarm(error)

    def _answered(self, found: Cosigned | None, size: int) -> None:
        if found is not None and found.size == size:
            self._since = self._clock.now()
