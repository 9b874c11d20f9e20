# SPDX-License-Identifier: Apache-2.0
"""The store of a process that is not alone: it counts what others have to take up.

Which writes are followed is one table, and every other one is named as not followed, so
that a new one is decided on (`tests/node/store/test_followed_store.py`).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar, cast

from fedsafe_node.store.change_counter import Follower, Topic, count_changes
from fedsafe_node.store.keeping_rows import Outage, Room
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import StoreTrouble
from fedsafe_node.store.seal_protocol import SealReport
from fedsafe_node.store.transaction import Transaction

T = TypeVar("T")

FOLLOWED: Final[Mapping[str, Topic]] = {
    "add_signal": Topic.SIGNALS,
    "add_signals": Topic.SIGNALS,
    "revive_signal": Topic.SIGNALS,
    "add_gate": Topic.DECISIONS,
    "add_register_entry": Topic.DECISIONS,
    "add_person": Topic.PEOPLE,
    "set_person": Topic.PEOPLE,
    "add_credential": Topic.PEOPLE,
    "add_terms": Topic.PEOPLE,
    "remove_credential": Topic.CREDENTIALS,
    "set_credential_expiry": Topic.CREDENTIALS,
    "set_peer_state": Topic.MEMBERS,
    "put_circuit": Topic.CIRCUITS,
    "add_provider_event": Topic.EVENTS,
}
"""Writes that others have to take up."""
NAMED: Final[Mapping[str, Mapping[str, Topic]]] = {
    "set_meta": {
        "provisions/": Topic.DECISIONS,
        "lacking/": Topic.MEMBERS,
        "again/": Topic.MEMBERS,
        "quarantines": Topic.MEMBERS,
        "present": Topic.PRESENT,
    },
    "put_document": {"charter": Topic.CHARTER, "attestation/": Topic.MEMBERS},
}
"""Writes that others have to take up if what is written has such a name."""


class _Telling:
    """A transaction that remembers which topics were written to."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.topics: set[Topic] = set()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever it has
        topic = FOLLOWED.get(name)
        if topic is not None:
            self.topics.add(topic)
        return getattr(self._tx, name)

    async def set_meta(self, key: str, value: bytes) -> None:
        """Keep a small value that the node keeps about itself."""
        self._note("set_meta", key)
        await self._tx.set_meta(key, value)

    async def put_document(self, name: str, body: bytes) -> None:
        """Keep a public document; an older one is replaced."""
        self._note("put_document", name)
        await self._tx.put_document(name, body)

    def _note(self, method: str, name: str) -> None:
        for start, topic in NAMED[method].items():
            if name.startswith(start):
                self.topics.add(topic)


class FollowedStore:
    """A node's database, shared with other processes of the node."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.follower = Follower(store)

    async def write(
        self,
        act: Callable[[Transaction], Awaitable[T]],
        *,
        vital: bool = False,
        alone: bool = False,
    ) -> T:
        """Run an act, and count within it what it changes for others."""

        async def whole(tx: Transaction) -> tuple[T, set[Topic]]:
            telling = _Telling(tx)
            result = await act(cast("Transaction", telling))
            if telling.topics:
                await count_changes(tx, telling.topics)
            return result, telling.topics

        result, topics = await self._store.write(whole, vital=vital, alone=alone)
        self.follower.changed_here(topics)
        return result

    async def read(self, query: Callable[[Reader], Awaitable[T]]) -> T:
        """Run a query over a few indexed rows, on the newest snapshot."""
        return await self._store.read(query)

    async def scan(self, query: Callable[[Reader], Awaitable[T]]) -> T:
        """Run a long query away from the event loop, on the newest snapshot."""
        return await self._store.scan(query)

    async def check_seal(self) -> SealReport:
        """Compare everything that the seal vouches for with it, away from the loop."""
        return await self._store.check_seal()

    async def scrub(self) -> bool:
        """Clear erased bytes out of all residues; False if a reader hinders."""
        return await self._store.scrub()

    def leaves_residues(self) -> bool:
        """Whether what is erased stays on disks for a while, beyond any `scrub`."""
        return self._store.leaves_residues()

    def take_outages(self) -> list[Outage]:
        """Return the times, now over, in which writes failed; each is given once."""
        return self._store.take_outages()

    def trouble(self) -> StoreTrouble | None:
        """Return why writes fail, until one that changes something succeeds."""
        return self._store.trouble()

    def gave_up(self) -> bool:
        """Whether it takes no more writes until it is opened anew."""
        return self._store.gave_up()

    async def room(self) -> Room | None:
        """Measure how much room there is; None for a store without a reserve."""
        return await self._store.room()

    async def close(self) -> None:
        """Finish the writes that were handed in, then close."""
        await self._store.close()
