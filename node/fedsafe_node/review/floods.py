# SPDX-License-Identifier: Apache-2.0
"""P21: a signal that matches too many restricts nobody further by itself.

In the act that writes the lookup's event each match is counted: by signal, and by a
keyed mark of the account or file, within a day. What names no account counts each time.
Beyond the bound a *flood* begins: one alarm, and one place that keeps the references of
all further matches until a person rules. It goes on until then, over the end of the
day as well. Who is under review already is nobody further, and is asked as ever.

A signal that rests by a ruling matches nothing here, until another ruling or its end.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_bytes, token_hex
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from fedsafe_node.evaluators import MARK_BYTES
from fedsafe_node.log.audit import Detail, Event, grounds_of
from fedsafe_node.lookup_messages import Match, MatchReason
from fedsafe_node.provider_events.announcing import (
    Announcement,
    Content,
    EventKind,
)
from fedsafe_node.review.contents import open_match, seal_match
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.opening import named_account, reminder_before
from fedsafe_node.store.floods_rows import FloodRow, FloodState
from fedsafe_node.store.protocol import Reader, Transaction
from fedsafe_node.store.review_rows import TaskSignalRow
from fedsafe_node.store.rows import LogEntry
from fedsafe_policies.days import SECONDS_A_DAY
from fedsafe_policies.decision import Decision
from fedsafe_policies.floods import FloodRequest
from fedsafe_policies.reviews import review_ends
from fedsafe_policies.vocabulary import IdentifierKind, MediaKind, Plane

MOST_KEPT: Final = 100_000
"""So many references a flood keeps; further ones are answered alike, and counted."""
_ID_BYTES: Final = 16
_Key = tuple[str, bytes]


@dataclass(slots=True)
class Judged:
    """The matches of one account as they count, and the events that the act owes.

    `matches` are those of the answer, in their order; those in `restricting` have no
    reason not to. `rested` counts those that a ruling keeps back. `flood` keeps the
    reference of those in a flood, and `task` is the review of those that were in one.
    """

    subject: str
    matches: list[Match] = field(default_factory=list)
    restricting: list[Match] = field(default_factory=list)
    rested: int = 0
    flood: str | None = None
    task: str | None = None
    events: list[LogEntry] = field(default_factory=list)


async def judge_floods(  # noqa: PLR0913 - the act, and what it is about
    desk: ReviewDesk,
    tx: Transaction,
    subject: str | None,
    matches: Sequence[Match],
    moment: datetime,
    *,
    by: str,
    service: str,
) -> Judged:
    """Say which matches of an account restrict it, and keep the others' reference."""
    found: dict[_Key, list[Match]] = defaultdict(list)
    for match in matches:
        list_ = desk.list_of(match.origin, own=match.own)
        found[list_, UUID(match.signal).bytes].append(match)
    judged = Judged(named_account(subject, found, service=service))
    held = {} if subject is None else await _held(desk, tx, subject)
    judge = _Judge(desk, tx, subject, judged, moment, by)
    reasons = {key: await judge.of(key, each[0], held) for key, each in found.items()}
    for match in matches:
        list_ = desk.list_of(match.origin, own=match.own)
        reason = reasons[list_, UUID(match.signal).bytes]
        if isinstance(reason, _Rests):
            judged.rested += 1
            continue
        said = replace(match, reason=reason)
        judged.matches.append(said)
        if reason is None:
            judged.restricting.append(said)
    return judged


async def _held(
    desk: ReviewDesk, tx: Transaction, subject: str
) -> "Mapping[_Key, _Held]":
    """Give the signals that the account is reviewed for, and how they count there."""
    held: dict[_Key, _Held] = {}
    for task in await tx.live_tasks(subject):
        for row in await tx.task_signals(task.id):
            if row.effect is None:
                match = open_match(row, desk.periods)
                reason = None if match is None else match.reason
                if reason is not MatchReason.TRIAL:  # that has restricted nobody
                    held[row.origin, row.signal_id] = _Held(task.id, reason)
    return held


@dataclass(frozen=True, slots=True)
class _Held:
    """A review holds the signal; with the reason that it had in a flood."""

    task: str
    reason: MatchReason | None


class _Rests:
    """A ruling keeps the match back."""


@dataclass(frozen=True, slots=True)
class _Judge:
    desk: ReviewDesk
    tx: Transaction
    subject: str | None
    judged: Judged
    moment: datetime
    by: str

    @property
    def now(self) -> int:
        return int(self.moment.timestamp())

    async def of(
        self, key: _Key, match: Match, held: Mapping[_Key, _Held]
    ) -> MatchReason | _Rests | None:
        """Say why a match does not restrict; None if it does."""
        flood = await self.tx.flood_alive(*key)
        if flood is not None and flood.state is FloodState.RESTED:
            return _Rests()
        if key in held:
            if held[key].reason is not None:
                self.judged.task = held[key].task
            return held[key].reason
        if flood is None:
            decision = await self._decide(key, match)
            if decision is None:
                return None
            flood = await self._begin(key, match, decision)
        await self._keep(flood)
        return MatchReason.FLOOD

    async def _decide(self, key: _Key, match: Match) -> Decision | None:
        """Count the match; give the decision if it may restrict nobody further."""
        tx, since = self.tx, self.now - SECONDS_A_DAY
        mark = token_bytes(MARK_BYTES)
        if self.subject is not None:
            mark = self.desk.situation.own.mark(self.subject)
            if await tx.has_restricted(*key, mark, since):
                return None
        raised = await tx.raised_bound(*key, self.now)
        request = FloodRequest(
            kind_of(match),
            await tx.restricted(*key, since),
            None if raised is None else raised.bound,
        )
        decision = self.desk.situation.decide(request, self.moment)
        if decision.allowed:
            await tx.add_restricted(*key, mark, self.now)
            return None
        return decision

    async def _begin(self, key: _Key, match: Match, decision: Decision) -> FloodRow:
        desk, name = self.desk, token_hex(_ID_BYTES)
        list_, signal_id = key
        said = replace(match, reason=MatchReason.FLOOD)
        sealed = seal_match(name, list_, said, desk.periods, self.moment)
        ends = review_ends(self.now, desk.situation.policy)
        flood = FloodRow(
            id=name,
            origin=list_,
            signal_id=signal_id,
            state=FloodState.WAITING,
            bound=int(decision.about),
            opened_at=self.now,
            ends_at=ends,
            remind_at=reminder_before(ends, self.now),
            period=sealed.period,
            sealed=sealed.sealed,
        )
        await self.tx.add_flood(flood)
        detail: Detail = {"bound": flood.bound, "ends_at": ends, **grounds_of(decision)}
        entry = flood_event(
            desk, Event.FLOOD_BEGAN, flood, detail, by=self.by, outcome="alarm"
        )
        self.judged.events.append(entry)
        content: Content = {"why": "began", "bound": flood.bound, "ends_at": ends}
        await announce_flood(desk, self.tx, EventKind.FLOOD_DUE, flood, content)
        return flood

    async def _keep(self, flood: FloodRow) -> None:
        self.judged.flood = flood.id
        subject = self.judged.subject
        if await self.tx.in_flood(flood.id, subject):
            return
        kept = await self.tx.flood(flood.id) or flood
        if kept.kept < MOST_KEPT:
            await self.tx.add_flood_subject(flood.id, subject, self.now)
        else:
            await self.tx.put_flood(replace(kept, beyond=kept.beyond + 1))


def kind_of(match: Match) -> IdentifierKind | MediaKind:
    """Give the kind of a match as policies know it."""
    kinds = IdentifierKind if match.plane is Plane.ACTOR else MediaKind
    return kinds[match.kind.name]


def flood_match(desk: ReviewDesk, flood: FloodRow) -> Match | None:
    """Open what a flood shows of its signal; None once that is gone."""
    row = TaskSignalRow(
        task=flood.id,
        origin=flood.origin,
        signal_id=flood.signal_id,
        added_at=flood.opened_at,
        period=flood.period,
        sealed=flood.sealed,
    )
    return open_match(row, desk.periods)


def flood_event(  # noqa: PLR0913 - the groups of an event
    desk: ReviewDesk,
    event: Event,
    flood: FloodRow,
    detail: Detail,
    *,
    by: str,
    outcome: str = "ok",
) -> LogEntry:
    """Build an audit event about a flood."""
    return desk.trail.entry(
        event,
        at=desk.clock.now(),
        outcome=outcome,
        actor=by,
        detail={**_named(desk, flood), **detail},
    )


async def announce_flood(
    desk: ReviewDesk, tx: Transaction, kind: EventKind, flood: FloodRow, said: Content
) -> None:
    """Tell the provider's back-end of a flood, within an act."""
    announcement = Announcement(kind, content={**_named(desk, flood), **said})
    await desk.announcer.announce(tx, announcement)


def _named(desk: ReviewDesk, flood: FloodRow) -> dict[str, str]:
    return {
        "flood": flood.id,
        "signal": str(UUID(bytes=flood.signal_id)),
        "origin": desk.origin_of(flood.origin),
    }


async def succeed_flood(
    desk: ReviewDesk, tx: Transaction, ban: bytes, signal: bytes
) -> None:
    """Let what is counted of an own ban count for the signal that follows it."""
    node, own_list = desk.situation.node, desk.situation.own.name
    await tx.move_restricted(own_list, ban, node, signal)
    flood = await tx.flood_alive(own_list, ban)
    if flood is None:
        return
    moved = replace(flood, origin=node, signal_id=signal)
    match = flood_match(desk, flood)
    if match is not None:
        shown = replace(match, signal=str(UUID(bytes=signal)), origin=node, own=False)
        sealed = seal_match(flood.id, node, shown, desk.periods, desk.clock.now())
        moved = replace(moved, period=sealed.period, sealed=sealed.sealed)
    await tx.put_flood(moved)


async def is_flood_held(reader: Reader, flood: FloodRow, now: int) -> bool:
    """Tell whether a hold keeps an account that a flood refers to."""
    for hold in await reader.holds():
        if hold.subject is None or hold.until <= now:
            continue
        if await reader.in_flood(flood.id, hold.subject):
            return True
    return False
