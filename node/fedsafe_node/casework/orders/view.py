# SPDX-License-Identifier: Apache-2.0
"""How orders are shown: in the list without what they say, and each with it."""

from fedsafe_node.acts.orders import OrderAnswer, OrderListed
from fedsafe_node.casework.orders.content import OrderFile
from fedsafe_node.store.orders_rows import OrderRow
from fedsafe_policies.escalation.orders import OrderKind, OrderOutcome, orders


def listed(row: OrderRow, now: int) -> OrderListed:
    """Show an order as the list does."""
    waits = row.confirm_by is not None and row.confirmed_at is None
    return OrderListed(
        order=row.id,
        kind=OrderKind(row.kind),
        emergency=row.emergency,
        received_at=row.received_at,
        due_at=row.due_at,
        confirm_by=row.confirm_by,
        acknowledged_at=row.acknowledged_at,
        confirmed_at=row.confirmed_at,
        answered_at=row.answered_at,
        outcome=None if row.outcome is None else OrderOutcome(row.outcome),
        case=row.case_id,
        overdue=row.answered_at is None and row.due_at <= now,
        unconfirmed=waits and row.confirm_by is not None and row.confirm_by <= now,
    )


def shown(row: OrderRow, file: OrderFile, now: int) -> OrderAnswer:
    """Show an order with all that it says."""
    rule = orders()[OrderKind(row.kind)]
    return OrderAnswer(
        order=listed(row, now),
        revision=row.revision,
        source=rule.source,
        fixed=rule.fixed,
        by_letter=rule.by_letter,
        entered_by=row.entered_by,
        answered_by=row.answered_by,
        authority=file.authority,
        reference=file.reference,
        basis=file.basis,
        scope=file.scope,
        language=file.language,
        oral=file.oral,
        secret_until=file.secret_until,
        grounds=list(file.grounds),
        answer_reference=file.answer_reference,
        move_reference=file.move_reference,
        accounts=list(file.accounts),
    )
