# SPDX-License-Identifier: Apache-2.0
"""What the inventory says of an own signal: entered with it, sealed, until its end.

Kind, phenomenon, rule and the provider's name for the account are what people know
their own signals by; the identifier is not among them. They are sealed under the key of
the month, bound to the signal, and go when it matches no more. So whoever copies the
database learns of own signals what it learns of all: counts and dates.
"""

from datetime import date, datetime
from typing import Final

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.bodies import Kind
from fedsafe_node.ground.errors import StoreFailedError
from fedsafe_node.log.openings import PeriodKeys, period_of
from fedsafe_node.signals.creation import Made
from fedsafe_node.store.inventory_rows import (
    InventoryRow,
    InventoryState,
    NewInventoryRow,
)
from fedsafe_node.store.rows import NewSignal, Row
from fedsafe_policies.rules.publication import PublishRequest
from fedsafe_policies.vocabulary import (
    Grade,
    IdentifierKind,
    MediaKind,
    Phenomenon,
    Plane,
    Scope,
    Surface,
)

_DOMAIN: Final = "fedsafe/v1/inventory"


class InventoryFacts(Row, frozen=True, kw_only=True):
    """What the author stated of a signal, without what it is found by."""

    kind: int
    phenomenon: Phenomenon
    surface: Surface
    grade: Grade
    rule: str
    since: date
    subject_ref: str | None = None
    list: str | None = None


def facts_of(
    facts: PublishRequest, subject_ref: str | None, list_: str | None
) -> InventoryFacts:
    """Take of what is stated what the inventory says."""
    return InventoryFacts(
        kind=facts.kind.value,
        phenomenon=facts.phenomenon,
        surface=facts.surface,
        grade=facts.grade,
        rule=facts.rule,
        since=facts.since,
        subject_ref=subject_ref,
        list=list_,
    )


def drafted(
    made: Made, facts: InventoryFacts, periods: PeriodKeys, now: datetime
) -> NewInventoryRow:
    """Enter a draft; the first seal of a month writes a key file."""
    period = period_of(now)
    place = _place(made.signal_id, period)
    return NewInventoryRow(
        signal_id=made.signal_id,
        own=made.header.scope is Scope.SELF,
        state=InventoryState.DRAFT,
        period=period,
        sealed=periods.seal(period, encode(facts), place),
    )


def listed(
    signal: NewSignal, entered: NewInventoryRow | None = None
) -> NewInventoryRow:
    """Enter a signal that matches from now on, with what a draft of it said."""
    return NewInventoryRow(
        signal_id=signal.signal_id,
        own=signal.own,
        state=InventoryState.ACTIVE,
        origin=signal.origin,
        match_until=signal.match_until,
        period=None if entered is None else entered.period,
        sealed=None if entered is None else entered.sealed,
    )


def open_facts(row: InventoryRow, periods: PeriodKeys) -> InventoryFacts | None:
    """Read what a signal is about; None if nobody can any more.

    Raises:
        StoreFailedError: it is not what was sealed.
    """
    if row.sealed is None or row.period is None:
        return None
    place = _place(row.signal_id, row.period)
    try:
        payload = periods.unseal(row.period, row.sealed, place)
        return None if payload is None else decode(payload, InventoryFacts)
    except (CryptoError, MalformedError):
        raise StoreFailedError("an entry of the inventory does not open") from None


def kind_of(number: int, plane: str) -> Kind:
    """Name a kind; its number means something else on each plane."""
    kinds = IdentifierKind if plane == Plane.ACTOR else MediaKind
    return Kind[kinds(number).name]


def _place(signal_id: bytes, period: str) -> bytes:
    return lp_text(_DOMAIN) + signal_id + lp_text(period)
