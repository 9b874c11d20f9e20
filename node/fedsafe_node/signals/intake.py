# SPDX-License-Identifier: Apache-2.0
"""Keep what replication has verified (the `Shelf` of `exchange.replication`).

Restrictions come first (`restrictions`): one that came before its signal is
remembered, and that signal is not kept. Records, signals and new position of one
batch then share one transaction. The edge of a copied tree is kept in memory between
batches and read from the store after a failure or a restart.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fedsafe_federation.charter.charter import Member
from fedsafe_federation.charter.former_keys import Trust
from fedsafe_federation.errors import EquivocationError, TooManyRestrictionsError
from fedsafe_federation.exchange.replication import Position
from fedsafe_federation.feed.appeals import Heard
from fedsafe_federation.feed.batch import MAX_RESTRICTIONS
from fedsafe_federation.feed.verification import (
    Known,
    VerifiedBatch,
    VerifiedRestriction,
    feed_name,
    open_checkpoint,
)
from fedsafe_federation.wire.pace import Offload
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.log.proofs import log_frontier
from fedsafe_node.lookup.index.bootstrap import merge_if_large
from fedsafe_node.lookup.index.lists import Hint, Lists
from fedsafe_node.members.forks import Forks
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.flags import flag_stopped
from fedsafe_node.rules.budgets.publications import FeedBudgets
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.signals.appeals import (
    Hearing,
    may_count,
    stand_on_appeal,
    take_appeal,
)
from fedsafe_node.signals.arrival import Arrival, read_arrivals
from fedsafe_node.signals.dispute_intake import Dispute, rest_disputed, take_ruling
from fedsafe_node.signals.double_disputes import disputes_of
from fedsafe_node.signals.feed_gaps import Gaps, note_gaps, read_gaps
from fedsafe_node.signals.missing_openings import Span
from fedsafe_node.signals.persist_batch import keep_arrivals, move_position
from fedsafe_node.signals.restrictions import Applied, Restricting, in_acts
from fedsafe_node.signals.suspension import Suspending
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import sequence_key
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.disputes import ruling_ends

_LOG: Final = logging.getLogger(f"{LOGGER}.intake")
_LARGE: Final = 64
_MOST_PATIENCE: Final = 15


@dataclass(frozen=True, slots=True)
class _Kept:
    hints: Sequence[Hint]
    granted: int
    span: Span
    gaps: Gaps
    poison: int
    harmless: Counter[Decision]


class Intake:
    """The node's side of replication.

    State, owned by the event loop: `_known` holds the position after the last
    batch of each origin, as the store has it; `_patience` tells how many rounds pass
    before openings that were withheld are asked for again, this time and next.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        situation: Situation,
        store: Store,
        lists: Lists,
        trail: AuditTrail,
        clock: Clock,
        *,
        reviews: ReviewDesk,
        offload: Offload,
        forks: Forks,
        erased: Callable[[], None],
    ) -> None:
        self._erased = erased
        self._reviews = reviews
        self._forks = forks
        self._suspending = Suspending(situation, store, trail, clock, forks)
        self._situation = situation
        self._store = store
        self._lists = lists
        self._trail = trail
        self._clock = clock
        self._offload = offload
        self._budgets = FeedBudgets(situation, store, trail, clock)
        self._known: dict[str, Known] = {}
        self._patience: dict[str, tuple[int, int]] = {}

    def forget(self) -> None:
        """Read again where this node stands: another process of it may have led."""
        self._known.clear()
        self._patience.clear()
        self._budgets.forget()

    async def position(self, origin: str, *, carried: bool = False) -> Position:
        """Read where this node stands in *origin*'s feed.

        For its origin that is further back while openings are lacking that may come
        now, or the origin has said that it gives more again, or a list has changed that
        held a file of it.
        """
        member = self._member(origin)

        async def query(reader: Reader) -> tuple[bytes | None, Gaps]:
            last = await reader.meta(sequence_key(origin))
            return last, await read_gaps(reader, origin)

        last, gaps = await self._store.read(query)
        lists = self._situation.do_not_share
        again, lacking = gaps.readable(self._version(), lists), gaps.lacking
        if again is not None and not carried:
            return Position(await self._load(member, again), int(last or 0))
        if lacking is not None and not carried and self._may_ask_again(origin):
            return Position(await self._load(member, lacking), int(last or 0))
        known = self._known.get(origin)
        if known is None:
            known = self._known[origin] = await self._load(member)
        return Position(known, int(last or 0))

    def _may_ask_again(self, origin: str) -> bool:
        if not self._situation.exchanges(origin, self._clock.now()):
            return False
        left, _ = self._patience.get(origin, (0, 0))
        if left:
            self._patience[origin] = (left - 1, self._patience[origin][1])
        return not left

    async def restrict(
        self, origin: str, restrictions: Sequence[VerifiedRestriction]
    ) -> None:
        """Apply restrictions that *origin*'s feed led with; repeated, they do no harm.

        Raises:
            TooManyRestrictionsError: they name more than may lead, or may be
                remembered; those that may lead were applied to signals here.
        """
        parts = list(in_acts(restrictions))
        await self._restrict(origin, parts[:1])
        if len(parts) > 1:
            raise TooManyRestrictionsError(origin)

    async def apply(
        self,
        origin: str,
        batch: VerifiedBatch,
        *,
        at: datetime,
        carried: bool = False,
    ) -> None:
        """Apply a verified batch's restrictions, then keep it and the new position.

        One that was *carried* by another member says nothing of how much there is.

        Raises:
            TooManyRecordsError: the origin publishes faster than anybody may; no
                record was kept.
            TooManyRestrictionsError: they name more than may be remembered; no
                record was kept.
        """
        ended = frozenset(
            (name, item.ruling.origin, item.ruling.signal)
            for item in batch.rulings
            for name in item.ruling.disputes
        )
        parts = in_acts(batch.restrictions)
        await self._restrict(origin, parts, ended, recorded=True)
        await self._check_budget(origin, batch)
        situation, now, version = self._situation, self._clock.now(), self._version()
        lists = situation.do_not_share
        whole = _complete(batch) and not carried
        size_now = batch.known.frontier.size
        mark = await self._budgets.mark(origin, size_now, at) if whole else None

        def read() -> list[Arrival]:
            return read_arrivals(origin, batch.records, situation, now)

        many = len(batch.records) > _LARGE
        arrivals = await self._offload(read) if many else read()
        self._known.pop(origin, None)

        async def act(tx: Transaction) -> _Kept:
            size = await tx.log_size(feed_name(origin))
            stop = batch.known.frontier.size
            span = Span(stop - len(batch.records), stop, size)
            granted, fresh = await keep_arrivals(tx, origin, arrivals, size)
            await self._settle(tx, origin, batch)
            await flag_stopped(self._reviews, tx)
            await move_position(tx, origin, batch, None if carried else at)
            before = await read_gaps(tx, origin)
            gaps = before.after(
                span,
                arrivals,
                said=batch.again,
                version=version,
                lists=lists,
                carried=carried,
            )
            await note_gaps(tx, origin, before, gaps)
            poison = sum(arrival.poison for arrival in arrivals)
            harmless = Counter(
                arrival.harmless for arrival in arrivals if arrival.harmless is not None
            )
            kept = _Kept([*granted, *fresh], len(granted), span, gaps, poison, harmless)
            if batch.records or gaps.lacking != before.lacking:
                await self._tell(tx, origin, batch, kept, carried=carried)
            if mark is not None:
                await self._budgets.keep(tx, mark)
            return kept

        kept = await self._store.write(act, alone=many)
        self._note(origin, kept, batch.known)
        if kept.poison:
            said = fields(peer=origin, additions=kept.poison)
            _LOG.warning("additions are not understood", extra=said)
        self._lists.add(kept.hints)
        if mark is not None:
            self._budgets.kept(mark)
        if not carried:
            self._situation.coverage.waiting.pop(origin, None)
        if whole:
            self._situation.coverage.saw(origin, at)
        await merge_if_large(self._lists.tokens, self._store)

    def _note(self, origin: str, kept: "_Kept", known: Known) -> None:
        span, lacking = kept.span, kept.gaps.lacking
        if span.stop >= span.size:
            self._known[origin] = known
        kept.gaps.mark(self._situation.coverage, origin)
        if lacking is None:
            self._patience.pop(origin, None)
            return
        if span.start < span.size and lacking < span.stop:
            # Asked again, and still withheld: let more and more rounds pass. The
            # first of them is the one that goes on from here.
            _, last = self._patience.get(origin, (0, 1))
            self._patience[origin] = (last, min(2 * last + 1, _MOST_PATIENCE))

    async def vouch(self, origin: str, *, until: datetime) -> None:
        """Note until when the copy had all of its feed, by the word of witnesses."""
        self._situation.coverage.caught_up(origin, until)

    async def touch(self, origin: str, *, at: datetime) -> None:
        """Note that the copy was complete at that moment."""
        self._situation.coverage.saw(origin, at)
        self._situation.coverage.waiting.pop(origin, None)
        known = self._known.get(origin)
        if known is None:
            return
        mark = await self._budgets.mark(origin, known.frontier.size, at)
        if mark is not None:
            await self._store.write(lambda tx: self._budgets.keep(tx, mark))
            self._budgets.kept(mark)

    async def wait(self, origin: str, *, at: datetime) -> None:
        """Note that the origin's additions wait for witnesses; nothing else does."""
        self._situation.coverage.caught_up(origin, at)
        self._situation.coverage.waiting.setdefault(origin, at)

    async def _check_budget(self, origin: str, batch: VerifiedBatch) -> None:
        shared = self._situation.shared
        if shared is None or not batch.records:
            return
        row = await self._store.read(lambda reader: reader.peer(origin))
        size = row.cursor if row is not None else 0
        await self._budgets.check(
            origin,
            size=size,
            wanted=max(0, batch.known.frontier.size - size),
            created=shared.membership.charter.created,
        )

    async def suspend(self, origin: str, error: EquivocationError) -> None:
        """Keep the evidence, and stop matching the origin's signals.

        What convicts the origin before anybody goes to the other members as well.
        """
        await self._suspending.run(self._member(origin), error)

    def _version(self) -> int:
        shared = self._situation.shared
        return shared.membership.charter.version if shared is not None else 0

    def _member(self, origin: str) -> Member:
        shared = self._situation.shared
        if shared is None:
            raise WrongStateError(
                "no_federation", Phrase("this node does not belong to a federation")
            )
        return shared.membership.charter.member(origin)

    async def _restrict(
        self,
        origin: str,
        parts: Iterable[Sequence[VerifiedRestriction]],
        ended: frozenset[Dispute] = frozenset(),
        *,
        recorded: bool = False,
    ) -> None:
        beyond = ""
        situation = self._situation
        for part in parts:
            now, room = self._clock.now(), await self._store.room()
            act = Restricting(
                origin,
                part,
                self._trail,
                now,
                judge=lambda request, now=now: situation.decide(request, now),  # type: ignore[misc]
                due=ruling_ends(int(now.timestamp()), situation.policy),
                ended=ended,
                scarce=room is not None and not room.held,
                recorded=recorded,
                own=situation.own,
            )
            alone = sum(len(item.restriction.signals) for item in part) > _LARGE
            applied = await self._store.write(self._flagging(act), alone=alone)
            self._lists.remove(applied.removed)
            self._erased()
            self._forks.forked.update(map(disputes_of, applied.doubted))
            beyond = beyond or applied.beyond
        if beyond:
            raise TooManyRestrictionsError(beyond)

    def _flagging(
        self, act: Restricting
    ) -> Callable[[Transaction], Awaitable[Applied]]:
        async def run(tx: Transaction) -> Applied:
            applied = await act.run(tx)
            await flag_stopped(self._reviews, tx)
            return applied

        return run

    async def _load(self, member: Member, size_then: int | None = None) -> Known:
        log = feed_name(member.name)

        async def query(reader: Reader) -> Known:
            row = await reader.peer(member.name)
            size = row.cursor if row is not None else 0
            size = size if size_then is None else min(size, size_then)
            frontier = await log_frontier(reader, log, size)
            if row is None or not row.checkpoint:
                return Known(frontier)
            checkpoint = open_checkpoint(member, row.checkpoint, trust=Trust.KEPT)
            return Known(frontier, row.checkpoint, checkpoint)

        return await self._store.read(query)

    async def _settle(self, tx: Transaction, origin: str, batch: VerifiedBatch) -> None:
        # Disputes may have come before their signals, and rulings before both.
        now = self._clock.now()
        named = [r.signal.signal for r in batch.records if r.signal is not None]
        await rest_disputed(tx, origin, named)
        woken = 0
        for item in batch.rulings:
            at = int(now.timestamp())
            woken += await take_ruling(tx, item.ruling, at=at)
        appeals, lifted = await self._take_appeals(tx, batch, int(now.timestamp()))
        woken += lifted
        if not (batch.rulings or appeals):
            return
        entry = self._trail.entry(
            Event.RULINGS_TAKEN,
            at=now,
            detail={
                "origin": origin,
                "rulings": len(batch.rulings),
                "restored": woken,
                **({"appeals": appeals} if appeals else {}),
                "rule": "P10",
            },
        )
        await tx.append(self._trail.log, entry.record, entry.openings)

    async def _take_appeals(
        self, tx: Transaction, batch: VerifiedBatch, at: int
    ) -> tuple[int, int]:
        """Keep appeals, and lift what stands; count those, and what matches again."""
        kept = lifted = 0
        due = ruling_ends(at, self._situation.policy)
        for item in batch.appeals:
            said = item.said
            if isinstance(said, Heard):
                kept += await take_appeal(tx, item.statement, said, at=at, due=due)
            elif await may_count(tx, said, at=at):
                hearing = Hearing(at, due)
                lifted += await stand_on_appeal(tx, item.statement, said, hearing)
        return kept, lifted

    async def _tell(
        self,
        tx: Transaction,
        origin: str,
        batch: VerifiedBatch,
        kept: _Kept,
        *,
        carried: bool,
    ) -> None:
        # `audit.reconcile_sums` adds these up: of what policy did not let in nothing
        # else says that no row is to be expected.
        entry = self._trail.entry(
            Event.FEED_APPLIED,
            at=self._clock.now(),
            detail={
                "origin": origin,
                "records": len(batch.records),
                "size": kept.span.stop,
                "had": kept.span.size,
                "kept": len(kept.hints) - kept.granted,
                "granted": kept.granted,
                "lacking": kept.gaps.lacking,
                **({"poison": kept.poison} if kept.poison else {}),
                **({"harmless": kept.harmless.total()} if kept.harmless else {}),
                **({"carried": True} if carried else {}),
            },
        )
        refused = [
            self._trail.refusal(
                decision,
                at=self._clock.now(),
                actor=origin,
                act="signal.receive",
                asked={"signals": count},
            )
            for decision, count in kept.harmless.items()
        ]
        await tx.append_many(self._trail.log, [entry, *refused])


def _complete(batch: VerifiedBatch) -> bool:
    if len(batch.restrictions) == MAX_RESTRICTIONS:
        return False  # more of them wait
    known = batch.known
    size = known.checkpoint.size if known.checkpoint is not None else 0
    return known.frontier.size == size
