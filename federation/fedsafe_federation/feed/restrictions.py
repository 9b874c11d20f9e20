# SPDX-License-Identifier: Apache-2.0
"""Restriction statements: how a signal stops to match.

A restriction is self-contained and acts on its signature and authority alone,
from any courier, before anything else in a batch: it never waits for an opening,
a quorum or the origin (protocol 3.6). Revoked, expired and erased are the origin's own
words over its own signals. *Disputed* may be any member's: it rests one signal, within
the member's budget at each receiver, until the origin rules (`rulings`).
"""

from enum import StrEnum, unique
from typing import Annotated, Final

import msgspec

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.charter import Charter
from fedsafe_federation.charter.former_keys import Trust, open_lasting
from fedsafe_federation.errors import MalformedError, UntrustedError
from fedsafe_federation.wire.signed import (
    Bytes16,
    NodeName,
    Positive,
    Seconds,
    Signed,
    sign_statement,
)
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Contention, Control, Effect

RESTRICTION: Final = "restriction"
MAX_SIGNALS: Final = 1_000
LONGEST_DISPUTE: Final = 60 * 24 * 60 * 60
"""No dispute names a later deadline than so many seconds after its own time."""


MAX_FORWARDED: Final = 16


@unique
class Reason(StrEnum):
    """Why a signal is restricted; a closed list, no free text."""

    MISTAKE = "mistake"
    APPEAL_GRANTED = "appeal_granted"
    FINDING_WITHDRAWN = "finding_withdrawn"
    REQUEST_OF_THE_PERSON = "request_of_the_person"
    RETENTION = "retention"
    SUPERSEDED = "superseded"


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a dispute contends, and how the person showed control of the identifier.

    After the `deadline` (UTC seconds), as its author reckons it, the origin can only
    revoke.
    """

    contention: Contention
    control: Control
    deadline: Seconds


class Restriction(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True
):
    """*author* says that *origin*'s *signals* are restricted.

    `sequence` counts the author's restrictions from 1, so a gap shows. A dispute, and
    nothing else, has `terms`, and names one signal: that is what its facts are.
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
    terms: Terms | None = None


class Forwarded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Disputes that a member hands on, as their authors have signed them.

    Others may lack them: their author's feed does not show them, or shows another one
    with the same number.
    """

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    disputes: Annotated[
        list[Signed], msgspec.Meta(min_length=1, max_length=MAX_FORWARDED)
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


def open_restriction(
    statement: Signed, charter: Charter, *, trust: Trust = Trust.NOW
) -> Restriction:
    """Check signature and authority; *trust* is how far former keys count.

    Raises:
        UntrustedError: not signed by a member, or without authority.
        MalformedError: the payload is no restriction, or a dispute without its terms.
    """
    member = charter.member(statement.signer)
    restriction = open_lasting(
        statement,
        Restriction,
        member,
        type_=RESTRICTION,
        federation=charter.federation,
        trust=trust,
        at=lambda said: said.at,
    )
    if restriction.author != statement.signer:
        raise UntrustedError(statement.signer, "the author is not the signer")
    if restriction.effect is Effect.DISPUTED:
        charter.member(restriction.origin)
    elif restriction.author != restriction.origin:
        raise UntrustedError(
            statement.signer, f"no authority over signals of {restriction.origin}"
        )
    _check_terms(restriction)
    return restriction


def _check_terms(restriction: Restriction) -> None:
    terms = restriction.terms
    if (restriction.effect is Effect.DISPUTED) != (terms is not None):
        raise MalformedError(
            "Restriction", Phrase("terms belong to a dispute, and to it only")
        )
    if terms is None:
        return
    if len(restriction.signals) != 1:
        raise MalformedError("Restriction", Phrase("a dispute names one signal"))
    if not 0 < terms.deadline - restriction.at <= LONGEST_DISPUTE:
        raise MalformedError(
            "Terms", Phrase("the deadline is not within 60 days of the time")
        )
