# SPDX-License-Identifier: Apache-2.0
"""The budgets of evaluations: what each member may ask this node to evaluate (P18).

Each purpose has a budget of its own, of a UTC day and of an hour; a backfill also
takes a grant that the members have put into their charter. An element is charged once
within a minute, whatever epoch it is evaluated under. Who goes on when the whole day is
spent raises an alarm and is shut out for an hour. Only counts are kept: the elements
are blinded, and no node learns what it evaluates.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from secrets import token_bytes
from typing import Final, Protocol

from fedsafe_federation.evaluation.metering import (
    FREE_SECONDS,
    HOUR,
    HOURS,
    Budget,
    Quota,
    Recent,
    Standing,
    frees_at,
)
from fedsafe_federation.wire.freshness import SeenNonces
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import OverBudgetError, WrongStateError
from fedsafe_node.ground.shared_nonces import SharedNonces
from fedsafe_node.ground.trace import Limit, limits
from fedsafe_node.log.audit import AuditTrail
from fedsafe_node.rules.budgets.circuits import Account, Circuits
from fedsafe_node.rules.budgets.leases import Key, Leases
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.peering_rows import Side
from fedsafe_node.store.protocol import Store
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.budgets import EvaluationBudgetRequest
from fedsafe_policies.rules.decision import deny


class Charges(Protocol):
    """Knows what was charged (`metering.Recent`)."""

    def marks(self, member: str, elements: Sequence[bytes]) -> Sequence[bytes]:
        """Give the marks of elements, each once."""
        ...

    def fresh(
        self, member: str, marks: Sequence[bytes], *, now: int
    ) -> Sequence[bytes]:
        """Give those of the marks that are to be charged."""
        ...

    def charged(self, member: str, marks: Iterable[bytes], *, now: int) -> None:
        """Know marks for a while."""
        ...


class SharedRecent:
    """Knows what any process has charged, by the file of nonces that all have."""

    def __init__(self, shared: SharedNonces) -> None:
        self._shared = shared

    def marks(self, member: str, elements: Sequence[bytes]) -> Sequence[bytes]:
        """Give the marks of elements, each once."""
        name, mark = member.encode(), self._shared.mark
        return [*dict.fromkeys([mark(b"element", name, each) for each in elements])]

    def fresh(
        self, member: str, marks: Sequence[bytes], *, now: int
    ) -> Sequence[bytes]:
        """Give those of the marks that are to be charged."""
        del member  # a mark says it
        moment = datetime.fromtimestamp(now, tz=UTC)
        return [mark for mark in marks if not self._shared.knows(mark, now=moment)]

    def charged(self, member: str, marks: Iterable[bytes], *, now: int) -> None:
        """Know marks for a while."""
        del member  # a mark says it
        moment = datetime.fromtimestamp(now, tz=UTC)
        until = moment + timedelta(seconds=FREE_SECONDS)
        for mark in marks:
            self._shared.note(mark, until=until, now=moment)


def charges_with(seen: SeenNonces) -> Charges:
    """Know charges as nonces are known: with other processes, or alone."""
    if isinstance(seen, SharedNonces):
        return SharedRecent(seen)
    return Recent(token_bytes(32))


ACT: Final = "evaluate"
HOLDER: Final = "evaluate."
"""What the purposes of evaluations begin with, where budgets are shown."""


class EvaluationBudgets:
    """Meters what this node evaluates for others.

    Owned by the event loop: leases, and which elements were charged just now.
    """

    def __init__(
        self,
        situation: Situation,
        store: Store,
        trail: AuditTrail,
        clock: Clock,
        charges: Charges,
    ) -> None:
        self._situation = situation
        self._clock = clock
        self._circuits = Circuits(store, trail, clock)
        self._leases = Leases(Side.ANSWERED, store, clock)
        self._recent = charges

    def forget_circuits(self) -> None:
        """Read again what another process of the node may have shut."""
        self._circuits.forget()

    async def settle(self, *, whole: bool = False) -> None:
        """Give back leases of hours that are over; with *whole* all of them.

        Raises:
            StoreFailedError: they stay off the budgets.
        """
        await self._leases.settle(whole=whole)

    async def admit(
        self, member: str, budget: Budget, elements: Sequence[bytes]
    ) -> None:
        """Charge a member for elements, if its budget holds them.

        Raises:
            OverBudgetError: it does not, or a pattern has shut this way of asking.
            WrongStateError: there is no such grant, or it is not in force.
            StoreFailedError: what is charged could not be made durable.
        """
        account = Account(member, HOLDER + budget.key)
        broken = await self._circuits.broken(account)
        if broken is not None:
            policy = self._situation.policy.reference
            decision = deny(Refusal(broken.code), policy, budget.purpose)
            raise await self._circuits.refuse(
                account, decision, act=ACT, retry_at=broken.until
            )
        quota, after = self._quota(member, budget)
        key, marks = (member, budget.key), list[bytes]()
        asked = self._recent.marks(member, elements)

        def wanted() -> int:
            now = self._circuits.now
            marks[:] = self._recent.fresh(member, asked, now=now)
            return len(marks)

        stands = await self._leases.spend(key, wanted, quota, after=after)
        if stands is not None:
            raise await self._refuse(account, budget, stands, len(marks), quota)
        self._recent.charged(member, marks, now=self._circuits.now)
        self._tell(key, quota)

    def _quota(self, member: str, budget: Budget) -> tuple[Quota, int]:
        """Say how much a member may ask for, and after which hour that counts."""
        policy, now = self._situation.policy.document.budgets, self._circuits.now
        hour = policy.evaluations_an_hour.get(budget.purpose, 0)
        day = policy.evaluations_a_day.get(budget.purpose, 0)
        if budget.grant is None:
            return Quota(day=day, hour=hour), now // HOUR - HOURS
        shared = self._situation.shared
        charter = shared.membership.charter if shared is not None else None
        found = charter.backfill(member, now) if charter is not None else None
        if found is None or found.digest != budget.grant:
            raise WrongStateError("no_grant", Phrase("there is no such grant in force"))
        quota = Quota(day=day, hour=hour, total=found.elements)
        return quota, found.since // HOUR - 1

    async def _refuse(
        self,
        account: Account,
        budget: Budget,
        stands: Standing,
        wanted: int,
        quota: Quota,
    ) -> OverBudgetError:
        request = EvaluationBudgetRequest(
            purpose=budget.purpose,
            last_hour=stands.of_hour,
            last_day=stands.of_day,
            wanted=wanted,
        )
        decision = self._situation.decide(request, self._clock.now())
        if decision.allowed:  # the policy holds it, the members' grant does not
            policy = self._situation.policy.reference
            decision = deny(Refusal.BUDGET, policy, budget.purpose)
        self._tell((account.holder, budget.key), quota)
        return await self._circuits.refuse(
            account, decision, act=ACT, retry_at=frees_at(stands, wanted, quota)
        )

    def _tell(self, key: Key, quota: Quota) -> None:
        left, now = self._leases.left(key, quota), self._circuits.now
        if left is None:
            return
        day = HOURS * HOUR
        limits(
            Limit(quota.hour, left[0], HOUR - now % HOUR),
            Limit(quota.day, left[1], day - now % day, "day", day),
        )
