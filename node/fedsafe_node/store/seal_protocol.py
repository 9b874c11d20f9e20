# SPDX-License-Identifier: Apache-2.0
"""What the seal needs from the node around the database, and what a check tells."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fedsafe_node.ground.errors import SealBrokenError
from fedsafe_node.store.sealed_parts import SealKey

Position = tuple[int, bytes]  # the size and the root of a log


class Surroundings(Protocol):
    """What the seal vouches for outside the database, and its key."""

    @property
    def key(self) -> SealKey:
        """The key of the seal."""
        ...

    @property
    def was_sealed(self) -> bool:
        """Whether there has been a seal under this key."""
        ...

    def begin_sealing(self) -> None:
        """Keep the key, before the first seal is written."""
        ...

    def end_sealing(self) -> None:
        """Remember that there is a seal, once it is durable."""
        ...

    def digests(self) -> Mapping[str, bytes]:
        """Return the digests of all key files."""
        ...

    def news(
        self, sealed: Mapping[str, bytes], destroyed: Callable[[], Collection[str]]
    ) -> Mapping[str, bytes] | None:
        """Return the digests with files that came, or were destroyed; None if none.

        *destroyed* tells which were to be destroyed.
        """
        ...

    def marks(self) -> Mapping[str, int]:
        """Return how far the rollback guard has come, by log."""
        ...


@dataclass(frozen=True, slots=True)
class SealReport:
    """How many rows are vouched for, what is not as it was, where the logs stood.

    `moved`: where the store went on, if it did; what was examined is old then.
    """

    rows: int = 0
    faults: tuple[SealBrokenError, ...] = ()
    logs: Mapping[str, Position] = field(default_factory=dict)
    moved: str | None = None
