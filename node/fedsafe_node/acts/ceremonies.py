# SPDX-License-Identifier: Apache-2.0
"""What members tell each other of ceremonies, and what people ask for."""

from typing import Annotated, Final

import msgspec

from fedsafe_federation.charter.charter import MAX_MEMBERS
from fedsafe_federation.wire.signed import Bytes32, Positive, Signed
from fedsafe_node.acts.bodies import Message
from fedsafe_node.acts.charter import SealedKeys

MOST_HEARD: Final = 64 * MAX_MEMBERS
MOST_SAID: Final = 256


class Lacked(Message, frozen=True, kw_only=True):
    """A generation of which the asking member has no media keys."""

    epoch: Positive
    generation: Positive


class CarriedRequest(Message, frozen=True, kw_only=True):
    """What a member says, and what it has: the digests of what it has heard."""

    version: Positive
    charter: Bytes32
    statements: Annotated[list[Signed], msgspec.Meta(max_length=MOST_SAID)]
    have: Annotated[list[Bytes32], msgspec.Meta(max_length=MOST_HEARD)]
    lacks: Annotated[list[Lacked], msgspec.Meta(max_length=8)]


class CarriedAnswer(Message, frozen=True, kw_only=True):
    """What the asking member lacks."""

    statements: list[Signed]
    media: list[SealedKeys]


class ReshareRequest(Message, frozen=True, kw_only=True):
    """Share the newest epoch's key anew, by default with the threshold that fits.

    Or, if it `opens`, make a new key and begin another epoch with it.
    """

    threshold: Annotated[int, msgspec.Meta(ge=1, le=MAX_MEMBERS)] | None = None
    opens: bool = False
