# SPDX-License-Identifier: Apache-2.0
"""The budget of lookups, by credential and purpose.

Asked before anybody is: what is admitted counts at once in memory, and is kept in
the act that writes the lookup's own audit event, so it costs no commit of its own. A
lookup that names no account counts as one of an account of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fedsafe_node.budgets.circuits import Account, Circuits
from fedsafe_node.budgets.meter import HOUR, SLOT, Counts, Meter
from fedsafe_node.clock import Clock
from fedsafe_node.log.audit import AuditTrail
from fedsafe_node.principal import Principal
from fedsafe_node.situation import Situation
from fedsafe_node.store.oversight_rows import SpentRow
from fedsafe_node.store.protocol import Store, Transaction
from fedsafe_node.tracing import limit
from fedsafe_policies.budgets import LookupBudgetRequest
from fedsafe_policies.decision import deny
from fedsafe_policies.reasons import Refusal
from fedsafe_policies.vocabulary import Purpose

_ACT: Final = "lookup"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks about: lookups, identifiers, and accounts that it names."""

    lookups: int
    identifiers: Sequence[bytes]
    accounts: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Spending:
    """What was admitted; `keep` makes it outlive a restart."""

    account: Account
    slot: int
    counts: Counts

    async def keep(self, tx: Transaction) -> None:
        """Keep the counts of the slot, in the act of the lookup."""
        await tx.put_spent(
            SpentRow(
                self.account.holder,
                self.account.purpose,
                self.slot,
                self.counts.spent,
                self.counts.identifiers,
                self.counts.accounts,
            )
        )


class LookupBudgets:
    """Meters all lookups of a node.

    Owned by the event loop: one meter for each holder and purpose, read from the
    store when it is first asked for.
    """

    def __init__(
        self, situation: Situation, store: Store, trail: AuditTrail, clock: Clock
    ) -> None:
        self._situation = situation
        self._store = store
        self._clock = clock
        self._circuits = Circuits(store, trail, clock)
        self._meters: dict[Account, Meter] = {}
        self._anonymous = 0

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
        if not decision.allowed:
            retry_at = meter.frees_at(now)
            limit(quota, quota - before.spent, retry_at - now)
            raise await self._circuits.refuse(
                account, decision, act=_ACT, retry_at=retry_at
            )
        new.spent = wanted.lookups
        slot, counts = meter.spend(now, new)
        limit(quota, quota - before.spent - wanted.lookups, meter.frees_at(now) - now)
        return Spending(account, slot, counts)

    async def _meter(self, account: Account) -> Meter:
        meter = self._meters.get(account)
        if meter is not None:
            return meter
        after = self._circuits.now - HOUR - SLOT
        rows = await self._store.read(
            lambda reader: reader.spent(after, account.holder, account.purpose)
        )
        meter = self._meters.get(account)
        if meter is None:
            meter = self._meters[account] = Meter()
            for row in rows:
                counts = Counts(row.spent, row.identifiers, row.accounts)
                meter.load(row.slot, counts)
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
