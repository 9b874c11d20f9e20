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

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from fedsafe_node.store.cases_protocol import CasesReader, CasesWriter
from fedsafe_node.store.events_protocol import EventsReader, EventsWriter
from fedsafe_node.store.floods_protocol import FloodsReader, FloodsWriter
from fedsafe_node.store.gate_protocol import GateReader, GateWriter
from fedsafe_node.store.imports_protocol import ImportsReader, ImportsWriter
from fedsafe_node.store.inquiries_protocol import InquiriesReader, InquiriesWriter
from fedsafe_node.store.inventory_protocol import InventoryReader, InventoryWriter
from fedsafe_node.store.keeping_protocol import KeepingReader, KeepingWriter
from fedsafe_node.store.keeping_rows import Outage, Room
from fedsafe_node.store.metering_protocol import MeteringReader, MeteringWriter
from fedsafe_node.store.notices_protocol import NoticesReader, NoticesWriter
from fedsafe_node.store.orders_protocol import OrdersReader, OrdersWriter
from fedsafe_node.store.oversight_protocol import OversightReader, OversightWriter
from fedsafe_node.store.people_protocol import PeopleReader, PeopleWriter
from fedsafe_node.store.prune_protocol import PruneReader, PruneWriter
from fedsafe_node.store.recipients_protocol import (
    RecipientsReader,
    RecipientsWriter,
)
from fedsafe_node.store.review_protocol import ReviewReader, ReviewWriter
from fedsafe_node.store.rights_protocol import RightsReader, RightsWriter
from fedsafe_node.store.rows import (
    Committed,
    Counts,
    CredentialRow,
    GateRow,
    IdempotencyRow,
    KeptOpening,
    LogEntry,
    Opening,
    PeerRow,
    PeerState,
    SealedOpening,
    StoreTrouble,
    Tail,
)
from fedsafe_node.store.samples_protocol import SamplesReader, SamplesWriter
from fedsafe_node.store.seal_protocol import SealReport, Surroundings
from fedsafe_node.store.signal_protocol import SignalReader, SignalWriter
from fedsafe_node.store.trials_protocol import TrialsReader, TrialsWriter
from fedsafe_node.store.witness_protocol import WitnessReader, WitnessWriter

T = TypeVar("T")
LogName = str  # such as "chat.example.de/feed": the C2SP origin of the log


class LogReader(Protocol):
    """Reads the logs: records, openings and the tree above them."""

    async def logs(self) -> list[LogName]:
        """Return the names of all logs that have an entry."""
        ...

    async def log_size(self, log: LogName) -> int:
        """Return the number of entries; 0 for a log that is not there."""
        ...

    async def minimum(self, log: LogName) -> int:
        """Return the first entry of a log that was not pruned."""
        ...

    async def leaf_tile(self, log: LogName, index: int) -> bytes | None:
        """Return the 256 leaf hashes of a tile whose entries were pruned."""
        ...

    async def record(self, log: LogName, index: int) -> bytes | None:
        """Return the exact bytes of an entry."""
        ...

    async def records(self, log: LogName, since: int, limit: int) -> list[bytes]:
        """Return the entries from index `since` to below `since + limit`."""
        ...

    async def tile_roots(
        self, log: LogName, level: int, start: int, stop: int
    ) -> list[bytes]:
        """Return roots of full tiles: entries `start` to `stop` of tile level ≥ 1."""
        ...

    async def opening(self, log: LogName, index: int, group: str) -> Opening | None:
        """Return an opening; None if it is erased, or was never there.

        Raises:
            CorruptLogError: what is stored is not what was sealed.
        """
        ...

    async def openings(
        self, log: LogName, since: int, limit: int, *, group: str | None = None
    ) -> list[KeptOpening]:
        """Return the openings of the `limit` entries from `since` on.

        Raises:
            CorruptLogError: what is stored is not what was sealed.
        """
        ...

    async def committed(
        self, log: LogName, since: int, limit: int
    ) -> Iterator[Committed]:
        """Tell what the openings of the `limit` entries from `since` on commit to.

        They are opened as they are asked for, in the order of entries and groups.

        Raises:
            CorruptLogError: what is stored is not what was sealed.
        """
        ...

    async def sealed_openings(
        self, log: LogName, since: int, limit: int, *, group: str | None = None
    ) -> list[SealedOpening]:
        """Return the openings of the `limit` entries from `since` on, as stored."""
        ...

    async def count_openings(self, log: LogName, since: int, limit: int) -> int:
        """Count those of the `limit` entries from `since` on that have an opening."""
        ...


class NodeReader(Protocol):
    """Reads peers, people and the node's own small state."""

    async def peer(self, origin: str) -> PeerRow | None:
        """Return how far a peer's feed is replicated."""
        ...

    async def peers(self) -> list[PeerRow]:
        """Return all peers by name."""
        ...

    async def credential(self, credential_id: str) -> CredentialRow | None:
        """Return a credential by its id."""
        ...

    async def credential_named(self, name: str) -> CredentialRow | None:
        """Return a credential by its name."""
        ...

    async def credentials(self) -> list[CredentialRow]:
        """Return all credentials by name."""
        ...

    async def newest_gate(self) -> GateRow | None:
        """Return the legal-gate record that was entered last."""
        ...

    async def idempotent_answer(self, key: str) -> IdempotencyRow | None:
        """Return the answer kept for an Idempotency-Key."""
        ...

    async def due(self, now: int) -> list[tuple[str, int]]:
        """Return the jobs (job, at) that are due, longest overdue first."""
        ...

    async def meta(self, key: str) -> bytes | None:
        """Return a small value that the node keeps about itself."""
        ...

    async def document(self, name: str) -> bytes | None:
        """Return a public document: charter, card, founding state."""
        ...

    async def seal_report(self, around: Surroundings, newest: int) -> SealReport:
        """Compare all with the seal, whose number is *newest* at least."""
        ...

    async def damage(self) -> str | None:
        """Return what is wrong with pages and indexes, None if nothing; walks all."""
        ...

    async def counts(self) -> Counts:
        """Count what the store holds; walks the signals, so use it in `scan`."""
        ...


class Reader(
    LogReader,
    SignalReader,
    NodeReader,
    CasesReader,
    MeteringReader,
    OrdersReader,
    OversightReader,
    PeopleReader,
    GateReader,
    EventsReader,
    RecipientsReader,
    NoticesReader,
    KeepingReader,
    PruneReader,
    ReviewReader,
    RightsReader,
    FloodsReader,
    SamplesReader,
    ImportsReader,
    TrialsReader,
    InquiriesReader,
    InventoryReader,
    WitnessReader,
    Protocol,
):
    """Reads everything on one snapshot."""


class LogWriter(Protocol):
    """Extends the logs; nothing in them is ever changed."""

    async def append(
        self, log: LogName, record: bytes, openings: Sequence[Opening] = ()
    ) -> int:
        """Append a record that holds the openings' commitments; return its index."""
        ...

    async def append_many(self, log: LogName, entries: Sequence[LogEntry]) -> range:
        """Append many entries at once; return their indices."""
        ...

    async def tail(self, log: LogName) -> Tail:
        """Return a log's end as it was appended, not as the disk has it now.

        What was not used since the store was opened is read from disk.

        Raises:
            CorruptLogError: it has to be read, and does not add up.
        """
        ...

    async def erase_opening(
        self, log: LogName, index: int, group: str, *, at: int
    ) -> bool:
        """Erase an opening for good; False if there is none or it was erased.

        The row stays as the mark of erasure; record, tree and proofs don't change.
        """
        ...


class NodeWriter(Protocol):
    """Keeps peers, people and the node's own small state."""

    async def put_peer(self, peer: PeerRow) -> None:
        """Keep a peer's position together with what was applied up to it."""
        ...

    async def set_peer_state(self, origin: str, state: PeerState) -> bool:
        """Suspend or resume a peer; False if it is not there."""
        ...

    async def add_credential(self, credential: CredentialRow) -> None:
        """Keep a credential.

        Raises:
            ConflictError: its id or name is taken.
        """
        ...

    async def remove_credential(self, credential_id: str) -> bool:
        """Remove a credential; False if there was none."""
        ...

    async def add_gate(self, gate: GateRow) -> None:
        """Enter a legal-gate record.

        Raises:
            ConflictError: its id is taken.
        """
        ...

    async def add_idempotent_answer(self, answer: IdempotencyRow) -> None:
        """Keep the answer to a request.

        Raises:
            ConflictError: the key is taken by another request of the same batch.
        """
        ...

    async def forget_idempotent_answers(self, now: int) -> int:
        """Drop the answers that expired; return how many."""
        ...

    async def set_due(self, job: str, at: int | None) -> None:
        """Set when a job is due next; None for never."""
        ...

    async def set_meta(self, key: str, value: bytes) -> None:
        """Keep a small value that the node keeps about itself."""
        ...

    async def put_document(self, name: str, body: bytes) -> None:
        """Keep a public document; an older one is replaced."""
        ...


class Transaction(
    Reader,
    LogWriter,
    SignalWriter,
    NodeWriter,
    CasesWriter,
    MeteringWriter,
    OrdersWriter,
    OversightWriter,
    PeopleWriter,
    GateWriter,
    EventsWriter,
    RecipientsWriter,
    NoticesWriter,
    KeepingWriter,
    PruneWriter,
    ReviewWriter,
    RightsWriter,
    FloodsWriter,
    SamplesWriter,
    ImportsWriter,
    TrialsWriter,
    InquiriesWriter,
    InventoryWriter,
    WitnessWriter,
    Protocol,
):
    """Reads and writes within one act; sees its own writes."""


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
