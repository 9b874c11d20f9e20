# SPDX-License-Identifier: Apache-2.0
"""What a store promises about imports, and about what is listed already.

Part of `Reader` and `Transaction`.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from fedsafe_node.store.imports_rows import (
    ImportPart,
    ImportRow,
    ListedToken,
    Standing,
    TakenOff,
)


class ImportsReader(Protocol):
    """Reads imports."""

    async def standing(
        self, listed: Sequence[ListedToken], now: int
    ) -> list[Standing | None]:
        """Return for each the signal that stands there and lives at *now*, if any."""
        ...

    async def tokens_of(
        self, signal_id: bytes, origins: Sequence[str]
    ) -> dict[bytes, int]:
        """Return tokens of a signal or draft here, and until when each counts.

        *origins* are the names of this node's lists.
        """
        ...

    async def taken_off(
        self, marks: Collection[bytes], now: int
    ) -> dict[bytes, TakenOff]:
        """Return who was taken off and is not to be listed again yet, by mark."""
        ...

    async def import_run(self, import_id: bytes) -> ImportRow | None:
        """Return an import."""
        ...

    async def open_import(self, mark: bytes) -> ImportRow | None:
        """Return the import under way that a mark names."""
        ...

    async def imports(self, limit: int, *, before: bytes | None) -> list[ImportRow]:
        """Return imports, newest first, from behind the one that is *before* them."""
        ...

    async def import_signals(
        self, import_id: bytes, part: ImportPart, after: bytes, limit: int
    ) -> list[bytes]:
        """Return signals of an import by their id, from behind *after*."""
        ...

    async def met_again(self, import_id: bytes) -> int:
        """Count what an import added and another import met."""
        ...


class ImportsWriter(Protocol):
    """Keeps imports."""

    async def take_listed(
        self, listed: Sequence[ListedToken], now: int
    ) -> list[Standing | None]:
        """Keep under which tokens signals stand, one of each.

        Return for each the signal that stood there before, or earlier among these; None
        where it is the first.
        """
        ...

    async def add_taken_off(self, rows: Sequence[TakenOff]) -> None:
        """Keep whom a person has taken off; the later row counts."""
        ...

    async def clear_taken_off(self, marks: Collection[bytes]) -> None:
        """Drop what keeps imports from listing somebody."""
        ...

    async def forget_taken_off(self, now: int) -> None:
        """Drop what counts no more."""
        ...

    async def add_import(self, row: ImportRow) -> None:
        """Keep an import.

        Raises:
            ConflictError: there is one of that id.
        """
        ...

    async def put_import(self, row: ImportRow) -> None:
        """Keep how far an import is."""
        ...

    async def add_import_signals(
        self, import_id: bytes, part: ImportPart, signal_ids: Collection[bytes]
    ) -> None:
        """Keep what signals are to an import; what they were to it stays."""
        ...

    async def stop_import_signals(
        self, import_id: bytes, signal_ids: Collection[bytes]
    ) -> None:
        """Keep that what an import had added was stopped with it."""
        ...
