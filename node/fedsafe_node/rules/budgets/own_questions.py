# SPDX-License-Identifier: Apache-2.0
"""What this node asks of its peers: counted on its own, and compared once a day.

`asked` is leased before anything is asked, so no crash makes it less than what was;
`received` is written by the minute, so no crash makes it more. What a peer says that
it has evaluated for this node lies between the two, or somebody asks in its name.
"""

from collections import Counter
from collections.abc import Sequence
from secrets import token_bytes
from typing import Final

from fedsafe_federation.evaluation.metering import HOUR, Budget, Quota, Recent
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import StoreError
from fedsafe_node.rules.budgets.leases import Key, Leases
from fedsafe_node.store.peering_rows import LeasedRow, Side
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.transaction import Transaction

_UNBOUND: Final = Quota(day=1 << 50, hour=1 << 50)  # it is only counted here
_LATER: Final = 60.0
_MOST: Final = 300.0
"""Whoever refuses is asked again after so many seconds at most: policies change."""


class AskedLedger:
    """Counts what one process asks (`metering.Ledger`).

    Owned by the event loop: leases, elements that were counted just now, what was
    received and is not written yet, and until when whom there is no use in asking:
    the moment of the next try, and the one that the peer has named.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._leases = Leases(Side.ASKED, store, clock)
        self._asked = Recent(token_bytes(32))
        self._answered = Recent(token_bytes(32))
        self._received: Counter[tuple[Key, int]] = Counter()
        self._spent: dict[Key, tuple[float, float]] = {}

    async def asks(self, peer: str, budget: Budget, elements: Sequence[bytes]) -> None:
        """Count what is about to be asked.

        Raises:
            StoreFailedError: it could not be counted.
        """
        marks: list[bytes] = []
        asked = self._asked.marks(peer, elements)

        def wanted() -> int:
            marks[:] = self._asked.fresh(peer, asked, now=int(self._now))
            return len(marks)

        after = int(self._now) // HOUR - 1
        await self._leases.spend((peer, budget.key), wanted, _UNBOUND, after=after)
        self._asked.charged(peer, marks, now=int(self._now))

    def answered(self, peer: str, budget: Budget, elements: Sequence[bytes]) -> None:
        """Count what was answered."""
        now = int(self._now)
        asked = self._answered.marks(peer, elements)
        marks = self._answered.fresh(peer, asked, now=now)
        self._answered.charged(peer, marks, now=now)
        self._received[(peer, budget.key), now // HOUR] += len(marks)

    def refused(self, peer: str, budget: Budget, seconds: float | None) -> None:
        """Learn that a peer has no budget left, and in how many seconds it has."""
        now, wait = self._now, _LATER if seconds is None else seconds
        self._spent[peer, budget.key] = now + min(wait, _MOST), now + wait

    def wait(self, peer: str, budget: Budget) -> float:
        """Say in how many seconds a peer may be asked; 0 for now."""
        key = (peer, budget.key)
        if key not in self._spent:
            return 0.0
        now = self._now
        again, named = self._spent[key]
        if now >= again:
            del self._spent[key]
            return 0.0
        return named - now

    async def settle(self, *, whole: bool = False) -> None:
        """Write what was received; give back leases of hours that are over, or all.

        Raises:
            StoreError: it is not kept; what was received is written the next time.
        """
        received, self._received = self._received, Counter()

        async def act(tx: Transaction) -> None:
            for (key, hour), elements in received.items():
                await tx.add_leased(LeasedRow(Side.RECEIVED, *key, hour, elements))

        if +received:
            try:
                await self._store.write(act)
            except StoreError:
                self._received += received
                raise
        await self._leases.settle(whole=whole)

    @property
    def _now(self) -> float:
        return self._clock.now().timestamp()
