# SPDX-License-Identifier: Apache-2.0
"""The blinds of lookups that failed, for when they are tried again.

A new blind makes a new element, which is charged anew. Who could not be evaluated,
since too few members answered, is asked about again within seconds; with the same
blinds those that had answered charge nothing (`metering`). Kept in memory for so long,
by keyed hashes of the inputs.
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from secrets import token_bytes
from typing import Final

from fedsafe_crypto.oprf.voprf import Blinded
from fedsafe_federation.evaluation.metering import FREE_SECONDS

MOST: Final = 4_096
_FOR: Final = timedelta(seconds=FREE_SECONDS)


class Tried:
    """Owned by the event loop: blinds by marks, oldest first, and until when."""

    def __init__(self) -> None:
        self._key = token_bytes(32)
        self._kept: OrderedDict[bytes, tuple[Blinded, datetime]] = OrderedDict()

    def __repr__(self) -> str:
        """Show nothing of it."""
        return "Tried()"

    def keep(
        self, inputs: Sequence[bytes], blinds: Sequence[Blinded], now: datetime
    ) -> None:
        """Keep blinds; those that are kept already, no longer than before."""
        for data, blinded in zip(inputs, blinds, strict=True):
            self._kept.setdefault(self._mark(data), (blinded, now + _FOR))
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)

    def find(self, inputs: Sequence[bytes], now: datetime) -> dict[bytes, Blinded]:
        """Give the blinds that are kept, by input; forget those whose time is over."""
        for mark in [m for m, (_, until) in self._kept.items() if until <= now]:
            del self._kept[mark]
        if not self._kept:
            return {}
        marks = {data: self._mark(data) for data in inputs}
        return {
            data: self._kept[mark][0]
            for data, mark in marks.items()
            if mark in self._kept
        }

    def drop(self, inputs: Sequence[bytes]) -> None:
        """Forget the blinds of inputs that were evaluated."""
        if self._kept:
            for data in inputs:
                self._kept.pop(self._mark(data), None)

    def _mark(self, data: bytes) -> bytes:
        return blake2b(data, digest_size=16, key=self._key).digest()
