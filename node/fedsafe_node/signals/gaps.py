# SPDX-License-Identifier: Apache-2.0
"""From where on a feed is to be read again, and why: what `granting` counts, as one.

What is *lacking* is asked for again once gates are open, what its origin gives *again*
at once, and what came *ahead* of the charter once the version that brings its key is
here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fedsafe_node.signals.arrival import Arrival
from fedsafe_node.signals.granting import (
    Ahead,
    Span,
    caught_up,
    note_again,
    note_ahead,
    note_lacking,
    read_again,
    read_ahead,
    read_lacking,
    still_again,
    still_ahead,
    still_lacking,
    with_bare,
)
from fedsafe_node.situation import Coverage
from fedsafe_node.store.protocol import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Gaps:
    """From which indices on openings of a feed may be had that are not here."""

    lacking: int | None = None
    again: int | None = None
    ahead: Ahead | None = None

    def readable(self, version: int) -> int | None:
        """Tell from where on to read again at once, under a version of the charter."""
        return caught_up(self.again, self.ahead, version)

    def after(
        self,
        span: Span,
        arrivals: Sequence[Arrival],
        *,
        said: int | None,
        version: int,
        carried: bool,
    ) -> "Gaps":
        """Tell what is left after a batch, in which its origin has *said* something."""
        asked = self.readable(version)
        ahead = still_ahead(self.ahead, arrivals, version)
        if carried:
            return Gaps(self.lacking, with_bare(asked, arrivals), ahead)
        lacking = still_lacking(self.lacking, span, arrivals)
        return Gaps(lacking, still_again(asked, said, span), ahead)

    def mark(self, coverage: Coverage, origin: str) -> None:
        """Let the node know whether the feed is lacking or ahead."""
        lacks = self.lacking is not None or self.again is not None
        (coverage.lacking.add if lacks else coverage.lacking.discard)(origin)
        early = self.ahead is not None
        (coverage.ahead.add if early else coverage.ahead.discard)(origin)


async def read_gaps(reader: Reader, origin: str) -> Gaps:
    """Read the gaps of a feed."""
    return Gaps(
        await read_lacking(reader, origin),
        await read_again(reader, origin),
        await read_ahead(reader, origin),
    )


async def note_gaps(tx: Transaction, origin: str, before: Gaps, after: Gaps) -> None:
    """Keep what has changed of the gaps of a feed."""
    if after.lacking != before.lacking:
        await note_lacking(tx, origin, after.lacking)
    if after.again != before.again:
        await note_again(tx, origin, after.again)
    if after.ahead != before.ahead:
        await note_ahead(tx, origin, after.ahead)
