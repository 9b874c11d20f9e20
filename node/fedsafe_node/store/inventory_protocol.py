# SPDX-License-Identifier: Apache-2.0
"""What a store promises about the inventory of own signals.

Part of `Reader` and `Transaction`. Each reading is by an index, and of so many rows as
it returns.
"""

from collections.abc import Sequence
from typing import Protocol

from fedsafe_node.store.inventory_rows import (
    InventoryRow,
    InventoryState,
    NewInventoryRow,
)

Place = tuple[int, bytes]
"""A moment and a signal's id: where a list stands that is sorted by moments."""


class InventoryReader(Protocol):
    """Reads which signals are this node's own."""

    async def inventory(  # noqa: PLR0913 - a range has so many sides
        self,
        state: InventoryState,
        limit: int,
        *,
        own: bool,
        above: bytes,
        below: bytes,
        newest: bool,
    ) -> list[InventoryRow]:
        """Return own bans, or others, of a state with ids between two bounds.

        In the order of their ids, which is that in which they were made.
        """
        ...

    async def inventory_named(self, signal_ids: Sequence[bytes]) -> list[InventoryRow]:
        """Return those of these ids, in the order of ids."""
        ...

    async def inventory_ending(
        self, after: Place, before: int, limit: int
    ) -> list[InventoryRow]:
        """Return what stops to match before a moment, first what ends first."""
        ...

    async def inventory_reviewed(
        self, after: Place, until: int, limit: int
    ) -> list[InventoryRow]:
        """Return what was last reviewed until a moment, first what was before all."""
        ...

    async def contested_inventory(self, origins: Sequence[str]) -> list[bytes]:
        """Return ids of what matches or rests while a dispute waits for its ruling.

        *origins* are the names of this node's lists.
        """
        ...

    async def handed_runs(
        self, first: int, last: int, longest: int
    ) -> list[tuple[str, int, int]]:
        """Return who got which run of entries that holds any of these.

        `longest` is the most entries that a run may have. From 0 it walks the ledger.
        """
        ...

    async def ended_after(self, node: str, sequence: int) -> dict[bytes, int]:
        """Return what this node has ended behind a statement, and by which."""
        ...


class InventoryWriter(Protocol):
    """Keeps which signals are this node's own; the store keeps how they stand."""

    async def add_inventory(self, rows: Sequence[NewInventoryRow]) -> None:
        """Enter signals; of one that is there, how it stands is kept anew."""
        ...
