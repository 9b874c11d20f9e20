# SPDX-License-Identifier: Apache-2.0
"""Show what is left of the budgets, and what a pattern has shut."""

from collections import Counter
from datetime import UTC, datetime

from fedsafe_node.budgets.circuits import Account
from fedsafe_node.budgets.messages import BudgetsAnswer, BudgetShown
from fedsafe_node.budgets.meter import HOUR, SLOT
from fedsafe_node.budgets.publications import PURPOSE
from fedsafe_node.clock import Clock
from fedsafe_node.situation import Situation
from fedsafe_node.store.oversight_rows import CircuitRow, SpentRow
from fedsafe_node.store.protocol import Reader, Store
from fedsafe_policies.vocabulary import Purpose


class BudgetService:
    """Reads what was spent; no name is here but those of credentials and members."""

    def __init__(self, situation: Situation, store: Store, clock: Clock) -> None:
        self._situation = situation
        self._store = store
        self._clock = clock

    async def show(self) -> BudgetsAnswer:
        """List the budgets of the last hour, and the circuits that are broken."""
        now = int(self._clock.now().timestamp())

        async def query(reader: Reader) -> tuple[list[SpentRow], list[CircuitRow]]:
            return await reader.spent(now - HOUR - SLOT), await reader.circuits(now)

        rows, circuits = await self._store.scan(query)
        spent: Counter[Account] = Counter()
        for row in rows:
            spent[Account(row.holder, row.purpose)] += row.spent
        broken = {Account(row.holder, row.purpose): row for row in circuits}
        accounts = sorted(
            spent.keys() | broken.keys(), key=lambda each: (each.holder, each.purpose)
        )
        return BudgetsAnswer(
            [self._shown(each, spent.get(each), broken.get(each)) for each in accounts]
        )

    def _shown(
        self, account: Account, spent: int | None, broken: CircuitRow | None
    ) -> BudgetShown:
        until = None
        if broken is not None:
            until = datetime.fromtimestamp(broken.until, UTC).isoformat()
        left = None if spent is None else max(0, self._quota(account) - spent)
        return BudgetShown(
            holder=account.holder,
            purpose=account.purpose,
            spent=spent,
            left=0 if broken is not None and left is not None else left,
            code=broken.code if broken is not None else None,
            shut_until=until,
        )

    def _quota(self, account: Account) -> int:
        budgets = self._situation.policy.document.budgets
        if account.purpose == PURPOSE:
            return budgets.publications_an_hour
        return budgets.lookups_an_hour.get(Purpose(account.purpose), 0)
