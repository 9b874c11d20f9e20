# SPDX-License-Identifier: Apache-2.0
"""What two members say of a day's evaluations, and whether that fits together.

For each other member a node signs what it asked of it, what it surely got, and what it
answered, by budget and UTC day. What one has answered lies between what the other got
and asked; where it lies beyond that, somebody asks in a member's name, or one of the
two does not tell the truth. A crash may lose a lease; so much may be amiss.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final

import msgspec

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.charter import Charter
from fedsafe_federation.errors import UntrustedError
from fedsafe_federation.evaluation.metering import HOUR, HOURS
from fedsafe_federation.wire.signed import (
    Count,
    NodeName,
    Signed,
    open_statement,
    sign_statement,
)

TALLY: Final = "evaluation.tally"
KEPT_DAYS: Final = 7
"""So many days back a member tells what it has counted."""
_MOST_BUDGETS: Final = 256

BudgetName = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z]{1,32}(:[0-9a-f]{16})?$(?!\n)", max_length=64)
]


class Counted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Elements of one budget and day: asked of the other, got, and answered to it."""

    asked: Count = 0
    received: Count = 0
    answered: Count = 0


class Tally(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What *sender* counted with *receiver* on a UTC day, numbered since 1970."""

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    sender: NodeName
    receiver: NodeName
    day: Count
    counted: Annotated[
        dict[BudgetName, Counted], msgspec.Meta(max_length=_MOST_BUDGETS)
    ]


def day_of(moment: datetime) -> int:
    """Number the UTC day of a moment."""
    return int(moment.timestamp()) // (HOURS * HOUR)


def sign_tally(tally: Tally, *, key: SigningKey, federation: str) -> Signed:
    """Sign what was counted."""
    return sign_statement(
        tally, type_=TALLY, signer=tally.sender, key=key, federation=federation
    )


def open_tally(
    statement: Signed, *, sender: str, me: str, day: int, charter: Charter
) -> Tally:
    """Check that *sender* signed what it counted with this node on a day.

    Raises:
        UntrustedError: somebody else did, or of others or another day.
        MalformedError: it does not fit.
    """
    if statement.signer != sender:
        raise UntrustedError(sender, "somebody else signed the tally")
    tally = open_statement(
        statement,
        Tally,
        type_=TALLY,
        public=charter.member(sender).keys.statement,
        federation=charter.federation,
    )
    if (tally.sender, tally.receiver, tally.day) != (sender, me, day):
        raise UntrustedError(sender, "the tally is of others, or of another day")
    return tally


def difference(
    own: Mapping[str, Counted],
    theirs: Mapping[str, Counted],
    tolerances: Mapping[str, int],
) -> int:
    """Say by how many elements the counts of two members do not fit together."""
    nothing, beyond = Counted(), 0
    for name in own.keys() | theirs.keys():
        mine, yours = own.get(name, nothing), theirs.get(name, nothing)
        amiss = tolerances.get(name.partition(":")[0], 0)
        beyond += _beyond(yours.answered, mine, amiss)
        beyond += _beyond(mine.answered, yours, amiss)
    return beyond


def _beyond(answered: int, asker: Counted, amiss: int) -> int:
    most, least = asker.asked + amiss, asker.received - amiss
    return max(0, answered - most, least - answered)
