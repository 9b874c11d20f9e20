# SPDX-License-Identifier: Apache-2.0
"""An invitation: what somebody needs to join a federation, as one line of text.

It names the federation, where to ask, the version of the charter that the inviter
holds, and when it ends, and carries a one-time secret with which a card is bound to it.
Base32 with a checksum and in groups of five: it can be read out, typed in either case,
and fits into a QR code. What it leads to is checked against the digest in it; people
compare that by telephone.

The secret is the seed of a signing key. The inviter keeps the public half only, and
what joins is a statement signed with the other: who reads the inviter's database can
join with nothing that lies there.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import Annotated, Final, Self

import msgspec

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.card import Card, NodeUrl, open_card
from fedsafe_federation.charter.proposal import FederationId
from fedsafe_federation.errors import MalformedError, UntrustedError
from fedsafe_federation.wire.signed import (
    Bytes32,
    Seconds,
    Signed,
    open_statement,
    sign_statement,
)
from fedsafe_federation.wire.wireformat import decode
from fedsafe_policies.ground.catalogue import Phrase

JOINING: Final = "member.joining"
PREFIX: Final = "FSI1"
SECRET_BYTES: Final = 16
MOST_URLS: Final = 3
_CHECK_BYTES: Final = 4
_GROUP: Final = 5
_MOST_TEXT: Final = 4_000
_SEED: Final = b"fedsafe/v1/invitation\n"
_SPACES: Final = re.compile(r"[\s-]+")
_DOCUMENT: Final = "invitation"


class _Body(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    federation: FederationId
    urls: Annotated[list[NodeUrl], msgspec.Meta(min_length=1, max_length=MOST_URLS)]
    charter: Bytes32
    expires: Seconds
    secret: Annotated[
        bytes, msgspec.Meta(min_length=SECRET_BYTES, max_length=SECRET_BYTES)
    ]


class Joining(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody's wish to join, bound to an invitation by the signature on it."""

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    invitation: Bytes32
    card: Signed


@dataclass(frozen=True, slots=True)
class Invitation:
    """What an invitation says; `charter` is the digest of the inviter's version."""

    federation: str
    urls: tuple[str, ...]
    charter: bytes
    expires: int
    secret: bytes = field(repr=False)

    def key(self) -> SigningKey:
        """Give the key that whoever is invited signs with, once."""
        return SigningKey.from_bytes(hashlib.sha256(_SEED + self.secret).digest())

    def text(self) -> str:
        """Write the invitation as one line."""
        body = msgspec.msgpack.encode(
            _Body(
                self.federation,
                list(self.urls),
                self.charter,
                self.expires,
                self.secret,
            )
        )
        text = base64.b32encode(body + _check(body)).decode().rstrip("=")
        groups = [text[at : at + _GROUP] for at in range(0, len(text), _GROUP)]
        return "-".join([PREFIX, *groups])

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an invitation; case, spaces and dashes do not matter.

        Raises:
            MalformedError: it is none, or a character is wrong.
        """
        if len(text) > _MOST_TEXT:
            raise MalformedError(_DOCUMENT, Phrase("it is too long"))
        joined = _SPACES.sub("", text).upper()
        if not joined.startswith(PREFIX):
            raise MalformedError(
                _DOCUMENT, Phrase("it begins with {prefix}").filled(prefix=PREFIX)
            )
        rest = joined[len(PREFIX) :]
        try:
            data = base64.b32decode(rest + "=" * (-len(rest) % 8))
        except (binascii.Error, ValueError):
            raise MalformedError(
                _DOCUMENT, Phrase("a character that is none of it")
            ) from None
        body, check = data[:-_CHECK_BYTES], data[-_CHECK_BYTES:]
        # The last character has bits to spare, in which two spellings may differ.
        if (
            _check(body) != check
            or base64.b32encode(data).rstrip(b"=").decode() != rest
        ):
            raise MalformedError(_DOCUMENT, Phrase("a character is wrong or missing"))
        try:
            found = msgspec.msgpack.decode(body, type=_Body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise MalformedError(
                _DOCUMENT, Phrase("it is of another release")
            ) from None
        return cls(
            found.federation,
            tuple(found.urls),
            found.charter,
            found.expires,
            found.secret,
        )


def sign_joining(invitation: Invitation, card: Signed) -> Signed:
    """Bind a card to an invitation."""
    key = invitation.key()
    return sign_statement(
        Joining(v=1, invitation=key.public, card=card),
        type_=JOINING,
        signer=card.signer,
        key=key,
        federation=invitation.federation,
    )


@dataclass(frozen=True, slots=True)
class Wish:
    """A checked wish to join: the invitation's public key, and the card."""

    key: bytes
    card: Card
    signed: Signed


def open_joining(statement: Signed, *, federation: str) -> Wish:
    """Check a wish to join.

    Whether that invitation was given, and still holds, is for the inviter to say.

    Raises:
        UntrustedError: signature or card are bad, or of different names.
        MalformedError: it is no such wish.
    """
    claimed = decode(statement.payload, Joining)
    joining = open_statement(
        statement,
        Joining,
        type_=JOINING,
        public=claimed.invitation,
        federation=federation,
    )
    card = open_card(joining.card)
    if card.name != statement.signer:
        raise UntrustedError(statement.signer, "the card names another node")
    return Wish(joining.invitation, card, joining.card)


def _check(body: bytes) -> bytes:
    return hashlib.sha256(PREFIX.encode() + body).digest()[:_CHECK_BYTES]
