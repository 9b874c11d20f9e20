# SPDX-License-Identifier: Apache-2.0
"""Whom this node has invited, and who wants to join by that.

An invitation ends, and is bound to the first card that comes with it. Whoever comes is
shown to the node's people with the card's fingerprint; that they become a member is a
version of the charter like any other. Until it counts the newcomer asks again and
again: it is told what is proposed, brings its signature, and in the end gets the chain
of versions and, sealed to its card, the media keys.
"""

from collections.abc import Sequence
from datetime import timedelta
from secrets import token_bytes
from typing import Final

from fedsafe_federation.amendment import Version
from fedsafe_federation.card import Card, fingerprint, open_card
from fedsafe_federation.charter import MemberRole
from fedsafe_federation.errors import AmendmentError, FederationError
from fedsafe_federation.identifiers.corpus import corpus_digests
from fedsafe_federation.invitation import (
    SECRET_BYTES,
    Invitation,
    Wish,
    open_joining,
)
from fedsafe_federation.signed import Signed
from fedsafe_federation.wireformat import decode, encode
from fedsafe_node.errors import ForbiddenError, NotFoundError, WrongStateError
from fedsafe_node.governing.ballot import Ballot, Present
from fedsafe_node.governing.chain import versions_after
from fedsafe_node.governing.media_keys import sealed_media
from fedsafe_node.governing.messages import (
    InvitationAnswer,
    JoiningAnswer,
    KnockAnswer,
    KnockRequest,
    SealedKeys,
)
from fedsafe_node.log.audit import Event
from fedsafe_node.people.office import Office
from fedsafe_node.principal import Principal
from fedsafe_node.situation import Situation
from fedsafe_node.store.protocol import Reader, Transaction
from fedsafe_node.store.rows import Row
from fedsafe_node.tracing import nothing_happened

MOST: Final = 32
_KEPT: Final = 30 * 24 * 60 * 60
"""So many seconds after somebody came their card makes place for invitations."""
_INVITED: Final = "invited"


class Invited(Row, frozen=True):
    """An invitation by the public half of its key, and who came with it."""

    key: bytes
    expires: int
    card: Signed | None = None
    at: int = 0


class _Kept(Row, frozen=True):
    invited: list[Invited]


class Admitting:
    """Invites, and answers whoever comes."""

    def __init__(self, office: Office, situation: Situation, ballot: Ballot) -> None:
        self._office = office
        self._situation = situation
        self._ballot = ballot

    async def invite(self, hours: int, who: Principal) -> InvitationAnswer:
        """Make an invitation; the text is shown this once.

        Raises:
            WrongStateError: no federation, or too many invitations are out.
        """
        present = await self._present()
        until = self._office.clock.now() + timedelta(hours=hours)
        invitation = Invitation(
            federation=present.version.charter.federation,
            urls=(self._situation.config.url,),
            charter=present.version.digest,
            expires=int(until.timestamp()),
            secret=token_bytes(SECRET_BYTES),
        )
        new = Invited(invitation.key().public, invitation.expires)

        async def act(tx: Transaction) -> None:
            kept = [each for each in await _read(tx) if self._keeps(each)]
            if len(kept) >= MOST:
                raise WrongStateError(
                    "wrong_state", "too many invitations are out: let some end first"
                )
            await _keep(tx, [*kept, new])
            detail = {"until": invitation.expires, "version": _number(present)}
            await self._office.note(tx, Event.MEMBER_INVITED, who.name, detail)

        await self._office.store.write(act)
        return InvitationAnswer(
            invitation=invitation.text(),
            expires=invitation.expires,
            fingerprint=_groups(present.version.digest),
        )

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
        await self._admit(wish)
        if request.signatures:
            await self._ballot.take([], request.signatures)
            present = await self._present()
        after = request.version
        versions = await self._office.store.scan(lambda r: versions_after(r, after))
        return KnockAnswer(
            versions=versions,
            proposal=_proposal_with(present, card),
            media=self._media(present.version, card),
        )

    async def joining(self) -> list[JoiningAnswer]:
        """Tell who has come and is no member yet."""
        present = await self._present()
        names = {each.name for each in present.version.charter.members}
        found = await self._office.store.read(_read)
        return [
            JoiningAnswer(
                name=each.card.signer,
                url=open_card(each.card).url,
                fingerprint=fingerprint(each.card),
                at=each.at,
            )
            for each in found
            if each.card is not None and each.card.signer not in names
        ]

    async def card_of(self, name: str) -> Card:
        """Give the card of somebody who has come.

        Raises:
            NotFoundError: nobody of that name has.
        """
        for each in reversed(await self._office.store.read(_read)):
            if each.card is not None and each.card.signer == name:
                return open_card(each.card)
        raise NotFoundError("request to join of that name")

    async def _admit(self, wish: Wish) -> None:
        """Bind the invitation to the first card that comes with it."""
        key, signed = wish.key, wish.signed
        found = next(
            (e for e in await self._office.store.read(_read) if e.key == key), None
        )
        if found is None or (found.card is None and not self._holds(found)):
            raise ForbiddenError(
                "this invitation is over, or none of this node", authenticated=True
            )
        if found.card is not None:
            if found.card != signed:
                raise ForbiddenError(
                    "somebody else came with this invitation", authenticated=True
                )
            nothing_happened()
            return
        now = self._office.now()

        async def act(tx: Transaction) -> None:
            _check_name(await _read(tx), wish.card)
            kept = [
                Invited(each.key, each.expires, signed, now)
                if each.key == key and each.card is None
                else each
                for each in await _read(tx)
            ]
            await _keep(tx, kept)
            detail = {"name": wish.card.name, "fingerprint": fingerprint(signed)}
            await self._office.note(tx, Event.MEMBER_ASKED, "", detail)

        await self._office.store.write(act)

    def _media(self, version: Version, card: Card) -> list[SealedKeys]:
        shared = self._situation.shared
        if shared is None or shared.membership.version.digest != version.digest:
            return []
        is_member = any(
            each.name == card.name
            and each.keys == card.keys
            and MemberRole.MEDIA in each.roles
            for each in version.charter.active()
        )
        if not is_member:
            return []
        wanted = [(each.epoch, each.generation) for each in version.charter.epochs]
        return sealed_media(shared.membership, card.name, card.keys.sealing, wanted)

    def _holds(self, invited: Invited) -> bool:
        return invited.card is not None or self._office.now() < invited.expires

    def _keeps(self, invited: Invited) -> bool:
        """Whether an invitation is still out, or somebody came with it of late."""
        return self._office.now() < max(invited.expires, invited.at + _KEPT)

    async def _present(self) -> Present:
        present = await self._ballot.present()
        if present is None or self._situation.shared is None:
            raise WrongStateError("no_federation", "this node has no federation")
        return present


def _check_canonicalisers(card: Card) -> None:
    own = corpus_digests()
    for rules in sorted({*own, *card.canonicalisers}):
        if own.get(rules) != card.canonicalisers.get(rules):
            raise AmendmentError(
                f"{card.name} does not bring {rules} into the same form as this node: "
                "use one release of FedSafe with its locked libraries"
            )


def _check_name(invited: Sequence[Invited], card: Card) -> None:
    """Refuse a second node of one name: people approve whoever comes by that name."""
    for each in invited:
        if each.card is None or each.card.signer != card.name:
            continue
        if open_card(each.card).keys != card.keys:
            raise ForbiddenError(
                f"another node came as {card.name} with another invitation",
                authenticated=True,
            )


def _proposal_with(present: Present, card: Card) -> bytes | None:
    """Find the proposal by which a card's holder becomes a member."""
    for proposed in present.pending.proposals:
        try:
            charter = proposed.tally(present.version).charter
        except FederationError:
            continue
        for member in charter.members:
            if member.name == card.name and member.keys == card.keys:
                return proposed.payload
    return None


async def _read(reader: Reader) -> list[Invited]:
    kept = await reader.document(_INVITED)
    return [] if kept is None else decode(kept, _Kept).invited


async def _keep(tx: Transaction, invited: list[Invited]) -> None:
    await tx.put_document(_INVITED, encode(_Kept(invited)))


def _number(present: Present) -> int:
    return present.version.charter.version


def _groups(digest: bytes) -> str:
    text = digest.hex()[:32]
    return " ".join(text[start : start + 4] for start in range(0, 32, 4))
