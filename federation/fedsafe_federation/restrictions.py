# SPDX-License-Identifier: Apache-2.0
"""Restriction statements: how a signal stops to match.

A restriction is self-contained and acts on its signature and authority alone,
from any courier, before anything else in a batch: it never waits for an opening,
a quorum or the origin (protocol 3.6). This version knows the origin's own
authority over its own signals.
"""

from enum import StrEnum, unique
from typing import Annotated, Final

import msgspec

from fedsafe_crypto.identity import SigningKey
from fedsafe_federation.charter import Charter
from fedsafe_federation.errors import UntrustedError
from fedsafe_federation.signed import (
    Bytes16,
    NodeName,
    Positive,
    Seconds,
    Signed,
    open_statement,
    sign_statement,
)
from fedsafe_policies.vocabulary import Effect

RESTRICTION: Final = "restriction"
MAX_SIGNALS: Final = 1_000


@unique
class Reason(StrEnum):
    """Why a signal is restricted; a closed list, no free text."""

    MISTAKE = "mistake"
    APPEAL_GRANTED = "appeal_granted"
    FINDING_WITHDRAWN = "finding_withdrawn"
    REQUEST_OF_THE_PERSON = "request_of_the_person"
    RETENTION = "retention"
    SUPERSEDED = "superseded"


class Restriction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """*author* says that *origin*'s *signals* are restricted.

    `sequence` counts the author's restrictions from 1, so a gap shows.
    """

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    origin: NodeName
    author: NodeName
    sequence: Positive
    effect: Effect
    reason: Reason
    at: Seconds
    signals: Annotated[
        list[Bytes16], msgspec.Meta(min_length=1, max_length=MAX_SIGNALS)
    ]


def sign_restriction(
    restriction: Restriction, *, key: SigningKey, federation: str
) -> Signed:
    """Sign *restriction* with its author's statement key."""
    return sign_statement(
        restriction,
        type_=RESTRICTION,
        signer=restriction.author,
        key=key,
        federation=federation,
    )


def open_restriction(statement: Signed, charter: Charter) -> Restriction:
    """Check signature and authority.

    Raises:
        UntrustedError: not signed by a member, or without authority.
        MalformedError: the payload is no restriction.
    """
    member = charter.member(statement.signer)
    restriction = open_statement(
        statement,
        Restriction,
        type_=RESTRICTION,
        public=member.keys.statement,
        federation=charter.federation,
    )
    if restriction.author != statement.signer:
        raise UntrustedError(statement.signer, "the author is not the signer")
    if restriction.author != restriction.origin:
        raise UntrustedError(
            statement.signer, f"no authority over signals of {restriction.origin}"
        )
    return restriction
