# SPDX-License-Identifier: Apache-2.0
"""Inquiries about listings, and sums of how reviews ended: what comes back to origins.

A member whose reviewer has found a listing wrong asks the signal's origin to review it.
An inquiry names the signal and the day, and nothing about the account that matched. The
origin answers with where its review stands; whoever asks again gets the newest answer.

*Sightings* say, for each kind of signal, how many reviews at a member ended how. They
are counted without period. A number is told in steps of `STEP`, so neither a number nor
the difference of two tells of fewer reviews than that.
"""

from collections.abc import Mapping
from enum import StrEnum, unique
from typing import Annotated, Final, Literal

import msgspec

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.charter import Charter
from fedsafe_federation.errors import MalformedError, UntrustedError
from fedsafe_federation.wire.signed import (
    Bytes16,
    Count,
    NodeName,
    Signed,
    open_statement,
    sign_statement,
)
from fedsafe_policies.ground.catalogue import Phrase

INQUIRY: Final = "listing.inquiry"
INQUIRY_STATUS: Final = "listing.inquiry-status"
SIGHTINGS: Final = "review.sightings"
STEP: Final = 10
_MOST_KINDS: Final = 64
_MOST_ENDINGS: Final = 16

Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$(?!\n)")]
Sums = Annotated[
    dict[Word, Annotated[dict[Word, Count], msgspec.Meta(max_length=_MOST_ENDINGS)]],
    msgspec.Meta(max_length=_MOST_KINDS),
]


@unique
class InquiryState(StrEnum):
    """Where the origin's review stands: it is to come, the signal stays, or is gone."""

    OPEN = "open"
    KEPT = "kept"
    ENDED = "ended"


class Inquiry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reviewer at *member* has found that *origin*'s signal lists wrongly.

    `day` is a UTC day, numbered since 1970.
    """

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    member: NodeName
    origin: NodeName
    signal: Bytes16
    reason: Literal["listing_wrong"]
    day: Count


class InquiryStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What *origin* says to *member* about its inquiry; `day` is that of the ruling.

    While the review is to come, `day` is that on which it was opened.
    """

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    origin: NodeName
    member: NodeName
    signal: Bytes16
    state: InquiryState
    day: Count


class Sightings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many reviews at *member* of *origin*'s signals ended how, by kind."""

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    member: NodeName
    origin: NodeName
    day: Count
    sums: Sums


def sign_inquiry(inquiry: Inquiry, *, key: SigningKey, federation: str) -> Signed:
    """Sign *inquiry* with its member's statement key."""
    return sign_statement(
        inquiry, type_=INQUIRY, signer=inquiry.member, key=key, federation=federation
    )


def open_inquiry(
    statement: Signed, *, member: str, me: str, charter: Charter
) -> Inquiry:
    """Check that *member* inquires about a signal of this node.

    Raises:
        UntrustedError: somebody else signed it, or it is for another origin.
        MalformedError: it is no inquiry.
    """
    _check_signer(statement, member)
    inquiry = open_statement(
        statement,
        Inquiry,
        type_=INQUIRY,
        public=charter.member(member).keys.statement,
        federation=charter.federation,
    )
    if (inquiry.member, inquiry.origin) != (member, me):
        raise UntrustedError(member, "the inquiry is of others")
    return inquiry


def sign_status(status: InquiryStatus, *, key: SigningKey, federation: str) -> Signed:
    """Sign *status* with its origin's statement key."""
    return sign_statement(
        status,
        type_=INQUIRY_STATUS,
        signer=status.origin,
        key=key,
        federation=federation,
    )


def open_status(statement: Signed, inquiry: Inquiry, charter: Charter) -> InquiryStatus:
    """Check that the origin has answered this very *inquiry*.

    Raises:
        UntrustedError: somebody else signed it, or it is about something else.
        MalformedError: it is no answer.
    """
    origin = inquiry.origin
    _check_signer(statement, origin)
    status = open_statement(
        statement,
        InquiryStatus,
        type_=INQUIRY_STATUS,
        public=charter.member(origin).keys.statement,
        federation=charter.federation,
    )
    about = (status.origin, status.member, status.signal)
    if about != (origin, inquiry.member, inquiry.signal):
        raise UntrustedError(origin, "the answer is about another inquiry")
    return status


def sign_sightings(sightings: Sightings, *, key: SigningKey, federation: str) -> Signed:
    """Sign *sightings* with their member's statement key."""
    return sign_statement(
        sightings,
        type_=SIGHTINGS,
        signer=sightings.member,
        key=key,
        federation=federation,
    )


def open_sightings(
    statement: Signed, *, member: str, me: str, charter: Charter
) -> Sightings:
    """Check what *member* tells of this node's signals, and that it tells no few.

    Raises:
        UntrustedError: somebody else signed it, or it is for another origin.
        MalformedError: it is none, or a number is not of whole steps.
    """
    _check_signer(statement, member)
    sightings = open_statement(
        statement,
        Sightings,
        type_=SIGHTINGS,
        public=charter.member(member).keys.statement,
        federation=charter.federation,
    )
    if (sightings.member, sightings.origin) != (member, me):
        raise UntrustedError(member, "the sightings are of others")
    for endings in sightings.sums.values():
        if any(not count or count % STEP for count in endings.values()):
            raise MalformedError(
                "Sightings",
                Phrase("a number is not of steps of {step}").filled(step=STEP),
            )
    return sightings


def in_steps(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """Give of *counts* by kind and ending what may be told."""
    told: dict[str, dict[str, int]] = {}
    for (kind, ending), count in sorted(counts.items()):
        if count >= STEP:
            told.setdefault(kind, {})[ending] = count - count % STEP
    return told


def _check_signer(statement: Signed, expected: str) -> None:
    if statement.signer != expected:
        raise UntrustedError(expected, "somebody else signed it")
