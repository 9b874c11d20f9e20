# SPDX-License-Identifier: Apache-2.0
"""Acts that happen once, however often their request is repeated.

A client that gets no answer repeats its request with the same `Idempotency-Key`.
The act and the answer to it are one transaction: the service puts `once.row(…)`
into the same act as what it records, so there is no moment, not even at a power
cut, at which one is durable and the other is not. An act that was refused has
changed nothing; its repetition is judged anew.

Neither key nor request is stored. The row is found under a hash of who asks and
the key; the request is told apart by an HMAC under the key. A key is random, so a
thief of the database cannot try bodies that hold an identifier.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import msgspec

from fedsafe_federation.wire.wireformat import encode, pack
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import NodeError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import IdempotencyRow

KEPT_SECONDS: Final = 24 * 60 * 60
KEY: Final = re.compile(r"[A-Za-z0-9_-]{22,64}")
_DOMAIN: Final = b"fedsafe/v1/idempotency\n"


@dataclass(frozen=True, slots=True)
class Once:
    """A request as it is recognised again; made by the API, kept by the service.

    The service calls `row` with its answer and adds the row in the very act that
    it answers for (`tx.add_idempotent_answer`). `ConflictError` from there means
    that another worker was faster: nothing of this act is kept. What is asked in
    MessagePack is `packed`, as its answer is.
    """

    key: str
    digest: bytes
    status: int
    packed: bool = False

    def row(self, answer: msgspec.Struct, *, now: int) -> IdempotencyRow:
        """Make the row that gives *answer* to every repetition for a day."""
        return IdempotencyRow(
            key=self.key,
            request_digest=self.digest,
            status=self.status,
            body=pack(answer) if self.packed else encode(answer),
            expires_at=now + KEPT_SECONDS,
        )


def recognise(  # noqa: PLR0913 - whose key, and for what
    key: str,
    who: Principal,
    *,
    route: str,
    body: bytes,
    status: int,
    packed: bool = False,
) -> Once:
    """Bind an Idempotency-Key to its owner, route and exact body."""
    owner = f"{who.role.value}\n{who.name}\n{key}".encode()
    digest = hmac.digest(key.encode(), route.encode() + b"\n" + body, "sha256")
    return Once(hashlib.sha256(_DOMAIN + owner).hexdigest(), digest, status, packed)


class StoredAnswers:
    """Finds answers that were kept, in the node's own store."""

    __slots__ = ("_clock", "_store")

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def find(self, key: str) -> IdempotencyRow | None:
        """Return what was kept under this key, unless it has expired."""
        row = await self._store.read(lambda reader: reader.idempotent_answer(key))
        if row is None or row.expires_at <= self._clock.now().timestamp():
            return None
        return row


class InFlightError(NodeError):
    """The same request is being worked on at this moment."""


class InFlight:
    """The keys whose act is under way in this process."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: set[str] = set()

    @contextmanager
    def claim(self, once: Once) -> Iterator[None]:
        """Hold the key while its act is under way.

        Raises:
            InFlightError: somebody holds it.
        """
        if once.key in self._keys:
            raise InFlightError
        self._keys.add(once.key)
        try:
            yield
        finally:
            self._keys.discard(once.key)
