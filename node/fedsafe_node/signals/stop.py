# SPDX-License-Identifier: Apache-2.0
"""Stop a signal: revoke what is published, withdraw a draft, erase an own ban.

A revocation is a signed restriction (protocol 3.6): it acts at every member by
itself, and its repetition in the feed makes an omission visible. In the same act
the opening, the custody and the right to match go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.bodies import SignalAnswer, SignalState
from fedsafe_node.ground.errors import DeniedError, NotFoundError, WrongStateError
from fedsafe_node.ground.principal import LOCAL, Principal
from fedsafe_node.ground.signal_ids import read_signal_id, signal_name
from fedsafe_node.log.audit import Detail, Event, grounds_of
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.signals.desk import Changed, Desk, has_accounts, has_staff
from fedsafe_node.signals.drafts import open_draft
from fedsafe_node.signals.restrictions import STATUS_OF
from fedsafe_node.signals.statement import state
from fedsafe_node.signals.taken_off import take_off
from fedsafe_node.signals.view import MAX_DRAFTS, describe_draft, describe_row
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import (
    DraftRow,
    DraftState,
    LogEntry,
    SignalRow,
    SignalStatus,
)
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.decision import Decision, deny
from fedsafe_policies.rules.erasures import EraseRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Effect, Plane, Scope

_STOPPED: Final = frozenset({SignalStatus.REVOKED, SignalStatus.ERASED})


async def stop_signal(
    desk: Desk, name: str, reason: Reason, who: Principal, once: Once | None
) -> SignalAnswer:
    """Stop a signal of this node for good.

    Raises:
        DeniedError: this role may not.
        NotFoundError: this node has no such signal.
        WrongStateError: it is stopped already.
    """
    stop = _Stop(desk, read_signal_id(name), reason, who)

    async def act(tx: Transaction) -> Changed[SignalAnswer | Decision]:
        changed = await stop.run(tx)
        if isinstance(changed.result, SignalAnswer):
            await desk.keep_answer(tx, once, changed.result)
        return changed

    result = await desk.commit(act)
    if isinstance(result, Decision):
        raise DeniedError(result)
    return result


async def stop_within(
    desk: Desk, tx: Transaction, signal_id: bytes, reason: Reason, who: Principal
) -> Changed[SignalAnswer | Decision]:
    """Stop a signal of this node within an act, or give what denies it.

    Raises:
        NotFoundError: this node has no such signal.
        WrongStateError: it is stopped already.
    """
    return await _Stop(desk, signal_id, reason, who).run(tx)


async def erase_own(
    desk: Desk,
    tx: Transaction,
    signal_id: bytes,
    *,
    at: int,
    reason: Reason | None = None,
) -> Sequence[int]:
    """Erase an own ban with its token and opening; return the rows to forget.

    With a *reason* it is taken off: no import lists it again.
    """
    origin = desk.situation.own.name
    row = await tx.signal(origin, signal_id)
    if row is None or row.status is SignalStatus.ERASED:
        return ()
    await _take_off(desk, tx, signal_id, reason)
    await tx.set_signal_status(origin, signal_id, SignalStatus.ERASED)
    await tx.erase_opening(row.log, row.index, row.group, at=at)
    return (row.row,)


async def _take_off(
    desk: Desk, tx: Transaction, signal_id: bytes, reason: Reason | None
) -> None:
    situation, at = desk.situation, int(desk.clock.now().timestamp())
    await take_off(tx, situation.own, situation.node, signal_id, reason, at=at)


async def revoke_signal(
    desk: Desk,
    tx: Transaction,
    row: SignalRow,
    reason: Reason,
    *,
    effect: Literal[Effect.REVOKED, Effect.ERASED] = Effect.REVOKED,
) -> int:
    """Revoke a signal of the own feed and erase what it says; return the feed's size.

    To the *effect* that it is erased its token goes as well, here and at each member.

    Raises:
        WrongStateError: this node has no federation.
    """
    await _take_off(desk, tx, row.signal_id, reason)
    stated = await state(desk, tx, [row.signal_id], effect, reason)
    await _end_row(desk, tx, row, effect)
    return stated.feed


async def _end_row(
    desk: Desk,
    tx: Transaction,
    row: SignalRow,
    effect: Literal[Effect.REVOKED, Effect.ERASED],
) -> None:
    at = int(desk.clock.now().timestamp())
    await tx.set_signal_status(row.origin, row.signal_id, STATUS_OF[effect])
    await tx.erase_opening(row.log, row.index, row.group, at=at)
    await tx.remove_custody(row.signal_id)
    await tx.remove_validation(row.signal_id)


@dataclass(frozen=True, slots=True)
class Living:
    """Which of many signals of this node live, and as what."""

    bans: Sequence[SignalRow]
    published: Sequence[SignalRow]
    drafts: Sequence[DraftRow]


async def find_living(
    desk: Desk, reader: Reader, signal_ids: Sequence[bytes]
) -> Living:
    """Find what lives of these signals of this node."""
    node, own = desk.situation.node, desk.situation.own.name
    bans = await reader.signals_named(own, signal_ids)
    published = await reader.signals_named(node, signal_ids)
    known = {row.signal_id for row in (*bans, *published)}
    drafts = [
        draft
        for signal_id in signal_ids
        if signal_id not in known
        and (draft := await reader.draft(signal_id)) is not None
        and draft.state is DraftState.PENDING
    ]
    return Living(
        [row for row in bans if row.status is not SignalStatus.ERASED],
        [row for row in published if row.status not in _STOPPED],
        drafts,
    )


async def rule_on_stopping(
    desk: Desk, reader: Reader, living: Living, who: Principal
) -> Decision:
    """Decide whether somebody may stop all of this, as one signal at a time.

    Raises:
        AccountNeededError: it takes an account, and there is none.
    """
    by, now = Person(who.name, who.role), desk.clock.now()
    if living.published or living.drafts:
        desk.check_account(who)
    asked = {
        EraseRequest(Effect.ERASED, by, Plane(row.plane), Scope.SELF)
        for row in living.bans
    }
    asked |= {
        EraseRequest(Effect.REVOKED, by, Plane(row.plane), Scope.FEDERATION)
        for row in living.published
    }
    if living.drafts:
        # A draft has two people, whatever it is about: no machine is one of them.
        asked.add(EraseRequest(Effect.ERASED, by, Plane.ACTOR, Scope.FEDERATION))
    if not asked:  # nothing is left: whoever may end an own ban is told so
        asked.add(EraseRequest(Effect.ERASED, by, Plane.ACTOR, Scope.SELF))
    decisions = [desk.situation.decide(each, now) for each in asked]
    for decision in decisions:
        if not decision.allowed:
            return decision
    if (living.bans and await must_be_named(desk, reader, who, Scope.SELF)) or (
        living.published and await must_be_named(desk, reader, who, Scope.FEDERATION)
    ):
        return deny(Refusal.NAMED_PERSON, desk.situation.policy.reference)
    return decisions[0]


async def must_be_named(
    desk: Desk, reader: Reader, who: Principal, scope: Scope
) -> bool:
    """Tell whether only a person may end a signal, and this is none (P6, P11).

    Once there are accounts no machine ends an own ban. Whoever has but the socket ends
    nothing as soon as somebody who may do it has an account or a credential: else the
    log would name nobody for what somebody has recorded under a name.
    """
    if who.is_person:
        return False
    is_local = who.name == LOCAL.name
    if await has_accounts(reader):
        return is_local or scope is Scope.SELF
    now = int(desk.clock.now().timestamp())
    return is_local and await has_staff(reader, now)


async def stop_many(  # noqa: PLR0913 - what the events tell
    desk: Desk,
    tx: Transaction,
    living: Living,
    reason: Reason,
    who: Principal,
    decision: Decision,
    said: Detail,
    *,
    decided: bool = False,
) -> Changed[int]:
    """Stop signals of this node within an act; return how many were published.

    Those are revoked by one statement. What was withdrawn is one event, with what is
    *said* of it; each draft and each revocation has its own. Where somebody has
    *decided* on these very signals, each own ban has its own as well, and no import
    lists again whom they are about.
    """
    removed: list[int] = []
    events: list[LogEntry] = []
    at = int(desk.clock.now().timestamp())
    off = reason if decided else None
    told: Detail
    for row in living.bans:
        gone = await erase_own(desk, tx, row.signal_id, at=at, reason=off)
        removed += gone
        if decided:
            name = signal_name(row.signal_id)
            told = {**said, "signal": name, "reason": reason.value, "bans": len(gone)}
            events.append(desk.event(Event.WITHDRAWN, who, told, decision=decision))
    if living.bans and not decided:
        told = {**said, "reason": reason.value, "bans": len(removed)}
        events.append(desk.event(Event.WITHDRAWN, who, told, decision=decision))
    for draft in living.drafts:
        bans = await withdraw_draft(desk, tx, draft, by=who.name, reason=off)
        removed += bans
        told = {
            **said,
            "signal": signal_name(draft.signal_id),
            "reason": reason.value,
            "bans": len(bans),
        }
        events.append(desk.event(Event.WITHDRAWN, who, told, decision=decision))
    feed = None
    if living.published:
        ids = [row.signal_id for row in living.published]
        for signal_id in ids:
            await _take_off(desk, tx, signal_id, off)
        feed = (await state(desk, tx, ids, Effect.REVOKED, reason)).feed
        for row in living.published:
            await _end_row(desk, tx, row, Effect.REVOKED)
            removed.append(row.row)
            told = {
                **said,
                "signal": signal_name(row.signal_id),
                "reason": reason.value,
            }
            events.append(desk.event(Event.REVOKED, who, told, decision=decision))
    if events:
        await tx.append_many(desk.trail.log, events)
    return Changed(len(living.published), removed=removed, feed=feed)


@dataclass(frozen=True, slots=True)
class _Stop:
    desk: Desk
    signal_id: bytes
    reason: Reason
    who: Principal

    @property
    def at(self) -> int:
        return int(self.desk.clock.now().timestamp())

    async def run(self, tx: Transaction) -> Changed[SignalAnswer | Decision]:
        situation = self.desk.situation
        own = await tx.signal(situation.own.name, self.signal_id)
        if own is not None:
            return await self._erase(tx, own)
        row = await tx.signal(situation.node, self.signal_id)
        if row is not None:
            return await self._revoke(tx, row)
        draft = await tx.draft(self.signal_id)
        if draft is not None:
            return await self._withdraw(tx, draft)
        raise NotFoundError(Phrase("no such signal"))

    async def _erase(
        self, tx: Transaction, row: SignalRow
    ) -> Changed[SignalAnswer | Decision]:
        decision = await self._decide(tx, Effect.ERASED, row.plane, Scope.SELF)
        if not decision.allowed:
            return Changed(decision)
        if denied := await self._unnamed(tx, Scope.SELF):
            return Changed(denied)
        removed = await erase_own(
            self.desk, tx, self.signal_id, at=self.at, reason=self.reason
        )
        if not removed:
            raise WrongStateError("already_erased", Phrase("this own ban is erased"))
        await self._write(tx, Event.WITHDRAWN, decision, bans=len(removed))
        answer = await describe_row(tx, row, SignalState.ERASED, self.desk)
        return Changed(answer, removed=removed)

    async def _withdraw(
        self, tx: Transaction, draft: DraftRow
    ) -> Changed[SignalAnswer | Decision]:
        self.desk.check_account(self.who)
        # A draft has two people, whatever it is about: no machine is one of them.
        scope = Scope.FEDERATION
        decision = await self._decide(tx, Effect.ERASED, Plane.ACTOR, scope)
        if not decision.allowed:
            return Changed(decision)
        if draft.state is not DraftState.PENDING:
            raise WrongStateError("not_pending", Phrase("this draft is decided"))
        removed = await withdraw_draft(
            self.desk, tx, draft, by=self.who.name, reason=self.reason
        )
        await self._write(tx, Event.WITHDRAWN, decision, bans=len(removed))
        answer = await describe_draft(tx, draft, SignalState.WITHDRAWN, self.desk)
        return Changed(answer, removed=removed)

    async def _revoke(
        self, tx: Transaction, row: SignalRow
    ) -> Changed[SignalAnswer | Decision]:
        self.desk.check_account(self.who)
        scope = Scope.FEDERATION
        decision = await self._decide(tx, Effect.REVOKED, row.plane, scope)
        if not decision.allowed:
            return Changed(decision)
        if denied := await self._unnamed(tx, scope):
            return Changed(denied)
        if row.status in _STOPPED:
            raise WrongStateError(
                f"already_{row.status.value}", Phrase("it is stopped")
            )
        size = await revoke_signal(self.desk, tx, row, self.reason)
        await self._write(tx, Event.REVOKED, decision)
        answer = await describe_row(tx, row, SignalState.REVOKED, self.desk)
        return Changed(answer, removed=(row.row,), feed=size)

    async def _unnamed(self, tx: Transaction, scope: Scope) -> Decision | None:
        """Refuse who must be named and is not, and write it down."""
        desk, who = self.desk, self.who
        if not await must_be_named(desk, tx, who, scope):
            return None
        denied = deny(Refusal.NAMED_PERSON, desk.situation.policy.reference)
        entry = desk.refusal(denied, who, "signal.revoke")
        await tx.append(desk.trail.log, entry.record, entry.openings)
        return denied

    async def _decide(
        self, tx: Transaction, effect: Effect, plane: str, scope: Scope
    ) -> Decision:
        """Ask the policy (P11), and write a refusal down."""
        desk, who = self.desk, self.who
        by = Person(who.name, who.role)
        asked = EraseRequest(effect, by, Plane(plane), scope)
        decision = desk.situation.decide(asked, desk.clock.now())
        if not decision.allowed:
            entry = desk.refusal(decision, who, "signal.revoke")
            await tx.append(desk.trail.log, entry.record, entry.openings)
        return decision

    async def _write(
        self,
        tx: Transaction,
        event: Event,
        decision: Decision,
        *,
        bans: int | None = None,
    ) -> None:
        detail: dict[str, str | int] = {
            "signal": signal_name(self.signal_id),
            "reason": self.reason.value,
        }
        if bans is not None:
            detail["bans"] = bans
        entry = self.desk.event(event, self.who, detail, decision=decision)
        await tx.append(self.desk.trail.log, entry.record, entry.openings)


async def withdraw_own(  # noqa: PLR0913 - what the event tells
    desk: Desk,
    tx: Transaction,
    signal_id: bytes,
    reason: Reason,
    *,
    by: str,
    decision: Decision | None = None,
) -> Sequence[int]:
    """Withdraw an own ban, with the draft that hangs on it; return rows to forget."""
    told = partial(note_withdrawn, tx, desk, by=by, decision=decision)
    for row in await tx.drafts(DraftState.PENDING, MAX_DRAFTS):
        try:
            hangs = open_draft(row, desk.periods).own == signal_id
        except WrongStateError:
            continue  # nobody can ever publish what does not open
        if hangs:
            removed = await withdraw_draft(desk, tx, row, by=by, reason=reason)
            await told(row.signal_id, reason, len(removed))
            return removed
    at = int(desk.clock.now().timestamp())
    removed = await erase_own(desk, tx, signal_id, at=at, reason=reason)
    if removed:
        await told(signal_id, reason, len(removed))
    return removed


async def note_withdrawn(  # noqa: PLR0913 - what the event tells
    tx: Transaction,
    desk: Desk,
    signal_id: bytes,
    reason: Reason,
    bans: int,
    *,
    by: str,
    decision: Decision | None = None,
) -> None:
    """Write that a draft or own ban was withdrawn, and *bans* rows with it.

    The *decision* that it rests on, unless it follows from one that has its own event.
    `audit.reconcile_sums` adds these up: nothing else explains an erased own ban.
    """
    entry = desk.trail.entry(
        Event.WITHDRAWN,
        at=desk.clock.now(),
        actor=by,
        detail={
            "signal": signal_name(signal_id),
            "reason": reason.value,
            "bans": bans,
            **({} if decision is None else grounds_of(decision)),
        },
    )
    await tx.append(desk.trail.log, entry.record, entry.openings)


async def withdraw_draft(
    desk: Desk,
    tx: Transaction,
    draft: DraftRow,
    *,
    by: str,
    reason: Reason | None = None,
) -> Sequence[int]:
    """Withdraw a pending draft with its own ban and custody; return rows to forget.

    With a *reason* it is taken off: no import lists it again.
    """
    await _take_off(desk, tx, draft.signal_id, reason)
    at = int(desk.clock.now().timestamp())
    try:
        own = open_draft(draft, desk.periods).own
    except WrongStateError:  # unreadable: its own ban ends with its retention
        removed: Sequence[int] = ()
    else:
        removed = (
            () if own is None else await erase_own(desk, tx, own, at=at, reason=reason)
        )
    await tx.decide_draft(draft.signal_id, DraftState.WITHDRAWN, by=by, at=at)
    await tx.remove_custody(draft.signal_id)
    return removed
