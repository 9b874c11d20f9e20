# SPDX-License-Identifier: Apache-2.0
"""The rows of what a provider's back-end reads. Times are seconds since 1970, UTC."""

from fedsafe_node.store.rows import Row


class ProviderEventRow(Row, frozen=True, kw_only=True):
    """One event; `sealed` is None once its content is erased.

    `mark` is drawn for the event, and tells it from another of its number.
    `due_at` is when a receipt is due, `remind_at` when the next reminder is;
    `reminds` is the number of the event that this one reminds of.
    """

    number: int
    kind: str
    at: int
    period: str
    sealed: bytes | None
    expires_at: int
    due_at: int | None = None
    remind_at: int | None = None
    reminds: int | None = None
    receipted_at: int | None = None
    receipted_by: str | None = None
    mark: bytes
