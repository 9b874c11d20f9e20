# SPDX-License-Identifier: Apache-2.0
"""In which order cases are worked on: urgency, then minors, then age.

So that others do not wait for ever behind a stream of minors, a case that has waited
as long as its urgency allows until the first dispatch comes before those of its
urgency that have not. Whose turn it is never depends on who asks.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from fedsafe_policies.escalation.urgency import Unit, urgencies
from fedsafe_policies.escalation.vocabulary import Urgency
from fedsafe_policies.ground.span import SECONDS_A_DAY

_SECONDS: Final = {
    Unit.MINUTES: 60,
    Unit.HOURS: 3_600,
    Unit.DAYS: SECONDS_A_DAY,
    Unit.WORKING_DAYS: SECONDS_A_DAY,  # earlier than any calendar says
    Unit.MONTHS: 30 * SECONDS_A_DAY,
}
_ORDER: Final = {
    urgency: place
    for place, urgency in enumerate(
        (Urgency.U0, Urgency.U1, Urgency.UH, Urgency.U2, Urgency.U3)
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A case that waits; `known_at` in UTC seconds."""

    case: str
    urgency: Urgency
    minors: bool
    known_at: int


def patience(urgency: Urgency) -> int:
    """Return for how many seconds a case lets others of its urgency go before."""
    deadline = urgencies()[urgency].first_dispatch
    return deadline.amount * _SECONDS[deadline.unit]


def in_order(waiting: Iterable[Waiting], now: int) -> list[Waiting]:
    """Sort cases by whose turn it is."""

    def place(each: Waiting) -> tuple[int, bool, bool, int, str]:
        overdue = now - each.known_at >= patience(each.urgency)
        first = _ORDER[each.urgency]
        return (
            first,
            not overdue,
            not overdue and not each.minors,
            each.known_at,
            each.case,
        )

    return sorted(waiting, key=place)
