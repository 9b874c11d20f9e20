# SPDX-License-Identifier: Apache-2.0
"""What the API takes and says of orders of authorities."""

from enum import StrEnum, unique
from typing import Annotated

import msgspec

from fedsafe_node.acts.bodies import AccountRef, Message, Reference
from fedsafe_node.acts.cases import CaseId, Moment
from fedsafe_policies.escalation.orders import OrderGround, OrderKind, OrderOutcome
from fedsafe_policies.vocabulary import Purpose

OrderId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}(?!\n)$")]
Line = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]{1,200}(?!\n)$")]
Scope = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+$", min_length=1, max_length=4_000
    ),
]
Accounts = Annotated[tuple[AccountRef, ...], msgspec.Meta(max_length=50)]
Language = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2}(?!\n)$")]


@unique
class OrderStep(StrEnum):
    """What is noted of an order beside its answer."""

    ACKNOWLEDGED = "acknowledged"
    CONFIRMED = "confirmed"
    MOVED = "moved"


class AddOrder(Message, frozen=True):
    """An order that came in at `received_at` (UTC seconds), with what it says.

    `basis` is the provision that it names itself. `oral`: it came by word of mouth in
    imminent danger, and is confirmed in writing afterwards. `due_at` is the time that
    the order names, if one; a letter of the BzKJ needs it. Until `secret_until` nobody
    tells the accounts that `case` names, or `accounts`: one of both names some.
    """

    kind: OrderKind
    received_at: Moment
    authority: Line
    reference: Reference
    basis: Line
    scope: Scope
    language: Language = "de"
    emergency: bool = False
    oral: bool = False
    due_at: Moment | None = None
    secret_until: Moment | None = None
    case: CaseId | None = None
    accounts: Accounts = ()


class NoteOrder(Message, frozen=True):
    """That the receipt was acknowledged to the authority, or the order confirmed.

    Or that the deadline of a letter was `moved` to `due_at`, under `reference`.
    """

    step: OrderStep
    due_at: Moment | None = None
    reference: Reference | None = None


class AnswerOrder(Message, frozen=True):
    """What became of an order; what is not fulfilled wholly has its grounds."""

    outcome: OrderOutcome
    grounds: Annotated[tuple[OrderGround, ...], msgspec.Meta(max_length=10)] = ()
    reference: Reference | None = None


class OrdersQuery(Message, frozen=True):
    """What somebody reads for."""

    purpose: Purpose | None = None


class OrderReceipt(Message, frozen=True):
    """Which order it is, and by when it is answered."""

    order: OrderId
    revision: int
    due_at: int
    answered_at: int | None = None


class OrderListed(Message, frozen=True):
    """An order in the list: nothing of what it says."""

    order: OrderId
    kind: OrderKind
    emergency: bool
    received_at: int
    due_at: int
    confirm_by: int | None
    acknowledged_at: int | None
    confirmed_at: int | None
    answered_at: int | None
    outcome: OrderOutcome | None
    case: CaseId | None
    overdue: bool
    unconfirmed: bool


class OrdersAnswer(Message, frozen=True):
    """All orders; first what is due first."""

    orders: list[OrderListed]


class OrderAnswer(Message, frozen=True):
    """An order with all that it says; `source` is where its deadline comes from.

    `by_letter`: no provision names the time, the letter does. `move_reference` is what
    last moved it.
    """

    order: OrderListed
    revision: int
    source: str
    fixed: bool
    by_letter: bool
    entered_by: str
    answered_by: str | None
    authority: str
    reference: str
    basis: str
    scope: str
    language: str
    oral: bool
    secret_until: int | None
    grounds: list[OrderGround]
    answer_reference: str | None
    move_reference: str | None
    accounts: list[str]
