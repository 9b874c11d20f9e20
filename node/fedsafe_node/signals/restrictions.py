# SPDX-License-Identifier: Apache-2.0
"""Apply restriction statements, and bound what a lying author can make us keep.

A statement about a signal that is here always acts. One about a signal that is not
here must be remembered, or the signal would match when it comes; and names of
signals cost their author nothing to invent. So what is kept for an author, counted
in names, is bounded by what it has published to us: an honest author restricts
each of its signals at most once an effect, so our copy of its feed times the number
of effects, and `AHEAD` for what leads before its records. The size of the author's
checkpoint would be no bound: it is a claim until the records are here.

On a full disk far fewer names may lead (`AHEAD_WITHOUT_ROOM`): what is remembered then
takes of the reserve, and no record can come that it would stop.

Beyond the bound nothing new is remembered and the batch is refused, so the author's
feed stands still and is soon not covered: a refusal, never a restriction forgotten.

* A statement that changes nothing is counted, not kept; an act writes one event.
* A ruling on an appeal may name another's too. It bears no number, is bounded by a
  budget of the day, and is kept whoever brings it; what it does is in `appeals`.
* A dispute may name another's signal; what it does is in `dispute_intake`. It is kept
  within the same bound, and with a budget of its author's beside.
* Only the author's own feed makes us remember, and moves the count of its
  statements: another's would use up its bound. The author repeats them anyway.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from fedsafe_federation.evaluation.statements import digest
from fedsafe_federation.feed.appeals import Ruled
from fedsafe_federation.feed.restrictions import Reason, Restriction
from fedsafe_federation.feed.verification import VerifiedRestriction, feed_name
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.keys.evaluators import OwnList
from fedsafe_node.log.audit import AuditTrail, Event, audit_log_name
from fedsafe_node.signals.appeals import Hearing, end_on_appeal, may_count
from fedsafe_node.signals.dispute_intake import (
    Dispute,
    Judge,
    charge,
    doubt_key,
    facts_of,
    facts_said,
    has_let_go,
    is_shared,
    let_go,
    rest_disputed,
    take_dispute,
    weigh,
    weight_of,
)
from fedsafe_node.signals.double_disputes import enter_double
from fedsafe_node.signals.taken_off import take_off
from fedsafe_node.store.rights_rows import DisputeRow, Weight
from fedsafe_node.store.rows import (
    RestrictionRow,
    SignalRow,
    SignalStatus,
    sequence_key,
)
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Effect

AHEAD: Final = 100_000
AHEAD_WITHOUT_ROOM: Final = 1_000
MAX_NAMES: Final = 20_000
"""So many names may lead a batch, and are one act: other writers get their turn."""

STATUS_OF: Final = {
    Effect.REVOKED: SignalStatus.REVOKED,
    Effect.EXPIRED: SignalStatus.EXPIRED,
    Effect.ERASED: SignalStatus.ERASED,
}
_STRICTER: Final = (
    SignalStatus.ACTIVE,
    SignalStatus.DISPUTED,
    SignalStatus.EXPIRED,
    SignalStatus.REVOKED,
    SignalStatus.ERASED,
)


@dataclass(frozen=True, slots=True)
class Applied:
    """The rows that match no more, and whose bound was reached (or "")."""

    removed: Sequence[int]
    beyond: str
    doubted: tuple[str, ...] = ()
    """Who has signed two disputes with one number, if that is new."""


def in_acts(
    restrictions: Sequence[VerifiedRestriction],
) -> Iterator[list[VerifiedRestriction]]:
    """Cut restrictions into parts of at most `MAX_NAMES` names, or one statement."""
    part: list[VerifiedRestriction] = []
    names = 0
    for item in restrictions:
        count = len(item.restriction.signals)
        if part and names + count > MAX_NAMES:
            yield part
            part, names = [], 0
        part.append(item)
        names += count
    if part:
        yield part


@dataclass(slots=True)
class _Author:
    """What one act knows of an author; `kept` counts the names of what is kept."""

    rows: dict[bytes, SignalRow]
    settled: set[bytes]
    sequence: int
    kept: int
    copied: int

    def has_room_for(self, names: int, ahead: int) -> bool:
        """Whether so many names more are kept, if so many may lead the records."""
        return self.kept + names <= ahead + len(Effect) * self.copied


@dataclass(slots=True)
class Restricting:
    """One act over restrictions that came with *courier*'s feed; runs once.

    *judge* weighs disputes, and *due* says until when one that comes now has to be
    ruled on (UTC seconds); *ended* are those that rulings beside them name. *scarce*
    says that the disk is full. They are *recorded* if they are records of the courier's
    feed, under a checkpoint that its witnesses have cosigned. *own* is the own list, by
    whose key is kept that no import lists anybody again whose signal a ruling on an
    appeal has ended.
    """

    courier: str
    restrictions: Sequence[VerifiedRestriction]
    trail: AuditTrail
    at: datetime
    judge: Judge
    due: int
    ended: frozenset[Dispute] = frozenset()
    scarce: bool = False
    recorded: bool = False
    own: OwnList | None = None
    _removed: list[int] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)
    _flooded: Counter[str] = field(default_factory=Counter)
    _beyond: str = ""
    _doubted: list[str] = field(default_factory=list)

    async def run(self, tx: Transaction) -> Applied:
        """Apply them, with one audit event if anything changed."""
        for name in dict.fromkeys(r.restriction.author for r in self.restrictions):
            mine = [r for r in self.restrictions if r.restriction.author == name]
            author = await _load(
                tx, name, [r.restriction for r in mine if r.ruled is None]
            )
            before = author.sequence, author.kept
            for item in mine:
                if item.ruled is not None:
                    await self._end(tx, item.statement, item.ruled)
                elif item.restriction.effect is Effect.DISPUTED:
                    await self._contest(tx, item, author)
                else:
                    await self._apply(tx, item, author)
            if author.sequence != before[0]:
                await tx.set_meta(sequence_key(name), b"%d" % author.sequence)
            if author.kept != before[1]:
                await tx.set_meta(_kept_key(name), b"%d" % author.kept)
        if self._counts.total():
            await self._write(tx)
        for name, count in self._flooded.items():
            await self._alarm(tx, name, count)
        return Applied(self._removed, self._beyond, tuple(self._doubted))

    async def _apply(
        self, tx: Transaction, item: VerifiedRestriction, author: _Author
    ) -> None:
        restriction = item.restriction
        own = restriction.author == self.courier
        names = list(dict.fromkeys(restriction.signals))
        new = [name for name in names if name not in author.settled] if own else []
        ahead = self._ahead if new else AHEAD
        fits = author.has_room_for(len(restriction.signals), ahead)
        stopped = await self._stop(tx, restriction.effect, names, author)
        if new and not fits:
            self._beyond = restriction.author
        elif own and restriction.sequence == author.sequence + 1:
            # Only without a gap: one huge number must not hide all below it.
            author.sequence += 1
        if fits and (stopped or new):
            await tx.add_restriction(_row(item), [*stopped, *new])
            author.kept += len(restriction.signals)
            author.settled.update(new)
            self._counts["remembered"] += len(new)
        if not fits:
            # It acts all the same; verification is told not to look for its words.
            self._counts["unkept"] += len(stopped)
        if stopped or (new and fits):
            self._counts["statements"] += 1
            self._counts[restriction.effect.value] += len(stopped)

    async def _contest(
        self, tx: Transaction, item: VerifiedRestriction, author: _Author
    ) -> None:
        said, own = item.restriction, item.restriction.author == self.courier
        known = await tx.disputes_numbered(said.author, said.sequence)
        name = digest(item.statement)
        mine = next((row for row in known if row.digest == name), None)
        if mine is None and not await self._take(tx, item, author, known):
            self._beyond = said.author
            return
        if mine is not None and own and self.recorded and not mine.recorded:
            await self._record(tx, mine, known)
        if own and said.sequence == author.sequence + 1:
            author.sequence += 1

    async def _take(
        self,
        tx: Transaction,
        item: VerifiedRestriction,
        author: _Author,
        known: Sequence[DisputeRow],
    ) -> bool:
        """Take a new dispute; False if its author has no room for it."""
        said, at = item.restriction, int(self.at.timestamp())
        facts = facts_said(said)
        recorded = self.recorded and said.author == self.courier
        # Of two with one number that one counts which the feed of their author shows.
        excepted = recorded and not any(row.recorded for row in known)
        if known:
            if self.trail.log == audit_log_name(said.author):
                return True  # the node itself knows what it has said
            await self._doubt(tx, item.statement, known)
        charged = await charge(tx, facts.author, said.at, at=at)
        name = digest(item.statement), facts.origin, facts.signal_id
        ended = name in self.ended or await tx.is_ruled(*name)
        decision = await weigh(
            tx,
            facts,
            judge=self.judge,
            charged=charged,
            ended=ended,
            excepted=excepted and bool(known),
        )
        # What rests a signal has a budget of its own.
        rests = weight_of(decision) is Weight.SUSPENDS
        if not author.has_room_for(1, AHEAD if rests else self._ahead):
            return False
        spent = rests and not recorded and await has_let_go(tx, facts)
        taken = await take_dispute(
            tx,
            item.statement,
            said,
            decision,
            at=at,
            charged=charged,
            due_at=self.due,
            recorded=recorded,
            let_go_at=at if spent else None,
        )
        author.kept += 1
        self._counts["statements"] += 1
        self._counts[said.effect.value] += taken.rested
        self._counts[taken.weight.value] += 1
        self._flooded[said.author] += taken.weight is Weight.FLOOD
        return True

    async def _doubt(
        self, tx: Transaction, statement: Signed, known: Sequence[DisputeRow]
    ) -> None:
        """Hold it against an author that it has used a number twice."""
        at, author = int(self.at.timestamp()), statement.signer
        kept = await tx.restriction(known[0].digest)
        if kept is None:
            return
        first = decode(kept.statement, Signed)
        if await enter_double(tx, self.trail, self.at, first, statement):
            self._doubted.append(author)
        if not await tx.meta(doubt_key(author)):
            return  # people have settled it
        for row in known:
            if not row.recorded and row.let_go_at is None:
                self._counts["let_go"] += await let_go(tx, row, at=at)

    async def _record(
        self, tx: Transaction, row: DisputeRow, known: Sequence[DisputeRow]
    ) -> None:
        """Note that its author's feed shows a dispute: now it rests until a ruling."""
        await tx.set_recorded(row.digest)
        if any(other.recorded for other in known):
            return
        if row.let_go_at is not None:
            await tx.set_let_go(row.digest, None)
        if row.weight is Weight.FLOOD and len(known) > 1:
            at, facts = int(self.at.timestamp()), facts_of(row)
            decision = await weigh(
                tx, facts, judge=self.judge, charged=at, excepted=True
            )
            weight = weight_of(decision)
            shared = weight is Weight.SUSPENDS and await is_shared(tx, facts, at)
            await tx.weigh_dispute(
                row.digest, weight, charged_at=at, due_at=self.due, shared=shared
            )
        rested = await rest_disputed(tx, row.origin, [row.signal_id])
        self._counts[Effect.DISPUTED.value] += len(rested)

    async def _end(self, tx: Transaction, statement: Signed, ruled: Ruled) -> None:
        at = int(self.at.timestamp())
        if await tx.appeal_ruling(ruled.heard.digest) is not None:
            return  # here as at anybody's, the first on an appeal counts
        if not await may_count(tx, ruled, at=at):
            self._beyond = ruled.author
            return
        heard = ruled.heard
        own = self.trail.log == audit_log_name(heard.origin)
        ending = await end_on_appeal(
            tx, statement, ruled, Hearing(at, self.due), own=own
        )
        if own and self.own is not None and ending.removed:
            why = Reason.APPEAL_GRANTED
            await take_off(tx, self.own, heard.origin, heard.signal, why, at=at)
        self._removed.extend(ending.removed)
        self._counts["statements"] += ending.counted
        self._counts["on_appeal"] += ending.counted
        self._counts[Effect.REVOKED.value] += len(ending.removed)

    @property
    def _ahead(self) -> int:
        return min(AHEAD, AHEAD_WITHOUT_ROOM) if self.scarce else AHEAD

    async def _stop(
        self, tx: Transaction, effect: Effect, names: Sequence[bytes], author: _Author
    ) -> list[bytes]:
        # A status only ever becomes stricter.
        status, at = STATUS_OF[effect], int(self.at.timestamp())
        stopped: list[bytes] = []
        for name in names:
            row = author.rows.get(name)
            if row is None or not _stricter(status, row.status):
                continue
            await tx.set_signal_status(row.origin, name, status)
            await tx.erase_opening(row.log, row.index, row.group, at=at)
            author.rows[name] = replace(row, status=status)
            self._removed.append(row.row)
            stopped.append(name)
        return stopped

    async def _write(self, tx: Transaction) -> None:
        named = {r.restriction.author for r in self.restrictions}
        reasons = {r.restriction.reason.value for r in self.restrictions}
        entry = self.trail.entry(
            Event.RESTRICTED,
            at=self.at,
            detail={
                "origin": ", ".join(sorted(named)),
                "reasons": ", ".join(sorted(reasons)),
                **{key: count for key, count in self._counts.items() if count},
            },
        )
        await tx.append(self.trail.log, entry.record, entry.openings)

    async def _alarm(self, tx: Transaction, author: str, count: int) -> None:
        if not count:
            return
        entry = self.trail.entry(
            Event.DISPUTES_FLOODED,
            at=self.at,
            outcome="alarm",
            detail={"author": author, "disputes": count, "rule": "P10"},
        )
        await tx.append(self.trail.log, entry.record, entry.openings)


async def _load(
    tx: Transaction, name: str, restrictions: Sequence[Restriction]
) -> _Author:
    own = [r for r in restrictions if r.effect is not Effect.DISPUTED]
    named = list(dict.fromkeys(id_ for r in own for id_ in r.signals))
    rows = await tx.signals_named(name, named)
    peer = await tx.peer(name)
    # The own feed has no cursor: all of it is here.
    cursor = peer.cursor if peer is not None else await tx.log_size(feed_name(name))
    return _Author(
        rows={row.signal_id: row for row in rows},
        settled=await tx.settled(name, named),
        sequence=int(await tx.meta(sequence_key(name)) or 0),
        kept=int(await tx.meta(_kept_key(name)) or 0),
        copied=cursor,
    )


def _row(item: VerifiedRestriction) -> RestrictionRow:
    restriction = item.restriction
    return RestrictionRow(
        digest=digest(item.statement),
        origin=restriction.origin,
        author=restriction.author,
        sequence=restriction.sequence,
        effect=restriction.effect.value,
        statement=encode(item.statement),
    )


def _stricter(status: SignalStatus, than: SignalStatus) -> bool:
    return _STRICTER.index(status) > _STRICTER.index(than)


def _kept_key(author: str) -> str:
    return f"restricted/{author}"
