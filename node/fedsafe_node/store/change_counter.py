# SPDX-License-Identifier: Apache-2.0
"""Know what another process of the node has changed, before anything is decided.

A node may run as several processes over one store. Each keeps in memory what it decides
by: policy, gate, register, members, names, indexes. Whoever changes one of these counts
it as a `Topic`, within the same act (`followed_store`). `fresh` compares the counts
with those that it has taken up, and takes up what is new; it is called before a
request is looked at and before a job runs. So whoever begins after an act was
acknowledged decides by it, in whatever process it was. What runs longer meets a change
within `POLL`, as it does in one process between two of its steps.

Many requests that begin at once share one look. If a change cannot be taken up, what
would be decided without it is refused.

A process that is alone has nothing to follow: `ALONE`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from enum import StrEnum, unique
from typing import Final, Protocol

import msgspec

from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.ground.errors import StoreError, UnavailableError
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase

POLL: Final = 0.5
"""How many seconds lie between two looks of a process that nobody asks anything."""
_COUNTS: Final = "following"
_RETRY_MS: Final = 1_000
_LOG = logging.getLogger(f"{LOGGER}.following")

Refresh = Callable[[], Awaitable[None]]


@unique
class Topic(StrEnum):
    """What processes hold in memory that another one may change."""

    CHARTER = "charter"
    DECISIONS = "decisions"
    PEOPLE = "people"
    CREDENTIALS = "credentials"
    MEMBERS = "members"
    SIGNALS = "signals"
    CIRCUITS = "circuits"
    PRESENT = "present"
    POKES = "pokes"
    EVENTS = "events"


class _Counts(msgspec.Struct, frozen=True):
    """How often each topic was changed; what is not known yet was never."""

    topics: dict[str, int]


class Following(Protocol):
    """Keeps a process up to date."""

    async def fresh(self) -> None:
        """Take up all that was acknowledged before this call.

        Raises:
            StoreError: the store cannot be read.
            UnavailableError: something cannot be taken up.
        """
        ...


class _Alone:
    __slots__ = ()

    async def fresh(self) -> None:
        """Nobody else changes anything."""


ALONE: Final[Following] = _Alone()


async def count_changes(tx: Transaction, topics: Collection[Topic]) -> None:
    """Count changes, within the act that makes them."""
    counts = dict(await read_counts(tx))
    for topic in topics:
        counts[topic.value] = counts.get(topic.value, 0) + 1
    await tx.set_meta(_COUNTS, encode(_Counts(counts)))


async def read_counts(reader: Reader) -> Mapping[str, int]:
    """Read how often each topic was changed."""
    kept = await reader.meta(_COUNTS)
    return {} if kept is None else decode(kept, _Counts).topics


class Follower:
    """Follows the other processes of a node.

    Owned by the event loop: `_taken`, the counts up to which each topic was taken up;
    `_again`, what this process has changed itself and looks at once more, since it may
    have taken up its own change behind a later one; `_next`, the look that has not
    begun, which all share who come before it does; `_looking`, held during a look;
    `_poking`, the poke that is under way.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._refresh: dict[Topic, Refresh] = {}
        self._taken: dict[Topic, int] = {}
        self._again: set[Topic] = set()
        self._looking = asyncio.Lock()
        self._next: asyncio.Task[None] | None = None
        self._poking: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Count from now on; call it before what is followed is read first."""
        counts = await self._store.read(read_counts)
        self._taken = {topic: counts.get(topic.value, 0) for topic in Topic}

    def take_up(self, topic: Topic, refresh: Refresh) -> None:
        """Let *refresh* take up the changes of a topic, in the order of `Topic`."""
        self._refresh[topic] = refresh

    def changed_here(self, topics: Collection[Topic]) -> None:
        """Be told that this process itself has changed something."""
        self._again.update(topics)

    def poke(self) -> None:
        """Let the process that leads ask the other members, as one has told us to."""
        if self._poking is None or self._poking.done():
            self._poking = asyncio.create_task(self._poke())

    async def _poke(self) -> None:
        with suppress(StoreError):  # it asks them by itself before long
            await self._store.write(lambda tx: count_changes(tx, {Topic.POKES}))

    async def fresh(self) -> None:
        """Take up all that was acknowledged before this call.

        Raises:
            StoreError: the store cannot be read.
            UnavailableError: something cannot be taken up.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._look())
        await asyncio.shield(self._next)

    async def _look(self) -> None:
        async with self._looking:
            self._next = None  # whoever comes from now on needs a later one
            counts = await self._store.read(read_counts)
            again, self._again = self._again, set()
            for topic in Topic:
                count = counts.get(topic.value, 0)
                if count != self._taken.get(topic, 0) or topic in again:
                    await self._take(topic, again)
                    self._taken[topic] = count
                    again.discard(topic)

    async def _take(self, topic: Topic, again: set[Topic]) -> None:
        refresh = self._refresh.get(topic)
        if refresh is None:
            return
        try:
            await refresh()
        except StoreError:
            self._again |= again
            raise
        except Exception:  # noqa: BLE001
            # The boundary of whoever takes up: the next look tries again.
            self._again |= again
            _LOG.exception("not followed", extra=fields(reason=topic.value))
            raise UnavailableError(
                "unavailable",
                Phrase(
                    "this process of the node cannot take up what another has changed"
                ),
                retry_after_ms=_RETRY_MS,
            ) from None
