# SPDX-License-Identifier: Apache-2.0
"""What is left of the budgets, over HTTP."""

from typing import Final

from fedsafe_node.acts.budgets import BudgetsAnswer
from fedsafe_node.api.auth import PERSONS, Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import Lane, Route


async def show_budgets(call: Call) -> object:
    """List what was spent of the budgets within the last hour."""
    return await call.services.budgets.show()


BUDGET_ROUTES: Final = (
    Route(
        name="showBudgets",
        method="GET",
        path="/v1/budgets",
        handler=show_budgets,
        auth=Auth.HOUSE,
        roles=PERSONS,
        lane=Lane.READS,
        summary="Tell what is left of the budgets, and what a pattern has shut",
        answer=BudgetsAnswer,
    ),
)
