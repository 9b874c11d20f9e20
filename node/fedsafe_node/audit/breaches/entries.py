# SPDX-License-Identifier: Apache-2.0
"""What is known of a breach, its clock, and its rows."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.breaches import (
    AssessBreach,
    BreachAnswer,
    Category,
    Cause,
    Consequence,
    Group,
    Kind,
    Measure,
    Notification,
    Notified,
    NotifyBreach,
    Risk,
    Silence,
)
from fedsafe_node.log.openings import PeriodKeys, period_of
from fedsafe_node.store.oversight_rows import BreachRow
from fedsafe_node.store.rows import Row

T = TypeVar("T")
HOUR: Final = 60 * 60
WITHIN: Final = 72 * HOUR
"""How long after awareness the authority must be told (Art. 33 (1) GDPR)."""
AHEAD: Final = 24 * HOUR
"""How long before that people are reminded, and how often once it is over."""
MEMBERS_WITHIN: Final = 24 * HOUR
"""How long after awareness the other members must be told (their arrangement)."""
MEMBERS_AHEAD: Final = 6 * HOUR
"""How long before that people are reminded; once it is over, as of the other."""
REMINDED: Final = "reminded"
"""The step that a clock makes, and no person."""
_DOMAIN: Final = "fedsafe/v1/breach-note"


class Breach(Row, frozen=True, kw_only=True):
    """All that is known of a breach; moments are UTC seconds."""

    v: int
    aware_at: int
    kinds: list[Kind]
    cause: Cause
    opened_by: str
    risk: Risk | None = None
    categories: list[Category] = msgspec.field(default_factory=list)
    groups: list[Group] = msgspec.field(default_factory=list)
    persons: int | None = None
    records: int | None = None
    consequences: list[Consequence] = msgspec.field(default_factory=list)
    measures: list[Measure] = msgspec.field(default_factory=list)
    notifications: list[NotifyBreach] = msgspec.field(default_factory=list)
    reminded_at: int | None = None
    members_reminded_at: int | None = None
    silence: Silence | None = None
    closed_at: int | None = None
    was_high: bool = False
    """Whether anybody ever found a high risk."""

    @property
    def due_at(self) -> int:
        """When the authority must have been told."""
        return self.aware_at + WITHIN

    def told(self, whom: Notified) -> bool:
        """Whether somebody was told."""
        return any(each.to is whom for each in self.notifications)

    @property
    def waits(self) -> bool:
        """Whether the clock runs: the authority was not told, and nobody closed it."""
        return self.closed_at is None and not self.told(Notified.AUTHORITY)

    @property
    def members_due_at(self) -> int:
        """When the other members must have been told."""
        return self.aware_at + MEMBERS_WITHIN

    @property
    def members_wait(self) -> bool:
        """Whether the members' clock runs: nobody told them, and nobody closed it."""
        return self.closed_at is None and not self.told(Notified.MEMBERS)

    @property
    def members_remind_at(self) -> int:
        """When people are to be reminded of the members next, while that runs."""
        last = self.members_reminded_at
        if last is None:
            return self.members_due_at - MEMBERS_AHEAD
        return self.members_due_at if last < self.members_due_at else last + AHEAD

    def overdue(self, now: int) -> bool:
        """Whether the authority should have been told by now."""
        return self.waits and now >= self.due_at

    @property
    def remind_at(self) -> int:
        """When people are to be reminded next, while the clock runs."""
        if self.reminded_at is None:
            return self.due_at - AHEAD
        if self.reminded_at < self.due_at:
            return self.due_at
        return self.reminded_at + AHEAD

    @property
    def silent(self) -> set[Notified]:
        """Who would have to be told and was not, by the highest risk ever found.

        Finding a lower one later is a reason not to tell, which takes two people.
        """
        wanted = {Notified.AUTHORITY}
        if self.was_high or self.risk is Risk.HIGH:
            wanted.add(Notified.PERSONS)
        return {whom for whom in wanted if not self.told(whom)}

    def assessed(self, found: AssessBreach) -> "Breach":
        """Take over what is known now."""
        return msgspec.structs.replace(
            self,
            risk=found.risk,
            was_high=self.was_high or Risk.HIGH in {self.risk, found.risk},
            categories=_distinct(found.categories),
            groups=_distinct(found.groups),
            persons=found.persons,
            records=found.records,
            consequences=_distinct(found.consequences),
            measures=_distinct(found.measures),
            cause=found.cause or self.cause,
        )


def fits(breach: Breach, silence: Silence | None) -> bool:
    """Whether a reason covers whoever was not told."""
    silent = breach.silent
    if not silent:
        return silence is None
    if silence is Silence.UNLIKELY_RISK:
        return breach.risk is Risk.UNLIKELY
    return Notified.AUTHORITY not in silent and silence in {
        Silence.PROTECTED,
        Silence.AVERTED,
        Silence.PUBLIC_COMMUNICATION,
    }


@dataclass(frozen=True, slots=True)
class Notes:
    """Seals the notes of breaches, bound to their breach and month."""

    periods: PeriodKeys

    def seal(self, breach: str, note: str, moment: datetime) -> tuple[str, bytes]:
        """Seal a note; return its period with it."""
        period = period_of(moment)
        return period, self.periods.seal(period, note.encode(), _place(breach, period))

    def read(self, row: BreachRow) -> str | None:
        """Open a note; None if there is none, or its month's key is gone."""
        if row.note is None or row.period is None:
            return None
        place = _place(row.breach, row.period)
        try:
            found = self.periods.unseal(row.period, row.note, place)
        except CryptoError:
            return None
        return None if found is None else found.decode()


def read_breach(row: BreachRow) -> Breach:
    """Read what an entry says."""
    return decode(row.record, Breach)


def breach_record(breach: Breach) -> bytes:
    """Write what is known of a breach, as it is kept."""
    return encode(breach)


def show_breach(
    breach_id: str,
    breach: Breach,
    now: int,
    *,
    notes: list[str] | None = None,
    act: str | None = None,
) -> BreachAnswer:
    """Show how a breach stands."""
    return BreachAnswer(
        breach=breach_id,
        state="open" if breach.closed_at is None else "closed",
        aware_at=written(breach.aware_at),
        due_at=written(breach.due_at),
        members_due_at=written(breach.members_due_at),
        overdue=breach.overdue(now),
        kinds=breach.kinds,
        cause=breach.cause,
        opened_by=breach.opened_by,
        risk=breach.risk,
        categories=breach.categories,
        groups=breach.groups,
        persons=breach.persons,
        records=breach.records,
        consequences=breach.consequences,
        measures=breach.measures,
        notifications=[
            Notification(
                to=each.to,
                at=written(each.at),
                reference=each.reference,
                late=each.late,
            )
            for each in breach.notifications
        ],
        silence=breach.silence,
        closed_at=None if breach.closed_at is None else written(breach.closed_at),
        notes=notes or [],
        act=act,
    )


def written(at: int) -> str:
    """Write a moment in RFC 3339, UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _distinct(values: list[T]) -> list[T]:
    return list(dict.fromkeys(values))


def _place(breach: str, period: str) -> bytes:
    return lp_text(_DOMAIN) + lp_text(breach) + lp_text(period)
