# SPDX-License-Identifier: Apache-2.0
"""A member card: who a node says it is, before any federation exists.

Organisations exchange cards by a channel they already trust and compare
fingerprints; the charter then repeats the cards' contents. A card also says what
the node's canonicalisers answer (`identifiers.corpus`): members that write the
same identifier differently would never match, and nobody would see it.
"""

import hashlib
from typing import Annotated, Final

import msgspec

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.identity import SigningKey, check_public_key
from fedsafe_federation.errors import UntrustedError
from fedsafe_federation.wire.signed import (
    Bytes32,
    NodeName,
    Signed,
    open_statement,
    sign_statement,
)
from fedsafe_federation.wire.wireformat import decode

CARD: Final = "member.card"
NO_FEDERATION: Final = ""
"""A card is signed before its federation has an id."""

NodeUrl = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(https://[a-z0-9.-]+(:[0-9]{1,5})?|http://(127(\.[0-9]{1,3}){3}|\[::1\]|localhost):[0-9]{1,5})$(?!\n)",
        max_length=200,
    ),
]
Canonicalisers = Annotated[
    dict[
        Annotated[
            str, msgspec.Meta(pattern=r"^[a-z]{1,16}/[0-9]{1,4}$(?!\n)", max_length=21)
        ],
        Bytes32,
    ],
    msgspec.Meta(min_length=1, max_length=32),
]
Jurisdiction = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$(?!\n)")]


class MemberKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member's public keys, one for each use.

    The first five are Ed25519; `sealing` is an HPKE key (`fedsafe_crypto.seal.hpke`).
    """

    feed: Bytes32
    audit: Bytes32
    statement: Bytes32
    transport: Bytes32
    witness: Bytes32
    sealing: Annotated[bytes, msgspec.Meta(min_length=32, max_length=4096)]

    def signing(self) -> tuple[bytes, ...]:
        """Give the five Ed25519 keys."""
        return self.feed, self.audit, self.statement, self.transport, self.witness


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A node's name, address, jurisdiction and public keys.

    `canonicalisers` holds the corpus digest of each, as it came out at the node.
    """

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    name: NodeName
    url: NodeUrl
    jurisdiction: Jurisdiction
    keys: MemberKeys
    canonicalisers: Canonicalisers


def sign_card(card: Card, key: SigningKey) -> Signed:
    """Sign *card* with the statement key that it names."""
    return sign_statement(
        card, type_=CARD, signer=card.name, key=key, federation=NO_FEDERATION
    )


def open_card(statement: Signed) -> Card:
    """Check a card against the key that it carries.

    That proves possession of the key, not who holds it: compare `fingerprint`.

    Raises:
        UntrustedError: the signature or a key is bad.
        MalformedError: the payload is no card.
    """
    keys = decode(statement.payload, Card).keys
    try:
        for public in keys.signing():
            check_public_key(public)
    except CryptoError:
        raise UntrustedError(statement.signer, "a key that may not sign") from None
    card = open_statement(
        statement,
        Card,
        type_=CARD,
        public=keys.statement,
        federation=NO_FEDERATION,
    )
    if card.name != statement.signer:
        raise UntrustedError(statement.signer, "the card names another node")
    return card


def fingerprint(statement: Signed) -> str:
    """Give the words that two people compare on the telephone: 32 hex digits."""
    return fingerprint_of(statement.payload)


def fingerprint_of(payload: bytes) -> str:
    """Give the fingerprint of a card's exact bytes."""
    digest = hashlib.sha256(payload).hexdigest()[:32]
    return " ".join(digest[i : i + 4] for i in range(0, 32, 4))
