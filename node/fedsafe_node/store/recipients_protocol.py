# SPDX-License-Identifier: Apache-2.0
"""What a store promises about audiences and the recipient ledger.

Part of `Reader` and `Transaction`.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from fedsafe_node.store.recipients_rows import (
    HandedRow,
    HeardRow,
    LedgerRow,
    PackRow,
    ReceiptRow,
    RepeatRow,
    ServedRow,
)


class RecipientsReader(Protocol):
    """Reads for whom signals are meant, and who has got them."""

    async def handed(self, index: int, longest: int) -> list[LedgerRow]:
        """Return the lines that hold an entry of the own feed, oldest first.

        `longest` is the most entries that a line may have.
        """
        ...

    async def handed_to(
        self, recipient: str, first: int, last: int, longest: int, *, after: int
    ) -> list[LedgerRow]:
        """Return the lines of a member behind one that hold any of these entries."""
        ...

    async def newest_handed(self) -> int:
        """Return the number of the ledger's last line; 0 if it is empty."""
        ...

    async def served_again(self, before: int) -> list[ServedRow]:
        """Return what was served again in the hours before one."""
        ...

    async def handed_after(self, number: int) -> dict[str, int]:
        """Return who got something behind a line of the ledger, with the newest line.

        From 0 it walks the ledger, so use it in `scan`.
        """
        ...

    async def audience(self, signal_id: bytes) -> frozenset[str] | None:
        """Return the members that a signal is meant for; None for all."""
        ...

    async def audiences(self, since: int, limit: int) -> dict[int, frozenset[str]]:
        """Return whom the signals of `limit` entries from `since` on are meant for.

        Those that are meant for all are left out.
        """
        ...

    async def ungiven(
        self, log: str, names: Collection[str], recipient: str, before: int
    ) -> int | None:
        """Return the first entry before another one that a member has never got.

        Of those that are meant for exactly one of *names*, and still have their
        opening. Walks the audiences, so use it in `scan`.
        """
        ...

    async def heard(self) -> list[HeardRow]:
        """Return which restrictions of this node each member has applied."""
        ...

    async def receipts_for(self, sequence: int) -> list[ReceiptRow]:
        """Return of each member the first receipt that covers a restriction."""
        ...

    async def receipted(self) -> dict[str, int]:
        """Return up to which of this node's restrictions each member has receipts."""
        ...

    async def partings(self) -> list[ReceiptRow]:
        """Return the receipts of those who were parted from, in order."""
        ...

    async def packs(self) -> list[PackRow]:
        """Return all packs with openings, oldest first."""
        ...

    async def packs_with(self, signal_id: bytes) -> list[PackRow]:
        """Return the packs whose openings tell of a signal, oldest first."""
        ...

    async def signals_placed(self, log: str, first: int, last: int) -> dict[int, bytes]:
        """Return which signals have their opening from `first` to `last` of a log.

        Walks the signals, so use it in `scan`.
        """
        ...

    async def sightings(self) -> dict[tuple[str, str], int]:
        """Count decided reviews by (origin, newest outcome) of the signals behind.

        Walks the decisions, so use it in `scan`.
        """
        ...


class RecipientsWriter(Protocol):
    """Extends the ledger."""

    async def add_handed(self, runs: Sequence[HandedRow]) -> None:
        """Enter what is handed over."""
        ...

    async def add_repeats(
        self, line: int, repeats: Sequence[RepeatRow], *, at: int
    ) -> None:
        """Enter that entries of a line were handed over once more at that moment.

        *repeats* is all that the line has been repeated, this time included.
        """
        ...

    async def add_served_again(self, row: ServedRow) -> None:
        """Count a request that gave a member only what it had before."""
        ...

    async def forget_served_again(self, before: int) -> None:
        """Drop what was served again in the hours before one."""
        ...

    async def add_pack(self, row: PackRow, signals: Collection[bytes]) -> None:
        """Enter a pack with openings, and the signals that they tell of."""
        ...

    async def add_audience(self, signal_id: bytes, names: frozenset[str]) -> None:
        """Keep the members that a signal is meant for.

        Raises:
            ConflictError: that was said before.
        """
        ...

    async def place_audience(self, signal_id: bytes, index: int) -> None:
        """Note where in the own feed a signal is that is not meant for all."""
        ...

    async def add_receipt(self, row: ReceiptRow) -> bool:
        """Keep a receipt; False if one of the same member covers the same already."""
        ...

    async def set_heard(self, row: HeardRow) -> None:
        """Note which restrictions a member has applied; never fewer than before."""
        ...
