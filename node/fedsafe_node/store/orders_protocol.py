# SPDX-License-Identifier: Apache-2.0
"""What a store promises about orders; part of `Reader` and `Transaction`."""

from typing import Protocol

from fedsafe_node.store.orders_rows import OrderRow


class OrdersReader(Protocol):
    """Reads orders."""

    async def order(self, order_id: str) -> OrderRow | None:
        """Return an order."""
        ...

    async def orders(self, *, unanswered: bool = False) -> list[OrderRow]:
        """Return all orders, or those without an answer; first what is due first."""
        ...


class OrdersWriter(Protocol):
    """Keeps orders."""

    async def put_order(self, row: OrderRow) -> None:
        """Keep an order; its next revision takes the place of the one before.

        Raises:
            ConflictError: it is not the next revision.
        """
        ...
