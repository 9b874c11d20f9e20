# SPDX-License-Identifier: Apache-2.0
"""What a store promises about disputes, rulings and requests of persons.

Part of `Reader` and `Transaction`.
"""

from collections.abc import Sequence
from typing import Protocol

from fedsafe_node.store.rights_rows import (
    AppealRow,
    AppealRulingRow,
    DisputeRow,
    RequestRow,
    RequestState,
    RulingRow,
    WaitingRow,
    Weight,
)


class RightsReader(Protocol):
    """Reads disputes, appeals, how they ended, and requests."""

    async def request(self, request_id: str) -> RequestRow | None:
        """Return a person's request."""
        ...

    async def requests(
        self, state: RequestState, limit: int, after: RequestRow | None = None
    ) -> list[RequestRow]:
        """Return requests of a state behind another one; first due first."""
        ...

    async def requests_due(self, before: int, limit: int) -> list[RequestRow]:
        """Return open requests, due by a moment, that nobody was reminded of."""
        ...

    async def requests_opened(self, first: int, last: int) -> list[RequestRow]:
        """Return the requests that were opened between two moments, both included."""
        ...

    async def requests_ended(self, before: int, limit: int) -> list[RequestRow]:
        """Return those answered or closed by a moment, with something sealed."""
        ...

    async def waiting(self, request_id: str) -> WaitingRow | None:
        """Return what waits of a request to be looked up; None if nothing does."""
        ...

    async def waiting_due(self, now: int, limit: int) -> list[WaitingRow]:
        """Return what may be looked up again by now; the lowest turn first."""
        ...

    async def waiting_oldest(self) -> WaitingRow | None:
        """Return what has waited for longest."""
        ...

    async def count_waiting(self, before: int | None = None) -> int:
        """Count what waits; with *before* what has since a moment."""
        ...

    async def next_turn(self, domain: str, place: str) -> int:
        """Give the turn of what comes now of a domain and place.

        Behind all of the same two, and not before what is next.
        """
        ...

    async def epochs_listed(self) -> set[int]:
        """Return the epochs under which others' and shared signals list persons.

        It walks the signals, so use it in `scan`.
        """
        ...

    async def dispute(self, digest: bytes) -> DisputeRow | None:
        """Return a dispute by the digest of its statement."""
        ...

    async def disputes_numbered(self, author: str, sequence: int) -> list[DisputeRow]:
        """Return the disputes that an author gave this number; one, if it is honest."""
        ...

    async def disputes_unrecorded(
        self, besides: str, before: int, limit: int
    ) -> list[DisputeRow]:
        """Return what rests signals since before a moment, without a record.

        Those of one origin are left out. What has its ruling rests nothing.
        """
        ...

    async def disputes_let_go(self, author: str) -> list[DisputeRow]:
        """Return an author's disputes that rest nothing any more."""
        ...

    async def disputes_overdue(
        self, besides: str, first: int, last: int, limit: int
    ) -> list[DisputeRow]:
        """Return what rests signals, was due between two moments, and is unruled.

        Those of one origin are left out, and those that somebody was told of.
        """
        ...

    async def disputes_on(self, origin: str, signal_id: bytes) -> list[DisputeRow]:
        """Return the disputes of a signal, in the order in which they came."""
        ...

    async def disputes_due(
        self, origin: str, before: int, limit: int
    ) -> list[DisputeRow]:
        """Return an origin's disputes without a ruling that are due by a moment.

        Those that rest a signal stand in front. One that names no signal here is
        never due; nor is one beyond its author's budget, a repeat with proof once
        somebody was reminded that it was, or a repeat about a stopped signal.
        """
        ...

    async def disputes(self, limit: int, *, ruled: bool) -> list[DisputeRow]:
        """Return disputes that wait for a ruling, or that have one; first due first."""
        ...

    async def disputes_here(
        self, limit: int, after: DisputeRow | None = None, *, ruled: bool
    ) -> list[DisputeRow]:
        """Return disputes of signals that are here, from behind one on.

        What rests a signal stands in front, then what is due first. What rests a
        stopped signal not, waits for nothing.
        """
        ...

    async def authors_beyond(self) -> list[str]:
        """Name whose disputes beyond their budget wait, of signals that live here."""
        ...

    async def disputes_beyond(
        self, author: str, limit: int, *, attested: bool
    ) -> list[DisputeRow]:
        """Return those of an author, the oldest in front."""
        ...

    async def is_ruled(self, dispute: bytes, origin: str, signal_id: bytes) -> bool:
        """Tell whether a dispute has its ruling, though it may not have come yet."""
        ...

    async def last_charged(self, author: str) -> int:
        """Return the newest moment that an author's disputes count against; or 0."""
        ...

    async def resting(self, origin: str, signal_ids: Sequence[bytes]) -> set[bytes]:
        """Return which of an origin's ids a dispute rests that nobody has ruled on."""
        ...

    async def suspensions_since(
        self, author: str, since: int, *, attested: bool
    ) -> int:
        """Count an author's disputes that rest a signal and count from a moment on.

        Those that are *attested* are counted apart from the others; what is shared
        does not count.
        """
        ...

    async def is_charged(  # noqa: PLR0913 - what is said, and of what
        self,
        author: str,
        origin: str,
        signal_id: bytes,
        since: int,
        *,
        contention: str,
        control: str,
    ) -> bool:
        """Tell whether an author has said so of another signal of the same listing.

        That is: of one of the same origin that has the same token, in a dispute that
        rests it and counts from a moment on.
        """
        ...

    async def open_disputes(self) -> int:
        """Count the disputes that wait for a ruling, as `disputes_here` lists them."""
        ...

    async def floods_since(self, since: int) -> dict[str, int]:
        """Count by author the disputes beyond their budgets since a moment."""
        ...

    async def ruling(self, dispute: DisputeRow) -> RulingRow | None:
        """Return how a dispute ended."""
        ...

    async def rulings_on(self, origin: str, signal_id: bytes) -> list[RulingRow]:
        """Return what was ruled on the disputes of a signal."""
        ...

    async def appeal(self, digest: bytes) -> AppealRow | None:
        """Return an appeal by the digest of its statement."""
        ...

    async def appeals(
        self, limit: int, after: AppealRow | None = None, *, ruled: bool
    ) -> list[AppealRow]:
        """Return appeals from behind one on, first due first."""
        ...

    async def appeals_on(self, origin: str, signal_id: bytes) -> list[AppealRow]:
        """Return the appeals about a signal, in the order in which they came."""
        ...

    async def appeals_waiting(self, author: str) -> int:
        """Count an author's appeals that have no ruling."""
        ...

    async def appeal_ruling(self, appeal: bytes) -> AppealRulingRow | None:
        """Return how an appeal ended."""
        ...

    async def appeal_rulings_from(
        self, author: str, place: int, limit: int
    ) -> list[AppealRulingRow]:
        """Return what stands in an author's own feed from a place on."""
        ...

    async def appeal_rulings_since(self, author: str, since: int) -> int:
        """Count an author's rulings on appeals that count from a moment on."""
        ...

    async def last_appeal_charged(self, author: str) -> int:
        """Return the newest moment that an author's rulings count against; or 0."""
        ...


class RightsWriter(Protocol):
    """Keeps disputes, rulings, appeals and requests."""

    async def add_appeal(self, appeal: AppealRow) -> bool:
        """Keep an appeal; False if it was kept before."""
        ...

    async def add_appeal_ruling(self, ruling: AppealRulingRow) -> bool:
        """Keep how an appeal ended; False if that was kept before."""
        ...

    async def add_request(self, request: RequestRow) -> None:
        """Keep a person's request.

        Raises:
            ConflictError: its proof has opened another one.
        """
        ...

    async def put_request(self, request: RequestRow) -> None:
        """Keep what has become of a request; one that is closed waits no more.

        Raises:
            ConflictError: it was closed, or something else of it would change.
        """
        ...

    async def add_waiting(self, waiting: WaitingRow) -> None:
        """Keep that a request waits to be looked up."""
        ...

    async def put_off_waiting(
        self,
        until: int,
        *,
        domain: str | None = None,
        place: str | None = None,
        vouched: bool = False,
    ) -> None:
        """Look nothing up before a moment of a domain or place, or of any.

        With *vouched* also what has neither.
        """
        ...

    async def set_waiting_again(self, request_id: str, at: int) -> None:
        """Look up a request no earlier than at a moment."""
        ...

    async def end_waiting(self, request_id: str) -> None:
        """Forget that a request waits, with the identifier that it waits for."""
        ...

    async def add_dispute(self, dispute: DisputeRow) -> None:
        """Keep a dispute.

        Raises:
            ConflictError: it is kept already.
        """
        ...

    async def add_ruling(self, ruling: RulingRow) -> bool:
        """Keep how a dispute ended; False if that was kept before."""
        ...

    async def weigh_dispute(
        self,
        digest: bytes,
        weight: Weight,
        *,
        charged_at: int,
        due_at: int,
        shared: bool = False,
    ) -> None:
        """Keep what a dispute weighs now that was beyond its author's budget.

        Raises:
            ConflictError: it was not beyond it.
        """
        ...

    async def set_reminded(self, digest: bytes, at: int) -> None:
        """Note that somebody was reminded of a dispute."""
        ...

    async def set_recorded(self, digest: bytes) -> None:
        """Note that its author's feed has shown a dispute."""
        ...

    async def set_let_go(self, digest: bytes, at: int | None) -> None:
        """Note since when a dispute rests nothing; None if it does again."""
        ...

    async def wake_signal(self, origin: str, signal_id: bytes) -> bool:
        """Let a disputed signal match again; False if it is in no such state."""
        ...
