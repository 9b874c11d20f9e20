# SPDX-License-Identifier: Apache-2.0
"""Tell from where a feed is read again, and why, as `missing_openings` counts.

What is *lacking* is asked for again once gates are open, what its origin gives *again*
at once, what came *ahead* of the charter once the version that brings its key is
here, and what was *left out* as harmless once the list that held it has changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fedsafe_node.rules.policy_context import Coverage
from fedsafe_node.signals.arrival import Arrival
from fedsafe_node.signals.missing_openings import (
    Ahead,
    LeftOut,
    Span,
    caught_up,
    earlier,
    note_again,
    note_ahead,
    note_lacking,
    note_left_out,
    read_again,
    read_ahead,
    read_lacking,
    read_left_out,
    still_again,
    still_ahead,
    still_lacking,
    still_left_out,
    with_bare,
)
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.documents.do_not_share import DoNotShareLists


@dataclass(frozen=True, slots=True)
class Gaps:
    """From which indices on openings of a feed may be had that are not here."""

    lacking: int | None = None
    again: int | None = None
    ahead: Ahead | None = None
    left_out: LeftOut | None = None

    def readable(self, version: int, lists: DoNotShareLists) -> int | None:
        """Tell from where on to read again at once.

        *version* is that of the charter here, *lists* what is compared with by now.
        """
        asked = caught_up(self.again, self.ahead, version)
        left = self.left_out
        changed = left is not None and left.is_changed(lists)
        return earlier(asked, left.index) if left and changed else asked

    def after(  # noqa: PLR0913 - a batch, and what it is held against
        self,
        span: Span,
        arrivals: Sequence[Arrival],
        *,
        said: int | None,
        version: int,
        lists: DoNotShareLists,
        carried: bool,
    ) -> "Gaps":
        """Tell what is left after a batch, in which its origin has *said* something."""
        asked = self.readable(version, lists)
        ahead = still_ahead(self.ahead, arrivals, version)
        left = still_left_out(self.left_out, arrivals, lists)
        if carried:
            return Gaps(self.lacking, with_bare(asked, arrivals), ahead, left)
        lacking = still_lacking(self.lacking, span, arrivals)
        return Gaps(lacking, still_again(asked, said, span), ahead, left)

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
        await read_left_out(reader, origin),
    )


async def note_gaps(tx: Transaction, origin: str, before: Gaps, after: Gaps) -> None:
    """Keep what has changed of the gaps of a feed."""
    if after.lacking != before.lacking:
        await note_lacking(tx, origin, after.lacking)
    if after.again != before.again:
        await note_again(tx, origin, after.again)
    if after.ahead != before.ahead:
        await note_ahead(tx, origin, after.ahead)
    if after.left_out != before.left_out:
        await note_left_out(tx, origin, after.left_out)
