# SPDX-License-Identifier: Apache-2.0
"""What a signal says, in the three layers in which it is seen.

* the **record** in the origin's feed: an id and a commitment (`records.py`),
* the **opening** that a peer gets: a clear header, which a receiver needs before
  any match, a token (actor plane only) and sealed bytes,
* the **body** inside the sealed bytes: readable with the identifier and a metered
  evaluation (actor), or with the media group key (media).

The types are closed: there is no field for free text, a name, a victim or a
section of law, so a signal cannot carry one (rule P2).
"""

from functools import lru_cache
from typing import Annotated, Final

import msgspec

from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wire.signed import Bytes16, Positive, Seconds
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import (
    Grade,
    IdentifierKind,
    MediaKind,
    Phenomenon,
    Plane,
    Provenance,
    Scope,
    Surface,
)

SIGNAL_GROUP: Final = "signal"
"""The field group under which an opening is committed in a feed."""

RuleId = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,47}$(?!\n)", max_length=48)
]
Day = Annotated[
    str,
    msgspec.Meta(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$(?!\n)"),
]
Contact = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(https://[A-Za-z0-9.-]+(/[A-Za-z0-9._/-]*)?|[A-Za-z0-9._-]+@[A-Za-z0-9.-]+)$(?!\n)",
        max_length=120,
    ),
]


class SignalHeader(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """What a receiver may know before a match.

    `match_until` and `erase_after` are UTC seconds, rounded down to a bucket so
    that they tell less of the kind; `generation` counts media group keys.
    """

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    plane: Plane
    epoch: Positive
    generation: Positive
    scope: Scope
    match_until: Seconds
    erase_after: Seconds


class SignalOpening(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The payload behind a signal's commitment.

    `header` keeps the exact bytes: they are the associated data of `sealed`.
    """

    header: msgspec.Raw
    sealed: Annotated[bytes, msgspec.Meta(max_length=4096)]
    token: Bytes16 | None = None


class ActorBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """This account was permanently removed under a rule, after review."""

    kind: IdentifierKind
    phenomenon: Phenomenon
    surface: Surface
    grade: Grade
    provenance: Provenance
    rule: RuleId
    removed_on: Day
    published_on: Day
    contact: Contact


class MediaBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """This file is known abuse media; `digest` is its hash, never its bytes."""

    kind: MediaKind
    digest: Annotated[bytes, msgspec.Meta(min_length=16, max_length=32)]
    phenomenon: Phenomenon
    surface: Surface
    grade: Grade
    provenance: Provenance
    rule: RuleId
    published_on: Day
    contact: Contact


DIGEST_BYTES: Final = {
    MediaKind.SHA256: 32,
    MediaKind.SHA1: 20,
    MediaKind.MD5: 16,
    MediaKind.BLAKE3: 32,
    MediaKind.PDQ: 32,
}


def encode_opening(
    header: SignalHeader, *, sealed: bytes, token: bytes | None
) -> bytes:
    """Encode the payload that a signal's commitment covers."""
    raw = msgspec.Raw(encode(header))
    return encode(SignalOpening(header=raw, sealed=sealed, token=token))


def decode_opening(payload: bytes) -> tuple[SignalHeader, SignalOpening]:
    """Decode a payload; the header in the opening keeps its exact bytes.

    Raises:
        MalformedError: it does not fit, or plane and token contradict each other.
    """
    opening = decode(payload, SignalOpening)
    header = _decode_header(bytes(opening.header))
    if (header.plane is Plane.ACTOR) != (opening.token is not None):
        raise MalformedError(
            "SignalOpening", Phrase("a token belongs to the actor plane only")
        )
    if header.erase_after < header.match_until:
        raise MalformedError(
            "SignalHeader", Phrase("erase_after lies before match_until")
        )
    return header, opening


@lru_cache(maxsize=1024)  # thousands of openings share a few headers
def _decode_header(data: bytes) -> SignalHeader:
    return decode(data, SignalHeader)


def decode_media_body(data: bytes) -> MediaBody:
    """Decode a media body whose digest has its kind's length.

    Raises:
        MalformedError: it does not fit.
    """
    body = decode(data, MediaBody)
    if len(body.digest) != DIGEST_BYTES[body.kind]:
        raise MalformedError(
            "MediaBody", Phrase("the digest does not have its kind's length")
        )
    return body
