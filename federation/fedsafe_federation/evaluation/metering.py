# SPDX-License-Identifier: Apache-2.0
"""How many evaluations a member may ask of another, counted in leases.

An evaluator takes elements off a member's budget before it evaluates them, so many at
a time: a *lease* is durable before any of it is spent, so a crash can lose what was
not spent and never gives back what was. Several processes of one node hold leases of
one budget. Days and hours are those of UTC; where the clock goes back, the last one
that anything was leased in goes on, so nobody gets a day twice.

An element is charged once for the same member within `FREE_SECONDS`, whatever epoch it
is evaluated under (`Recent`): a retry is free, and gives nothing that was not given.

Pure: rows and moments come in, leases come out.

```python
lease = grant(rows, now=hour_of(moment), wanted=3, quota=Quota(day=2_000, hour=500))
```
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import blake2b
from typing import Final, Protocol

from fedsafe_policies.vocabulary import EvaluationPurpose

HOUR: Final = 60 * 60
HOURS: Final = 24
LEASE: Final = 1_000
"""So many elements a lease has at most, beyond what is wanted at once."""
FREE_SECONDS: Final = 60
RECENT: Final = 8 * 1_024
"""So many elements of a member are known again; older ones are charged again."""
_LEASES_AN_HOUR: Final = 10
_MARK_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Budget:
    """Which budget a request is counted against; a backfill's by its grant."""

    purpose: EvaluationPurpose
    grant: bytes | None = None

    @property
    def key(self) -> str:
        """The name under which it is counted."""
        if self.grant is None:
            return self.purpose.value
        return f"{self.purpose.value}:{self.grant.hex()[:16]}"


LOOKUPS: Final = Budget(EvaluationPurpose.LOOKUP)
PUBLISHING: Final = Budget(EvaluationPurpose.PUBLISHING)
RIGHTS: Final = Budget(EvaluationPurpose.RIGHTS)


class Ledger(Protocol):
    """Counts what this node asks of its peers, and knows who refuses it."""

    async def asks(self, peer: str, budget: Budget, elements: Sequence[bytes]) -> None:
        """Count what is about to be asked."""
        ...

    def answered(self, peer: str, budget: Budget, elements: Sequence[bytes]) -> None:
        """Count what was answered."""
        ...

    def refused(self, peer: str, budget: Budget, seconds: float | None) -> None:
        """Learn that a peer has no budget left, and in how many seconds it has."""
        ...

    def wait(self, peer: str, budget: Budget) -> float:
        """Say in how many seconds a peer may be asked; 0 for now."""
        ...


@dataclass(frozen=True, slots=True)
class Quota:
    """How many elements a member may ask for: in a UTC day, in an hour, and in all."""

    day: int
    hour: int
    total: int | None = None

    @property
    def lease(self) -> int:
        """How many elements are leased ahead."""
        return max(1, min(LEASE, self.hour // _LEASES_AN_HOUR))


@dataclass(frozen=True, slots=True)
class Lease:
    """Elements that are off the budget of an hour, counted since 1970."""

    hour: int
    elements: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What was leased within an hour, the day that it is in, and in all."""

    hour: int
    of_hour: int
    of_day: int
    of_all: int

    def left(self, quota: Quota) -> int:
        """Say how many elements may be leased."""
        left = [quota.day - self.of_day, quota.hour - self.of_hour]
        if quota.total is not None:
            left.append(quota.total - self.of_all)
        return max(0, min(left))


def hour_of(moment: datetime) -> int:
    """Give the UTC hour of a moment, counted since 1970."""
    return int(moment.timestamp()) // HOUR


def standing(rows: Iterable[Lease], now: int) -> Standing:
    """Add up what was leased; the hour is *now*, or a later one that was leased in."""
    leased = list(rows)
    hour = max((row.hour for row in leased), default=now)
    hour = max(hour, now)
    return Standing(
        hour=hour,
        of_hour=sum(row.elements for row in leased if row.hour == hour),
        of_day=sum(
            row.elements for row in leased if row.hour // HOURS == hour // HOURS
        ),
        of_all=sum(row.elements for row in leased),
    )


def grant(
    rows: Iterable[Lease], *, now: int, wanted: int, quota: Quota
) -> Lease | None:
    """Lease so many elements and some ahead; None if not even those are left."""
    stands = standing(rows, now)
    left = stands.left(quota)
    if wanted > left:
        return None
    return Lease(stands.hour, min(left, max(wanted, quota.lease)))


def frees_at(stands: Standing, wanted: int, quota: Quota) -> int:
    """Say in which second so many elements may be had, if no more is spent."""
    next_day = (stands.hour // HOURS + 1) * HOURS * HOUR
    if wanted > min(quota.hour, quota.day - stands.of_day):
        return next_day
    return (stands.hour + 1) * HOUR


class Purse:
    """What one process holds of leases, by whatever names a budget.

    Owned by the event loop. What is taken out to be given back is spent no more,
    whatever becomes of it.
    """

    def __init__(self) -> None:
        self._held: dict[object, Lease] = {}

    def spend(self, account: object, count: int, *, now: int) -> bool:
        """Spend elements of a lease that is held; False if there are not so many."""
        held = self._held.get(account)
        if held is None or held.hour < now or held.elements < count:
            return not count
        self._held[account] = Lease(held.hour, held.elements - count)
        return True

    def put(self, account: object, lease: Lease) -> Lease | None:
        """Hold a lease; return one of another hour that it takes the place of."""
        held = self._held.get(account)
        if held is not None and held.hour == lease.hour:
            lease = Lease(lease.hour, held.elements + lease.elements)
            held = None
        self._held[account] = lease
        return held

    def take_out(self, account: object) -> Lease | None:
        """Hold no lease of an account any more, and return what was left of it."""
        return self._held.pop(account, None)

    def held(self, account: object) -> int:
        """Say how many elements are held."""
        held = self._held.get(account)
        return 0 if held is None else held.elements

    def outdated(self, now: int | None) -> list[object]:
        """Name the accounts whose lease is of an hour before *now*; all for None."""
        return [
            account
            for account, lease in self._held.items()
            if now is None or lease.hour < now
        ]


@dataclass(slots=True)
class Recent:
    """The elements that were charged within `FREE_SECONDS`, by member.

    Owned by the event loop: keyed hashes of elements, oldest first, with the second
    until which each is free. Where the clock goes back none is free for longer.
    """

    key: bytes = field(repr=False)
    _marks: dict[str, OrderedDict[bytes, int]] = field(default_factory=dict, repr=False)

    def marks(self, member: str, elements: Sequence[bytes]) -> Sequence[bytes]:
        """Give the marks of elements, each once."""
        del member  # here each member has marks of its own
        hashed = partial(blake2b, digest_size=_MARK_BYTES, key=self.key)
        return [*dict.fromkeys([hashed(element).digest() for element in elements])]

    def fresh(
        self, member: str, marks: Sequence[bytes], *, now: int
    ) -> Sequence[bytes]:
        """Give those of the marks that are to be charged."""
        known = self._marks.get(member)
        if not known:
            return marks
        return [
            mark for mark in marks if not now < known.get(mark, 0) <= now + FREE_SECONDS
        ]

    def charged(self, member: str, marks: Iterable[bytes], *, now: int) -> None:
        """Know marks for a while."""
        known = self._marks.setdefault(member, OrderedDict())
        for mark in marks:
            known[mark] = now + FREE_SECONDS
            known.move_to_end(mark)
        while known and (len(known) > RECENT or next(iter(known.values())) <= now):
            known.popitem(last=False)
