# SPDX-License-Identifier: Apache-2.0
"""Rulings: what the origin of a disputed signal has decided.

A ruling lifts only the disputes that it names, by the digest of their statements; it
never lifts a revocation. Since it may let a signal match again, it is an addition:
it travels as a record of the origin's feed, behind its checkpoint, and does not lead
a batch as restrictions do. What a ruling revokes is revoked by a restriction beside it.
"""

from enum import StrEnum, unique
from typing import Annotated, Final

import msgspec

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.charter import Charter
from fedsafe_federation.charter.former_keys import Trust, open_lasting
from fedsafe_federation.errors import UntrustedError
from fedsafe_federation.wire.signed import (
    Bytes16,
    Bytes32,
    NodeName,
    Seconds,
    Signed,
    sign_statement,
)

RULING: Final = "ruling"
MAX_DISPUTES: Final = 100


@unique
class Outcome(StrEnum):
    """How a dispute ended; `lapsed` is a revocation because nobody ruled in time."""

    RESTORED = "restored"
    REVOKED = "revoked"
    LAPSED = "lapsed"


class Ruling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """*origin* has decided on *disputes* of its *signal*.

    A dispute is named by the SHA-256 digest of its signed statement.
    """

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    origin: NodeName
    signal: Bytes16
    disputes: Annotated[
        list[Bytes32], msgspec.Meta(min_length=1, max_length=MAX_DISPUTES)
    ]
    outcome: Outcome
    at: Seconds


def sign_ruling(ruling: Ruling, *, key: SigningKey, federation: str) -> Signed:
    """Sign *ruling* with the origin's statement key."""
    return sign_statement(
        ruling, type_=RULING, signer=ruling.origin, key=key, federation=federation
    )


def open_ruling(
    statement: Signed, charter: Charter, *, trust: Trust = Trust.NOW
) -> Ruling:
    """Check signature and authority; *trust* is how far former keys count.

    Raises:
        UntrustedError: not signed by a member, or on another's signal.
        MalformedError: the payload is no ruling.
    """
    member = charter.member(statement.signer)
    ruling = open_lasting(
        statement,
        Ruling,
        member,
        type_=RULING,
        federation=charter.federation,
        trust=trust,
        at=lambda said: said.at,
    )
    if ruling.origin != statement.signer:
        raise UntrustedError(
            statement.signer, f"no authority over signals of {ruling.origin}"
        )
    return ruling
