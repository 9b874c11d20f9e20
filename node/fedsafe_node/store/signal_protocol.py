# SPDX-License-Identifier: Apache-2.0
"""Reading and writing signals; see `protocol.py`."""

from collections.abc import Sequence
from typing import Protocol

from fedsafe_node.store.rows import (
    DraftRow,
    DraftState,
    NamedRow,
    NewSignal,
    RestrictionRow,
    SignalRow,
    SignalStatus,
    TokenRow,
)


class SignalReader(Protocol):
    """Reads signals, drafts and what restricts them."""

    async def signal(self, origin: str, signal_id: bytes) -> SignalRow | None:
        """Return an origin's signal by its id."""
        ...

    async def signals_named(
        self, origin: str, signal_ids: Sequence[bytes]
    ) -> list[SignalRow]:
        """Return an origin's signals of these ids; those not there are left out."""
        ...

    async def settled(self, origin: str, signal_ids: Sequence[bytes]) -> set[bytes]:
        """Return which of an origin's ids are there, or named by a restriction."""
        ...

    async def signals_at(self, rows: Sequence[int]) -> list[SignalRow]:
        """Return the signals at these rows; rows that are not there are left out."""
        ...

    async def tokens_after(self, row: int, limit: int) -> list[TokenRow]:
        """Return tokens in row order from behind `row`, to rebuild the index."""
        ...

    async def signals_after(self, row: int, limit: int) -> list[SignalRow]:
        """Return signals in row order from behind `row`."""
        ...

    async def newest_signal(self) -> int:
        """Return the highest row that a signal has; 0 if there is none."""
        ...

    async def media_after(
        self, media_kind: int, row: int, limit: int
    ) -> list[SignalRow]:
        """Return media signals of a kind that are not erased, from behind `row`."""
        ...

    async def expired_signals(self, now: int, limit: int) -> list[SignalRow]:
        """Return active or disputed signals with `match_until` at or before `now`."""
        ...

    async def erasable_signals(self, now: int, limit: int) -> list[SignalRow]:
        """Return signals, not yet erased, with `erase_after` at or before `now`."""
        ...

    async def restriction(self, digest: bytes) -> RestrictionRow | None:
        """Return an accepted restriction statement."""
        ...

    async def restrictions_on(
        self, origin: str, signal_id: bytes
    ) -> list[RestrictionRow]:
        """Return the statements that name a signal, whether it has arrived or not."""
        ...

    async def restrictions_by(
        self, author: str, after: int, limit: int
    ) -> list[RestrictionRow]:
        """Return an author's statements with a sequence number above `after`."""
        ...

    async def restrictions_after(
        self, digest: bytes, limit: int
    ) -> list[RestrictionRow]:
        """Return statements in the order of their digests from behind `digest`."""
        ...

    async def restricted_after(
        self, row: NamedRow | None, limit: int
    ) -> list[NamedRow]:
        """Return what statements name, in a fixed order from behind `row`."""
        ...

    async def draft(self, signal_id: bytes) -> DraftRow | None:
        """Return a draft."""
        ...

    async def drafts(
        self, state: DraftState, limit: int, *, after: DraftRow | None = None
    ) -> list[DraftRow]:
        """Return drafts of a state, oldest first, from behind *after*."""
        ...

    async def custody(self, signal_id: bytes) -> bytes | None:
        """Return the origin's own identifier, sealed to its custody key."""
        ...


class SignalWriter(Protocol):
    """Keeps signals, drafts and what restricts them."""

    async def add_signal(self, signal: NewSignal) -> int:
        """Keep a signal; return its row.

        Raises:
            ConflictError: its origin used the id before.
        """
        ...

    async def add_signals(self, signals: Sequence[NewSignal]) -> range:
        """Keep many signals in consecutive rows; return the rows.

        Raises:
            ConflictError: an origin used an id before.
        """
        ...

    async def set_signal_status(
        self, origin: str, signal_id: bytes, status: SignalStatus
    ) -> bool:
        """Set whether a signal may match; False if it is not there.

        `ERASED` is final and wipes the token as well.
        """
        ...

    async def add_restriction(
        self, restriction: RestrictionRow, signal_ids: Sequence[bytes]
    ) -> bool:
        """Keep a statement and what it names; False if it was kept before."""
        ...

    async def add_draft(self, draft: DraftRow) -> None:
        """Keep a draft.

        Raises:
            ConflictError: its id is taken.
        """
        ...

    async def decide_draft(
        self, signal_id: bytes, state: DraftState, *, by: str, at: int
    ) -> bool:
        """Decide a pending draft and wipe its payload; False if none is pending."""
        ...

    async def add_custody(self, signal_id: bytes, sealed: bytes) -> None:
        """Keep a sealed identifier; an older one of the signal is replaced."""
        ...

    async def remove_custody(self, signal_id: bytes) -> bool:
        """Erase a sealed identifier; False if there was none."""
        ...
