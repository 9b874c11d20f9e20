# SPDX-License-Identifier: Apache-2.0
"""The rows of orders; times are seconds since 1970 in UTC."""

from fedsafe_node.store.rows import Row


class OrderRow(Row, frozen=True, kw_only=True):
    """An order of an authority: what its clock needs, and the sealed rest."""

    id: str
    kind: str
    emergency: bool
    received_at: int
    due_at: int
    confirm_by: int | None
    entered_at: int
    entered_by: str
    entered_role: str
    acknowledged_at: int | None = None
    confirmed_at: int | None = None
    answered_at: int | None = None
    answered_by: str | None = None
    outcome: str | None = None
    case_id: str | None = None
    reminded_at: int | None = None
    revision: int
    period: str
    sealed: bytes | None
