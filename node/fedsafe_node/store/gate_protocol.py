# SPDX-License-Identifier: Apache-2.0
"""What a store promises about the register and about what a relock takes.

Part of `Reader` and `Transaction`.
"""

from collections.abc import Sequence
from typing import Protocol

from fedsafe_node.store.rows import Opening, RegisterRow, SignalRow


class GateReader(Protocol):
    """Reads what the actor plane hangs on."""

    async def register_entries(self) -> list[RegisterRow]:
        """Return all entries of the Schutzkonzept register, oldest first."""
        ...

    async def foreign_signals(self, origin: str, limit: int) -> list[SignalRow]:
        """Return an origin's actor signals that may hold an opening."""
        ...

    async def held_signals(self, origin: str, limit: int) -> list[SignalRow]:
        """Return an origin's signals of either plane that may hold an opening."""
        ...

    async def relocked(self, origin: str, signal_ids: Sequence[bytes]) -> set[bytes]:
        """Return which of an origin's ids may come back after a relock.

        Those that it erased, and that no statement restricts.
        """
        ...

    async def relocked_counts(self) -> dict[str, int]:
        """Count by origin what a relock has erased and may come back."""
        ...

    async def relock_event(self, origin: str, signal_id: bytes) -> int | None:
        """Return the audit entry that says why a relock erased a signal."""
        ...


class GateWriter(Protocol):
    """Keeps what the actor plane hangs on."""

    async def add_register_entry(self, entry: RegisterRow) -> None:
        """Add an entry to the Schutzkonzept register.

        Raises:
            ConflictError: its id is taken.
        """
        ...

    async def relock_signal(self, signal: SignalRow, *, event: int) -> None:
        """Erase a signal's token, so that it may come back.

        Its opening is erased by `erase_opening`; `event` is the audit entry that
        says why.
        """
        ...

    async def grant_opening(self, log: str, index: int, opening: Opening) -> None:
        """Keep the opening of an entry that came without it, or was relocked.

        Raises:
            ConflictError: it is there, or was erased for good.
        """
        ...

    async def revive_signal(self, origin: str, signal_id: bytes, token: bytes) -> int:
        """Let a relocked signal match again; return its new row.

        Raises:
            ConflictError: no relock has erased it.
        """
        ...
