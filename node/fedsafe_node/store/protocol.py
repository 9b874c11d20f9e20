# SPDX-License-Identifier: Apache-2.0
"""What a store promises, whatever database is behind it.

An *act* is a coroutine function that gets a `Transaction`; it happens whole or
not at all, and `write` returns only when it is durable. Many acts may share one
commit; an act that raises takes back only itself. An act awaits nothing but the
transaction's own methods, because it may be driven on a writer thread, and it
may append to lists of its caller only after `write` has returned.

A *query* is a coroutine function that gets a `Reader` on one snapshot: through
`read` for a few indexed rows, through `scan` for anything that walks a table.

```python
async def act(tx: Transaction) -> int:
    index = await tx.append("chat.example.de/feed", record, openings)
    await tx.add_signal(signal)
    return index

index = await store.write(act)
```
"""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from fedsafe_node.store.keeping_rows import Outage, Room
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import StoreTrouble
from fedsafe_node.store.seal_protocol import SealReport
from fedsafe_node.store.transaction import Transaction

T = TypeVar("T")


class Store(Protocol):
    """A node's database."""

    async def write(
        self,
        act: Callable[[Transaction], Awaitable[T]],
        *,
        vital: bool = False,
        alone: bool = False,
    ) -> T:
        """Run an act and return its result once it is durable.

        What is *vital* may use the reserve of a full disk though it leaves no event
        by which it could be known: the node needs it to stop anything. What is *alone*
        shares its commit with no other act: with one that may change many hundreds of
        rows it costs SQLite dearly to be ready to take back only that.

        Raises:
            StoreFailedError: the disk refused. Mostly nothing of the act is kept;
                after a commit that failed it may be, whole.
            StoreClosedError: the store takes no more writes.
        """
        ...

    async def read(self, query: Callable[[Reader], Awaitable[T]]) -> T:
        """Run a query over a few indexed rows, on the newest snapshot."""
        ...

    async def scan(self, query: Callable[[Reader], Awaitable[T]]) -> T:
        """Run a long query away from the event loop, on the newest snapshot."""
        ...

    async def check_seal(self) -> SealReport:
        """Compare everything that the seal vouches for with it, away from the loop."""
        ...

    async def scrub(self) -> bool:
        """Clear erased bytes out of all residues; False if a reader hinders.

        Raises:
            StoreClosedError: the store takes no more writes.
        """
        ...

    def leaves_residues(self) -> bool:
        """Whether what is erased stays on disks for a while, beyond any `scrub`."""
        ...

    def take_outages(self) -> list[Outage]:
        """Return the times, now over, in which writes failed; each is given once."""
        ...

    def trouble(self) -> StoreTrouble | None:
        """Return why writes fail, until one that changes something succeeds."""
        ...

    def gave_up(self) -> bool:
        """Whether it takes no more writes until it is opened anew."""
        ...

    async def room(self) -> Room | None:
        """Measure how much room there is; None for a store without a reserve."""
        ...

    async def close(self) -> None:
        """Finish the writes that were handed in, then close."""
        ...
