# SPDX-License-Identifier: Apache-2.0
"""What people are shown of the charter: how it stands, and how it came about."""

from fedsafe_federation.charter.amendment import Version
from fedsafe_federation.charter.charter import (
    Charter,
    Member,
    PolicyReference,
    charter_digest,
)
from fedsafe_federation.charter.diff import differences, introduced
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.acts.bodies import Bilingual
from fedsafe_node.acts.charter import (
    ForkedAnswer,
    GovernanceAnswer,
    HistoryAnswer,
    MemberAnswer,
    ProposalAnswer,
    VersionAnswer,
)
from fedsafe_node.ground.config import Config
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.networks import leads_inside, member_networks
from fedsafe_node.keys.charter_chain import forked, read_chain
from fedsafe_node.members.ceremonies.resharing_requests import Rotations
from fedsafe_node.members.charter.admission import Admitting
from fedsafe_node.members.charter.ballot import Ballot, Present
from fedsafe_node.members.charter.departures import Wishes
from fedsafe_node.members.charter.invitations import Inviting, groups
from fedsafe_node.members.charter.proposals import Proposed
from fedsafe_node.members.quarantine import Quarantines
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_policies.ground.catalogue import Phrase


class Governance:
    """Shows the charter, what is proposed, and who wants to join."""

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        situation: Situation,
        store: Store,
        ballot: Ballot,
        admitting: Admitting,
        inviting: Inviting,
        quarantines: Quarantines,
        rotations: Rotations,
        wishes: Wishes,
    ) -> None:
        self._situation = situation
        self._store = store
        self._ballot = ballot
        self._admitting = admitting
        self._inviting = inviting
        self._quarantines = quarantines
        self._rotations = rotations
        self._wishes = wishes

    async def show(self) -> GovernanceAnswer:
        """Tell which version counts, and what is proposed.

        Raises:
            WrongStateError: this node has no federation.
        """
        present = await self._present()
        charter = present.version.charter
        present_here = self._situation.shared is not None
        return GovernanceAnswer(
            federation=charter.federation,
            standing=self._standing(charter),
            version=charter.version,
            charter=present.version.digest.hex(),
            fingerprint=groups(present.version.digest),
            quorum=charter.quorum,
            appeal=charter.appeal,
            deputy=charter.stand_in,
            set_aside=[each.hex() for each in charter.without_effect],
            policy=_reference(charter.policy),
            arrangement=_reference(charter.arrangement),
            members=[_member(charter, each) for each in charter.members],
            proposals=[
                self._proposal(present.version, each)
                for each in present.pending.proposals
            ],
            joining=await self._admitting.joining() if present_here else [],
            invitations=await self._inviting.out() if present_here else [],
            leaving=await self._wishes.shown(),
            quarantines=await self._quarantines.shown(),
            forked=await self._store.scan(_forked),
            keys=await self._rotations.keys(),
            attempts=await self._rotations.attempts(),
        )

    async def history(self) -> HistoryAnswer:
        """Tell what each version of the charter has changed.

        Raises:
            WrongStateError: this node has no federation.
        """
        chain = await self._store.scan(read_chain)
        if not chain:
            raise WrongStateError(
                "no_federation", Phrase("this node does not belong to a federation")
            )
        versions: list[VersionAnswer] = []
        before: Charter | None = None
        federation = decode(chain[0].payload, Charter).federation
        for document in chain:
            charter = decode(document.payload, Charter)
            said = differences(before, charter) if before is not None else []
            versions.append(
                VersionAnswer(
                    version=charter.version,
                    charter=charter_digest(document.payload).hex(),
                    created=charter.created,
                    signed=sorted({each.signer for each in document.signatures}),
                    changes=[Bilingual(de=each.de, en=each.en) for each in said],
                )
            )
            before = charter
        return HistoryAnswer(federation=federation, versions=versions)

    def _proposal(self, version: Version, proposed: Proposed) -> ProposalAnswer:
        found = proposed.tally(version)
        said = introduced(version.charter, found.charter)
        config = self._situation.config
        return ProposalAnswer(
            proposal=proposed.digest.hex(),
            by=proposed.by,
            at=proposed.at,
            changes=[
                *(Bilingual(de=each.de, en=each.en) for each in said),
                *_led_inside(version.charter, found.charter, config),
            ],
            signed=sorted(found.signed),
            refused=sorted(proposed.refusers()),
            missing=sorted(found.owing),
            quorum=found.needed,
            count=found.count,
            quorum_after=found.needed_after,
            count_after=found.count_after,
            dead=proposed.is_dead(version),
        )

    def _standing(self, charter: Charter) -> str:
        for member in charter.members:
            if member.name == self._situation.node:
                return member.state.value
        return "left"

    async def _present(self) -> Present:
        present = await self._ballot.present()
        if present is None:
            raise WrongStateError(
                "no_federation", Phrase("this node does not belong to a federation")
            )
        return present


async def _forked(reader: Reader) -> ForkedAnswer | None:
    found = await forked(reader)
    if found is None:
        return None
    number, blamed = found
    return ForkedAnswer(
        version=number,
        signed_both=sorted(blamed.signed_both),
        broke_promise=sorted(blamed.broke_promise),
    )


def _reference(reference: PolicyReference) -> str:
    return f"{reference.name}@{reference.sha256.hex()[:8]}"


def _member(charter: Charter, member: Member) -> MemberAnswer:
    newest = charter.epochs[-1]
    return MemberAnswer(
        index=member.index,
        name=member.name,
        url=member.url,
        jurisdiction=member.jurisdiction,
        state=member.state.value,
        roles=[role.value for role in member.roles],
        holder=member.index in {pin.index for pin in newest.pins},
        statement_key=member.keys.statement.hex(),
    )


def _led_inside(before: Charter, after: Charter, config: Config) -> list[Bilingual]:
    """Warn of new addresses at which this node will not ask a member."""
    inside = member_networks(config.name, config.peering)
    known = {each.url for each in before.members}
    return [
        Bilingual.of(
            Phrase(
                "{url} leads into an inner network, and peering.inside does not name "
                "that: this node asks {member} nothing there"
            ).filled(url=each.url, member=each.name)
        )
        for each in after.members
        if each.url not in known and leads_inside(each.url, inside)
    ]
