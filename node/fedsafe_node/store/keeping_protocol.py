# SPDX-License-Identifier: Apache-2.0
"""What a store promises about holds, effects, gaps and erasures of the audit log.

Part of `Reader` and `Transaction`.
"""

from collections.abc import Collection
from typing import Protocol

from fedsafe_node.store.keeping_rows import EffectKind, EffectRow, GapRow, HoldRow


class KeepingReader(Protocol):
    """Reads what keeps the audit log in order."""

    async def holds(self) -> list[HoldRow]:
        """Return the holds that nobody has lifted, oldest first."""
        ...

    async def effects(self) -> list[EffectRow]:
        """Return all effects outside the database, oldest first."""
        ...

    async def gaps(self) -> list[GapRow]:
        """Return the times in which nothing could be written, oldest first."""
        ...

    async def erasures(self) -> dict[str, int]:
        """Count by reason the openings that were erased for one."""
        ...

    async def erased_openings(self, log: str) -> int:
        """Count the openings of a log that are erased, pruned ones included.

        Walks them.
        """
        ...

    async def erased_periods(self) -> list[str]:
        """Return the periods of openings that were erased and not pruned; walks all."""
        ...

    async def sealed_periods(
        self, *, but: Collection[tuple[str, str]] = ()
    ) -> dict[str, int]:
        """Count by period what is sealed and there, but for groups (log, group).

        Walks all tables that hold sealed bytes under a period key.
        """
        ...


class KeepingWriter(Protocol):
    """Keeps what keeps the audit log in order."""

    async def add_hold(self, hold: HoldRow) -> None:
        """Keep a hold."""
        ...

    async def lift_hold(self, hold_id: str, *, by: str, at: int) -> bool:
        """Lift a hold and wipe its account; False if there is none in force."""
        ...

    async def begin_effect(self, kind: EffectKind, target: str, *, at: int) -> None:
        """Say that an effect is going to happen.

        Raises:
            ConflictError: it was begun before.
        """
        ...

    async def end_effect(self, kind: EffectKind, target: str, *, at: int) -> bool:
        """Say that an effect has happened; False if none was begun, or it has ended."""
        ...

    async def add_gap(self, gap: GapRow) -> None:
        """Keep a time in which nothing could be written."""
        ...

    async def add_erasure(self, reason: str, openings: int, *, at: int) -> None:
        """Count openings that were erased for a reason."""
        ...
