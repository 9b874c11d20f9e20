# SPDX-License-Identifier: Apache-2.0
"""Replay protection: each signed request counts once, and only while it is new.

Nonces are remembered in memory for the length of the window, as keyed digests: who
reads the memory, or the file that several processes share, finds no nonce that could
be used. A statement made
before this memory began is refused as well, so a restart opens no gap: the
sender signs a new one whenever it asks again. What a restart leaves open is as wide
as a sender's clock runs ahead, at most `SKEW`, and for requests
(`exchange.signed_requests`), whose time counts whole seconds, the second of the start.
The threat model says why nobody gains by it.
"""

import hashlib
from collections import OrderedDict
from datetime import datetime, timedelta
from secrets import token_bytes
from typing import Final

from fedsafe_crypto.primitives.framing import lp
from fedsafe_federation.errors import StaleStatementError

WINDOW: Final = timedelta(minutes=5)
SKEW: Final = timedelta(seconds=5)
MAX_REMEMBERED: Final = 1_000_000
DIGEST_BYTES: Final = 16


class SeenNonces:
    """Remembers what was seen within the window.

    State, owned by the event loop: `_seen` maps a digest of sender and nonce to the
    moment at which it may be forgotten, oldest first. The digest's key is drawn anew
    for each memory, or is that of the processes which share one.
    """

    def __init__(self, *, began: datetime, key: bytes | None = None) -> None:
        self._key = token_bytes(32) if key is None else key
        # Senders count whole milliseconds.
        self._began = began.replace(microsecond=began.microsecond // 1000 * 1000)
        self._seen: OrderedDict[bytes, datetime] = OrderedDict()

    def mark(self, *words: bytes) -> bytes:
        """Name something as it is kept here; nobody else can."""
        data = b"".join(lp(word) for word in words)
        return hashlib.blake2b(data, digest_size=DIGEST_BYTES, key=self._key).digest()

    def admit(
        self, sender: str, nonce: bytes, *, made: datetime, now: datetime
    ) -> None:
        """Remember a statement, or refuse it.

        Raises:
            StaleStatementError: too old, from the future, or seen before.
        """
        if made < now - WINDOW or made < self._began:
            raise StaleStatementError(sender, "the statement is too old")
        if made > now + SKEW:
            raise StaleStatementError(sender, "the statement lies in the future")
        self.remember(sender, nonce, until=now + WINDOW + SKEW + SKEW, now=now)

    @property
    def began(self) -> datetime:
        """Since when this memory goes back."""
        return self._began

    def remember(
        self, sender: str, nonce: bytes, *, until: datetime, now: datetime
    ) -> None:
        """Remember a nonce until a moment.

        Raises:
            StaleStatementError: it is remembered already, or there is no room.
        """
        self._forget(now)
        mark = self.mark(b"nonce", sender.encode(), nonce)
        if mark in self._seen:
            raise StaleStatementError(sender, "the statement was seen before")
        if len(self._seen) >= MAX_REMEMBERED:
            raise StaleStatementError(sender, "too many statements at once")
        self._seen[mark] = until

    def _forget(self, now: datetime) -> None:
        while self._seen:
            key, until = next(iter(self._seen.items()))
            if until > now:
                return
            del self._seen[key]
