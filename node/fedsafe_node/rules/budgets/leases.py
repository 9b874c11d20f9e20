# SPDX-License-Identifier: Apache-2.0
"""Leases on budgets of evaluations, as one process of a node takes and spends them.

A lease is durable before any of it is spent, and costs a commit; to spend it costs
none. What is left of it when its hour is over, or the process ends, is given back; a
process that is killed leaves it off the budget.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import cast

from fedsafe_federation.evaluation.metering import (
    Lease,
    Purse,
    Quota,
    Standing,
    grant,
    hour_of,
    standing,
)
from fedsafe_node.ground.clock import Clock
from fedsafe_node.store.peering_rows import LeasedRow, Side
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.transaction import Transaction

Key = tuple[str, str]
"""A member, and the name of its budget."""


@dataclass(slots=True)
class Leases:
    """Takes leases on one side.

    Owned by the event loop: the leases that are held, one lock a budget, so that two
    requests do not lease for the same want, and how each budget stood when last leased.
    """

    side: Side
    store: Store
    clock: Clock
    _purse: Purse = field(default_factory=Purse)
    _locks: defaultdict[Key, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock)
    )
    _stood: dict[Key, Standing] = field(default_factory=dict)

    @property
    def now(self) -> int:
        """The present UTC hour, counted since 1970."""
        return hour_of(self.clock.now())

    async def spend(
        self, key: Key, wanted: Callable[[], int], quota: Quota, *, after: int
    ) -> Standing | None:
        """Spend so many elements; return how the budget stands if it holds fewer.

        *wanted* is asked when they are spent, with no other request in between. Hours
        after *after* count.

        Raises:
            StoreFailedError: no lease could be made durable.
        """
        if self._purse.spend(key, wanted(), now=self.now):
            return None
        async with self._locks[key]:
            if self._purse.spend(key, wanted(), now=self.now):
                return None
            stands = await self._take(key, wanted(), quota, after)
            # What was wanted can only have become less meanwhile.
            if stands is None and not self._purse.spend(key, wanted(), now=self.now):
                return self._stood[key]
            return stands

    async def _take(
        self, key: Key, wanted: int, quota: Quota, after: int
    ) -> Standing | None:
        old, now = self._purse.take_out(key), self.now

        async def act(tx: Transaction) -> tuple[Standing, Lease | None]:
            if old is not None:
                await tx.give_back(self._row(key, old))
            rows = await tx.leased(self.side, *key, after)
            leased = [Lease(row.hour, row.elements) for row in rows]
            lease = grant(leased, now=now, wanted=wanted, quota=quota)
            if lease is not None:
                await tx.add_leased(self._row(key, lease))
                leased.append(lease)
            return standing(leased, now), lease

        # Without it no objection finds the signals that it has to rest.
        stands, lease = await self.store.write(act, vital=True)
        self._stood[key] = stands
        if lease is None:
            return stands
        self._purse.put(key, lease)
        return None

    def left(self, key: Key, quota: Quota) -> tuple[int, int] | None:
        """Say what is left of an hour and a day, as this process knows; None if not."""
        stands = self._stood.get(key)
        if stands is None or stands.hour < self.now:
            return None
        held = self._purse.held(key)
        return quota.hour - stands.of_hour + held, quota.day - stands.of_day + held

    async def settle(self, *, whole: bool = False) -> None:
        """Give back what is left of hours that are over; of all hours with *whole*.

        Raises:
            StoreFailedError: it stays off the budgets.
        """
        keys = self._purse.outdated(None if whole else self.now)
        rows = [
            self._row(cast("Key", key), lease)
            for key in keys
            if (lease := self._purse.take_out(key)) is not None and lease.elements
        ]
        if rows:
            await self.store.write(lambda tx: _give_back(tx, rows))

    def _row(self, key: Key, lease: Lease) -> LeasedRow:
        return LeasedRow(self.side, *key, lease.hour, lease.elements)


async def _give_back(tx: Transaction, rows: Iterable[LeasedRow]) -> None:
    for row in rows:
        await tx.give_back(row)
