# SPDX-License-Identifier: Apache-2.0
"""What is said about evidence of forks over HTTP."""

from typing import Annotated

import msgspec

from fedsafe_federation.feed.forks import ForkEvidence
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.acts.bodies import Message


class KeptFork(Message, frozen=True):
    """Evidence that is kept here, and of whose log it is."""

    log: str
    origin: str
    digest: str
    evidence: ForkEvidence


class KeptDouble(Message, frozen=True):
    """Two disputes that a member signed with one number; `log` names its disputes."""

    log: str
    origin: str
    digest: str
    evidence: list[Signed]


class ForksAnswer(Message, frozen=True):
    """All evidence that is kept and was not lifted."""

    forks: list[KeptFork]
    doubles: list[KeptDouble]


class ForkTaken(Message, frozen=True):
    """What came of evidence: whether it is `new`, and whether matching rests."""

    log: str
    origin: str
    digest: str
    new: bool
    suspended: bool


class LiftRequest(Message, frozen=True):
    """Let a member's signals match again; `reference` says where that was decided."""

    log: Annotated[str, msgspec.Meta(max_length=256)]
    digest: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
