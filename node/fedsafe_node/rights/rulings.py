# SPDX-License-Identifier: Apache-2.0
"""Say rulings in the own feed, and end disputes that nobody has ruled on.

Rulings on own bans, which nobody shares, are kept and not said.

A job of the node's clockwork. What rests a signal is revoked once its time to be ruled
on is over; people are reminded before. What rests nothing revokes nothing either,
or a flood would do in ten days what it may not do at once: an officer's repeat of facts
that were ruled on ends as they did, and everything else waits for a person. No clock
answers somebody who has shown that the identifier is theirs: people are reminded
once more when it is overdue. Nor does one revoke what rests by a member's attestation
alone: it rests on, and alarms once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from fedsafe_federation.feed.records import RulingRecord, encode_record
from fedsafe_federation.feed.restrictions import Reason
from fedsafe_federation.feed.rulings import MAX_DISPUTES, Outcome, Ruling, sign_ruling
from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.principal import Actor
from fedsafe_node.ground.signal_ids import signal_name
from fedsafe_node.log.audit import Event
from fedsafe_node.notices.provider_events.announcer import (
    Announcement,
    Announcer,
    Content,
)
from fedsafe_node.signals.desk import Changed, Desk
from fedsafe_node.signals.dispute_intake import facts_of, take_ruling
from fedsafe_node.signals.stop import revoke_signal, withdraw_own
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import DisputeRow, Weight
from fedsafe_node.store.rows import SignalStatus
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.disputes import ATTESTED
from fedsafe_policies.vocabulary import Control

REMINDED: Final = 3 * 24 * 60 * 60
"""So many seconds before a dispute is due, people are reminded of it."""
ACTOR_NAME: Final = Actor.DISPUTES.value
_BATCH: Final = 200
_ALIVE: Final = frozenset({SignalStatus.ACTIVE, SignalStatus.DISPUTED})


async def say_ruling(  # noqa: PLR0913 - what a ruling says, and who said it
    desk: Desk,
    tx: Transaction,
    disputes: Sequence[DisputeRow],
    outcome: Outcome,
    *,
    ruled_by: str,
    reason: str | None = None,
) -> int | None:
    """Keep a ruling on *disputes* of one signal, sign and say it; return the size.

    One on an own ban stays here: it is said to nobody, and no feed grows.

    Raises:
        WrongStateError: this node has no federation, and the signal is no own ban.
    """
    at, size = int(desk.clock.now().timestamp()), None
    for part in _parts(disputes):
        ruling = Ruling(
            v=1,
            origin=part[0].origin,
            signal=part[0].signal_id,
            disputes=[row.digest for row in part],
            outcome=outcome,
            at=at,
        )
        if ruling.origin != desk.situation.own.name:
            size = await _say(desk, tx, ruling)
        await take_ruling(tx, ruling, at=at, ruled_by=ruled_by, reason=reason)
    return size


async def _say(desk: Desk, tx: Transaction, ruling: Ruling) -> int:
    shared = desk.situation.shared
    if shared is None:
        raise WrongStateError(
            "no_federation", Phrase("this node does not belong to a federation")
        )
    federation = shared.membership.charter.federation
    statement = sign_ruling(ruling, key=desk.statement_key, federation=federation)
    return await tx.append(desk.feed, encode_record(RulingRecord(statement))) + 1


async def stop_contested(
    desk: Desk, tx: Transaction, dispute: DisputeRow, reason: Reason, *, by: str
) -> Sequence[int]:
    """Revoke the signal of a dispute, or withdraw the own ban; return its rows."""
    row = await tx.signal(dispute.origin, dispute.signal_id)
    if row is None or row.status not in _ALIVE:
        return ()
    if row.own:
        return await withdraw_own(desk, tx, row.signal_id, reason, by=by)
    await revoke_signal(desk, tx, row, reason)
    return (row.row,)


def _parts(disputes: Sequence[DisputeRow]) -> Iterator[Sequence[DisputeRow]]:
    for start in range(0, len(disputes), MAX_DISPUTES):
        yield disputes[start : start + MAX_DISPUTES]


async def announce_ruling(
    announcer: Announcer,
    tx: Transaction,
    disputes: Sequence[DisputeRow],
    outcome: Outcome,
) -> None:
    """Tell the provider's back-end how disputes of one signal ended."""
    first = disputes[0]
    content: Content = {
        "dispute": first.digest.hex(),
        "disputes": len(disputes),
        "signal": signal_name(first.signal_id),
        "outcome": outcome.value,
    }
    said = Announcement(EventKind.DISPUTE_RULED, content=content)
    await announcer.announce(tx, said)


@dataclass(frozen=True, slots=True)
class Ended:
    """How many disputes lapsed, ended as facts known before, and were reminded of."""

    lapsed: int = 0
    repeated: int = 0
    reminded: int = 0


async def end_disputes(desk: Desk, announcer: Announcer) -> Ended:
    """Remind of disputes that are nearly due, and end those that are.

    Raises:
        StoreFailedError: the rest is done by the next run.
    """
    now = int(desk.clock.now().timestamp())
    ours, near = (desk.situation.node, desk.situation.own.name), list[DisputeRow]()
    for origin in ours:
        near += await desk.store.read(
            partial(_near, origin=origin, before=now + REMINDED)
        )
    lapsed = repeated = reminded = 0
    for row in near:
        ending = _Ending(desk, announcer, row, now)
        if row.due_at <= now and not _waits(row):
            outcome = await desk.commit(ending.end)
            lapsed += outcome is Outcome.LAPSED
            repeated += outcome is Outcome.RESTORED
        if _unheard(row, now):
            await desk.commit(ending.remind)
            reminded += 1
    return Ended(lapsed, repeated, reminded)


async def _near(reader: Reader, *, origin: str, before: int) -> list[DisputeRow]:
    return await reader.disputes_due(origin, before, _BATCH)


def _waits(row: DisputeRow) -> bool:
    """Tell whether only a person ends it.

    It rests nothing and has proof, or rests a signal by a member's word alone; or it
    was let go, and what rests nothing revokes nothing.
    """
    if row.control == ATTESTED or row.let_go_at is not None:
        return True
    return row.weight is not Weight.SUSPENDS and row.control != Control.OFFICER


def _unheard(row: DisputeRow, now: int) -> bool:
    """Tell whether people are reminded now: before it is due, and once after."""
    if row.reminded_at is None:
        return row.due_at > now or _waits(row)
    return _waits(row) and row.reminded_at < row.due_at <= now


def _same(one: DisputeRow, other: DisputeRow) -> bool:
    return facts_of(one).key == facts_of(other).key


@dataclass(frozen=True, slots=True)
class _Ending:
    desk: Desk
    announcer: Announcer
    dispute: DisputeRow
    now: int

    async def end(self, tx: Transaction) -> Changed[Outcome | None]:
        row = self.dispute
        if await tx.ruling(row) is not None:
            return Changed(None)  # ended with another of the same signal
        known = await tx.disputes_on(row.origin, row.signal_id)
        unruled = [each for each in known if await tx.ruling(each) is None]
        if row.weight is Weight.SUSPENDS:
            return await self._lapse(tx, unruled)
        same = {each.digest for each in known if _same(each, row)}
        rulings = await tx.rulings_on(row.origin, row.signal_id)
        ruled = [ruling for ruling in rulings if ruling.dispute in same]
        if not ruled:
            return Changed(None)
        ending = [each for each in unruled if _same(each, row)]
        outcome = Outcome(ruled[-1].outcome)
        feed = await self._say(tx, ending, outcome)
        return Changed(outcome, feed=feed)

    async def _lapse(
        self, tx: Transaction, unruled: Sequence[DisputeRow]
    ) -> Changed[Outcome | None]:
        removed = await stop_contested(
            self.desk, tx, self.dispute, Reason.FINDING_WITHDRAWN, by=ACTOR_NAME
        )
        feed = await self._say(tx, unruled, Outcome.LAPSED)
        return Changed(Outcome.LAPSED, removed=removed, feed=feed)

    async def _say(
        self, tx: Transaction, disputes: Sequence[DisputeRow], outcome: Outcome
    ) -> int | None:
        feed = await say_ruling(self.desk, tx, disputes, outcome, ruled_by=ACTOR_NAME)
        await self._note(tx, Event.RULED, outcome.value, len(disputes))
        await announce_ruling(self.announcer, tx, disputes, outcome)
        return feed

    async def remind(self, tx: Transaction) -> Changed[None]:
        await tx.set_reminded(self.dispute.digest, self.now)
        overdue = self.dispute.due_at <= self.now
        outcome = "overdue" if overdue else "reminded"
        if overdue and self.dispute.weight is Weight.SUSPENDS:
            outcome = "alarm"  # it rests until a person rules
        await self._note(tx, Event.RULING_DUE, outcome, 1)
        content: Content = {
            "dispute": self.dispute.digest.hex(),
            "due_at": self.dispute.due_at,
        }
        said = Announcement(EventKind.RIGHTS_DUE, content=content)
        await self.announcer.announce(tx, said)
        return Changed(None)

    async def _note(
        self, tx: Transaction, event: Event, outcome: str, count: int
    ) -> None:
        desk = self.desk
        entry = desk.trail.entry(
            event,
            at=desk.clock.now(),
            outcome=outcome,
            actor=ACTOR_NAME,
            detail={
                "signal": signal_name(self.dispute.signal_id),
                "disputes": count,
                "due": self.dispute.due_at,
                "rule": "P10",
                "policy": desk.situation.policy.reference,
            },
        )
        await tx.append(desk.trail.log, entry.record, entry.openings)
