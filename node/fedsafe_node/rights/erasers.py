# SPDX-License-Identifier: Apache-2.0
"""Who erases what about an account: each part of the node registers its own hand.

All hands work in one transaction: an account is erased everywhere, or nowhere. What
memory has to learn of it waits in the erasure until that is durable.

```python
erasers = Erasers()
erasers.register("reviews", erase_tasks_of)
counts = await erasers.erase(tx, erasure)
...
await erasers.settle(erasure)
```
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.rules.people import Person


@dataclass(slots=True)
class Gone:
    """What an act has erased of what is listed; memory learns of it once it is durable.

    The rows that match no more, the size of the own feed if it has grown, which signals
    others had, how many own bans and drafts there were, and how many signals' reviews
    come before a person again.
    """

    removed: list[int] = field(default_factory=list)
    feed: int | None = None
    shared: list[str] = field(default_factory=list)
    own_bans: int = 0
    drafts: int = 0
    flagged: int = 0


@dataclass(slots=True, kw_only=True)
class Erasure:
    """One erasure of an account, in its act: whose, when, and which two stand by it.

    `entries` are those of the audit log below `end` that name the account, with what
    else is to lose its openings. `request` is the one that is granted with it: it stays
    until its person has read how it ended. The hands note in `kept` until when a
    measure stays that somebody has decided.
    """

    subject: str
    at: int
    first: Person
    second: Person
    entries: Sequence[int]
    end: int
    request: str | None = None
    gone: Gone = field(default_factory=Gone)
    kept: int | None = None

    def __repr__(self) -> str:
        """Show nothing of whom it is about."""
        return "Erasure(…)"


Eraser = Callable[[Transaction, Erasure], Awaitable[int]]
"""Erases what a part holds about an account; returns how many rows."""
Settle = Callable[[Erasure], Awaitable[None]]


class Erasers:
    """All hands that erase, in the order in which they do.

    `settle` lets memory learn of an erasure that is durable.
    """

    def __init__(self) -> None:
        self._hands: dict[str, Eraser] = {}
        self.settle: Settle = _nothing

    def register(self, part: str, eraser: Eraser) -> None:
        """Let a part of the node take its part in every erasure.

        Raises:
            ValueError: the part has a hand already.
        """
        if part in self._hands:
            raise ValueError(f"{part} erases already")
        self._hands[part] = eraser

    def parts(self) -> list[str]:
        """Return which parts of the node erase."""
        return sorted(self._hands)

    async def erase(self, tx: Transaction, erasure: Erasure) -> dict[str, int]:
        """Erase an account everywhere; returns by part how much there was."""
        return {part: await erase(tx, erasure) for part, erase in self._hands.items()}


async def _nothing(erasure: Erasure) -> None:
    """Hold nothing in memory."""
