# SPDX-License-Identifier: Apache-2.0
"""The clocks of orders: people are told what is due to an authority, or from it.

A job of the node's clockwork. What tells is an event for the provider's back-end
(`order.due`) and an audit event, in one act with the mark up to when people were told:
a restart or a clock that is set back tells nobody twice.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from fedsafe_node.casework.orders.content import OrderVault
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.principal import Actor
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.office import Office
from fedsafe_node.store.casework_rows import OrderRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.escalation.laender import Calendar
from fedsafe_policies.escalation.orders import OrderKind, deadline_of, last_reminder
from fedsafe_policies.ground.span import SECONDS_A_DAY

ACTOR_NAME: Final = Actor.CLOCK.value
Tell = Callable[[Transaction, Detail], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class OrderClock:
    """What the clocks of orders work with; `tell` reaches whoever is on duty."""

    office: Office
    vault: OrderVault
    tell: Tell
    calendar: Calendar


async def tend_orders(clock: OrderClock) -> int:
    """Tell people of all that is due; return how often.

    Raises:
        StoreFailedError: the rest is done by the next run.
    """
    store = clock.office.store
    if not await store.scan(lambda reader: _due(clock, reader)):
        return 0

    async def act(tx: Transaction) -> int:
        found = await _due(clock, tx)
        for row, what, due_at in found:
            await _remind(clock, tx, row, what, due_at)
        return len(found)

    return await store.write(act)


async def count_orders(reader: Reader, now: int) -> int:
    """Count the orders whose answer, or whose confirmation, is overdue."""
    rows = await reader.orders()
    return sum(
        (row.answered_at is None and row.due_at <= now) or _is_unconfirmed(row, now)
        for row in rows
    )


async def _due(clock: OrderClock, reader: Reader) -> list[tuple[OrderRow, str, int]]:
    now = clock.office.now()
    found = []
    for row in await reader.orders():
        told = -1 if row.reminded_at is None else row.reminded_at
        if row.answered_at is None:
            kind = OrderKind(row.kind)
            within = deadline_of(kind, emergency=row.emergency)
            last = last_reminder(
                row.received_at, row.due_at, within, clock.calendar, now
            )
            if last is not None and last > told:
                found.append((row, "answer", row.due_at))
        elif row.confirm_by is not None and _is_unconfirmed(row, now):
            days = (now - row.confirm_by) // SECONDS_A_DAY
            if row.confirm_by + days * SECONDS_A_DAY > told:
                found.append((row, "confirmation", row.confirm_by))
    return found


def _is_unconfirmed(row: OrderRow, now: int) -> bool:
    waits = row.confirm_by is not None and row.confirmed_at is None
    return waits and row.confirm_by is not None and row.confirm_by <= now


async def _remind(
    clock: OrderClock, tx: Transaction, row: OrderRow, what: str, due_at: int
) -> None:
    now, revision = clock.office.now(), row.revision + 1
    try:
        file = clock.vault.open(row)
        sealed = clock.vault.seal(row.period, row.id, revision, file)
    except WrongStateError:  # its key is destroyed; it is due nevertheless
        sealed = None
    await tx.put_order(replace(row, reminded_at=now, revision=revision, sealed=sealed))
    content: Detail = {
        "order": row.id,
        "kind": row.kind,
        "emergency": row.emergency,
        "milestone": what,
        "due_at": datetime.fromtimestamp(due_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "overdue": due_at <= now,
    }
    await clock.tell(tx, content)
    outcome = "overdue" if due_at <= now else "near"
    await clock.office.note(tx, Event.ORDER_DUE, ACTOR_NAME, content, outcome=outcome)
