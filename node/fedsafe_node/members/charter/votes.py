# SPDX-License-Identifier: Apache-2.0
"""What a provider does about the charter: propose, sign, refuse (P6).

A vote takes two persons. The act holds the exact bytes of the version and, in both
languages, what it changes; the second person approves exactly that, and the node's
signature, the audit event and the act are one transaction. Whoever proposes a version
signs it first; the others sign what they are shown.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from fedsafe_federation.charter.amendment import Version, may_sign, open_successor
from fedsafe_federation.charter.bundles import Bundle, bundle_of, bundled, opened
from fedsafe_federation.charter.card import Card
from fedsafe_federation.charter.changes import Change, ChangeKind, amended
from fedsafe_federation.charter.charter import ALL_ROLES, Charter, charter_digest
from fedsafe_federation.charter.diff import Difference, difference, introduced
from fedsafe_federation.identifiers.corpus import corpus_digests
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.charter import (
    ChangeRequest,
    ExchangeAnswer,
    ExchangeRequest,
)
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import (
    BadRequestError,
    ConfigError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.work_threads import Workers
from fedsafe_node.keys.charter_chain import read_chain, versions_after
from fedsafe_node.keys.identity import next_identity
from fedsafe_node.members.charter.admission import Admitting
from fedsafe_node.members.charter.ballot import Ballot, Present
from fedsafe_node.members.charter.change_requests import change_of
from fedsafe_node.members.charter.proposals import Proposed
from fedsafe_node.people.approvals import Approvals
from fedsafe_node.people.office import Office
from fedsafe_node.people.pending_acts import let_one_wait
from fedsafe_node.rules.policy_bundle import check_federation_policy
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Row
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Act

KIND: Final = Act.CHARTER_CHANGE
_GROUND: Final = "charter-change"


WISH: Final = difference(
    "leaving",
    Phrase("this node is suspended and wants to leave; the others have to fulfil that"),
)


class Vote(Row, frozen=True, kw_only=True):
    """What a second person stands by: to sign exactly these bytes, or never to.

    Without bytes it is the wish of a suspended member to leave that version.
    """

    refuse: bool
    charter: str
    version: int
    payload: bytes
    changes: list[Difference]


class CharterVote:
    """The effect of an approved vote (`approvals.Effect`)."""

    def __init__(self, ballot: Ballot) -> None:
        self._ballot = ballot

    async def request(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> ActRequest:
        """Put the vote to the policy, with both persons."""
        del reader, content
        return ActRequest(KIND, first, second, _GROUND)

    async def carry_out(
        self, tx: Transaction, content: bytes, first: Person, second: Person
    ) -> Callable[[], Awaitable[None]]:
        """Sign, or promise never to; what is returned lets the others know.

        Raises:
            WrongStateError: the charter is another one by now, or the node has signed
                another proposal.
        """
        vote = decode(content, Vote)
        if not vote.payload:
            await self._ballot.wish(
                tx, bytes.fromhex(vote.charter), by=first.name, second=second.name
            )
            return self._ballot.signed
        await self._ballot.sign(
            tx, vote.payload, refuse=vote.refuse, by=first.name, second=second.name
        )
        return self._ballot.signed


class Charters:
    """Proposes and signs versions of the charter, and gives them to members."""

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        office: Office,
        situation: Situation,
        approvals: Approvals,
        ballot: Ballot,
        admitting: Admitting,
        place: Place,
        offload: Workers,
    ) -> None:
        self._admitting = admitting
        self._office = office
        self._situation = situation
        self._approvals = approvals
        self._ballot = ballot
        self._place = place
        self._offload = offload

    async def versions(self, after: int) -> list[Bundle]:
        """Give the versions behind one of them, as many as fit into an answer."""
        found = await self._office.store.scan(lambda r: versions_after(r, after))
        return [bundle_of(each) for each in found]

    async def exchange(self, request: ExchangeRequest) -> ExchangeAnswer:
        """Take in what a member holds of proposals, and give it what it lacks.

        Raises:
            WrongStateError: this node has no federation.
        """
        await self._ballot.take([], opened(request.statements))
        present = await self._present()
        if request.version > present.version.charter.version:
            self._ballot.spread()  # it is ahead: ask at once
        same = request.version == present.version.charter.version
        is_fork = await self._forks(request)
        return ExchangeAnswer(
            versions=await self.versions(request.version - is_fork),
            statements=present.carried(self._situation.node)
            if same
            else bundled(present.evidence),
        )

    async def propose(self, request: ChangeRequest, who: Principal) -> ActAnswer:
        """Ask a second person for the next version with a change.

        Raises:
            WrongStateError: this node has no federation, or nobody could be the second
                person, or the same waits for one already.
            NotFoundError: nobody of that name wants to join by an invitation from here.
            AmendmentError: the change cannot be made.
            BadRequestError: the request lacks what its change is about.
        """
        present = await self._present()
        charter = present.version.charter
        if request.change is ChangeKind.LEAVE and self._is_suspended(charter):
            return await self._ask_to_leave(present.version, who)
        self._check_taking_part(charter)
        change = change_of(request, self._situation)
        card = await self._card(present, change)
        charter = amended(
            present.version,
            change,
            now=self._office.now(),
            card=card,
            roles=request.roles or ALL_ROLES,
        )
        return await self._ask(present.version, encode(charter), who, refuse=False)

    async def _card(self, present: Present, change: Change) -> Card | None:
        """Give the card of who joins, or with the new keys of this node."""
        if change.kind is ChangeKind.JOIN:
            return await self._admitting.card_of(str(change.member))
        if change.kind is not ChangeKind.KEYS:
            return None
        version, now = present.version.charter.version, self._office.now()
        me = present.version.charter.member(self._situation.node)
        found = await self._offload(
            lambda: next_identity(
                self._place, after=version, since=change.stolen or 0, now=now
            )
        )
        return Card(
            v=1,
            name=me.name,
            url=me.url,
            jurisdiction=me.jurisdiction,
            keys=found.keys.public(),
            canonicalisers=dict(corpus_digests()),
        )

    async def sign(self, proposal: str, who: Principal) -> ActAnswer:
        """Ask a second person to sign what a member has proposed.

        Raises:
            NotFoundError: nobody proposes that.
            WrongStateError: this node's signature does not count for it, or nobody
                could be the second person, or the same waits for one already.
            BadRequestError: the policy that it names is not here, or looser than ours.
        """
        present = await self._present()
        proposed = _find(present, proposal)
        charter = open_successor(present.version, proposed.payload)
        if not may_sign(present.version, charter, self._situation.node):
            raise WrongStateError(
                "no_part",
                Phrase("this node takes no part in it: its signature is no use"),
            )
        if self._situation.node in proposed.signers():
            raise WrongStateError(
                "charter_voted", Phrase("this node has signed it already")
            )
        await self._check_policy(charter)
        return await self._ask(present.version, proposed.payload, who, refuse=False)

    async def refuse(self, proposal: str, who: Principal) -> ActAnswer:
        """Ask a second person to promise that the node never signs a proposal.

        Raises:
            NotFoundError: nobody proposes that.
            WrongStateError: this node has signed it, or takes no part now.
        """
        present = await self._present()
        proposed = _find(present, proposal)
        self._check_taking_part(present.version.charter)
        if self._situation.node in proposed.signers():
            raise WrongStateError(
                "charter_voted", Phrase("this node has signed it already")
            )
        return await self._ask(present.version, proposed.payload, who, refuse=True)

    async def _ask(
        self, version: Version, payload: bytes, who: Principal, *, refuse: bool
    ) -> ActAnswer:
        office = self._office
        await office.store.scan(
            lambda reader: self._approvals.check_second(reader, KIND, who)
        )
        after = open_successor(version, payload)
        vote = Vote(
            refuse=refuse,
            charter=charter_digest(payload).hex(),
            version=after.version,
            payload=payload,
            changes=introduced(version.charter, after),
        )

        async def keep(tx: Transaction, asked: ActAnswer) -> None:
            await let_one_wait(
                office,
                tx,
                asked,
                is_same=lambda other: decode(other, Vote).charter == vote.charter,
                is_alike=lambda other: decode(other, Vote).charter == vote.charter,
            )

        return await self._approvals.ask(KIND, encode(vote), who, keep=keep)

    async def _ask_to_leave(self, version: Version, who: Principal) -> ActAnswer:
        """Ask a second person for the wish of a suspended member."""
        office = self._office
        await office.store.scan(
            lambda reader: self._approvals.check_second(reader, KIND, who)
        )
        wish = Vote(
            refuse=False,
            charter=version.digest.hex(),
            version=version.charter.version,
            payload=b"",
            changes=[WISH],
        )

        async def keep(tx: Transaction, asked: ActAnswer) -> None:
            await let_one_wait(
                office,
                tx,
                asked,
                is_same=lambda other: decode(other, Vote) == wish,
                is_alike=lambda other: not decode(other, Vote).payload,
            )

        return await self._approvals.ask(KIND, encode(wish), who, keep=keep)

    def _is_suspended(self, charter: Charter) -> bool:
        node = self._situation.node
        return any(e.name == node and not e.active for e in charter.members)

    async def _forks(self, request: ExchangeRequest) -> bool:
        """Whether the asking member holds another version of that number."""
        if request.charter is None:
            return False
        chain = await self._office.store.scan(read_chain)
        own = chain[request.version - 1 : request.version]
        return any(charter_digest(each.payload) != request.charter for each in own)

    async def _check_policy(self, charter: Charter) -> None:
        situation = self._situation
        try:
            await self._offload(
                lambda: check_federation_policy(
                    self._place, situation.provisions, charter.policy
                )
            )
        except ConfigError as error:
            raise BadRequestError("bad_policy", error.told) from None

    def _check_taking_part(self, charter: Charter) -> None:
        names = {each.name for each in charter.active()}
        if self._situation.node not in names:
            raise WrongStateError(
                "no_part",
                Phrase(
                    "this node is suspended or has left: it proposes and refuses "
                    "nothing"
                ),
            )

    async def _present(self) -> Present:
        present = await self._ballot.present()
        if present is None:
            raise WrongStateError(
                "no_federation", Phrase("this node does not belong to a federation")
            )
        return present


def _find(present: Present, proposal: str) -> Proposed:
    found = present.pending.find(bytes.fromhex(proposal))
    if found is None:
        raise NotFoundError(Phrase("no such proposal"))
    return found
