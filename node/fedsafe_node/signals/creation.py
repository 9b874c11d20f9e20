# SPDX-License-Identifier: Apache-2.0
"""From what somebody asked for to a signal that can be kept (protocol 3.2, 3.3).

Pure and offloadable: the subject in canonical form, the ruling and the OPRF output
go in; header, token and sealed opening come out. Nothing here is in the clear.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from fedsafe_crypto.oprf.tokens import media_token, origin_token
from fedsafe_crypto.primitives.commitment import SALT_BYTES
from fedsafe_crypto.seal.envelope import seal_envelope, seal_media
from fedsafe_federation.charter.charter import MemberRole
from fedsafe_federation.feed.signals import (
    SIGNAL_GROUP,
    ActorBody,
    MediaBody,
    SignalHeader,
    encode_opening,
)
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.ground.errors import MembershipError, UnavailableError
from fedsafe_node.keys.evaluators import OWN_EPOCH, OWN_GENERATION, Output, OwnList
from fedsafe_node.keys.lookup_items import File, Person
from fedsafe_node.keys.membership import Membership
from fedsafe_node.keys.own_keys import MediaKeys
from fedsafe_node.store.rows import NewSignal, Opening
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.publication import PublishRequest
from fedsafe_policies.rules.retention import retention
from fedsafe_policies.vocabulary import MediaKind, Provenance, Scope

Randomness = Callable[[int], bytes]

EPOCH_ENDED: Final = Phrase(
    "the key epoch has ended: nothing is published until the members have begun the "
    "next one (`fedsafe federation rotate`)"
)
TOO_FEW_HOLDERS: Final = Phrase(
    "fewer than three members hold shares: nothing about persons is published until "
    "another one has joined (`fedsafe federation invite`)"
)
_VERSION: Final = 0x7000
_RETRY_AFTER_MS: Final = 5_000
_VARIANT: Final = 0x80 << 56


@dataclass(frozen=True, slots=True)
class Listing:
    """The list that a signal is made for, and its media keys.

    `federation` is the id that OPRF inputs and media openings are bound to. From
    `closes` on nothing is published in the key epoch any more, and from `over` on
    nothing matches under it. A member without the media role has no media keys.
    """

    federation: str
    origin: str
    epoch: int
    generation: int
    scope: Scope
    media: MediaKeys | None = field(repr=False)
    closes: int | None = None
    over: int | None = None


def own_listing(own: OwnList) -> Listing:
    """Describe the list of own bans."""
    return Listing(own.name, own.name, OWN_EPOCH, OWN_GENERATION, Scope.SELF, own.media)


def shared_listing(membership: Membership) -> Listing | None:
    """Describe this node's list in the federation, in its newest epoch.

    There is none once that epoch is over.

    Raises:
        UnavailableError: a member has yet to give this node the newest media keys.
    """
    newest, charter = membership.epoch, membership.charter
    if newest.epoch not in membership.pins:
        return None
    media = membership.media.get((newest.epoch, newest.generation))
    if media is None and MemberRole.MEDIA in membership.me.roles:
        raise UnavailableError(
            "deferred",
            Phrase(
                "the media keys of the newest generation are on their way from "
                "another member: try again"
            ),
            retry_after_ms=_RETRY_AFTER_MS,
        )
    return Listing(
        federation=membership.charter.federation,
        origin=membership.me.name,
        epoch=newest.epoch,
        generation=newest.generation,
        scope=Scope.FEDERATION,
        media=media,
        closes=charter.epoch_ends(newest.epoch),
        over=charter.epoch_over(newest.epoch),
    )


@dataclass(frozen=True, slots=True)
class Wording:
    """What a signal is going to say, decided and dated, and on which list."""

    listing: Listing
    facts: PublishRequest
    provenance: Provenance
    header: SignalHeader
    contact: str
    published_on: str


@dataclass(frozen=True, slots=True)
class Made:
    """A signal that is ready to be kept; its opening is sealed."""

    signal_id: bytes
    origin: str
    header: SignalHeader
    token: bytes = field(repr=False)
    opening: Opening
    media_kind: MediaKind | None = None
    pdq: bytes | None = field(default=None, repr=False)

    def at(self, log: str, index: int) -> NewSignal:
        """Make the row of the signal whose opening lies at *index* of *log*."""
        return signal_row(
            self.header,
            signal_id=self.signal_id,
            origin=self.origin,
            token=self.token,
            media_kind=self.media_kind,
            place=(log, index),
        )


def signal_row(  # noqa: PLR0913 - a row has so many columns
    header: SignalHeader,
    *,
    signal_id: bytes,
    origin: str,
    token: bytes,
    media_kind: MediaKind | None,
    place: tuple[str, int],
) -> NewSignal:
    """Make a signal's row; *place* is the log and index of its opening."""
    log, index = place
    return NewSignal(
        signal_id=signal_id,
        origin=origin,
        plane=header.plane.value,
        scope=header.scope.value,
        epoch=header.epoch,
        generation=header.generation,
        token=token,
        match_until=header.match_until,
        erase_after=header.erase_after,
        log=log,
        index=index,
        group=SIGNAL_GROUP,
        media_kind=None if media_kind is None else media_kind.value,
        own=header.scope is Scope.SELF,
    )


@dataclass(frozen=True, slots=True)
class Fresh:
    """What a new signal takes from time and chance: its id and its salt."""

    signal_id: bytes
    salt: bytes = field(repr=False)


def draw(now: datetime, randomness: Randomness) -> Fresh:
    """Draw the id and salt of a new signal."""
    return Fresh(make_uuid7(now, randomness), randomness(SALT_BYTES))


def make_header(
    listing: Listing, facts: PublishRequest, policy: Policy
) -> SignalHeader:
    """Say when a signal stops to match and when its opening goes (rule P9)."""
    match_until, erase_after = retention(
        facts.kind, facts.since, policy, epoch_ends=listing.over
    )
    return SignalHeader(
        v=1,
        plane=facts.plane,
        epoch=listing.epoch,
        generation=listing.generation,
        scope=listing.scope,
        match_until=match_until,
        erase_after=erase_after,
    )


def make_uuid7(now: datetime, randomness: Randomness) -> bytes:
    """Make a UUID version 7 (RFC 9562): milliseconds, then 74 random bits."""
    stamp = int(now.timestamp() * 1000).to_bytes(6)
    drawn = int.from_bytes(randomness(10))
    first = (_VERSION | drawn >> 64 & 0x0FFF).to_bytes(2)
    last = (_VARIANT | drawn & (1 << 62) - 1).to_bytes(8)
    return stamp + first + last


def make_actor_signal(
    wording: Wording, person: Person, output: Output, fresh: Fresh
) -> Made:
    """Make the signal of an identifier out of its OPRF output."""
    listing, facts, header = wording.listing, wording.facts, wording.header
    body = ActorBody(
        kind=person.kind,
        phenomenon=facts.phenomenon,
        surface=facts.surface,
        grade=facts.grade,
        provenance=wording.provenance,
        rule=facts.rule,
        removed_on=facts.since.isoformat(),
        published_on=wording.published_on,
        contact=wording.contact,
    )
    sealed = seal_envelope(
        output.y,
        epoch=listing.epoch,
        origin=listing.origin,
        signal_id=fresh.signal_id,
        header=encode(header),
        body=encode(body),
    )
    token = origin_token(output.y, listing.epoch, listing.origin)
    payload = encode_opening(header, sealed=sealed, token=token)
    opening = _opening(payload, fresh)
    return Made(fresh.signal_id, listing.origin, header, token, opening)


def make_media_signal(wording: Wording, file: File, fresh: Fresh) -> Made:
    """Make the signal of a file; its body is sealed under the group key."""
    listing, facts, header = wording.listing, wording.facts, wording.header
    keys = listing.media
    if keys is None:
        raise MembershipError(
            Phrase("this member has no role by which it shares files")
        )
    body = MediaBody(
        kind=file.kind,
        digest=file.digest,
        phenomenon=facts.phenomenon,
        surface=facts.surface,
        grade=facts.grade,
        provenance=wording.provenance,
        rule=facts.rule,
        published_on=wording.published_on,
        contact=wording.contact,
    )
    sealed = seal_media(
        keys.group,
        federation_id=listing.federation,
        origin=listing.origin,
        signal_id=fresh.signal_id,
        epoch=listing.epoch,
        generation=listing.generation,
        body=encode(body),
    )
    return Made(
        signal_id=fresh.signal_id,
        origin=listing.origin,
        header=header,
        token=media_token(keys.token, file.kind, file.digest),
        opening=_opening(encode_opening(header, sealed=sealed, token=None), fresh),
        media_kind=file.kind,
        pdq=file.digest if file.kind is MediaKind.PDQ else None,
    )


def _opening(payload: bytes, fresh: Fresh) -> Opening:
    return Opening(group=SIGNAL_GROUP, salt=fresh.salt, payload=payload)
