# SPDX-License-Identifier: Apache-2.0
"""Replicate one origin's feed: a cursor machine around fetch, verify, apply.

The peer's position is its own: the size of its verified copy, kept by the node in
the same transaction as what was applied (`Shelf.apply`). So a crash, a repeated
batch or a lost answer cannot skip or double anything: the next request starts at
the position that the disk knows.

One batch is in flight per origin. After a failure the machine waits, twice as
long each time up to a cap, less up to half of it (*jitter* gives 0 to 1). While the
origin cannot be reached, or refuses, a poke (`wake`) and any request of it (`heard`)
end the wait at once. They do not where its answer was none of ours, or brought
nothing, nor where it says that this node has read enough for now (429): that wait ends
with its time (`wire.pace.Patience`), and meanwhile couriers are asked as often as the
origin would be. Full batches follow each other at once. A round
that a poke asked for, and one more after a batch that was not full, take a turn: an
origin that is always one record ahead, or pokes without end, costs no more than those.

A batch is read as it comes, in pieces, and verified in slices, away from the event
loop; it is left at the first line that does not fit. Restrictions of a batch are
applied before the rest is verified or even whole, and stay applied when it is rejected.

While the origin gives nothing usable, other members are asked for their copies: a few
after each failure, in turn. They carry records and restrictions, never openings, and
what they carry does not make the copy complete: only its origin can say that it is. A
courier that takes too long for a batch is left alone as one that lies is; what it gave
first is kept, and the next batch that is asked for is half as large.

Records behind the position are applied only if their checkpoint was witnessed as the
charter, and a policy of the node's own, want it. Till then they wait, and are asked for
again as after a failure.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final, Protocol, TypeVar

from fedsafe_federation.charter.charter import Charter, Member
from fedsafe_federation.errors import (
    EquivocationError,
    FederationError,
    FeedError,
    NotWitnessedError,
    PeerError,
    PeerRefusedError,
    PeerUnreachableError,
)
from fedsafe_federation.exchange.transfer import Take
from fedsafe_federation.feed.addition_gate import WitnessGate
from fedsafe_federation.feed.batch import (
    MAX_RECORDS,
    MAX_RESTRICTIONS,
    Batch,
    BatchReader,
    FeedRequest,
)
from fedsafe_federation.feed.verification import (
    SLICE,
    Known,
    VerifiedBatch,
    VerifiedRestriction,
    verify_restrictions,
    verifying,
)
from fedsafe_federation.feed.witness_policy import Policy
from fedsafe_federation.wire.pace import (
    FIRST_BACKOFF,
    IDLE_BYTES,
    Offload,
    Pace,
    Patience,
    backoff,
)

T = TypeVar("T")
POLL_SECONDS: Final = 5.0
COURIERS: Final = 3
"""So many other members are asked for their copies after a failure."""
GRACE: Final = 2.0
"""So many seconds couriers have left when the origin is to be asked again at once."""

HAND_OVER: Final = 5.0
"""So many seconds a courier has for a batch; it is asked for less after it took longer.

A courier that drips keeps the others waiting no longer than that.
"""

_log = logging.getLogger("fedsafe.replication")
_AT_ONCE: Final = 4_096  # bytes of plain lines that the event loop reads itself
_LEAST: Final = 50  # records in a batch that a courier is asked for
_LARGE: Final = 1024 * 1024  # bytes of a batch
_FEW: Final = 8  # statements or records that it verifies itself
_RESTRICTION_BYTES: Final = 1_024
"""A restriction takes as long to verify as so many other bytes to read."""
_AGAIN_BYTES: Final = 8 * IDLE_BYTES
"""To read a feed again is rarely wanted, and much work: so it costs eight seconds."""
_AWAY: Final = (PeerUnreachableError, PeerRefusedError, NotWitnessedError)
"""What may befall an honest member; anything else that fails is its answer's fault."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a peer stands in a feed, read from its disk.

    `restrictions` is the last sequence number of the origin's own restriction
    statements that has been applied.
    """

    known: Known
    restrictions: int


class Shelf(Protocol):
    """Where the node keeps what was verified; each call is one transaction.

    *carried* says that another member than the origin gave it.
    """

    async def position(self, origin: str, *, carried: bool = False) -> Position:
        """Read from where on to ask the origin, or another member."""
        ...

    async def restrict(
        self, origin: str, restrictions: Sequence[VerifiedRestriction]
    ) -> None:
        """Apply restrictions that *origin*'s feed led with; repeated, they do no harm.

        Raises:
            TooManyRestrictionsError: they name more than may lead, or may be
                remembered; those that may lead were applied to signals here.
        """
        ...

    async def apply(
        self,
        origin: str,
        batch: VerifiedBatch,
        *,
        at: datetime,
        carried: bool = False,
    ) -> None:
        """Apply restrictions, then keep records, signals and position together.

        Raises:
            TooManyRestrictionsError: they name more than may be remembered; no
                record was kept.
        """
        ...

    async def touch(self, origin: str, *, at: datetime) -> None:
        """Note that the origin had nothing new at that moment."""
        ...

    async def vouch(self, origin: str, *, until: datetime) -> None:
        """Note until when the copy had all of its feed, by the word of witnesses."""
        ...

    async def wait(self, origin: str, *, at: datetime) -> None:
        """Note that the origin's additions wait for witnesses."""
        ...

    async def suspend(self, origin: str, error: EquivocationError) -> None:
        """Keep the evidence and stop matching the origin's signals."""
        ...


class Fetch(Protocol):
    """Gets a batch of a feed from a member, its origin or another one."""

    async def __call__(self, member: Member, request: FeedRequest, take: Take) -> None:
        """Fetch a batch's bytes; *take* gets them in pieces, as they come.

        Raises:
            PeerError: no usable answer.
        """
        ...


class Replicator:
    """Keeps one origin's feed replicated.

    State, owned by the event loop: `_wake` is set by a poke, `_failures` counts
    the failures since the last success, `_turn` says who of the *couriers* is next.
    `_portion` is how many records a courier is asked for at once.
    The *patience* with those that give this feed is older than this. `_is_left` says
    that a large batch was read in vain since *give_back* gave its memory to the system.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        origin: Member,
        *,
        charter: Charter,
        fetch: Fetch,
        shelf: Shelf,
        offload: Offload,
        now: Callable[[], datetime],
        jitter: Callable[[], float],
        pace: Pace,
        patience: Patience,
        own: Policy | None = None,
        poll: float = POLL_SECONDS,
        give_back: Callable[[], None] = lambda: None,
        couriers: Callable[[], Sequence[Member]] = tuple,
    ) -> None:
        self.origin = origin
        self._charter = charter
        self._gate = WitnessGate(charter, own)
        self._fetch = fetch
        self._shelf = shelf
        self._offload = offload
        self._now = now
        self._jitter = jitter
        self._pace = pace
        self._patience = patience
        self._poll = poll
        self._give_back = give_back
        self._is_left = False
        self._couriers = couriers
        self._wake = asyncio.Event()
        self._failures = 0
        self._turn = 0
        self._portion = MAX_RECORDS

    def wake(self) -> None:
        """End the wait: the origin has something new, or can be reached again."""
        self._wake.set()

    def heard(self) -> None:
        """End the wait after a failure: the origin asks for something, so it lives."""
        if self._failures:
            self._wake.set()

    async def run(self) -> None:
        """Replicate until cancelled."""
        while True:
            self._wake.clear()
            pause = await self._round()
            pause -= await self._shun()
            if pause <= 0:
                continue
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                continue
            await self._pace.turn()

    async def _round(self) -> float:
        try:
            await self.catch_up()
        except FederationError as error:
            self._failures += 1
            _log.warning(
                "replication failed",
                extra=self._fields(error),
            )
            if not self._patience.left(self.origin.name):
                await self._ask_couriers()
        except Exception:  # noqa: BLE001
            # The boundary of this task: whatever broke, nothing of the batch was
            # applied, and the next round starts from the disk's position.
            self._failures += 1
            _log.exception("replication broke", extra=self._fields(None))
        else:
            self._failures = 0
            return self._poll
        left = self._patience.left(self.origin.name)
        return left or backoff(self._failures, self._jitter())

    async def _shun(self) -> float:
        """Leave the origin alone for as long as its answers have earned it, if at all.

        Nobody's poke ends that. What it says meanwhile is asked of couriers: a
        restriction waits for them no longer than a poll. Give the seconds that passed.
        """
        waited, patience, name = 0.0, self._patience, self.origin.name
        if self._is_left:
            self._is_left = False
            await self._offload(self._give_back)
        while (left := patience.left(name)) > 0:
            await self._ask_couriers(within=max(left, GRACE))
            step = min(patience.left(name), max(self._poll, FIRST_BACKOFF))
            await patience.sleep(step)
            waited += step
        return waited

    async def catch_up(self) -> int:
        """Pull until the copy is as large as the origin's log; count the records.

        Raises:
            FederationError: a batch could not be had, or was rejected.
        """
        total = 0
        while True:
            count, behind = await self._pull()
            total += count
            if not behind:
                return total
            await self._shun()
            if count < MAX_RECORDS:
                await self._pace.turn()

    async def _ask_couriers(self, within: float | None = None) -> None:
        """Ask the couriers, who cannot keep the origin waiting that is back.

        *within* so many seconds whoever is back, if that is said.
        """
        carrying = asyncio.create_task(self.carry())
        waking = asyncio.create_task(self._wake.wait())
        both = (carrying, waking)
        try:
            if within is None:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait((carrying,), timeout=within or GRACE)
        finally:
            for task in both:
                task.cancel()
            found, _ = await asyncio.gather(*both, return_exceptions=True)
        if isinstance(found, Exception):
            # The boundary of this task, as above.
            _log.error("replication broke", exc_info=found, extra=self._fields(None))

    async def carry(self) -> int:
        """Take what a few other members hold of the feed; count the records."""
        couriers, total = self._couriers(), 0
        for _ in range(min(len(couriers), COURIERS)):
            courier = couriers[self._turn % len(couriers)]
            self._turn += 1
            if self._patience.left(courier.name):
                continue
            try:
                total += await self._carry(courier)
            except EquivocationError as error:
                _log.warning("replication failed", extra=self._fields(error))
                break
            except FederationError:
                continue  # it is away, or has less than is here
        return total

    async def _carry(self, courier: Member) -> int:
        total, behind = 0, True
        while behind:
            count, behind = await self._pull(courier)
            total += count
            behind = behind and count == self._portion  # no trickle keeps us here
        self._portion = min(2 * self._portion, MAX_RECORDS)
        return total

    async def _pull(self, courier: Member | None = None) -> tuple[int, bool]:
        carried = courier is not None
        position = await self._shelf.position(self.origin.name, carried=carried)
        known = position.known
        request = FeedRequest(
            origin=self.origin.name,
            since=known.frontier.size,
            known=known.checkpoint.size if known.checkpoint else 0,
            restrictions=position.restrictions,
            limit=self._portion if carried else MAX_RECORDS,
        )
        source = courier or self.origin
        reader = BatchReader(self.origin.name, most=request.limit)
        try:
            with self._judging(source, reader):
                async with self._handing_over(courier):
                    await self._fetch(source, request, partial(self._take, reader))
                batch = reader.close()
        except FederationError:
            # What stands first and acts by itself is not lost with the rest.
            await self._restrict(source, reader, position.restrictions)
            raise
        moved = await self._restrict(source, reader, position.restrictions)
        asked = _Asked(source, request, known, reader, carried)
        verified = await self._verify(asked, batch)
        if verified.again is not None:
            self._patience.wasted(source.name, _AGAIN_BYTES)
        elif not (moved or verified.records):
            self._waste(source, reader)
        more = len(batch.restrictions) == MAX_RESTRICTIONS  # nothing is complete yet
        if verified.records and not self._gate.admits(
            self.origin, batch.trailer.checkpoint
        ):
            self._waste(source, reader)
            if not (more or carried):
                await self._shelf.wait(self.origin.name, at=self._now())
            raise NotWitnessedError(self.origin.name)
        new = verified.records or verified.again is not None
        # A note is handed on: nobody but its origin says who has cosigned a known tree.
        known_tree = carried and verified.known.checkpoint == known.checkpoint
        if new or (batch.trailer.checkpoint != known.note and not known_tree):
            with self._judging(source, reader, only=FederationError):
                await self._shelf.apply(
                    self.origin.name, verified, at=self._now(), carried=carried
                )
        elif not (more or carried or verified.waiting):
            await self._shelf.touch(self.origin.name, at=self._now())
        if verified.waiting and not (verified.records or more or carried):
            await self._shelf.wait(self.origin.name, at=self._now())
        self._patience.passed(source.name)
        newest = verified.known
        size = newest.checkpoint.size if newest.checkpoint else 0
        behind = more or newest.frontier.size < size
        if courier is not None and not behind:
            await self._vouch(courier, batch.trailer.checkpoint)
        return len(verified.records), behind

    async def _verify(self, asked: "_Asked", batch: Batch) -> VerifiedBatch:
        try:
            with self._judging(asked.source, asked.reader):
                _check_again(self.origin.name, batch, asked.request)
                work = verifying(
                    batch,
                    self.origin,
                    asked.known,
                    self._charter,
                    carried=asked.carried,
                )
                return await self._advance(len(batch.records), work)
        except EquivocationError as error:
            await self._shelf.suspend(self.origin.name, error)
            raise

    @asynccontextmanager
    async def _handing_over(self, courier: Member | None) -> AsyncIterator[None]:
        """Bound how long a courier holds up the others; an origin has its own time."""
        try:
            async with asyncio.timeout(None if courier is None else HAND_OVER):
                yield
        except TimeoutError:
            self._portion = max(_LEAST, self._portion // 2)
            name = self.origin.name if courier is None else courier.name
            raise PeerError(name, "it hands a feed over too slowly") from None

    @contextmanager
    def _judging(
        self,
        source: Member,
        reader: BatchReader,
        only: type[Exception] = Exception,
    ) -> Iterator[None]:
        """Hold what fails here against whoever gave the batch, unless it was away."""
        try:
            yield
        except PeerRefusedError as error:
            if error.lacks_budget:
                self._patience.wait(source.name, error.retry_after)
            raise
        except _AWAY:
            raise
        except only:
            self._is_left |= reader.unpacked > _LARGE
            self._patience.spoiled(source.name, reader.size)
            raise

    def _waste(self, source: Member, reader: BatchReader) -> None:
        self._is_left |= reader.unpacked > _LARGE
        many = len(reader.restrictions)
        self._patience.wasted(source.name, reader.size + many * _RESTRICTION_BYTES)

    async def _take(self, reader: BatchReader, piece: bytes) -> None:
        is_plain = piece.startswith(b"{") and not reader.is_packed
        if is_plain and len(piece) <= _AT_ONCE:
            reader.take(piece)
        else:
            await self._offload(lambda: reader.take(piece))

    async def _advance(self, size: int, work: Generator[None, None, T]) -> T:
        """Go through a long function, a slice at a time away from the event loop."""
        while True:
            done, result = (
                _next(work)
                if size <= _FEW
                else await self._offload(lambda: _next(work))
            )
            if done:
                return result  # type: ignore[return-value]

    async def _vouch(self, courier: Member, note: str) -> None:
        """Believe a courier no more of how fresh its copy is than witnesses prove."""
        until = self._gate.vouched(self.origin, note, courier)
        if until is not None:
            moment = min(datetime.fromtimestamp(until, UTC), self._now())
            await self._shelf.vouch(self.origin.name, until=moment)

    async def _restrict(
        self, source: Member, reader: BatchReader, applied: int
    ) -> bool:
        """Apply what a batch leads with; say whether any of it was new.

        *applied* is the sequence number of the origin's last one that was.
        """
        good: list[VerifiedRestriction] = []
        faults: list[str] = []
        statements = reader.restrictions
        for start in range(0, len(statements), SLICE):
            work = partial(
                verify_restrictions, statements[start : start + SLICE], self._charter
            )
            found = work() if len(statements) <= _FEW else await self._offload(work)
            good += found[0]
            faults += found[1]
        if good:
            with self._judging(source, reader, only=FederationError):
                await self._shelf.restrict(self.origin.name, good)
        if faults:
            # Whoever brought them is asked about it: the origin may know nothing.
            _log.warning("restriction refused", extra=self._fields(None, source))
        return any(item.restriction.sequence > applied for item in good)

    def _fields(
        self, error: Exception | None, source: Member | None = None
    ) -> dict[str, object]:
        reason = type(error).__name__ if error is not None else "refused"
        peer = (source or self.origin).name
        said = {"origin": self.origin.name, "peer": peer, "reason": reason}
        return {"fedsafe": said}


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who was asked for what, from which position, and what has come."""

    source: Member
    request: FeedRequest
    known: Known
    reader: BatchReader
    carried: bool


def _check_again(origin: str, batch: Batch, request: FeedRequest) -> None:
    """Refuse what would be read again for ever: an origin says what lies behind."""
    again = batch.trailer.again
    if again is not None and again >= request.since:
        raise FeedError(origin, "it is read from there on already")


def _next(work: Generator[None, None, T]) -> tuple[bool, T | None]:
    try:
        next(work)
    except StopIteration as stop:
        return True, stop.value
    return False, None
