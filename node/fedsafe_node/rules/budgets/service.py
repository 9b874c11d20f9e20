# SPDX-License-Identifier: Apache-2.0
"""Show what is left of the budgets, and what a pattern has shut."""

from collections import Counter
from datetime import UTC, datetime
from typing import Final, NamedTuple

from fedsafe_federation.evaluation.metering import HOURS
from fedsafe_node.acts.budgets import BudgetsAnswer, BudgetShown
from fedsafe_node.ground.clock import Clock
from fedsafe_node.rules.budgets.circuits import Account
from fedsafe_node.rules.budgets.evaluations import HOLDER as ANSWERED
from fedsafe_node.rules.budgets.meter import HOUR, SLOT
from fedsafe_node.rules.budgets.publications import PURPOSE as PUBLISH
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.oversight_rows import CircuitRow, SpentRow
from fedsafe_node.store.peering_rows import LeasedRow, Side
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_policies.vocabulary import EvaluationPurpose, Purpose

ASKED: Final = "ask."
_SHOWN: Final = {Side.ANSWERED: ANSWERED, Side.ASKED: ASKED}


class _Read(NamedTuple):
    spent: list[SpentRow]
    circuits: list[CircuitRow]
    leased: list[LeasedRow]


class BudgetService:
    """Reads what was spent; no name is here but those of credentials and members."""

    def __init__(self, situation: Situation, store: Store, clock: Clock) -> None:
        self._situation = situation
        self._store = store
        self._clock = clock

    async def show(self) -> BudgetsAnswer:
        """List what was spent in the hour, or of evaluations the day; what is shut."""
        now = int(self._clock.now().timestamp())
        today = now // HOUR // HOURS * HOURS

        async def query(reader: Reader) -> _Read:
            return _Read(
                await reader.spent(now - HOUR - SLOT),
                await reader.circuits(now),
                await reader.all_leased(today, today + HOURS - 1),
            )

        rows, circuits, leased = await self._store.scan(query)
        spent: Counter[Account] = Counter()
        for row in rows:
            spent[Account(row.holder, row.purpose)] += row.spent
        for lease in leased:
            if lease.side in _SHOWN:
                purpose = _SHOWN[lease.side] + lease.purpose
                spent[Account(lease.member, purpose)] += lease.elements
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
        quota = self._quota(account)
        left = None if spent is None or quota is None else max(0, quota - spent)
        return BudgetShown(
            holder=account.holder,
            purpose=account.purpose,
            spent=spent,
            left=0 if broken is not None and left is not None else left,
            code=broken.code if broken is not None else None,
            shut_until=until,
        )

    def _quota(self, account: Account) -> int | None:
        budgets = self._situation.policy.document.budgets
        if account.purpose.startswith(ASKED):
            return None
        if account.purpose.startswith(ANSWERED):
            name = account.purpose.removeprefix(ANSWERED).partition(":")[0]
            return budgets.evaluations_a_day.get(EvaluationPurpose(name), 0)
        if account.purpose == PUBLISH:
            return budgets.publications_an_hour
        return budgets.lookups_an_hour.get(Purpose(account.purpose), 0)
