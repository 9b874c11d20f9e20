# SPDX-License-Identifier: Apache-2.0
"""Who erases what about an account: each part of the node registers its own hand.

All hands work in one transaction: an account is erased everywhere, or nowhere.

```python
erasers = Erasers()
erasers.register("reviews", erase_tasks_of)
counts = await erasers.erase(tx, "account-17", at=now)
```
"""

from collections.abc import Awaitable, Callable

from fedsafe_node.store.protocol import Transaction

Eraser = Callable[[Transaction, str, int], Awaitable[int]]
"""Erases what a part holds about an account, at a second; returns how many rows."""


class Erasers:
    """All hands that erase."""

    def __init__(self) -> None:
        self._hands: dict[str, Eraser] = {}

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

    async def erase(self, tx: Transaction, subject: str, *, at: int) -> dict[str, int]:
        """Erase an account everywhere; returns by part how much there was."""
        return {
            part: await erase(tx, subject, at)
            for part, erase in sorted(self._hands.items())
        }
