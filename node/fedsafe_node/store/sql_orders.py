# SPDX-License-Identifier: Apache-2.0
"""The table of orders in SQL, in two halves."""

from typing import Any, Final

import msgspec

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.casework_rows import OrderRow
from fedsafe_node.store.sql import Connection

_NAMES: Final = OrderRow.__struct_fields__
_ORDER: Final = ", ".join(_NAMES)
_MARKS: Final = ", ".join("?" * len(_NAMES))
_CHANGED: Final = ", ".join(
    f"{name} = excluded.{name}"
    for name in (
        *("due_at", "acknowledged_at", "confirmed_at", "answered_at"),
        *("answered_by", "outcome", "reminded_at", "revision", "period", "sealed"),
    )
)


class SqlOrdersReader:
    """Reads orders."""

    _connection: Connection

    async def order(self, order_id: str) -> OrderRow | None:
        """Return an order."""
        row = self._connection.execute(
            f"SELECT {_ORDER} FROM orders WHERE id = ?",  # noqa: S608 - our own columns
            (order_id,),
        ).fetchone()
        return None if row is None else _order_row(row)

    async def orders(self, *, unanswered: bool = False) -> list[OrderRow]:
        """Return all orders, or those without an answer; first what is due first."""
        where = "WHERE answered_at IS NULL " if unanswered else ""
        found = self._connection.execute(
            f"SELECT {_ORDER} FROM orders {where}ORDER BY due_at, id"  # noqa: S608
        )
        return [_order_row(row) for row in found]


class SqlOrdersWriter:
    """Keeps orders."""

    _connection: Connection

    async def put_order(self, row: OrderRow) -> None:
        """Keep an order; its next revision takes the place of the one before.

        Raises:
            ConflictError: it is not the next revision.
        """
        values = msgspec.structs.asdict(row) | {"emergency": int(row.emergency)}
        kept = self._connection.execute(
            f"INSERT INTO orders ({_ORDER}) VALUES ({_MARKS}) "  # noqa: S608
            f"ON CONFLICT (id) DO UPDATE SET {_CHANGED} "
            "WHERE orders.revision = excluded.revision - 1",
            tuple(values[name] for name in _NAMES),
        )
        if kept.rowcount != 1:
            raise ConflictError("the order has changed meanwhile")


def _order_row(row: Any) -> OrderRow:  # noqa: ANN401 - a row of either database
    found: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    found["emergency"] = bool(found["emergency"])
    return OrderRow(**found)
