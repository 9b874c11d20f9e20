# SPDX-License-Identifier: Apache-2.0
"""One budget's meter: what was spent in the slots of the last hour or day.

A slot is five minutes. All of a slot counts as long as any of it lies within the
span, so whoever spends gets less than the budget at a border, and never more.
Distinct identifiers and accounts are told apart within one slot, by keyed hashes that
are gone with it; beyond `MOST_SEEN` every further identifier counts as new, and no
further account does.

```python
meter = Meter()
meter.spend(now, 3, identifiers=[b"..."], accounts=[b"..."])
meter.within(now, HOUR).spent
```
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Final

SLOT: Final = 5 * 60
HOUR: Final = 60 * 60
DAY: Final = 24 * HOUR
MOST_SEEN: Final = 1 << 16


@dataclass(slots=True)
class Counts:
    """What was spent: how much, and for how many identifiers and accounts."""

    spent: int = 0
    identifiers: int = 0
    accounts: int = 0

    def add(self, other: "Counts") -> None:
        """Count another slot as well."""
        self.spent += other.spent
        self.identifiers += other.identifiers
        self.accounts += other.accounts

    def rise_to(self, other: "Counts") -> None:
        """Count what somebody else has counted, if that is more."""
        self.spent = max(self.spent, other.spent)
        self.identifiers = max(self.identifiers, other.identifiers)
        self.accounts = max(self.accounts, other.accounts)


@dataclass(slots=True)
class _Seen:
    """What was seen in one slot, without saying what it was."""

    key: bytes = field(default_factory=lambda: token_bytes(16), repr=False)
    found: set[bytes] = field(default_factory=set, repr=False)

    def take(self, values: Iterable[bytes], *, beyond: bool) -> int:
        """Count what is new; `beyond` tells whether it is once there is no room."""
        new = 0
        for value in values:
            mark = hashlib.blake2b(value, digest_size=8, key=self.key).digest()
            if mark in self.found:
                continue
            if len(self.found) < MOST_SEEN:
                self.found.add(mark)
                new += 1
            else:
                new += beyond
        return new


class Meter:
    """Counts what one holder spends for one purpose.

    Owned by the event loop. A clock that is set back frees nothing: what is spent
    then counts for the newest slot.
    """

    def __init__(self, span: int = HOUR) -> None:
        self._span = span
        self._slots: dict[int, Counts] = {}
        self._newest = 0
        self._identifiers, self._accounts = _Seen(), _Seen()

    def load(self, slot: int, counts: Counts) -> None:
        """Take over what was kept of a slot, by this process and others."""
        self._slots.setdefault(slot, Counts()).rise_to(counts)
        self._newest = max(self._newest, slot)

    def within(self, now: int, span: int = HOUR) -> Counts:
        """Add up the slots that reach into the last *span* seconds."""
        total = Counts()
        for slot, counts in self._slots.items():
            if slot + SLOT > now - span:
                total.add(counts)
        return total

    def new(
        self, now: int, identifiers: Iterable[bytes], accounts: Iterable[bytes]
    ) -> Counts:
        """Count what would be new among what is asked about, and remember it."""
        self._turn(now)
        return Counts(
            identifiers=self._identifiers.take(identifiers, beyond=True),
            accounts=self._accounts.take(accounts, beyond=False),
        )

    def spend(self, now: int, counts: Counts) -> int:
        """Count what is spent now; return its slot."""
        slot = self._turn(now)
        self._slots.setdefault(slot, Counts()).add(counts)
        return slot

    def frees_at(self, now: int, span: int = HOUR) -> int:
        """Return when the oldest slot that counts leaves the span."""
        counting = [
            slot
            for slot, counts in self._slots.items()
            if slot + SLOT > now - span and counts.spent
        ]
        return min(counting) + SLOT + span if counting else now

    def _turn(self, now: int) -> int:
        slot = max(self._newest, now - now % SLOT)
        if slot != self._newest:
            self._newest = slot
            self._identifiers, self._accounts = _Seen(), _Seen()
            for old in [
                each for each in self._slots if each + SLOT <= now - self._span
            ]:
                del self._slots[old]
        return slot
