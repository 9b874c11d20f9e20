# SPDX-License-Identifier: Apache-2.0
"""What a store promises about budgets, reviews and breaches.

Part of `Reader` and `Transaction`.
"""

from collections.abc import Sequence
from typing import Protocol

from fedsafe_node.store.oversight_rows import (
    BreachRow,
    CircuitRow,
    MarkRow,
    SpentRow,
    ValidationRow,
)


class OversightReader(Protocol):
    """Reads what was spent."""

    async def spent(
        self, after: int, holder: str | None = None, purpose: str | None = None
    ) -> list[SpentRow]:
        """Return the slots after a moment, of a holder and purpose or of all."""
        ...

    async def circuits(self, now: int) -> list[CircuitRow]:
        """Return what is shut at a moment, by holder and purpose."""
        ...

    async def feed_marks(self, origin: str) -> list[MarkRow]:
        """Return the marks of an origin's feed, oldest first."""
        ...

    async def validation(self, signal_id: bytes) -> ValidationRow | None:
        """Return who published and reviewed a signal about a file."""
        ...

    async def validations(self, last: int, limit: int) -> list[ValidationRow]:
        """Return what was last reviewed at a moment or before, oldest first."""
        ...

    async def breaches(self) -> list[BreachRow]:
        """Return the newest entry of every breach, oldest entry first."""
        ...

    async def breach_entries(self, breach: str) -> list[BreachRow]:
        """Return all entries of a breach, oldest first."""
        ...


class OversightWriter(Protocol):
    """Keeps what was spent."""

    async def add_spent(self, row: SpentRow) -> None:
        """Count what was spent in a slot, beside what is counted there."""
        ...

    async def forget_spent(self, before: int) -> int:
        """Drop slots that began before a moment; return how many."""
        ...

    async def put_circuit(self, row: CircuitRow) -> None:
        """Keep what is shut; it takes the place of what was."""
        ...

    async def add_feed_mark(self, row: MarkRow, *, forget: int) -> None:
        """Keep a mark, and drop the origin's marks before *forget*."""
        ...

    async def add_validations(self, rows: Sequence[ValidationRow]) -> None:
        """Keep who published signals about files."""
        ...

    async def put_review(self, row: ValidationRow) -> None:
        """Keep the latest review of a signal."""
        ...

    async def remove_validation(self, signal_id: bytes) -> None:
        """Forget a signal that has ended."""
        ...

    async def add_breach_entry(self, row: BreachRow) -> int:
        """Add a step of a breach; return its number."""
        ...
