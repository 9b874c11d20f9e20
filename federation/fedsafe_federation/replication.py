# SPDX-License-Identifier: Apache-2.0
"""Replicate one origin's feed: a cursor machine around fetch, verify, apply.

The peer's position is its own: the size of its verified copy, kept by the node in
the same transaction as what was applied (`Shelf.apply`). So a crash, a repeated
batch or a lost answer cannot skip or double anything: the next request starts at
the position that the disk knows.

One batch is in flight per origin. After a failure the machine waits, twice as
long each time up to a cap, less up to half of it (*jitter* gives 0 to 1); a poke
(`wake`), and any request of the origin (`heard`), ends the wait at once, and so does
the node's stop. Whoever says that this node has read enough for now (429) is left alone
for as long as it says, within the cap, whoever pokes. Full batches follow each other at
once. A round that a poke asked for, and one more after a batch that was not full, take
a turn (`pacing`): an origin that is always one record ahead, or pokes without end,
costs no more than those.
Restrictions of a batch are applied before the rest is verified or even whole, and
stay applied when it is rejected.

While the origin gives nothing usable, other members are asked for their copies: a few
after each failure, in turn. They carry records and restrictions, never openings, and
what they carry does not make the copy complete: only its origin can say that it is.

Records behind the position are applied only if their checkpoint was witnessed as the
charter, and a policy of the node's own, want it. Till then they wait, and are asked for
again as after a failure.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol, TypeVar

from fedsafe_federation.charter import Charter, Member
from fedsafe_federation.errors import (
    EquivocationError,
    FederationError,
    NotWitnessedError,
    PeerRefusedError,
)
from fedsafe_federation.feed import (
    MAX_RECORDS,
    MAX_RESTRICTIONS,
    FeedRequest,
    decode_batch,
    leading_restrictions,
)
from fedsafe_federation.gating import WitnessGate
from fedsafe_federation.pacing import Pace
from fedsafe_federation.signed import Signed
from fedsafe_federation.verification import (
    Known,
    VerifiedBatch,
    VerifiedRestriction,
    verify_batch,
    verify_restrictions,
)
from fedsafe_federation.witness_policy import Policy

T = TypeVar("T")
POLL_SECONDS: Final = 5.0
FIRST_BACKOFF: Final = 0.2
LONGEST_BACKOFF: Final = 30.0
COURIERS: Final = 3
"""So many other members are asked for their copies after a failure."""
GRACE: Final = 2.0
"""So many seconds couriers have left when the origin is to be asked again at once."""

_log = logging.getLogger("fedsafe.replication")


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

    async def __call__(self, member: Member, request: FeedRequest) -> bytes:
        """Fetch a batch's bytes.

        Raises:
            PeerError: no usable answer.
        """
        ...


class Offload(Protocol):
    """Runs a long pure function away from the event loop."""

    async def __call__(self, work: Callable[[], T]) -> T:
        """Run *work* and return what it returns."""
        ...


class Replicator:
    """Keeps one origin's feed replicated.

    State, owned by the event loop: `_wake` is set by a poke, `_failures` counts
    the failures since the last success, `_turn` says who of the *couriers* is next,
    `_rests` until when who is left alone.
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
        own: Policy | None = None,
        poll: float = POLL_SECONDS,
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
        self._poll = poll
        self._couriers = couriers
        self._wake = asyncio.Event()
        self._failures = 0
        self._turn = 0
        self._rests: dict[str, float] = {}

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
            if (rest := self._rest(self.origin)) > 0:
                await asyncio.sleep(rest)
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
            await self._ask_couriers()
        except Exception:  # noqa: BLE001
            # The boundary of this task: whatever broke, nothing of the batch was
            # applied, and the next round starts from the disk's position.
            self._failures += 1
            _log.exception("replication broke", extra=self._fields(None))
        else:
            self._failures = 0
            return self._poll
        doubled = FIRST_BACKOFF * float(1 << min(self._failures - 1, 16))
        return min(doubled, LONGEST_BACKOFF) * (1 + self._jitter()) / 2

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
            if count < MAX_RECORDS:
                await self._pace.turn()

    async def _ask_couriers(self) -> None:
        """Ask the couriers, who cannot keep the origin waiting that is back."""
        carrying = asyncio.create_task(self.carry())
        waking = asyncio.create_task(self._wake.wait())
        both = (carrying, waking)
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait((carrying,), timeout=GRACE)
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
            if self._rest(courier) > 0:
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
            behind = behind and count == MAX_RECORDS  # no trickle keeps us here
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
        )
        data = await self._ask(courier or self.origin, request)
        try:
            batch = await self._run(
                len(data), lambda: decode_batch(self.origin.name, data)
            )
        except FederationError:
            # What stands first and acts by itself is not lost with the rest.
            rescued = await self._run(len(data), lambda: leading_restrictions(data))
            await self._restrict(len(data), rescued, courier)
            raise
        await self._restrict(len(data), batch.restrictions, courier)
        try:
            verified = await self._run(
                len(data),
                lambda: verify_batch(
                    batch, self.origin, known, self._charter, carried=carried
                ),
            )
        except EquivocationError as error:
            await self._shelf.suspend(self.origin.name, error)
            raise
        more = len(batch.restrictions) == MAX_RESTRICTIONS  # nothing is complete yet
        if verified.records and not self._gate.admits(
            self.origin, batch.trailer.checkpoint
        ):
            if not (more or carried):
                await self._shelf.wait(self.origin.name, at=self._now())
            raise NotWitnessedError(self.origin.name)
        new = verified.records or verified.again is not None
        # A note is handed on: nobody but its origin says who has cosigned a known tree.
        known_tree = carried and verified.known.checkpoint == known.checkpoint
        if new or (batch.trailer.checkpoint != known.note and not known_tree):
            await self._shelf.apply(
                self.origin.name, verified, at=self._now(), carried=carried
            )
        elif not (more or carried or verified.waiting):
            await self._shelf.touch(self.origin.name, at=self._now())
        if verified.waiting and not (verified.records or more or carried):
            await self._shelf.wait(self.origin.name, at=self._now())
        newest = verified.known
        size = newest.checkpoint.size if newest.checkpoint else 0
        behind = more or newest.frontier.size < size
        if courier is not None and not behind:
            await self._vouch(courier, batch.trailer.checkpoint)
        return len(verified.records), behind

    async def _ask(self, source: Member, request: FeedRequest) -> bytes:
        try:
            return await self._fetch(source, request)
        except PeerRefusedError as error:
            if error.lacks_budget:
                wait = min(error.retry_after or FIRST_BACKOFF, LONGEST_BACKOFF)
                self._rests[source.name] = _seconds() + wait
            raise

    def _rest(self, member: Member) -> float:
        """Say for how many seconds a member is not to be asked: it has said so."""
        return self._rests.get(member.name, 0.0) - _seconds()

    async def _vouch(self, courier: Member, note: str) -> None:
        """Believe a courier no more of how fresh its copy is than witnesses prove."""
        until = self._gate.vouched(self.origin, note, courier)
        if until is not None:
            moment = min(datetime.fromtimestamp(until, UTC), self._now())
            await self._shelf.vouch(self.origin.name, until=moment)

    async def _restrict(
        self, size: int, statements: Sequence[Signed], courier: Member | None
    ) -> None:
        if not statements:
            return
        good, faults = await self._run(
            size, lambda: verify_restrictions(statements, self._charter)
        )
        if good:
            await self._shelf.restrict(self.origin.name, good)
        if faults:
            # Whoever brought them is asked about it: the origin may know nothing.
            _log.warning("restriction refused", extra=self._fields(None, courier))

    def _fields(
        self, error: Exception | None, courier: Member | None = None
    ) -> dict[str, object]:
        reason = type(error).__name__ if error is not None else "refused"
        peer = (courier or self.origin).name
        said = {"origin": self.origin.name, "peer": peer, "reason": reason}
        return {"fedsafe": said}

    def _run(self, size: int, work: Callable[[], T]) -> Awaitable[T]:
        if size > _OFFLOAD_BYTES:
            return self._offload(work)
        return _at_once(work)


_OFFLOAD_BYTES: Final = 65_536


async def _at_once(work: Callable[[], T]) -> T:
    return work()


def _seconds() -> float:
    return asyncio.get_running_loop().time()
