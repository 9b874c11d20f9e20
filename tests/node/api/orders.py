# SPDX-License-Identifier: Apache-2.0
"""Orders as the tests of the API have them: one of each."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fedsafe_node.acts.orders import (
    OrderAnswer,
    OrderListed,
    OrderReceipt,
    OrdersAnswer,
)
from fedsafe_node.rules.idempotency import Once
from fedsafe_policies.escalation.orders import OrderKind

if TYPE_CHECKING:
    from tests.node.api.conftest import Memory

ORDER: Final = "0a" * 16
ORDER_BODIES: Final[dict[str, object]] = {
    "addOrder": {
        "kind": "dsa_10",
        "received_at": 1,
        "authority": "StA Musterstadt",
        "reference": "4711",
        "basis": "Art. 10 DSA",
        "scope": "Bestandsdaten",
    },
    "noteOrder": {"step": "acknowledged"},
    "answerOrder": {"outcome": "fulfilled"},
}
_RECEIPT: Final = OrderReceipt(order=ORDER, revision=1, due_at=2)
_LISTED: Final = OrderListed(
    order=ORDER,
    kind=OrderKind.DSA_10,
    emergency=False,
    received_at=1,
    due_at=2,
    confirm_by=None,
    acknowledged_at=None,
    confirmed_at=None,
    answered_at=None,
    outcome=None,
    case=None,
    overdue=False,
    unconfirmed=False,
)
_ANSWER: Final = OrderAnswer(
    order=_LISTED,
    revision=1,
    source="Art. 10",
    fixed=False,
    by_letter=False,
    entered_by="ella",
    answered_by=None,
    authority="StA Musterstadt",
    reference="4711",
    basis="Art. 10 DSA",
    scope="Bestandsdaten",
    language="de",
    oral=False,
    secret_until=None,
    grounds=[],
    answer_reference=None,
    move_reference=None,
    accounts=[],
)


@dataclass
class FakeOrders:
    """One order."""

    memory: "Memory"

    async def list(self, *asked: object) -> OrdersAnswer:
        await self.memory.called(asked)
        return OrdersAnswer(orders=[_LISTED])

    async def show(self, *asked: object) -> OrderAnswer:
        await self.memory.called(asked)
        return _ANSWER

    async def add(self, *asked: object, once: Once | None = None) -> OrderReceipt:
        await self.memory.called(asked)
        if once is not None:
            self.memory.rows[once.key] = once.row(_RECEIPT, now=0)
        return _RECEIPT

    note = add
    answer = add
