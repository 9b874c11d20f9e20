# SPDX-License-Identifier: Apache-2.0
"""Who wants to join by an invitation of this node (`invitations`).

An invitation ends, and is bound to the first card that comes with it. Whoever comes is
shown to the node's people with the card's fingerprint; that they become a member is a
version of the charter like any other. Until it counts the newcomer asks again and
again: it is told what is proposed, brings its signature, and in the end gets the chain
of versions and, sealed to its card, the media keys.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from fedsafe_federation.charter.amendment import Version
from fedsafe_federation.charter.bundles import bundle_of
from fedsafe_federation.charter.card import Card, fingerprint, open_card
from fedsafe_federation.charter.charter import Charter, MemberRole
from fedsafe_federation.charter.invitation import Wish, open_joining
from fedsafe_federation.errors import AmendmentError, FederationError
from fedsafe_federation.identifiers.corpus import corpus_digests
from fedsafe_node.acts.charter import (
    JoiningAnswer,
    KnockAnswer,
    KnockRequest,
    SealedKeys,
)
from fedsafe_node.ground.errors import ForbiddenError, NotFoundError, WrongStateError
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.keys.charter_chain import versions_after
from fedsafe_node.log.audit import Event
from fedsafe_node.members.charter.ballot import Ballot, Present
from fedsafe_node.members.charter.invitations import (
    Invited,
    is_lapsed,
    is_of,
    is_used,
    keep_invited,
    read_charters,
    read_invited,
    read_open,
)
from fedsafe_node.members.charter.media_keys import sealed_media
from fedsafe_node.people.office import Office
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase


class Admitting:
    """Answers whoever comes."""

    def __init__(self, office: Office, situation: Situation, ballot: Ballot) -> None:
        self._office = office
        self._situation = situation
        self._ballot = ballot

    async def knock(self, request: KnockRequest) -> KnockAnswer:
        """Answer somebody who wants to join.

        Raises:
            ForbiddenError: by no invitation of this node, or by one that is over.
            AmendmentError: its canonicalisers are not like this node's.
            UntrustedError: statement or card are badly signed.
            WrongStateError: this node has no federation.
        """
        present = await self._present()
        federation = present.version.charter.federation
        wish = open_joining(request.joining, federation=federation)
        card = wish.card
        _check_canonicalisers(card)
        _check_members(present.version.charter, card)
        await self._admit(wish, present.version)
        if request.signatures:
            await self._ballot.take([], request.signatures)
            present = await self._present()
        after = request.version
        versions = await self._office.store.scan(lambda r: versions_after(r, after))
        return KnockAnswer(
            versions=[bundle_of(each) for each in versions],
            proposal=_proposal_with(present, card),
            media=self._media(present.version, card),
        )

    async def joining(self) -> list[JoiningAnswer]:
        """Tell who has come and is no member yet."""
        await self._present()
        return [
            JoiningAnswer(
                name=each.card.signer,
                url=open_card(each.card).url,
                fingerprint=fingerprint(each.card),
                invitation=each.id,
                at=each.at,
            )
            for each in await self._waiting()
            if each.card is not None
        ]

    async def card_of(self, name: str) -> Card:
        """Give the card of somebody who has come, and is no member yet.

        Raises:
            NotFoundError: nobody of that name has.
            WrongStateError: this node has no federation, or has left it.
        """
        await self._present()
        for each in reversed(await self._waiting()):
            if each.card is not None and each.card.signer == name:
                return open_card(each.card)
        raise NotFoundError(Phrase("no such request to join of that name"))

    async def _waiting(self) -> list[Invited]:
        """Give the invitations whose holders may still become members."""
        found, now = await self._office.store.scan(read_open), self._office.now()
        return [each for each in found if not is_lapsed(each, now)]

    async def _admit(self, wish: Wish, version: Version) -> None:
        """Bind the invitation to the first card that comes with it."""
        key, signed = wish.key, wish.signed
        found = next(
            (e for e in await self._office.store.read(read_invited) if e.key == key),
            None,
        )
        now = self._office.now()
        if found is None or (found.card is None and now >= found.expires):
            raise ForbiddenError(
                Phrase("this invitation is over, or none of this node"),
                authenticated=True,
            )
        if found.card is None:
            await self._bind(wish, version.charter.version)
            return
        if found.card != signed:
            raise ForbiddenError(
                Phrase("somebody else came with this invitation"), authenticated=True
            )
        members = version.charter.members
        if not any(is_of(wish.card, each) for each in members):
            if is_lapsed(found, now):
                raise ForbiddenError(
                    Phrase(
                        "nobody has let its holder in for a month: ask for another one"
                    ),
                    authenticated=True,
                )
            chain = await self._office.store.scan(read_charters)
            if is_used(found, chain):
                raise ForbiddenError(
                    Phrase("this invitation is used up: its holder has left since"),
                    authenticated=True,
                )
        nothing_happened()

    async def _bind(self, wish: Wish, version: int) -> None:
        key, signed, now = wish.key, wish.signed, self._office.now()

        async def act(tx: Transaction) -> None:
            kept = await read_invited(tx)
            waiting = [e for e in await read_open(tx) if not is_lapsed(e, now)]
            _check_name(waiting, wish.card)
            bound = [
                replace(each, card=signed, at=now, version=version)
                if each.key == key and each.card is None
                else each
                for each in kept
            ]
            await keep_invited(tx, bound)
            detail = {"name": wish.card.name, "fingerprint": fingerprint(signed)}
            await self._office.note(tx, Event.MEMBER_ASKED, "", detail)

        await self._office.store.write(act)

    def _media(self, version: Version, card: Card) -> list[SealedKeys]:
        shared = self._situation.shared
        if shared is None or shared.membership.version.digest != version.digest:
            return []
        is_member = any(
            is_of(card, each) and MemberRole.MEDIA in each.roles
            for each in version.charter.active()
        )
        if not is_member:
            return []
        live = {each.epoch for each in version.charter.epochs}
        # Of all generations: older signals need theirs.
        wanted = sorted(each for each in shared.membership.media if each[0] in live)
        return sealed_media(shared.membership, card.name, card.keys.sealing, wanted)

    async def _present(self) -> Present:
        present = await self._ballot.present()
        if present is None or self._situation.shared is None:
            raise WrongStateError(
                "no_federation", Phrase("this node does not belong to a federation")
            )
        return present


def _check_canonicalisers(card: Card) -> None:
    own = corpus_digests()
    for rules in sorted({*own, *card.canonicalisers}):
        if own.get(rules) != card.canonicalisers.get(rules):
            raise AmendmentError(
                Phrase(
                    "{card} does not bring {rules} into the same form as this "
                    "node: use one release of FedSafe with its locked libraries"
                ).filled(card=card.name, rules=rules)
            )


def _check_members(charter: Charter, card: Card) -> None:
    """Refuse whoever comes under a member's name."""
    if any(
        each.name == card.name and not is_of(card, each) for each in charter.members
    ):
        raise ForbiddenError(
            Phrase("{card} is a member already, with other keys").filled(
                card=card.name
            ),
            authenticated=True,
        )


def _check_name(invited: Sequence[Invited], card: Card) -> None:
    """Refuse a second node of one name: people approve whoever comes by that name."""
    for each in invited:
        if each.card is None or each.card.signer != card.name:
            continue
        if open_card(each.card).keys != card.keys:
            raise ForbiddenError(
                Phrase("another node came as {card} with another invitation").filled(
                    card=card.name
                ),
                authenticated=True,
            )


def _proposal_with(present: Present, card: Card) -> bytes | None:
    """Find the proposal by which a card's holder becomes a member."""
    for proposed in present.pending.proposals:
        try:
            charter = proposed.tally(present.version).charter
        except FederationError:
            continue
        if any(is_of(card, member) for member in charter.members):
            return proposed.payload
    return None
