# SPDX-License-Identifier: Apache-2.0
"""The log engine bound to a store.

`open_store` puts database, sequencer, period keys and guard together. Records are
appended inside acts (`tx.append`); reading, proving and verifying are here.

```python
store = await open_store(url, keys=keys, clock=clock, guard=guard)
engine = LogEngine(store)
head = await engine.head("chat.example.de/feed")
```
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import unquote, urlsplit

from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import (
    ForeignStoreError,
    RolledBackError,
    StoreFailedError,
)
from fedsafe_node.ground.faults import NO_FAULTS, Faults
from fedsafe_node.log.guard import Guard
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.log.proofs import log_root, prove_consistency, prove_inclusion
from fedsafe_node.log.sequencer import Sequencer
from fedsafe_node.log.verification import Anchor, CommitmentsOf, Verified, verify_log
from fedsafe_node.store.address import Server, driver_needed
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.reserve import Reserve
from fedsafe_node.store.rows import KeptOpening, LogName, Opening
from fedsafe_node.store.seal_protocol import Position, Surroundings
from fedsafe_node.store.sql_log_reader import Unsealing
from fedsafe_node.store.sqlite.store import SQLiteStore, examine_file

_AUDIT: Final = "/audit"
_POSTGRESQL: Final = "postgresql://"
_MEMORY: Final = "what this worker has seen committed"
T = TypeVar("T")
AnchorsOf = Callable[[Reader], Awaitable[Sequence[Anchor]]]


@dataclass(frozen=True, slots=True)
class Head:
    """The size of a log and the root of its tree."""

    size: int
    root: bytes


async def open_store(  # noqa: PLR0913 - everything it needs is an argument
    where: str | Server,
    *,
    keys: PeriodKeys,
    clock: Clock,
    guard: Guard | None = None,
    node: str | None = None,
    around: Surroundings | None = None,
    reserve: Reserve | None = None,
    faults: Faults = NO_FAULTS,
) -> Store:
    """Open the store at a URL such as `sqlite:///srv/node/node.db`, or on a server.

    A node gives the guard, its name, *around*: what is sealed with the tables, and
    the reserve for a full disk.

    Raises:
        ForeignStoreError: it is another node's.
        SealBrokenError: something is not as the node left it.
        StoreError: it is no such URL, or the database can't be opened.
        RolledBackError: the database is behind a checkpoint that left the node.
    """
    if isinstance(where, str) and where.startswith(_POSTGRESQL):
        where = Server(where)
    sequencer = Sequencer(keys, clock, faults=faults)

    async def check(reader: Reader, known: Mapping[LogName, Position]) -> None:
        if guard is not None:
            await guard.check(reader)
        foreign = [log for log in await reader.logs() if log.endswith(_AUDIT)]
        for log in foreign if node is not None else ():
            if log != f"{node}{_AUDIT}":
                raise ForeignStoreError(log, str(node))
        await _check_known(reader, known)

    if isinstance(where, Server):
        return await _open_server(
            where,
            sequencer,
            clock=clock,
            check=check,
            around=around,
            faults=faults,
        )
    return await SQLiteStore.open(
        _file(where),
        sequencer,
        clock=clock,
        check=lambda reader: check(reader, {}),
        around=around,
        reserve=reserve,
        faults=faults,
    )


async def _check_known(reader: Reader, known: Mapping[LogName, Position]) -> None:
    """See that logs still begin as this process knows them.

    An older copy of the database, to which somebody else has added, is as long.
    """
    for log, (size, root) in known.items():
        if size and await log_root(reader, log, size) != root:
            here = await reader.log_size(log)
            raise RolledBackError(log, size, here, _MEMORY)


def examine_store(
    where: str | Server, query: Callable[[Reader], Awaitable[T]], unsealing: Unsealing
) -> T:
    """Run a query on a store, whoever has it open, and change nothing. It blocks.

    Raises:
        StoreFailedError: it is no store, or pages of it are damaged.
    """
    if isinstance(where, Server):
        with driver_needed():
            from fedsafe_node.store.postgresql.store import (  # noqa: PLC0415
                examine_server,
            )

        return examine_server(where, query, unsealing)
    return examine_file(_file(where), query, unsealing)


def _file(url: str) -> Path:
    parts = urlsplit(url)
    if parts.scheme != "sqlite" or parts.netloc or not parts.path:
        raise StoreFailedError(f"no store has the URL scheme {parts.scheme!r}")
    return Path(unquote(parts.path))


async def _open_server(  # noqa: PLR0913 - as `open_store`
    server: Server,
    sequencer: Sequencer,
    *,
    clock: Clock,
    check: Callable[[Reader, Mapping[LogName, Position]], Awaitable[None]],
    around: Surroundings | None,
    faults: Faults,
) -> Store:
    with driver_needed():
        from fedsafe_node.store.postgresql.store import PostgresStore  # noqa: PLC0415

    return await PostgresStore.open(
        server, sequencer, clock=clock, check=check, around=around, faults=faults
    )


class LogEngine:
    """Reads, proves and verifies the logs of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def head(self, log: LogName) -> Head:
        """Return the size and root of a log; the empty tree's if there is none."""

        async def query(reader: Reader) -> Head:
            size = await reader.log_size(log)
            return Head(size, await log_root(reader, log, size))

        return await self._store.read(query)

    async def record(self, log: LogName, index: int) -> bytes | None:
        """Return the exact bytes of an entry."""
        return await self._store.read(lambda reader: reader.record(log, index))

    async def records(self, log: LogName, since: int, limit: int) -> list[bytes]:
        """Return the entries from index `since` to below `since + limit`."""
        return await self._store.scan(lambda reader: reader.records(log, since, limit))

    async def opening(self, log: LogName, index: int, group: str) -> Opening | None:
        """Return an opening; None if it is erased, or was never there."""
        return await self._store.read(lambda reader: reader.opening(log, index, group))

    async def openings(self, log: LogName, since: int, limit: int) -> list[KeptOpening]:
        """Return the openings of the `limit` entries from `since` on."""
        return await self._store.scan(lambda reader: reader.openings(log, since, limit))

    async def root_at(self, log: LogName, size: int) -> bytes:
        """Return the root that a log had at a size.

        Raises:
            UnknownEntryError: the log never had that size.
        """
        return await self._store.read(lambda reader: log_root(reader, log, size))

    async def inclusion(self, log: LogName, index: int, size: int) -> list[bytes]:
        """Prove that an entry is in the tree of `size` entries.

        Raises:
            UnknownEntryError: the log never had that size, or has no such entry.
        """
        return await self._store.read(
            lambda reader: prove_inclusion(reader, log, index, size)
        )

    async def consistency(self, log: LogName, old: int, new: int) -> list[bytes]:
        """Prove that the tree of `new` entries extends that of `old`.

        Raises:
            UnknownEntryError: not 0 < old ≤ new, or the log never had that size.
        """
        return await self._store.read(
            lambda reader: prove_consistency(reader, log, old, new)
        )

    async def erase_opening(
        self, log: LogName, index: int, group: str, *, at: int
    ) -> bool:
        """Erase an opening for good; False if there is none or it was erased."""
        return await self._store.write(
            lambda tx: tx.erase_opening(log, index, group, at=at)
        )

    async def verify(
        self,
        log: LogName,
        commitments_of: CommitmentsOf,
        anchors_of: AnchorsOf | None = None,
        *,
        is_own: bool = False,
        since: Anchor | None = None,
    ) -> Verified:
        """Recompute a log's tree from its records and check every opening.

        With *since* only what is behind it, and the tiles of what is before.

        The anchors are read on the same snapshot as the log.

        Raises:
            CorruptLogError: names the first entry (or first of its tile) at fault.
        """

        async def query(reader: Reader) -> Verified:
            anchors = await anchors_of(reader) if anchors_of is not None else ()
            return await verify_log(
                reader, log, commitments_of, anchors, is_own=is_own, since=since
            )

        return await self._store.scan(query)
