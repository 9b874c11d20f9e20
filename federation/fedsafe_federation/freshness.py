# SPDX-License-Identifier: Apache-2.0
"""Replay protection: each signed request counts once, and only while it is new.

Nonces are remembered in memory for the length of the window. A statement made
before this memory began is refused as well, so a restart opens no gap: the
sender signs a new one whenever it asks again. What a restart leaves open is as wide
as a sender's clock runs ahead, at most `SKEW`, and for requests (`requests`), whose
time counts whole seconds, the second of the start. The threat model says why
nobody gains by it.
"""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

from fedsafe_federation.errors import StaleStatementError

WINDOW: Final = timedelta(minutes=5)
SKEW: Final = timedelta(seconds=5)
MAX_REMEMBERED: Final = 1_000_000


class SeenNonces:
    """Remembers what was seen within the window.

    State, owned by the event loop: `_seen` maps (sender, nonce) to the moment at
    which it may be forgotten, oldest first.
    """

    def __init__(self, *, began: datetime) -> None:
        # Senders count whole milliseconds.
        self._began = began.replace(microsecond=began.microsecond // 1000 * 1000)
        self._seen: OrderedDict[tuple[str, bytes], datetime] = OrderedDict()

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
        if (sender, nonce) in self._seen:
            raise StaleStatementError(sender, "the statement was seen before")
        if len(self._seen) >= MAX_REMEMBERED:
            raise StaleStatementError(sender, "too many statements at once")
        self._seen[sender, nonce] = until

    def _forget(self, now: datetime) -> None:
        while self._seen:
            key, until = next(iter(self._seen.items()))
            if until > now:
                return
            del self._seen[key]
