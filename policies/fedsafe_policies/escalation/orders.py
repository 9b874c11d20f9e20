# SPDX-License-Identifier: Apache-2.0
"""Orders of authorities: which kinds there are, and by when each is answered; as data.

`data/orders.toml` is the table, with the source of each deadline. An order is answered
by the legal adviser, and never by whoever entered it. Letters of the BzKJ are kinds of
their own: no provision names their time, the letter does.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum, unique
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from fedsafe_policies.documents.toml_file import read_document
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.escalation.deadlines import (
    end_of,
    morning_before,
    reminder_of,
)
from fedsafe_policies.escalation.laender import Calendar
from fedsafe_policies.escalation.urgency import Deadline
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Refusal, Text
from fedsafe_policies.ground.span import SECONDS_A_DAY
from fedsafe_policies.rules.people import Person, refuse_second
from fedsafe_policies.vocabulary import Role

ENTERERS: Final = frozenset({Role.LEGAL_ADVISER, Role.ESCALATION_OFFICER})
"""Who enters an order and acknowledges it."""
ANSWERERS: Final = frozenset({Role.LEGAL_ADVISER})


@unique
class OrderKind(StrEnum):
    """What an authority orders, by its legal basis; of the BzKJ, at which stage."""

    DSA_9 = "dsa_9"
    DSA_10 = "dsa_10"
    TDDDG_22 = "tdddg_22"
    EPOC = "epoc"
    EPOC_PR = "epoc_pr"
    BZKJ_HEARING = "bzkj_hearing"
    BZKJ_ADVICE = "bzkj_advice"
    BZKJ_REQUEST = "bzkj_request"
    BZKJ_ORDER = "bzkj_order"
    BZKJ_OTHER = "bzkj_other"


@unique
class OrderOutcome(StrEnum):
    """What became of an order; a letter may just be answered."""

    ANSWERED = "answered"
    FULFILLED = "fulfilled"
    PARTLY = "partly"
    REFUSED = "refused"


@unique
class OrderGround(StrEnum):
    """Why an order is not, or not wholly, fulfilled."""

    NO_LEGAL_BASIS = "no_legal_basis"
    NOT_COMPETENT = "not_competent"
    WRONG_FORM = "wrong_form"
    NOT_ADDRESSEE = "not_addressee"
    UNCLEAR = "unclear"
    MANIFEST_ERROR = "manifest_error"
    NO_SUCH_DATA = "no_such_data"
    IMPOSSIBLE = "impossible"
    PRIVILEGE = "privilege"
    CONFLICT_OF_LAW = "conflict_of_law"


_WITHOUT_GROUNDS: Final = frozenset({OrderOutcome.FULFILLED, OrderOutcome.ANSWERED})


class OrderRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One kind of order; `fixed` where the provision itself names the time.

    Either it has a `deadline`, or (`by_letter`) each letter sets its own.
    """

    name: Text
    source: str
    fixed: bool
    by_letter: bool = False
    deadline: Deadline | None = None
    emergency: Deadline | None = None
    confirmation: Deadline | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal[1]
    orders: dict[OrderKind, OrderRule]


def load_orders(text: bytes) -> Mapping[OrderKind, OrderRule]:
    """Read a table of orders.

    Raises:
        PolicyFileError: it is malformed, lacks a kind, or a kind has no deadline and
            does not leave it to the letter.
    """
    file, _ = read_document(text, _File)
    lacking = set(OrderKind) - set(file.orders)
    if lacking:
        raise PolicyFileError(
            Phrase("lacks {name}").filled(name=min(lacking)), key="orders"
        )
    for kind, rule in file.orders.items():
        times = (rule.deadline, rule.emergency, rule.confirmation)
        if rule.by_letter and (rule.fixed or any(times)):
            key = f"orders.{kind}.by_letter"
            raise PolicyFileError(Phrase("leaves no time to the table"), key=key)
        if not rule.by_letter and rule.deadline is None:
            raise PolicyFileError(Phrase("is lacking"), key=f"orders.{kind}.deadline")
    return MappingProxyType(file.orders)


@cache
def orders() -> Mapping[OrderKind, OrderRule]:
    """Return the shipped table of orders."""
    folder = files("fedsafe_policies").joinpath("data")
    return load_orders(folder.joinpath("orders.toml").read_bytes())


def deadline_of(kind: OrderKind, *, emergency: bool) -> Deadline | None:
    """Return how long the answer to an order may take; None if its letter says so."""
    rule = orders()[kind]
    return rule.emergency if emergency and rule.emergency else rule.deadline


def answer_by(
    kind: OrderKind,
    received_at: int,
    calendar: Calendar,
    *,
    emergency: bool,
    named: int | None = None,
) -> int | None:
    """Return by when an order is answered; what it names itself only shortens that.

    A letter that sets its own time is answered by then; None if it is not named.
    """
    within = deadline_of(kind, emergency=emergency)
    if within is None:
        return named
    due = end_of(received_at, within, calendar)
    return due if named is None else min(due, named)


def confirm_by(kind: OrderKind, received_at: int, calendar: Calendar) -> int | None:
    """Return by when an order by word of mouth is confirmed; None if none is taken."""
    within = orders()[kind].confirmation
    return None if within is None else end_of(received_at, within, calendar)


def last_reminder(
    received_at: int,
    due_at: int,
    deadline: Deadline | None,
    calendar: Calendar,
    now: int,
) -> int | None:
    """Return the last moment up to now at which people had to be told, if any.

    They are told before an answer is due, when it is, and every day after. Letters give
    weeks: of them people are told at half time and on the working day before.
    """
    if due_at <= now:
        return due_at + (now - due_at) // SECONDS_A_DAY * SECONDS_A_DAY
    half = received_at + (due_at - received_at) // 2
    if deadline is None:
        near = {half, max(received_at, morning_before(due_at, calendar))}
    else:
        near = {min(reminder_of(received_at, deadline, calendar), half)}
    return max((each for each in near if each <= now), default=None)


def refuse_answer(
    entered_by: Person,
    person: Person,
    kind: OrderKind,
    outcome: OrderOutcome,
    grounds: frozenset[OrderGround],
) -> Refusal | str | None:
    """Say why this person may not answer an order so: a refusal, or a field's name."""
    refusal = refuse_second(entered_by, person, ANSWERERS)
    if refusal is not None:
        return refusal
    return next(_misfits(kind, outcome, grounds), None)


def _misfits(
    kind: OrderKind, outcome: OrderOutcome, grounds: frozenset[OrderGround]
) -> Iterator[str]:
    if outcome is OrderOutcome.ANSWERED and not orders()[kind].by_letter:
        yield "outcome"
    if (outcome in _WITHOUT_GROUNDS) is bool(grounds):
        yield "grounds"
