# SPDX-License-Identifier: Apache-2.0
"""What a store promises about witnessing. Part of `Reader` and `Transaction`."""

from collections.abc import Collection
from typing import Protocol

from fedsafe_node.store.witness_rows import CosignatureRow, WitnessedRow


class WitnessReader(Protocol):
    """Reads what was witnessed, here and elsewhere."""

    async def witnessed(self, log: str) -> WitnessedRow | None:
        """Return the largest tree that was cosigned here of a log with this key."""
        ...

    async def cosignatures(self, log: str) -> list[CosignatureRow]:
        """Return the cosignatures of an own log that are kept, the largest first."""
        ...


class WitnessWriter(Protocol):
    """Keeps what was witnessed."""

    async def put_witnessed(self, row: WitnessedRow) -> None:
        """Keep what was cosigned of a log.

        Raises:
            ConflictError: more was cosigned before, or another root.
        """
        ...

    async def put_cosignature(self, row: CosignatureRow) -> None:
        """Keep a cosignature; one of the same checkpoint is replaced."""
        ...

    async def forget_cosignatures(self, log: str, sizes: Collection[int]) -> None:
        """Drop the cosignatures of checkpoints of these sizes."""
        ...
