# SPDX-License-Identifier: Apache-2.0
"""What a member may read of feeds: requests and bytes, in buckets that fill again.

An honest member reads each record once, in batches: its first million costs 200 of
1,800 requests and 0.7 of 2 GiB, without bulk 1.4. What it was given before costs
more, so that nobody keeps this node busy with it. Who has spent its bucket is told at
once when to ask again, and holds no place meanwhile. Each process of the node has
buckets of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from fedsafe_federation.feed.batch import FeedRequest
from fedsafe_federation.wire.pace import Bucket
from fedsafe_node.ground.errors import OverBudgetError
from fedsafe_node.ground.trace import Limit, limits
from fedsafe_node.rules.budgets.circuits import Account, Circuits
from fedsafe_node.rules.policy_context import Situation
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.decision import deny


@dataclass(frozen=True, slots=True)
class Served:
    """A batch as it leaves, and how many records are in it.

    `lines` is beside how many lines of the ledger it was counted as a repeat.
    """

    data: bytes
    records: int
    lines: int = 0


ACT: Final = "feed"
WINDOW: Final = 60
REQUESTS: Final = 1_800
"""So many requests a member may make in a minute, and at once."""
BYTES: Final = 2 * 1024 * 1024 * 1024
"""So many bytes of feeds it is given in a minute, and at once."""
REQUESTS_AGAIN: Final = 10
BYTES_AGAIN: Final = 4
"""So many times as much costs what the member was given before."""
LINES_A_REQUEST: Final = 50
"""To count a repeat beside so many lines of the ledger costs as much as a request."""


@dataclass(slots=True)
class _Purse:
    """The buckets of a member, and how far it was given each feed."""

    requests: Bucket
    bytes: Bucket
    reach: dict[str, int] = field(default_factory=dict)


class FeedBudgets:
    """Paces what each member reads. Owned by the event loop."""

    def __init__(
        self,
        situation: Situation,
        circuits: Circuits,
        monotonic: Callable[[], float],
    ) -> None:
        self._situation = situation
        self._circuits = circuits
        self._monotonic = monotonic
        self._purses: dict[str, _Purse] = {}

    async def admit(self, member: str) -> None:
        """Charge a member for a request, if it has one left.

        Raises:
            OverBudgetError: it has none, or owes bytes; in so many seconds it may ask.
            StoreError: the refusal could not be written down.
        """
        purse = self._purse(member)
        wait = max(purse.requests.seconds(1), purse.bytes.seconds(0))
        if wait > 0:
            self._tell(purse)
            raise await self._refuse(member, ceil(wait))
        purse.requests.left -= 1
        self._tell(purse)

    def charge(self, member: str, request: FeedRequest, served: Served) -> None:
        """Charge a member for what it was given; what it had before costs more."""
        purse = self._purse(member)
        since, records = request.since, served.records
        reach = purse.reach.get(request.origin, 0)
        again = max(0, min(reach - since, records)) / records if records else 0.0
        purse.reach[request.origin] = max(reach, since + records)
        counting = served.lines / LINES_A_REQUEST
        purse.requests.left -= again * (REQUESTS_AGAIN - 1) + counting
        purse.bytes.left -= len(served.data) * (1 + again * (BYTES_AGAIN - 1))
        self._tell(purse)

    def _purse(self, member: str) -> _Purse:
        now = self._monotonic()
        purse = self._purses.get(member)
        if purse is None:
            purse = self._purses[member] = _Purse(
                Bucket(REQUESTS, WINDOW, now, REQUESTS),
                Bucket(BYTES, WINDOW, now, BYTES),
            )
        purse.requests.fill(now)
        purse.bytes.fill(now)
        return purse

    async def _refuse(self, member: str, seconds: int) -> OverBudgetError:
        decision = deny(Refusal.BUDGET, self._situation.policy.reference, ACT)
        retry_at = self._circuits.now + seconds
        account = Account(member, ACT)
        return await self._circuits.refuse(
            account, decision, act=ACT, retry_at=retry_at
        )

    def _tell(self, purse: _Purse) -> None:
        limits(
            *(
                Limit(
                    quota=int(bucket.most),
                    left=int(bucket.left),
                    seconds=ceil(bucket.seconds(bucket.most)),
                    name=name,
                    window=WINDOW,
                )
                for name, bucket in (
                    ("requests", purse.requests),
                    ("bytes", purse.bytes),
                )
            )
        )
