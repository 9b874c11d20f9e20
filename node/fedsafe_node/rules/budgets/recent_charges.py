# SPDX-License-Identifier: Apache-2.0
"""The elements that were charged just now, in whichever process of the node."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from secrets import token_bytes
from typing import Protocol

from fedsafe_federation.evaluation.metering import FREE_SECONDS, Recent
from fedsafe_federation.wire.freshness import SeenNonces
from fedsafe_node.ground.shared_nonces import SharedNonces


class Charges(Protocol):
    """Knows what was charged (`metering.Recent`)."""

    def fresh(
        self, member: str, elements: Sequence[bytes], *, now: int
    ) -> Sequence[bytes]:
        """Give the marks of those elements that are to be charged."""
        ...

    def charged(self, member: str, marks: Iterable[bytes], *, now: int) -> None:
        """Know marks for a while."""
        ...


class SharedRecent:
    """Knows what any process has charged, by the file of nonces that all have."""

    def __init__(self, shared: SharedNonces) -> None:
        self._shared = shared

    def fresh(
        self, member: str, elements: Sequence[bytes], *, now: int
    ) -> Sequence[bytes]:
        """Give the marks of those elements that are to be charged."""
        name, moment = member.encode(), datetime.fromtimestamp(now, tz=UTC)
        marks = dict.fromkeys(
            self._shared.mark(b"element", name, each) for each in elements
        )
        return [mark for mark in marks if not self._shared.knows(mark, now=moment)]

    def charged(self, member: str, marks: Iterable[bytes], *, now: int) -> None:
        """Know marks for a while."""
        del member  # a mark says it
        moment = datetime.fromtimestamp(now, tz=UTC)
        until = moment + timedelta(seconds=FREE_SECONDS)
        for mark in marks:
            self._shared.note(mark, until=until, now=moment)


def charges_with(seen: SeenNonces) -> Charges:
    """Know charges as nonces are known: with other processes, or alone."""
    if isinstance(seen, SharedNonces):
        return SharedRecent(seen)
    return Recent(token_bytes(32))
