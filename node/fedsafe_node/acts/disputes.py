# SPDX-License-Identifier: Apache-2.0
"""Disputes and rulings as the API gives and takes them."""

from typing import Annotated, Literal

import msgspec

from fedsafe_federation.wire.signed import NodeName
from fedsafe_node.acts.bodies import (
    Message,
    Reference,
    SignalId,
)
from fedsafe_policies.vocabulary import Contention, Control

DisputeId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}(?!\n)$")]


class NewDisputeRequest(Message, frozen=True):
    """An officer disputes a signal, their own provider's or another's.

    `control` says how the person showed that the identifier is theirs; `officer` if
    nobody asked. `origin` is needed only if two members use the same id.
    """

    signal: SignalId
    contention: Contention
    control: Control = Control.OFFICER
    origin: NodeName | None = None


class RulingRequest(Message, frozen=True):
    """The signal stands, or it is revoked; `reason` refers to the written ruling."""

    stands: bool
    reason: Reference


class DisputeAnswer(Message, frozen=True):
    """A dispute: what it contends, what it weighs here, and how it ended.

    `weight` says whether it rests the signal (`suspends`), repeats known facts
    (`repeat`) or came beyond its author's budget (`flood`). `ours` says that this
    node has to rule, `own` that it is about an own ban, which no other member knows.
    Without a ruling until `due_at`, what it rests is revoked, or as an own ban erased.
    `nobody_hears` says that the signal stands, and that whom the charter names for an
    appeal of this node against it has a part in it.
    """

    dispute: str
    signal: str
    origin: str
    author: str
    contention: Contention
    control: Control
    weight: Literal["suspends", "repeat", "flood"]
    state: Literal["open", "restored", "revoked", "lapsed"]
    ours: bool
    own: bool
    received_at: str
    due_at: str
    opened_by: str | None = None
    ruled_by: str | None = None
    ruled_at: str | None = None
    reason: str | None = None
    nobody_hears: bool = False


class DisputesAnswer(Message, frozen=True):
    """Disputes that rest a signal, then the others; each by when it is due.

    `next` is set while there are more: go on with it as `after`.
    """

    disputes: list[DisputeAnswer]
    next: str | None = None


class DisputesTaken(Message, frozen=True):
    """How many disputes were taken that a member has handed on."""

    disputes: int
