# SPDX-License-Identifier: Apache-2.0
"""What members tell each other of ceremonies, and what people are shown of them."""

from typing import Annotated, Final

import msgspec

from fedsafe_federation.charter import MAX_MEMBERS
from fedsafe_federation.signed import Bytes32, Positive, Signed
from fedsafe_node.governing.messages import SealedKeys
from fedsafe_node.messages import Message

MOST_STATEMENTS: Final = 64 * MAX_MEMBERS


class Lacked(Message, frozen=True, kw_only=True):
    """A generation of which the asking member has no media keys."""

    epoch: Positive
    generation: Positive


class CarriedRequest(Message, frozen=True, kw_only=True):
    """What a member says, and what it has: the digests of what it has heard."""

    version: Positive
    charter: Bytes32
    statements: Annotated[list[Signed], msgspec.Meta(max_length=MOST_STATEMENTS)]
    have: Annotated[list[Bytes32], msgspec.Meta(max_length=MOST_STATEMENTS)]
    lacks: Annotated[list[Lacked], msgspec.Meta(max_length=8)]


class CarriedAnswer(Message, frozen=True, kw_only=True):
    """What the asking member lacks."""

    statements: list[Signed]
    media: list[SealedKeys]


class ReshareRequest(Message, frozen=True, kw_only=True):
    """Share the newest epoch's key anew, by default with the threshold that fits."""

    threshold: Annotated[int, msgspec.Meta(ge=1, le=MAX_MEMBERS)] | None = None


class AttemptAnswer(Message, frozen=True, kw_only=True):
    """An attempt to share a key anew.

    `state` is `waits` for this node's people, `aside` where it takes no part,
    `under_way`, `agreed` or `failed`; `said` names who has sent its last message.
    """

    attempt: int
    by: str
    epoch: int
    generation: int
    threshold: int
    deadline: int
    left_out: list[str]
    said: list[str]
    state: str
    gone: list[str]


class KeyAnswer(Message, frozen=True, kw_only=True):
    """An epoch's key: who holds it, why it is to be shared anew, who left with it.

    `departed` is the count of the generation of which most shares left, with the
    `threshold` that would make the key of them.
    """

    epoch: int
    generation: int
    threshold: int
    holders: list[str]
    need: str | None
    departed: int
    departed_threshold: int
    warns: bool
