# SPDX-License-Identifier: Apache-2.0
"""Sign, collect and take up versions of the charter.

Whatever brings a signature, a person or a member, brings it into one act: the
proposals, the vote, the version that counts now, and its event are durable together
or not at all. What the node holds in memory follows right behind, in every process.

Two valid versions after one are kept as evidence, with the names of those who made them
so; the node stays with the one that it had first.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from secrets import randbelow
from typing import Final

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.amendment import (
    REFUSAL,
    Version,
    open_fork,
    sign_charter,
    sign_refusal,
    valid_refusals,
    verify_next,
)
from fedsafe_federation.charter.bundles import Bundle, as_many_as_fit, bundled
from fedsafe_federation.charter.charter import Charter, SignedCharter, charter_digest
from fedsafe_federation.charter.diff import differences
from fedsafe_federation.charter.key_change import robbed
from fedsafe_federation.errors import FederationError
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import LeftError, WrongStateError
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.ground.work_threads import Workers
from fedsafe_node.keys.charter_chain import (
    KEYS_DOCUMENT,
    forked,
    keep_fork,
    keep_next,
    keep_refusals,
    open_chain,
    read_chain,
    read_evidence,
    read_fork,
    read_refusals,
    read_version,
)
from fedsafe_node.keys.identity import find_identity
from fedsafe_node.keys.membership import Membership
from fedsafe_node.log.audit import AuditTrail, Detail, Event
from fedsafe_node.members.ceremonies.installation import take_up_membership
from fedsafe_node.members.charter.departures import keep_wish
from fedsafe_node.members.charter.proposals import (
    Pending,
    keep_pending,
    merged,
    read_pending,
)
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase

_LOG = logging.getLogger(f"{LOGGER}.governing")
MOST_CARRIED: Final = 3 * 1024 * 1024 // 2
_MOST_REFUSALS: Final = 1_024
Changed = Callable[[Membership | None], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Present:
    """The version that counts, and what is proposed to follow it."""

    version: Version
    pending: Pending
    evidence: Sequence[Signed] = ()

    def carried(self, node: str) -> list[Bundle]:
        """Give what another member is to hold: proposals, and evidence of a fork.

        That is as much as fits: what the own node has signed, and of the rest now this,
        now that.
        """
        bundles = bundled([*self.evidence, *self.pending.statements()])
        own = [each for each in bundles if node in _signers(each)]
        rest = [each for each in bundles if node not in _signers(each)]
        turn = randbelow(len(rest)) if rest else 0
        return as_many_as_fit([*own, *rest[turn:], *rest[:turn]], MOST_CARRIED)


def _signers(bundle: Bundle) -> set[str]:
    return {each.signer for each in bundle.signatures}


class Ballot:
    """The node's side of what members vote on.

    Owned by the event loop: `_loading`, held while memory follows the store.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        place: Place,
        situation: Situation,
        store: Store,
        trail: AuditTrail,
        clock: Clock,
        key: SigningKey,
        *,
        offload: Workers,
        changed: Changed,
    ) -> None:
        self._place = place
        self._situation = situation
        self._store = store
        self._trail = trail
        self._clock = clock
        self._key = key
        self._offload = offload
        self._changed = changed
        self._loading = asyncio.Lock()
        self.spread: Callable[[], None] = lambda: None

    async def present(self) -> Present | None:
        """Read how things stand; None without a federation."""
        return await self._store.read(_read_present)

    async def sign(
        self,
        tx: Transaction,
        payload: bytes,
        *,
        refuse: bool,
        by: str | None = None,
        second: str | None = None,
    ) -> None:
        """Sign a version, or promise never to, within the act that decides it.

        Two people have decided it, or nobody had to: it is what a ceremony ended with.

        Raises:
            WrongStateError: there is another version by now; or this node has signed
                another one that can still come to count, or promised otherwise.
        """
        present = await _read_present(tx)
        if present is None:
            raise WrongStateError(
                "no_federation", Phrase("this node does not belong to a federation")
            )
        version, pending = present.version, present.pending
        self._check_vote(present, payload, refuse=refuse)
        statements = self._statements(version, payload, refuse=refuse)
        after = merged(pending, version, statements, now=self._now())
        if after == pending:
            raise WrongStateError(
                "act_changed", Phrase("the charter is another one by now: propose anew")
            )
        detail: Detail = {
            "version": version.charter.version + 1,
            "charter": charter_digest(payload).hex(),
            "second": second,
        }
        outcome = "refused" if refuse else "signed"
        await self._note(tx, Event.CHARTER_SIGNED, detail, actor=by, outcome=outcome)
        await self._settle(tx, version, after)

    async def wish(
        self, tx: Transaction, digest: bytes, *, by: str, second: str
    ) -> None:
        """Say that this node, which is suspended, wants to leave.

        Raises:
            WrongStateError: another version counts by now.
        """
        version = await read_version(tx)
        if version is None or version.digest != digest:
            raise WrongStateError(
                "act_changed", Phrase("the charter is another one by now: ask anew")
            )
        await keep_wish(tx, version)
        detail: Detail = {"name": self._situation.node, "second": second}
        await self._note(tx, Event.MEMBER_LEAVING, detail, actor=by)

    async def signed(self) -> None:
        """Let memory follow, and tell the other members, once `sign` is durable."""
        await self.reload()
        self.spread()

    async def take(
        self, versions: Sequence[SignedCharter], statements: Sequence[Signed]
    ) -> bool:
        """Take in what a member, or somebody who joins, has brought.

        Returns:
            Whether anything is new.
        """
        if not versions and not statements:
            return False

        async def act(tx: Transaction) -> bool:
            present = await _read_present(tx)
            if present is None:
                return False
            before = present.version
            version = await self._follow(tx, before, versions)
            pending = await read_pending(tx, version)
            after = merged(pending, version, statements, now=self._now())
            await self._take_evidence(tx, statements)
            if after == pending:
                return version.digest != before.digest
            await self._settle(tx, version, after)
            return True

        is_new = await self._store.write(act)
        if is_new:
            await self.reload()
        return is_new

    async def reload(self, *, anew: bool = False) -> None:
        """Let memory follow the version that the store holds; *anew*: or its keys."""
        async with self._loading:
            chain = await self._store.read(read_chain)
            if not chain:
                return
            *older, newest = chain
            shared = self._situation.shared
            digest = charter_digest(newest.payload)
            now = self._now()
            known = shared is not None and shared.membership.version.digest == digest
            if known and not anew:
                return
            name, document = self._situation.node, encode(newest)
            try:
                membership: Membership | None = await self._offload(
                    lambda: take_up_membership(
                        self._place, name, document, older, now=now
                    )
                )
            except LeftError:
                if shared is None:
                    return
                membership = None
            await self._changed(membership)

    async def forget_over(self) -> None:
        """Let go of the keys of epochs that are over."""
        shared = self._situation.shared
        if shared is not None and shared.membership.is_outdated(self._now()):
            await self.reload(anew=True)

    async def keys_changed(self) -> None:
        """Let memory, here and in other processes, follow the key files."""
        at = str(self._now()).encode()
        await self._store.write(lambda tx: tx.put_document(KEYS_DOCUMENT, at))
        await self.reload(anew=True)

    def _check_vote(self, present: Present, payload: bytes, *, refuse: bool) -> None:
        digest, name = charter_digest(payload), self._situation.node
        known = present.pending.find(digest)
        if refuse:
            if known is not None and name in known.signers():
                raise WrongStateError(
                    "charter_voted",
                    Phrase("this node has signed that proposal already"),
                )
            return
        if known is not None and name in known.refusers():
            raise WrongStateError(
                "charter_voted",
                Phrase("this node has promised never to sign that proposal"),
            )
        if name in robbed(present.version.charter, decode(payload, Charter)):
            return  # whatever its stolen key has signed says nothing
        other = present.pending.vote(present.version, name, but=digest)
        if other is not None:
            raise WrongStateError(
                "charter_voted",
                Phrase(
                    "this node has signed another proposal, which can still come "
                    "to count: {digest}; it is free again once so many members "
                    "have refused that one that no quorum is left"
                ).filled(digest=other.digest.hex()[:16]),
            )

    def _statements(
        self, version: Version, payload: bytes, *, refuse: bool
    ) -> list[Signed]:
        federation, name = version.charter.federation, self._situation.node
        if not refuse:
            return [
                sign_charter(payload, signer=name, key=key, federation=federation)
                for key in (self._key, *self._new_keys(payload))
            ]
        number = version.charter.version + 1
        return [
            sign_refusal(
                payload, number, signer=name, key=self._key, federation=federation
            )
        ]

    def _new_keys(self, payload: bytes) -> list[SigningKey]:
        """Give the key that a version brings to this node: it signs as well.

        Raises:
            WrongStateError: it is not here, so nobody may bring it.
        """
        name = self._situation.node
        for member in decode(payload, Charter).members:
            if member.name != name or member.keys.statement == self._key.public:
                continue
            found = find_identity(self._place, member.keys)
            if found is None:
                raise WrongStateError(
                    "other_keys",
                    Phrase(
                        "the proposal gives this node keys that are not here: refuse it"
                    ),
                )
            return [found.keys.statement]
        return []

    async def _settle(self, tx: Transaction, version: Version, after: Pending) -> None:
        """Keep the proposals, and take up one that counts now."""
        await keep_pending(tx, after)
        for proposed in after.proposals:
            document = proposed.complete(version)
            if document is not None:
                await self._adopt(tx, version, document)
                return

    async def _adopt(
        self, tx: Transaction, version: Version, document: SignedCharter
    ) -> Version:
        following = verify_next(version, document)
        promised = (await read_pending(tx, version)).promises(version)
        await keep_refusals(tx, following.charter.version, promised)
        await keep_next(tx, document)
        told = [each.key for each in differences(version.charter, following.charter)]
        detail: Detail = {
            "federation": following.charter.federation,
            "version": following.charter.version,
            "charter": following.digest.hex(),
            "members": len(following.charter.members),
            "changes": ", ".join(told),
        }
        await self._note(tx, Event.CHARTER_CHANGED, detail)
        return following

    async def _follow(
        self, tx: Transaction, version: Version, documents: Sequence[SignedCharter]
    ) -> Version:
        for document in documents:
            try:
                number = decode(document.payload, Charter).version
                if number <= version.charter.version:
                    await self._compare(tx, document, number)
                    continue
                version = await self._adopt(tx, version, document)
            except FederationError as error:
                reason = type(error).__name__
                _LOG.warning("no version of ours", extra=fields(reason=reason))
                break
        return version

    async def _compare(
        self, tx: Transaction, document: SignedCharter, number: int
    ) -> None:
        chain = await read_chain(tx)
        own = chain[number - 1]
        if own.payload == document.payload or number == 1:
            return
        if await read_fork(tx) is not None:
            return
        open_fork(open_chain(chain[: number - 1]), own, document)
        await keep_fork(tx, document)
        _LOG.error("the charter is forked", extra=fields(version=number))
        await self._note_fork(tx)

    async def _take_evidence(
        self, tx: Transaction, statements: Sequence[Signed]
    ) -> None:
        """Keep promises about a forked version that this node has not seen before."""
        found = await forked(tx)
        refusals = [each for each in statements if each.type == REFUSAL]
        if found is None or not refusals:
            return
        number, before = found
        chain, known = await read_chain(tx), await read_refusals(tx, number)
        trusted = open_chain(chain[: number - 1])
        new = valid_refusals(trusted, [each for each in refusals if each not in known])
        if len(known) + len(new) > _MOST_REFUSALS:
            return
        await keep_refusals(tx, number, [*known, *new])
        after = await forked(tx)
        if after is not None and after[1] != before:
            await self._note_fork(tx)

    async def _note_fork(self, tx: Transaction) -> None:
        found = await forked(tx)
        if found is None:
            return
        number, blamed = found
        detail: Detail = {
            "version": number,
            "signed_both": ", ".join(sorted(blamed.signed_both)),
            "broke_promise": ", ".join(sorted(blamed.broke_promise)),
        }
        await self._note(tx, Event.CHARTER_FORKED, detail)

    async def _note(
        self,
        tx: Transaction,
        event: Event,
        detail: Detail,
        *,
        actor: str | None = None,
        outcome: str = "ok",
    ) -> None:
        entry = self._trail.entry(
            event, at=self._clock.now(), outcome=outcome, actor=actor, detail=detail
        )
        await tx.append(self._trail.log, entry.record, entry.openings)

    def _now(self) -> int:
        return int(self._clock.now().timestamp())


async def _read_present(reader: Reader) -> Present | None:
    version = await read_version(reader)
    if version is None:
        return None
    evidence = await read_evidence(reader)
    return Present(version, await read_pending(reader, version), evidence)
