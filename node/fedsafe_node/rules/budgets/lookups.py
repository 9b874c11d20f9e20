# SPDX-License-Identifier: Apache-2.0
"""The budget of lookups, by credential and purpose.

Asked before anybody is: what is admitted counts at once in memory, and is kept in
the act that writes the lookup's own audit event, so it costs no commit of its own. A
lookup that names no account counts as one of an account of its own.

One account that looks like trying identifiers out is refused by itself. Only `MANY` of
them at once shut this way of asking for everybody, and whoever names no account gets a
small part of the budget (`unnamed_share`), so that leaving it out is no way around.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import OverBudgetError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.trace import Limit, limits
from fedsafe_node.log.audit import AuditTrail
from fedsafe_node.rules.budgets.circuits import Account, Circuits
from fedsafe_node.rules.budgets.meter import HOUR, SLOT, Counts, Meter
from fedsafe_node.rules.budgets.tries import Asked, Tries
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.oversight_rows import SpentRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.budgets import LookupBudgetRequest
from fedsafe_policies.rules.decision import Decision, deny
from fedsafe_policies.vocabulary import Purpose

_ACT: Final = "lookup"
MANY: Final = 5
"""So many accounts that try identifiers out at once are a pattern of the asker."""
_LEAST_UNNAMED: Final = 100


def unnamed_share(quota: int) -> int:
    """Say how many lookups an hour of a budget may name no account."""
    return max(_LEAST_UNNAMED, quota // 20)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks about: by case the account and its identifiers.

    Besides these so many *files*, one a lookup, of which no pattern is looked for.
    What is in one case, and is not about one account or picture, counts as so many
    *more*.
    """

    cases: Sequence[tuple[str | None, Sequence[bytes]]]
    files: int = 0
    more: int = 0

    @property
    def lookups(self) -> int:
        """How many lookups these are."""
        return len(self.cases) + self.files + self.more

    @property
    def identifiers(self) -> Iterator[bytes]:
        """All identifiers that are asked about."""
        return (value for _, values in self.cases for value in values)

    @property
    def accounts(self) -> Sequence[str | None]:
        """The accounts by case, None where none is named."""
        return [account for account, _ in self.cases]


@dataclass(frozen=True, slots=True)
class Spending:
    """What was admitted; `keep` tells other processes, and outlives a restart."""

    account: Account
    slot: int
    counts: Counts

    async def keep(self, tx: Transaction) -> None:
        """Count it in its slot, in the act of the lookup."""
        await tx.add_spent(
            SpentRow(
                self.account.holder,
                self.account.purpose,
                self.slot,
                self.counts.spent,
                self.counts.identifiers,
                self.counts.accounts,
            )
        )


def summed(spent: Sequence[Spending]) -> list[Spending]:
    """Add up what was admitted, so that each slot is counted once."""
    if len(spent) == 1:
        return [*spent]
    sums: dict[tuple[Account, int], Counts] = {}
    for each in spent:
        sums.setdefault((each.account, each.slot), Counts()).add(each.counts)
    return [Spending(*where, counts) for where, counts in sums.items()]


class LookupBudgets:
    """Meters all lookups of a node.

    Owned by the event loop: one meter for each holder and purpose, with the second in
    which it was last compared with the store: other processes of the node spend, too.
    """

    def __init__(
        self, situation: Situation, store: Store, trail: AuditTrail, clock: Clock
    ) -> None:
        self._situation = situation
        self._store = store
        self._clock = clock
        self._circuits = Circuits(store, trail, clock)
        self._meters: dict[Account, Meter] = {}
        self._looked: dict[Account, int] = {}
        self._tries: dict[Account, Tries] = {}
        self._anonymous = 0

    def forget_circuits(self) -> None:
        """Read again what another process of the node may have shut."""
        self._circuits.forget()

    async def has_room(self, who: Principal, purpose: Purpose, files: int) -> bool:
        """Tell whether so many files would be admitted; nothing is counted."""
        account = Account(who.name, purpose.value)
        meter = await self._meter(account)
        quota = self._situation.policy.document.budgets.lookups_an_hour.get(purpose, 0)
        left = quota - meter.within(self._circuits.now).spent
        return files <= left and await self._circuits.broken(account) is None

    async def admit(self, who: Principal, purpose: Purpose, wanted: Wanted) -> Spending:
        """Count what is asked for, if the budget allows it.

        Raises:
            OverBudgetError: it does not, or a pattern has shut this way of asking.
        """
        account = Account(who.name, purpose.value)
        meter = await self._meter(account)
        broken = await self._circuits.broken(account)
        now, moment = self._circuits.now, self._clock.now()
        policy = self._situation.policy
        if broken is not None:
            decision = deny(Refusal(broken.code), policy.reference, purpose)
            raise await self._circuits.refuse(
                account, decision, act=_ACT, retry_at=broken.until
            )
        before = meter.within(now)
        quota = policy.document.budgets.lookups_an_hour.get(purpose, 0)
        tries = self._tries.setdefault(account, Tries())
        asked = tries.asked(now, wanted.cases)
        alone = self._judge_one(purpose, asked)
        if not alone.allowed:
            tries.suspect(now, wanted.cases)
            raise await self._refuse_one(account, alone)
        if wanted.lookups <= quota - before.spent:
            new = meter.new(now, wanted.identifiers, self._names(wanted.accounts))
        else:
            new = Counts()
        request = LookupBudgetRequest(
            purpose=purpose,
            spent=before.spent,
            wanted=wanted.lookups,
            identifiers=before.identifiers + new.identifiers,
            accounts=before.accounts + new.accounts,
        )
        decision = self._situation.decide(request, moment)
        if decision.code == Refusal.ENUMERATION:
            tries_out = asked.most > policy.document.budgets.identifiers_an_account
            if tries.suspect(now, wanted.cases if tries_out else ()) < MANY:
                # A few accounts only: they are refused, and nobody else with them.
                if tries_out:
                    raise await self._refuse_one(account, decision)
                request = replace(request, identifiers=0)
                decision = self._situation.decide(request, moment)
        if not decision.allowed:
            retry_at = meter.frees_at(now)
            limits(Limit(quota, quota - before.spent, retry_at - now))
            raise await self._circuits.refuse(
                account, decision, act=_ACT, retry_at=retry_at
            )
        tries.count(now, asked)
        new.spent = wanted.lookups
        slot = meter.spend(now, new)
        left, frees_at = quota - before.spent - wanted.lookups, meter.frees_at(now)
        limits(Limit(quota, left, frees_at - now))
        return Spending(account, slot, new)

    def _judge_one(self, purpose: Purpose, asked: Asked) -> Decision:
        """Judge an account by itself, and those together that are not named."""
        policy = self._situation.policy
        quota = policy.document.budgets.lookups_an_hour.get(purpose, 0)
        if asked.unnamed > unnamed_share(quota):
            return deny(Refusal.ENUMERATION, policy.reference, purpose)
        own = LookupBudgetRequest(purpose, 0, 0, identifiers=asked.most, accounts=1)
        return self._situation.decide(own, self._clock.now())

    async def _refuse_one(
        self, account: Account, decision: Decision
    ) -> OverBudgetError:
        retry_at = self._circuits.now + HOUR + SLOT
        return await self._circuits.refuse(
            account, decision, act=_ACT, retry_at=retry_at, of_one=True
        )

    async def _meter(self, account: Account) -> Meter:
        meter, now = self._meters.get(account), self._circuits.now
        if meter is not None and self._looked.get(account) == now:
            return meter
        after = now - HOUR - SLOT
        rows = await self._store.read(
            lambda reader: reader.spent(after, account.holder, account.purpose)
        )
        meter = self._meters.setdefault(account, Meter())
        for row in rows:
            meter.load(row.slot, Counts(row.spent, row.identifiers, row.accounts))
        self._looked[account] = now
        return meter

    def _names(self, accounts: Sequence[str | None]) -> list[bytes]:
        names: list[bytes] = []
        for name in accounts:
            if name is None:
                self._anonymous += 1
                names.append(self._anonymous.to_bytes(8))
            else:
                names.append(b"\0" + name.encode())
        return names
