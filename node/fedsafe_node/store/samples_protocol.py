# SPDX-License-Identifier: Apache-2.0
"""What a store promises about samples of own signals.

Part of `Reader` and `Transaction`.
"""

from collections.abc import Sequence
from typing import Protocol

from fedsafe_node.store.samples_rows import SampledRow, SampleRow


class SamplesReader(Protocol):
    """Reads samples."""

    async def last_sample(self) -> SampleRow | None:
        """Return the newest sample."""
        ...

    async def first_published(self) -> int | None:
        """Return when the first signal was drafted that was published later."""
        ...

    async def published(self, origin: str, after: bytes, limit: int) -> list[bytes]:
        """Return live signals of an origin that two people published, by their id."""
        ...

    async def sampled(
        self, origin: str, limit: int, *, found: bool
    ) -> list[SampledRow]:
        """Return what was drawn: live and not looked at, or with a finding."""
        ...

    async def sampled_signal(self, signal_id: bytes) -> SampledRow | None:
        """Return the newest time that a signal was drawn."""
        ...

    async def sampled_by(self, signal_id: bytes) -> list[str]:
        """Return who has looked at a signal because it was drawn."""
        ...

    async def samples_overdue(self, origin: str, now: int) -> int:
        """Count live signals that were drawn and that nobody looked at in time."""
        ...


class SamplesWriter(Protocol):
    """Keeps samples."""

    async def add_sample(self, sample: SampleRow, drawn: Sequence[SampledRow]) -> None:
        """Keep a sample with what was drawn.

        Raises:
            ConflictError: one began at that moment.
        """
        ...

    async def put_sampled(self, row: SampledRow) -> None:
        """Keep what somebody found.

        Raises:
            ConflictError: somebody has found something before.
        """
        ...
