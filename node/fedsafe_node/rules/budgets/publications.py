# SPDX-License-Identifier: Apache-2.0
"""The budgets of publications: the node's own, and what it takes of another origin.

The own ones are metered as they happen. Of another origin this node knows how large
its whole copy was at moments that are past: what has come since was published since,
however late it is fetched. So a member that was away for a week, or is new, takes
all of an honest feed, and nobody fills its disk faster than the federation's policy
lets anybody publish. Marks lie half an hour apart, and one is always older than a day.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from fedsafe_federation.errors import TooManyRecordsError
from fedsafe_node.ground.clock import Clock
from fedsafe_node.log.audit import AuditTrail
from fedsafe_node.rules.budgets.circuits import Account, Circuits
from fedsafe_node.rules.budgets.lookups import Spending
from fedsafe_node.rules.budgets.meter import DAY, HOUR, SLOT, Counts, Meter
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.oversight_rows import MarkRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.engine import decide
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.budgets import PublicationBudgetRequest
from fedsafe_policies.rules.decision import Decision, deny

PURPOSE: Final = "publish"
MARK_EVERY: Final = 30 * 60
_ACT: Final = "signal.publish"


class PublicationBudget:
    """Meters what this node publishes.

    Owned by the event loop: the meter, and the second in which it was last compared
    with the store: other processes of the node publish as well.
    """

    def __init__(
        self, situation: Situation, store: Store, trail: AuditTrail, clock: Clock
    ) -> None:
        self._situation = situation
        self._store = store
        self._clock = clock
        self._circuits = Circuits(store, trail, clock)
        self._account = Account(situation.node, PURPOSE)
        self._meter = Meter(DAY)
        self._looked = 0

    def forget_circuits(self) -> None:
        """Read again what another process of the node may have shut."""
        self._circuits.forget()

    async def admit(self, wanted: int) -> Spending | None:
        """Count so many publications, if the budget allows them; None for none.

        Raises:
            OverBudgetError: it does not, or mass listing has shut this way.
        """
        if not wanted:
            return None
        meter = await self._load()
        broken = await self._circuits.broken(self._account)
        now, situation = self._circuits.now, self._situation
        if broken is not None:
            decision = deny(Refusal(broken.code), situation.policy.reference)
            raise await self._circuits.refuse(
                self._account, decision, act=_ACT, retry_at=broken.until
            )
        decision = self._decide(meter, wanted)
        if not decision.allowed:
            raise await self._circuits.refuse(
                self._account,
                decision,
                act=_ACT,
                retry_at=meter.frees_at(now, DAY),
            )
        spent = Counts(spent=wanted)
        return Spending(self._account, self._meter.spend(now, spent), spent)

    async def over(self, wanted: int) -> Decision | None:
        """Tell whether so many are beyond the budget, and count nothing."""
        decision = self._decide(await self._load(), wanted)
        return None if decision.allowed else decision

    def _decide(self, meter: Meter, wanted: int) -> Decision:
        now = self._circuits.now
        request = PublicationBudgetRequest(
            last_hour=meter.within(now).spent,
            last_day=meter.within(now, DAY).spent,
            wanted=wanted,
        )
        return self._situation.decide(request, self._clock.now())

    async def _load(self) -> Meter:
        account, now = self._account, self._circuits.now
        if self._looked != now:
            after = now - DAY - SLOT
            rows = await self._store.read(
                lambda reader: reader.spent(after, account.holder, account.purpose)
            )
            for row in rows:
                self._meter.load(row.slot, Counts(row.spent))
            self._looked = now
        return self._meter


class FeedBudgets:
    """Says how much more of other origins' feeds may be taken.

    Owned by the event loop: the marks of each origin, read when first asked for.
    """

    def __init__(
        self, situation: Situation, store: Store, trail: AuditTrail, clock: Clock
    ) -> None:
        self._situation = situation
        self._store = store
        self._circuits = Circuits(store, trail, clock)
        self._marks: dict[str, list[MarkRow]] = {}

    def forget(self) -> None:
        """Read again what another process of the node may have kept."""
        self._circuits.forget()
        self._marks.clear()

    async def check(self, origin: str, *, size: int, wanted: int, created: int) -> None:
        """Check that so many records more than *size* may be taken of an origin.

        `created` is when the federation was founded, in UTC seconds.

        Raises:
            TooManyRecordsError: nobody may publish that fast.
        """
        if not wanted:
            return
        marks = await self._marks_of(origin)
        account, now = Account(origin, PURPOSE), self._circuits.now
        situation = self._situation
        policy = situation.agreed or situation.policy
        broken = await self._circuits.broken(account)
        if broken is None:
            budgets = policy.document.budgets
            request = PublicationBudgetRequest(
                last_hour=arrived_beyond(
                    marks, size, now, HOUR, budgets.publications_an_hour, created
                ),
                last_day=arrived_beyond(
                    marks, size, now, DAY, budgets.publications_a_day, created
                ),
                wanted=wanted,
            )
            decision = decide(request, policy, situation.calendar, now, situation.site)
        else:
            decision = deny(Refusal(broken.code), policy.reference)
        if not decision.allowed:
            retry_at = now + HOUR if broken is None else broken.until
            await self._circuits.refuse(
                account, decision, act="feed.apply", retry_at=retry_at, alarm=True
            )
            raise TooManyRecordsError(origin)

    async def mark(self, origin: str, size: int, moment: datetime) -> MarkRow | None:
        """Return the mark that is due now that the copy is whole; None if none is."""
        marks, at = await self._marks_of(origin), int(moment.timestamp())
        if marks and at < marks[-1].at + MARK_EVERY:
            return None
        return MarkRow(origin, at, size)

    async def keep(self, tx: Transaction, mark: MarkRow) -> None:
        """Keep a mark, within an act."""
        old = _newest_before(self._marks.get(mark.origin, []), mark.at - DAY)
        await tx.add_feed_mark(mark, forget=0 if old is None else old.at)

    def kept(self, mark: MarkRow) -> None:
        """Learn that a mark is durable."""
        marks = self._marks.setdefault(mark.origin, [])
        old = _newest_before(marks, mark.at - DAY)
        marks[:] = [each for each in marks if old is None or each.at >= old.at]
        marks.append(mark)

    async def _marks_of(self, origin: str) -> list[MarkRow]:
        if origin not in self._marks:
            rows = await self._store.read(lambda reader: reader.feed_marks(origin))
            self._marks.setdefault(origin, rows)
        return self._marks[origin]


def _newest_before(marks: Sequence[MarkRow], at: int) -> MarkRow | None:
    return next((mark for mark in reversed(marks) if mark.at <= at), None)


def arrived_beyond(  # noqa: PLR0913 - what a budget depends on
    marks: Sequence[MarkRow], size: int, now: int, span: int, budget: int, created: int
) -> int:
    """Count what has come since the newest mark that is a span old, for one span.

    What was published in the spans before the last one is taken off, at the budget.
    """
    mark = _newest_before(marks, now - span)
    at, before = (created, 0) if mark is None else (mark.at, mark.size)
    spans = max(1, -(-(now - at) // span))
    return max(0, size - before - budget * (spans - 1))
