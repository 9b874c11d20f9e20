# SPDX-License-Identifier: Apache-2.0
"""How many identifiers each account was asked about, and how often none was named.

In memory, for the last hour, by keyed hashes that say nothing once they are gone; a
restart begins anew, the budget of all accounts does not. Of an account beyond
`MOST_SEEN` in one slot nothing is counted: the pattern of all shows it.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from secrets import token_bytes

from fedsafe_node.rules.budgets.meter import HOUR, MOST_SEEN, SLOT

Case = tuple[str | None, Iterable[bytes]]
"""An account, if one is named, and the identifiers that are asked about."""


@dataclass(slots=True)
class _Slot:
    counts: Counter[bytes] = field(default_factory=Counter, repr=False)
    seen: set[bytes] = field(default_factory=set, repr=False)
    suspects: set[bytes] = field(default_factory=set, repr=False)
    unnamed: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """What would have been asked within the hour, with a request.

    `most` is the highest count of an account that the request names, `unnamed` counts
    the lookups that name none. `new` is what the hour has not seen of each account, and
    how many of the request name nobody.
    """

    most: int
    unnamed: int
    new: tuple[Mapping[bytes, set[bytes]], int] = field(repr=False)


class Tries:
    """Counts for one holder and purpose. Owned by the event loop."""

    def __init__(self) -> None:
        self._key = token_bytes(16)
        self._slots: dict[int, _Slot] = {}
        self._totals: Counter[bytes] = Counter()

    def asked(self, now: int, cases: Iterable[Case]) -> Asked:
        """Say how the counts would stand, and count nothing."""
        self._forget(now)
        fresh, unnamed = self._fresh(cases)
        totals = [self._totals[name] + len(marks) for name, marks in fresh.items()]
        before = sum(slot.unnamed for slot in self._slots.values())
        most = max(totals, default=0)
        return Asked(most, before + unnamed, (fresh, unnamed))

    def count(self, now: int, asked: Asked) -> None:
        """Count what is asked, with no other request in between."""
        fresh, unnamed = asked.new
        slot = self._slots.setdefault(now - now % SLOT, _Slot())
        slot.unnamed += unnamed
        for account, marks in fresh.items():
            if len(slot.seen) >= MOST_SEEN:
                break
            slot.seen |= marks
            slot.counts[account] += len(marks)
            self._totals[account] += len(marks)

    def suspect(self, now: int, cases: Iterable[Case]) -> int:
        """Keep whose tries were refused; count the accounts of the hour, these too."""
        self._forget(now)
        slot = self._slots.setdefault(now - now % SLOT, _Slot())
        if len(slot.suspects) < MOST_SEEN:
            slot.suspects |= {self._hash(name.encode()) for name, _ in cases if name}
        return len(set().union(*(each.suspects for each in self._slots.values())))

    def _forget(self, now: int) -> None:
        for old in [slot for slot in self._slots if slot + SLOT <= now - HOUR]:
            for account, count in self._slots.pop(old).counts.items():
                self._totals[account] -= count
                if not self._totals[account]:
                    del self._totals[account]

    def _fresh(self, cases: Iterable[Case]) -> tuple[dict[bytes, set[bytes]], int]:
        """Return what the hour has not seen, and the lookups that name nobody."""
        found: dict[bytes, set[bytes]] = {}
        unnamed = 0
        for name, identifiers in cases:
            if name is None:
                unnamed += any(True for _ in identifiers)
                continue
            account = self._hash(name.encode())
            marks = {self._hash(account + identifier) for identifier in identifiers}
            fresh = {mark for mark in marks if not self._knows(mark)}
            found.setdefault(account, set()).update(fresh)
        return found, unnamed

    def _knows(self, mark: bytes) -> bool:
        return any(mark in slot.seen for slot in self._slots.values())

    def _hash(self, value: bytes) -> bytes:
        return hashlib.blake2b(value, digest_size=8, key=self._key).digest()
