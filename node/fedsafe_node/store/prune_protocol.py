# SPDX-License-Identifier: Apache-2.0
"""What a store promises about the beginnings of logs that were pruned.

Part of `Reader` and `Transaction`.
"""

from typing import Protocol

from fedsafe_node.store.prune_rows import PrunedRow


class PruneReader(Protocol):
    """Reads what is left of pruned entries."""

    async def pruned(self) -> list[PrunedRow]:
        """Return what was pruned, by log."""
        ...

    async def first_readable(self, log: str, since: int, period: str) -> int | None:
        """Find the first entry from `since` on that keeps all behind it.

        Of such an entry an opening can still be read, or was sealed in that month or
        later, or a signal that is not erased points to it. None if there is none.
        """
        ...

    async def erased_between(self, log: str, start: int, stop: int) -> int:
        """Count openings that were erased one by one."""
        ...


class PruneWriter(Protocol):
    """Prunes."""

    async def prune(self, row: PrunedRow) -> None:
        """Keep the hashes of the entries below a size, and nothing else of them.

        Raises:
            CorruptLogError: they are not those of the tiles above them.
            ConflictError: no so much may be pruned, or not so far.
        """
        ...
