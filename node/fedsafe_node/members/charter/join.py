# SPDX-License-Identifier: Apache-2.0
"""Join a federation by an invitation.

What the inviter shows is believed as far as it follows, version by version, to the
digest in the invitation, which people have compared. The node then asks the inviter
again and again. It signs the version that makes it a member, if that has the terms
that its people saw; once the version counts it keeps media keys and chain, and takes
part. Until then it keeps nothing but its wish: a crash goes on where it was.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Final

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_federation.charter.amendment import Version, open_successor, sign_charter
from fedsafe_federation.charter.bundles import documents
from fedsafe_federation.charter.card import open_card
from fedsafe_federation.charter.charter import (
    Charter,
    Member,
    MemberRole,
    SignedCharter,
    charter_digest,
)
from fedsafe_federation.charter.invitation import Invitation, sign_joining
from fedsafe_federation.errors import (
    AmendmentError,
    FederationError,
    MalformedError,
    PeerError,
    PeerRefusedError,
)
from fedsafe_federation.exchange.peer import PeerClient
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.charter import (
    JoinAnswer,
    KnockAnswer,
    KnockRequest,
    SealedKeys,
)
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import BadRequestError, ConfigError, WrongStateError
from fedsafe_node.ground.networks import leads_inside, member_networks
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.ground.work_threads import Workers
from fedsafe_node.keys.charter_chain import keep_next, open_chain
from fedsafe_node.keys.own_keys import write_media_keys
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.members.charter.ballot import Ballot
from fedsafe_node.members.charter.invitations import forget_invited, groups, is_of
from fedsafe_node.members.charter.media_keys import opened_media
from fedsafe_node.people.office import Office
from fedsafe_node.rules.policy_bundle import check_federation_policy
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Row
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase

_LOG = logging.getLogger(f"{LOGGER}.governing")
_WISH: Final = "joining"
_MOST_PAGES: Final = 256
_MOST_BYTES: Final = 32 * 1024 * 1024
"""Versions of so many bytes are kept of an inviter at most: hundreds of large ones."""


class _Kept(Row, frozen=True):
    """The wish, as it goes to the inviter, and the terms that people saw."""

    url: str
    federation: str
    joining: Signed
    seen: bytes
    policy: bytes
    arrangement: bytes


class Joining:
    """Takes up an invitation, and goes on until the node is a member.

    Owned by the event loop: `_asking`, held while the inviter is asked.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        office: Office,
        situation: Situation,
        ballot: Ballot,
        client: PeerClient,
        place: Place,
        *,
        key: SigningKey,
        sealing: RecipientKey,
        card: Callable[[], Awaitable[Signed]],
        offload: Workers,
    ) -> None:
        self._office = office
        self._situation = situation
        self._ballot = ballot
        self._client = client
        self._place = place
        self._key = key
        self._sealing = sealing
        self._card = card
        self._offload = offload
        self._asking = asyncio.Lock()

    async def join(self, text: str) -> JoinAnswer:
        """Take up an invitation, or tell how the one stands that was taken up.

        Raises:
            WrongStateError: this node belongs to a federation, or wants to join one.
            BadRequestError: it is no invitation, is over, or its terms do not go with
                this node's policy.
            AmendmentError: what the inviter shows is not what was invited to.
            PeerError: the inviter does not answer as it should.
        """
        if self._situation.shared is not None:
            raise WrongStateError(
                "has_charter", Phrase("this node belongs to a federation already")
            )
        try:
            invitation = Invitation.parse(text)
        except MalformedError as error:
            raise BadRequestError(
                "bad_invitation", error.told, pointer="/invitation"
            ) from None
        if self._office.now() >= invitation.expires:
            raise BadRequestError(
                "bad_invitation",
                Phrase("this invitation is over: ask for another one"),
                pointer="/invitation",
            )
        config = self._situation.config
        inside = member_networks(config.name, config.peering)
        if leads_inside(invitation.urls[0], inside):
            raise BadRequestError(
                "bad_invitation",
                Phrase(
                    "it leads into an inner network, and peering.inside does not "
                    "name that"
                ),
                pointer="/invitation",
            )
        chain = await self._fetch(invitation.urls)
        version = await self._offload(lambda: _trusted(chain, invitation))
        charter = version.charter
        await self._check_policy(charter)
        joining = sign_joining(invitation, await self._card())
        wish = _Kept(
            invitation.urls[0],
            invitation.federation,
            joining,
            version.digest,
            charter.policy.sha256,
            charter.arrangement.sha256,
        )

        async def act(tx: Transaction) -> _Kept | None:
            before = await _read(tx)
            if before is not None and before.federation != wish.federation:
                raise WrongStateError(
                    "already_joining",
                    Phrase("this node wants to join {federation} already").filled(
                        federation=before.federation
                    ),
                )
            await tx.put_document(_WISH, encode(wish))
            detail: Detail = {"federation": wish.federation, "version": charter.version}
            await self._office.note(tx, Event.JOINING, "", detail)
            return before

        before = await self._office.store.write(act)
        try:
            await self.run()
        except PeerRefusedError as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise
            await self._forget(wish, before)
            raise BadRequestError(
                "bad_invitation",
                Phrase(
                    "the inviter refuses this invitation: it was used already, "
                    "taken back, or is over, or another node came by this name; "
                    "ask for a new one"
                ),
                pointer="/invitation",
            ) from None
        joined = self._situation.shared is not None
        return JoinAnswer(
            federation=charter.federation,
            version=charter.version,
            charter=version.digest.hex(),
            fingerprint=groups(version.digest),
            members=[each.name for each in charter.members],
            policy=charter.policy.name,
            joined=joined,
        )

    async def _forget(self, wish: _Kept, before: _Kept | None) -> None:
        """Take back a wish that the inviter refuses, for the one before it."""
        kept = b"" if before is None or before == wish else encode(before)

        async def act(tx: Transaction) -> None:
            if await _read(tx) == wish:
                await tx.put_document(_WISH, kept)

        await self._office.store.write(act)

    async def run(self) -> None:
        """Ask the inviter once, if there is a wish.

        Raises:
            FederationError: the inviter does not answer as it should.
        """
        async with self._asking:
            wish = await self._office.store.read(_read)
            if wish is None or self._situation.shared is not None:
                return
            await self._knock(wish)

    async def tend(self) -> None:
        """Ask the inviter once; one that does not answer is asked the next time."""
        try:
            await self.run()
        except FederationError as error:
            _LOG.info("not joined yet", extra=fields(reason=type(error).__name__))

    async def _knock(self, wish: _Kept) -> None:
        chain = await self._fetch([wish.url])
        version = await self._offload(lambda: _follow(chain, wish))
        answer = await self._ask(wish, version, [])
        if answer.proposal is not None:
            signature = self._consent(wish, version, answer.proposal)
            answer = await self._ask(wish, version, [signature])
        whole = [*chain, *documents(answer.versions)]
        newest = await self._offload(lambda: _follow(whole, wish))
        card = open_card(await self._card())
        me = next((e for e in newest.charter.active() if is_of(card, e)), None)
        if me is not None:
            await self._take_part(whole, newest.charter, answer.media, me, wish.url)

    def _consent(self, wish: _Kept, version: Version, payload: bytes) -> Signed:
        """Sign the version that lets the node in, under the terms that were seen.

        Raises:
            AmendmentError: it has other terms.
        """
        charter = open_successor(version, payload)
        seen = (wish.policy, wish.arrangement)
        if (charter.policy.sha256, charter.arrangement.sha256) != seen:
            raise AmendmentError(
                Phrase("the federation has other terms than were seen")
            )
        return sign_charter(
            payload,
            signer=self._situation.node,
            key=self._key,
            federation=wish.federation,
        )

    async def _take_part(
        self,
        chain: Sequence[SignedCharter],
        charter: Charter,
        sealed: Sequence[SealedKeys],
        me: Member,
        url: str,
    ) -> None:
        live = charter.live(self._office.now())
        needed = {(each.epoch, each.generation) for each in live}
        given = {(each.epoch, each.generation) for each in sealed}
        if MemberRole.MEDIA in me.roles and needed - given:
            return  # the inviter has yet to follow: it gives them next time
        kept = [each for each in sealed if each.epoch in {e.epoch for e in live}]
        charters = [decode(each.payload, Charter) for each in chain]
        await self._offload(lambda: self._keep_keys(charters, kept, url))

        async def act(tx: Transaction) -> None:
            for document in chain:
                await keep_next(tx, document)
            await tx.put_document(_WISH, b"")
            await forget_invited(tx)
            detail: Detail = {
                "federation": charter.federation,
                "members": len(charter.members),
                "threshold": charter.epochs[-1].threshold,
            }
            await self._office.note(tx, Event.FEDERATION_JOINED, "", detail)

        await self._office.store.write(act)
        await self._ballot.reload()

    def _keep_keys(
        self, chain: Sequence[Charter], sealed: Sequence[SealedKeys], giver: str
    ) -> None:
        name = self._situation.node
        try:
            given = [
                (each, opened_media(self._sealing, each, chain, name))
                for each in sealed
            ]
        except AmendmentError as error:
            _LOG.warning(
                "media keys refused", extra=fields(peer=giver, reason=str(error))
            )
            raise PeerError(giver, str(error)) from None
        for each, keys in given:
            write_media_keys(self._place, each.epoch, each.generation, keys)

    async def _ask(
        self, wish: _Kept, version: Version, signatures: list[Signed]
    ) -> KnockAnswer:
        request = KnockRequest(
            joining=wish.joining,
            version=version.charter.version,
            signatures=signatures,
        )
        data = await self._client.knock(wish.url, encode(request))
        try:
            return decode(data, KnockAnswer)
        except MalformedError as error:
            raise PeerError(wish.url, str(error)) from None

    async def _fetch(self, urls: Sequence[str]) -> list[SignedCharter]:
        chain: list[SignedCharter] = []
        size = 0
        for _ in range(_MOST_PAGES):
            more = await self._client.versions(urls[0], urls[0], len(chain))
            if not more:
                return chain
            chain += more
            size += sum(len(each.payload) for each in more)
            if size > _MOST_BYTES:
                break
        raise PeerError(urls[0], "its charter has too many versions")

    async def _check_policy(self, charter: Charter) -> None:
        place, own = self._place, self._situation.provisions
        try:
            await self._offload(
                lambda: check_federation_policy(place, own, charter.policy)
            )
        except ConfigError as error:
            raise BadRequestError("bad_policy", error.told) from None


def _trusted(chain: Sequence[SignedCharter], invitation: Invitation) -> Version:
    """Follow a chain that holds the version which the invitation names."""
    if not chain:
        raise AmendmentError(Phrase("the inviter has no charter"))
    if invitation.charter not in {charter_digest(each.payload) for each in chain}:
        raise AmendmentError(
            Phrase("the inviter shows another charter than it invited to")
        )
    try:
        version = open_chain(chain)
    except FederationError as error:
        raise AmendmentError(
            Phrase("the inviter's charter does not hold: {error}").filled(error=error)
        ) from None
    if version.charter.federation != invitation.federation:
        raise AmendmentError(Phrase("the inviter shows another federation"))
    return version


def _follow(chain: Sequence[SignedCharter], wish: _Kept) -> Version:
    if not chain or wish.seen not in {charter_digest(each.payload) for each in chain}:
        raise AmendmentError(Phrase("the inviter shows another charter than before"))
    return open_chain(chain)


async def _read(reader: Reader) -> _Kept | None:
    kept = await reader.document(_WISH)
    return decode(kept, _Kept) if kept else None
