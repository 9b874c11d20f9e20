# SPDX-License-Identifier: Apache-2.0
"""Erasure receipts: what a member says that it has erased of an origin's signals.

A receipt covers all restrictions of an origin up to a number, or, once one of the two
is no member any more, all that the origin ever gave. It names the method, and until
when residues may live on: in backups, archived write-ahead logs, files that a merge has
yet to write anew. It is signed, so it can be held against its author; that it is true,
it cannot prove.
"""

from datetime import datetime
from typing import Annotated, Final

import msgspec

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.charter import Charter
from fedsafe_federation.errors import (
    MalformedError,
    StaleStatementError,
    UntrustedError,
)
from fedsafe_federation.wire.freshness import SKEW
from fedsafe_federation.wire.signed import (
    Count,
    NodeName,
    Seconds,
    Signed,
    open_statement,
    sign_statement,
)
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import ErasureMethod

RECEIPT: Final = "erasure.receipt"
MOST_RESIDUE_DAYS: Final = 366
"""No receipt tells of residues that live longer: who keeps them so has not erased."""
_DAY: Final = 24 * 60 * 60


class Receipt(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True
):
    """*member* has erased what *origin*'s restrictions up to `through` name.

    It was erased by the method at `at`, and no residue lives on behind
    `residual_until`. `parted` is the version of the charter since which one of the two
    is no member, if it is about all that *origin* gave; else 0.
    """

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    member: NodeName
    origin: NodeName
    through: Count
    at: Seconds
    method: ErasureMethod
    residual_until: Seconds
    parted: Count = 0


def sign_receipt(receipt: Receipt, *, key: SigningKey, federation: str) -> Signed:
    """Sign *receipt* with its member's statement key."""
    return sign_statement(
        receipt, type_=RECEIPT, signer=receipt.member, key=key, federation=federation
    )


def open_receipt(
    statement: Signed, *, me: str, charter: Charter, now: datetime
) -> Receipt:
    """Check that a member of *charter* signed it, for this node, and that it fits.

    Raises:
        UntrustedError: somebody else signed it, or it is for another origin.
        StaleStatementError: it was made in the future.
        MalformedError: it is no receipt, or its times do not fit.
    """
    receipt = open_statement(  # it is signed anew whenever it is given
        statement,
        Receipt,
        type_=RECEIPT,
        public=charter.member(statement.signer).keys.statement,
        federation=charter.federation,
    )
    if receipt.member != statement.signer:
        raise UntrustedError(statement.signer, "it speaks of another node")
    if receipt.origin != me:
        raise UntrustedError(statement.signer, "the receipt is for another origin")
    if receipt.at > (now + SKEW).timestamp():
        raise StaleStatementError(statement.signer, "the statement lies in the future")
    lives = receipt.residual_until - receipt.at
    if not 0 <= lives <= MOST_RESIDUE_DAYS * _DAY:
        raise MalformedError(
            "Receipt", Phrase("residues end before it, or a year behind it")
        )
    if not receipt.through and not receipt.parted:
        raise MalformedError("Receipt", Phrase("it is about nothing"))
    return receipt
