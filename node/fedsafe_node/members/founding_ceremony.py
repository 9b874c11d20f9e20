# SPDX-License-Identifier: Apache-2.0
"""This node's part in a founding ceremony (`api.services.Foundings`).

The secret states lie in the key directory, one file a round, until the charter is
signed by all. Then the epoch's keys are written, the charter is stored with its
audit event, and only then the states go: a crash at any point goes on where it was.

Messages that come over the node's Unix socket are its operator's; those of the
network are heard only while `founding.open` says so. Wherever they come from, no step
is made for a proposal that the operator has not confirmed (`founding_consents`): the
node looks for that anew in each step, while nobody can take it back.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from fedsafe_federation.charter.card import Card, MemberKeys, sign_card
from fedsafe_federation.charter.charter import PolicyReference, flaw_of
from fedsafe_federation.charter.consent import Consent, says_same
from fedsafe_federation.charter.founding_ceremony import Ceremony, Founded, Participant
from fedsafe_federation.charter.proposal import PROPOSAL, Proposal, sign_proposal
from fedsafe_federation.errors import FoundingError
from fedsafe_federation.identifiers.corpus import corpus_digests
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.bodies import (
    ConfirmRequest,
    FoundingAnswer,
    FoundingsAnswer,
    ProposalRequest,
    WithdrawRequest,
)
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import ConfigError, ForbiddenError, WrongStateError
from fedsafe_node.ground.networks import member_networks
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.ground.work_threads import Workers
from fedsafe_node.keys.ceremony_files import (
    FOUNDING,
    StateFiles,
    destroy_states,
    locked,
)
from fedsafe_node.keys.charter_chain import CHARTER_DOCUMENT, read_chain
from fedsafe_node.keys.membership import Membership, load_membership
from fedsafe_node.keys.own_keys import MediaKeys, NodeKeys, write_epoch_keys
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.members.charter.invitations import forget_invited
from fedsafe_node.members.founding_consents import Consents, Known, forget_foundings
from fedsafe_node.people.office import Office
from fedsafe_node.rules.policy_bundle import check_federation_policy
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.change_counter import ALONE, Following
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.ground.catalogue import Phrase

EPOCH_LENGTH: Final = timedelta(days=365)


class FoundingService:
    """Takes part in one founding at a time.

    *joined* is called once with the new membership, after it is durable. Steps are
    made one after the other, under `_stepping` and, among the processes of the node, a
    lock on the key directory: two at once would deal twice. The
    card is made when it is first asked for, off the loop, and kept as `_card` until the
    node has other keys.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        place: Place,
        situation: Situation,
        keys: NodeKeys,
        office: Office,
        *,
        offload: Workers,
        joined: Callable[[Membership | None], Awaitable[None]],
        following: Following = ALONE,
    ) -> None:
        self._following = following
        self._place = place
        self._situation = situation
        self._keys = keys
        self._office = office
        self._store = office.store
        self._offload = offload
        config = situation.config
        inside = member_networks(config.name, config.peering)
        self._consents = Consents(
            office, place, card=self.card, offload=offload, inside=inside
        )
        self._joined = joined
        self._stepping = asyncio.Lock()
        self._card: tuple[MemberKeys, Signed] | None = None

    async def card(self) -> Signed:
        """Give the node's own signed card."""
        keys = self._keys.public()
        if self._card is None or self._card[0] != keys:
            self._card = keys, await self._offload(self._make_card)
        return self._card[1]

    async def propose(self, request: ProposalRequest) -> Signed:
        """Propose a founding as its convenor, which its operator confirms as well.

        The same again is the same proposal; one with fewer members keeps its dates
        and threshold, so who has confirmed it need not do so again. Anew it is one of
        today that all confirm, as is one that is refused here, or older than a week.

        Raises:
            WrongStateError: this node has a charter already.
            FoundingError: the terms contradict themselves, or leave this node out.
            UntrustedError: a card is not signed by its own key.
            MalformedError: a card is none.
        """
        self._check_alone()
        now = self._office.clock.now()
        policy = self._situation.policy
        digest = bytes.fromhex(policy.digest)
        reference = PolicyReference(name=policy.name, sha256=digest)
        arrangement = hashlib.sha256(request.arrangement.encode()).digest()
        proposal = Proposal(
            v=1,
            federation=request.federation,
            threshold=request.threshold or len(request.cards) // 2 + 1,
            cards=request.cards,
            policy=reference,
            arrangement=PolicyReference(name="arrangement", sha256=arrangement),
            created=int(now.timestamp()),
            ends=int((now + EPOCH_LENGTH).timestamp()),
        )
        if await self.card() not in request.cards:
            raise FoundingError(Phrase("the cards do not hold this node's own"))
        async with self._stepping, self._alone():
            known = await self._consents.known()
            signed = None
            if not request.anew:
                signed = self._as_before(proposal, request.threshold, known)
            if signed is None:
                signed = self._signed(_of_its_own(proposal, known))
            await self._consents.take(signed, local=True)
        return signed

    def _as_before(
        self, proposal: Proposal, threshold: int | None, known: Sequence[Known]
    ) -> Signed | None:
        """Sign a proposal under the terms of an earlier one that had more members.

        Or give the earlier one, if it says the same; None if there is none.
        """
        for earlier in (each.proposal for each in known if each.is_open):
            said = decode(earlier.payload, Proposal)
            again = replace(
                proposal,
                threshold=threshold or said.threshold,
                created=said.created,
                ends=said.ends,
            )
            signed = self._signed(again)
            length = again.ends - again.created
            flaw = flaw_of(len(again.cards), again.threshold, length)
            if flaw is None and Consent(earlier).covers(signed):
                same = [each for each in known if says_same(each.proposal, signed)]
                if not same:
                    return signed
                if same[0].is_open:
                    return same[0].proposal
        return None

    def _signed(self, proposal: Proposal) -> Signed:
        return sign_proposal(
            proposal, convenor=self._situation.node, key=self._keys.statement
        )

    async def shown(self) -> FoundingsAnswer:
        """Tell of the foundings that were proposed to this node."""
        is_over = self._situation.shared is not None
        return FoundingsAnswer(
            foundings=[] if is_over else await self._consents.shown()
        )

    async def review(self, proposal: Signed) -> FoundingAnswer:
        """Take a proposal that the operator brings, and show it.

        Raises:
            FoundingError: it lacks this node's own card, or its terms cannot be.
            UntrustedError: a card or the convenor's signature is bad.
            WrongStateError: this node has a charter, or too many proposals wait.
        """
        async with self._stepping, self._alone():
            self._check_alone()
            return await self._consents.take(proposal, local=True)

    async def confirm(self, request: ConfirmRequest, who: Principal) -> FoundingAnswer:
        """Consent to a proposal, by two groups of each other member's fingerprint.

        Raises:
            NotFoundError: no such proposal waits here.
            WrongStateError: it is too old, wrong groups were typed too often, or this
                node has a charter.
            BadRequestError: the groups are not those of the cards in the proposal.
            FoundingError: the policy of this node does not go with the proposal's.
        """
        self._check_alone()
        terms = await self._consents.terms(request.proposal)
        await self._offload(lambda: self._agreed(terms.policy))
        return await self._consents.confirm(request.proposal, request.groups, who)

    async def withdraw(
        self, request: WithdrawRequest, who: Principal
    ) -> FoundingAnswer:
        """Refuse a proposal, or take the consent to it back until the share is made.

        Raises:
            NotFoundError: no such proposal is here.
            WrongStateError: this node's share is made, or it has a charter.
        """
        async with self._stepping, self._alone():
            if self._situation.shared is not None:
                raise WrongStateError(
                    "founding_over",
                    Phrase(
                        "the founding is over: this node is a member, and can "
                        "only leave"
                    ),
                )
            return await self._consents.withdraw(request.proposal, who)

    def _check_alone(self) -> None:
        if self._situation.shared is not None:
            raise WrongStateError(
                "has_charter", Phrase("this node belongs to a federation already")
            )

    async def step(
        self, messages: Sequence[Signed], *, local: bool
    ) -> Sequence[Signed]:
        """Take the messages seen so far, give those that this node owes.

        Raises:
            ForbiddenError: they came over the network, and founding is not open.
            FoundingError: the ceremony cannot go on.
            WrongStateError: this node has another charter, or its operator has not
                confirmed the proposal, or has refused it.
        """
        if not local and not self._situation.config.founding.open:
            raise ForbiddenError(
                Phrase("this node takes part in no founding over the network"),
                authenticated=True,
            )
        async with self._stepping, self._alone():
            return await self._step(messages, local=local)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Be the only process of the node that makes a step, and know of all others."""
        lock = await self._offload(lambda: locked(self._place))
        try:
            await self._following.fresh()
            yield
        finally:
            os.close(lock)

    async def clean(self) -> None:
        """Forget the states of a founding that ended just before a crash."""
        await self._offload(lambda: destroy_states(self._place, FOUNDING))

    async def _step(
        self, messages: Sequence[Signed], *, local: bool
    ) -> Sequence[Signed]:
        proposals = {m.signature: m for m in messages if m.type == PROPOSAL}
        if len(proposals) != 1:
            raise FoundingError(Phrase("exactly one proposal is needed"))
        (proposal,) = proposals.values()
        if self._situation.shared is not None:
            nothing_happened()
            return await self._owed_after(proposal)
        consent = await self._consents.consent_to(proposal, local=local)
        participant = Participant(await self.card(), self._keys.statement)
        states = StateFiles(self._place, proposal, kind=FOUNDING, failure=FoundingError)
        ceremony = Ceremony(participant, proposal, states, consent=consent)
        policy = decode(proposal.payload, Proposal).policy
        self._situation.agreed = await self._offload(lambda: self._agreed(policy))
        step = await self._offload(lambda: ceremony.step(messages))
        if step.founded is not None:
            await self._found(step.founded)
        else:
            nothing_happened()
        return step.owed

    def _agreed(self, policy: PolicyReference) -> Policy:
        situation = self._situation
        try:
            agreed = check_federation_policy(self._place, situation.provisions, policy)
        except ConfigError as error:
            raise FoundingError(
                Phrase(
                    "the policy of {node} does not go with the federation's: {why}"
                ).filled(node=situation.node, why=error.told)
            ) from None
        if agreed.name != policy.name:
            raise FoundingError(
                Phrase(
                    "the proposal names its policy otherwise than the text does, "
                    "which is {agreed}: somebody may be meant to take it for "
                    "another one"
                ).filled(agreed=agreed.name)
            )
        return agreed

    async def charter(self) -> bytes | None:
        """Give the signed charter as JSON, once there is one."""
        return await self._store.read(lambda r: r.document(CHARTER_DOCUMENT))

    async def _owed_after(self, proposal: Signed) -> Sequence[Signed]:
        # The charter is complete here: its signatures are all that anybody who
        # lags behind can still need.
        chain = await self._store.read(read_chain)
        federation = decode(proposal.payload, Proposal).federation
        if not chain or self._federation() != federation:
            raise WrongStateError(
                "has_charter", Phrase("this node belongs to another federation")
            )
        return chain[0].signatures

    def _federation(self) -> str:
        shared = self._situation.shared
        return shared.membership.charter.federation if shared is not None else ""

    async def _found(self, founded: Founded) -> None:
        media = MediaKeys(founded.keys.token_key, founded.keys.group_key)
        document = encode(founded.charter)

        now = self._office.now()

        def keep() -> Membership:
            write_epoch_keys(self._place, founded.keys.share, media)
            return load_membership(self._place, self._situation.node, document, now=now)

        membership = await self._offload(keep)
        detail: Detail = {
            "federation": membership.charter.federation,
            "members": len(membership.charter.members),
            "threshold": membership.epoch.threshold,
        }

        async def act(tx: Transaction) -> None:
            await tx.put_document(CHARTER_DOCUMENT, document)
            await forget_invited(tx)
            await forget_foundings(tx)
            await self._office.note(tx, Event.FEDERATION_JOINED, "", detail)

        await self._store.write(act)
        await self._joined(membership)
        await self._offload(lambda: destroy_states(self._place, FOUNDING))

    def _make_card(self) -> Signed:
        config = self._situation.config
        card = Card(
            v=1,
            name=config.name,
            url=config.url,
            jurisdiction=config.jurisdiction,
            keys=self._keys.public(),
            canonicalisers=dict(corpus_digests()),
        )
        return sign_card(card, self._keys.statement)


def _of_its_own(proposal: Proposal, known: Sequence[Known]) -> Proposal:
    """Date a proposal so that none of the same second is taken for it."""
    said = [decode(each.proposal.payload, Proposal) for each in known]
    taken = {each.created for each in said if each.federation == proposal.federation}
    late = 0
    while proposal.created + late in taken:
        late += 1
    return replace(proposal, created=proposal.created + late, ends=proposal.ends + late)
