# SPDX-License-Identifier: Apache-2.0
"""The invitations of this node: made, listed, withdrawn, used up.

Of an invitation the public half of its key is kept, and the card that came with it
first. It is used up once a version of the charter has made that card's holder a
member: whoever leaves again comes back by another one.
"""

from collections.abc import Sequence
from datetime import timedelta
from secrets import token_bytes
from typing import Final

from fedsafe_federation.charter.amendment import Version
from fedsafe_federation.charter.card import Card, open_card
from fedsafe_federation.charter.charter import Charter, Member
from fedsafe_federation.charter.invitation import SECRET_BYTES, Invitation
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.charter import InvitationAnswer, InvitationShown
from fedsafe_node.ground.errors import NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.keys.charter_chain import read_chain, read_version
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.office import Office
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Row
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase

MOST: Final = 32
_KEPT: Final = 30 * 24 * 60 * 60
"""So many seconds after somebody came their card makes place for invitations."""
_INVITED: Final = "invited"
_ID: Final = 8


class Invited(Row, frozen=True):
    """An invitation by the public half of its key, and who came with it.

    `charter` is the digest that it names. `version` is the one that counted when its
    holder came.
    """

    key: bytes
    expires: int
    card: Signed | None = None
    at: int = 0
    charter: bytes = b""
    version: int = 0

    @property
    def id(self) -> str:
        """Name it; that gives nobody the secret."""
        return self.key[:_ID].hex()

    @property
    def name(self) -> str | None:
        """Name who came with it."""
        return None if self.card is None else self.card.signer


class _Kept(Row, frozen=True):
    invited: list[Invited]


class Inviting:
    """Makes invitations, and takes them back."""

    def __init__(self, office: Office, situation: Situation) -> None:
        self._office = office
        self._situation = situation

    async def invite(self, hours: int, who: Principal) -> InvitationAnswer:
        """Make an invitation; the text is shown this once.

        Raises:
            WrongStateError: no federation, or too many invitations are out.
        """
        version = await self._version()
        until = self._office.clock.now() + timedelta(hours=hours)
        invitation = Invitation(
            federation=version.charter.federation,
            urls=(self._situation.config.url,),
            charter=version.digest,
            expires=int(until.timestamp()),
            secret=token_bytes(SECRET_BYTES),
        )
        key, expires = invitation.key().public, invitation.expires
        new = Invited(key=key, expires=expires, charter=version.digest)

        async def act(tx: Transaction) -> None:
            kept = [each for each in await read_invited(tx) if self._keeps(each)]
            if len(kept) >= MOST:
                raise WrongStateError(
                    "invitations_full",
                    Phrase(
                        "too many invitations are out: withdraw some, or let them end"
                    ),
                )
            await keep_invited(tx, [*kept, new])
            detail: Detail = {
                "invitation": new.id,
                "until": expires,
                "version": version.charter.version,
            }
            await self._office.note(tx, Event.MEMBER_INVITED, who.name, detail)

        await self._office.store.write(act)
        return InvitationAnswer(
            invitation=invitation.text(),
            id=new.id,
            expires=expires,
            fingerprint=groups(version.digest),
        )

    async def withdraw(self, invitation: str, who: Principal) -> list[InvitationShown]:
        """Take an invitation back, with the wish of whoever came; tell what is left.

        Raises:
            NotFoundError: no such invitation is out; it may be used up.
        """

        async def act(tx: Transaction) -> None:
            kept, chain = await read_invited(tx), await read_charters(tx)
            found = next((each for each in kept if each.id == invitation), None)
            if found is None or is_used(found, chain):
                raise NotFoundError(Phrase("no such invitation that is out"))
            await keep_invited(tx, [each for each in kept if each is not found])
            detail: Detail = {"invitation": found.id, "name": found.name}
            await self._office.note(tx, Event.MEMBER_UNINVITED, who.name, detail)

        await self._office.store.write(act)
        return await self.out()

    async def out(self) -> list[InvitationShown]:
        """Tell which invitations could still make somebody a member."""
        found = await self._office.store.scan(read_open)
        return [
            InvitationShown(
                invitation=each.id,
                expires=each.expires,
                fingerprint=groups(each.charter) if each.charter else "",
                name=each.name,
            )
            for each in found
            if each.card is not None or self._office.now() < each.expires
        ]

    def _keeps(self, invited: Invited) -> bool:
        """Whether an invitation is still out, or somebody came with it of late."""
        return self._office.now() < max(invited.expires, invited.at + _KEPT)

    async def _version(self) -> Version:
        found = await self._office.store.read(read_version)
        if found is None or self._situation.shared is None:
            raise WrongStateError(
                "no_federation", Phrase("this node does not belong to a federation")
            )
        return found


def is_used(invited: Invited, chain: Sequence[Charter]) -> bool:
    """Whether a version after it was taken up has made its holder a member."""
    if invited.card is None:
        return False
    card, later = open_card(invited.card), chain[invited.version :]
    return any(is_of(card, member) for each in later for member in each.members)


def is_lapsed(invited: Invited, now: int) -> bool:
    """Whether its holder came so long ago, and is no member, that others may come."""
    return invited.card is not None and now >= max(invited.expires, invited.at + _KEPT)


def is_of(card: Card, member: Member) -> bool:
    """Whether a member is who a card says."""
    return (member.name, member.keys) == (card.name, card.keys)


async def read_open(reader: Reader) -> list[Invited]:
    """Read the invitations that are not used up."""
    found = await read_invited(reader)
    chain = await read_charters(reader) if any(each.card for each in found) else []
    return [each for each in found if not is_used(each, chain)]


async def read_charters(reader: Reader) -> list[Charter]:
    """Read all versions of the charter, which were verified before they were kept."""
    return [decode(each.payload, Charter) for each in await read_chain(reader)]


async def read_invited(reader: Reader) -> list[Invited]:
    """Read all invitations that are kept."""
    kept = await reader.document(_INVITED)
    return [] if kept is None else decode(kept, _Kept).invited


async def keep_invited(tx: Transaction, invited: list[Invited]) -> None:
    """Keep invitations."""
    await tx.put_document(_INVITED, encode(_Kept(invited=invited)))


async def forget_invited(tx: Transaction) -> None:
    """Forget all invitations, as this node becomes a member.

    Those that it made when it was one before are not good any more.
    """
    if await tx.document(_INVITED):
        await keep_invited(tx, [])


def groups(digest: bytes) -> str:
    """Give a digest's groups, which two people compare on the telephone."""
    text = digest.hex()[:32]
    return " ".join(text[start : start + 4] for start in range(0, 32, 4))
