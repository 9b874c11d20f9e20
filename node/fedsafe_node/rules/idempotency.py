# SPDX-License-Identifier: Apache-2.0
"""Acts that happen once, however often their request is repeated.

A client that gets no answer repeats its request with the same `Idempotency-Key`.
The act and the answer to it are one transaction: the service puts `once.row(…)`
into the same act as what it records, so there is no moment, not even at a power
cut, at which one is durable and the other is not. An act that was refused has
changed nothing; its repetition is judged anew. What takes several acts keeps with each
of them what that has told (`once.part(…)`), and a repetition goes on behind it.

Neither key nor request is stored. The row is found under a hash of who asks and
the key; the request is told apart by an HMAC under the key. A key is random, so a
thief of the database cannot try bodies that hold an identifier. The answer may name
an account and what was found of it: it is kept sealed under the month's key, as the
openings of the audit log are. Answers that were kept before are read as they are.
"""

import asyncio
import hashlib
import hmac
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum, unique
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from fedsafe_crypto.errors import OpenError
from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_federation.wire.wireformat import decode, encode, pack, unpack
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import NodeError, StoreFailedError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.openings import PeriodKeys, period_of
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import IdempotencyRow

T = TypeVar("T")

KEPT_SECONDS: Final = 24 * 60 * 60
KEY: Final = re.compile(r"[A-Za-z0-9_-]{22,64}")
_DOMAIN: Final = b"fedsafe/v1/idempotency\n"
_PART: Final = b"fedsafe/v1/idempotency part\n"
_ANSWER: Final = "fedsafe/v1/kept answer"
_SEALED: Final = b"\0"
_HEAD: Final = 8  # that, and a period such as 2026-11


@dataclass(frozen=True, slots=True)
class Once:
    """A request as it is recognised again; made by the API, kept by the service.

    The service calls `row` with its answer and adds the row in the very act that
    it answers for (`tx.add_idempotent_answer`). `ConflictError` from there means
    that another worker was faster: nothing of this act is kept. What is asked in
    MessagePack is `packed`, as its answer is. Answers are sealed with *periods*.
    """

    key: str
    digest: bytes
    status: int
    packed: bool = False
    periods: PeriodKeys | None = field(default=None, repr=False)

    def row(self, answer: msgspec.Struct, *, now: int) -> IdempotencyRow:
        """Make the row that gives *answer* to every repetition for a day."""
        return self._row(self.key, answer, now)

    def part(self, number: int, content: msgspec.Struct, *, now: int) -> IdempotencyRow:
        """Make the row that keeps what the act of a part has told, before the answer.

        Parts belong to this very request: another one under the key finds none.
        """
        return self._row(self._part_key(number), content, now)

    async def parts(self, reader: Reader, type_: type[T]) -> list[T]:
        """Give the parts that were kept, in their order.

        Raises:
            StoreFailedError: one does not open.
        """
        found: list[T] = []
        read = unpack if self.packed else decode
        while True:
            row = await reader.idempotent_answer(self._part_key(len(found)))
            if row is None:
                return found
            if self.periods is not None:
                row = _opened(row, self.periods)
            found.append(read(row.body, type_))

    def _row(self, key: str, content: msgspec.Struct, now: int) -> IdempotencyRow:
        row = IdempotencyRow(
            key=key,
            request_digest=self.digest,
            status=self.status,
            body=pack(content) if self.packed else encode(content),
            expires_at=now + KEPT_SECONDS,
        )
        return row if self.periods is None else _sealed(row, self.periods, now)

    def _part_key(self, number: int) -> str:
        named = f"{self.key}\n{self.digest.hex()}\n{number}".encode()
        return hashlib.sha256(_PART + named).hexdigest()


def recognise(  # noqa: PLR0913 - whose key, and for what
    key: str,
    who: Principal,
    *,
    route: str,
    body: bytes,
    status: int,
    packed: bool = False,
    periods: PeriodKeys | None = None,
) -> Once:
    """Bind an Idempotency-Key to its owner, route and exact body.

    The answer is sealed with *periods*, if they are given.
    """
    owner = f"{who.role.value}\n{who.name}\n{key}".encode()
    digest = hmac.digest(key.encode(), route.encode() + b"\n" + body, "sha256")
    name = hashlib.sha256(_DOMAIN + owner).hexdigest()
    return Once(name, digest, status, packed, periods)


def _sealed(row: IdempotencyRow, periods: PeriodKeys, now: int) -> IdempotencyRow:
    period = period_of(datetime.fromtimestamp(now, UTC))
    sealed = periods.seal(period, row.body, _place(row.key, period))
    return replace(row, body=_SEALED + period.encode() + sealed)


def _opened(row: IdempotencyRow, periods: PeriodKeys) -> IdempotencyRow:
    """Open a kept answer; one of before is as it is.

    Raises:
        StoreFailedError: it does not open. To act again would be worse than no answer.
    """
    if not row.body.startswith(_SEALED):  # neither JSON nor a map of MessagePack is so
        return row
    named, sealed = row.body[1:_HEAD], row.body[_HEAD:]
    period = named.decode("ascii", "replace")
    try:
        body = periods.unseal(period, sealed, _place(row.key, period))
    except OpenError:
        body = None
    if body is None:
        raise StoreFailedError("a kept answer does not open")
    return replace(row, body=body)


def _place(key: str, period: str) -> bytes:
    return lp_text(_ANSWER) + lp_text(key) + lp_text(period)


class StoredAnswers:
    """Finds answers that were kept, in the node's own store."""

    __slots__ = ("_clock", "_store", "periods")

    def __init__(self, store: Store, clock: Clock, periods: PeriodKeys) -> None:
        self._store = store
        self._clock = clock
        self.periods = periods

    async def find(self, key: str) -> IdempotencyRow | None:
        """Return what was kept under this key, unless it has expired.

        Raises:
            StoreFailedError: it does not open.
        """
        row = await self._store.read(lambda reader: reader.idempotent_answer(key))
        if row is None or row.expires_at <= self._clock.now().timestamp():
            return None
        return _opened(row, self.periods)

    async def begin(self, once: Once) -> int:
        """Note that an act begins whose answer is not kept; `end` takes the number.

        Raises:
            SentAlreadyError: it was done before.
            UnclearError: it was begun before, and nobody knows what came of it.
            ConflictError: another process begins the same at this moment.
        """
        marks = await self._store.read(lambda reader: once.parts(reader, _Mark))
        if marks and marks[-1].state is _State.DONE:
            raise SentAlreadyError
        if marks and marks[-1].state is _State.BEGUN:
            raise UnclearError
        await self._mark(once, len(marks), _State.BEGUN)
        return len(marks)

    async def end(self, once: Once, number: int, *, done: bool) -> None:
        """Note what came of an act: it was done, or refused and has changed nothing."""
        state = _State.DONE if done else _State.REFUSED
        await self._mark(once, number + 1, state)

    async def _mark(self, once: Once, number: int, state: "_State") -> None:
        now = int(self._clock.now().timestamp())
        # The first of a month makes that month's key.
        row = await asyncio.to_thread(once.part, number, _Mark(state), now=now)
        await self._store.write(lambda tx: tx.add_idempotent_answer(row))


@unique
class _State(StrEnum):
    BEGUN = "begun"
    DONE = "done"
    REFUSED = "refused"


class _Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far an act has come whose answer is not kept."""

    state: _State


class SentAlreadyError(NodeError):
    """The same form was sent before, and carried out."""


class UnclearError(NodeError):
    """The same form was sent before, and the node ended while it acted."""


class InFlightError(NodeError):
    """The same request is being worked on at this moment."""


class InFlight:
    """The keys whose act is under way in this process."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: dict[str, asyncio.Event] = {}

    @contextmanager
    def claim(self, once: Once) -> Iterator[None]:
        """Hold the key while its act is under way.

        Raises:
            InFlightError: somebody holds it.
        """
        if once.key in self._keys:
            raise InFlightError
        ended = self._keys[once.key] = asyncio.Event()
        try:
            yield
        finally:
            del self._keys[once.key]
            ended.set()

    async def wait(self, once: Once) -> None:
        """Wait until nobody holds the key."""
        while (ended := self._keys.get(once.key)) is not None:
            await ended.wait()
