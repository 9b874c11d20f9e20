# SPDX-License-Identifier: Apache-2.0
"""Disputes as this provider's people open, see and rule on them (rule P10).

A dispute is a statement of this node, whoever's the signal is: it rests here at once
and at every other member as soon as they have it. Only the origin rules, by a person
who decided nothing about the signal before. The clock binds what rests a signal:
without a ruling it is revoked, so that nobody stays listed because nobody looked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_federation.feed.rulings import Outcome
from fedsafe_node.acts.disputes import (
    DisputeAnswer,
    DisputesAnswer,
    NewDisputeRequest,
    RulingRequest,
)
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import read_signal_id, signal_name
from fedsafe_node.log.audit import Event
from fedsafe_node.notices.provider_events.announcer import Announcer
from fedsafe_node.rights.contest import CONTESTABLE, Claim, contest, weigh_claim
from fedsafe_node.rights.participants import involved_in
from fedsafe_node.rights.rulings import announce_ruling, say_ruling, stop_contested
from fedsafe_node.rights.view import describe_dispute
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.rules.policy_context import rule_on_reading
from fedsafe_node.signals.desk import Changed, Desk
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import DisputeRow, Weight
from fedsafe_node.store.rows import SignalRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.disputes import ATTESTED
from fedsafe_policies.rules.disputes import RulingRequest as Asked
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Matter, Purpose

LISTED: Final = 500


class Disputes:
    """Opens, shows and decides disputes."""

    def __init__(self, desk: Desk, announcer: Announcer) -> None:
        self._desk = desk
        self._announcer = announcer

    async def open(
        self, request: NewDisputeRequest, who: Principal, *, once: Once | None = None
    ) -> DisputeAnswer:
        """Dispute a signal of this node or of another.

        Raises:
            DeniedError: this role may not.
            NotFoundError: this node knows no such signal.
            BadRequestError: several members use the id, and none is named.
            WrongStateError: it is stopped, or this node has no federation.
        """
        opening = _Opening(self._desk, request, who)

        async def act(tx: Transaction) -> Changed[DisputeAnswer | Decision]:
            changed = await opening.run(tx)
            if isinstance(changed.result, DisputeAnswer):
                await self._desk.keep_answer(tx, once, changed.result)
            return changed

        return _allowed(await self._desk.commit(act))

    async def rule(
        self,
        dispute: str,
        request: RulingRequest,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> DisputeAnswer:
        """Rule on a dispute of an own signal, and so on all others of that signal.

        Raises:
            DeniedError: this person may not, or it is too late to let it stand.
            NotFoundError: there is no such dispute.
            WrongStateError: it is another's to rule, or has been ruled on.
        """
        ruling = _Ruling(self._desk, self._announcer, dispute, request, who)

        async def act(tx: Transaction) -> Changed[DisputeAnswer | Decision]:
            changed = await ruling.run(tx)
            if isinstance(changed.result, DisputeAnswer):
                await self._desk.keep_answer(tx, once, changed.result)
            return changed

        return _allowed(await self._desk.commit(act))

    async def show(
        self, dispute: str, who: Principal, purpose: Purpose | None = None
    ) -> DisputeAnswer:
        """Show a dispute.

        Raises:
            DeniedError: this role may not, or not for that purpose.
            NotFoundError: there is no such dispute.
        """
        decision = await self._admit(who, purpose)

        async def act(tx: Transaction) -> DisputeAnswer:
            row = await tx.dispute(bytes.fromhex(dispute))
            if row is None:
                raise NotFoundError(Phrase("no such dispute"))
            await self._note_read(tx, who, decision, 1)
            return await describe_dispute(tx, row, self._desk.situation)

        return await self._desk.store.write(act)

    async def list(
        self,
        who: Principal,
        purpose: Purpose | None = None,
        *,
        ruled: bool = False,
        after: str | None = None,
    ) -> DisputesAnswer:
        """List the disputes that wait for a ruling, or those that were ruled on.

        One that names no signal here is left out until its signal comes; *after*
        goes on behind a dispute.

        Raises:
            DeniedError: this role may not, or not for that purpose.
            NotFoundError: there is no dispute to go on behind.
        """
        decision = await self._admit(who, purpose)
        situation = self._desk.situation

        async def act(tx: Transaction) -> DisputesAnswer:
            last = None if after is None else await tx.dispute(bytes.fromhex(after))
            if after is not None and last is None:
                raise NotFoundError(Phrase("no such dispute"))
            rows = await tx.disputes_here(LISTED, last, ruled=ruled)
            await self._note_read(tx, who, decision, len(rows))
            return DisputesAnswer(
                disputes=[await describe_dispute(tx, row, situation) for row in rows],
                next=rows[-1].digest.hex() if len(rows) == LISTED else None,
            )

        return await self._desk.store.write(act)

    async def _admit(self, who: Principal, purpose: Purpose | None) -> Decision:
        desk = self._desk
        now = desk.clock.now()
        decision = rule_on_reading(desk.situation, who, Matter.TASKS, purpose, now)
        if not decision.allowed:
            await desk.refuse(decision, who, "dispute.show")
        return decision

    async def _note_read(
        self, tx: Transaction, who: Principal, decision: Decision, count: int
    ) -> None:
        detail = {"disputes": count}
        entry = self._desk.event(Event.DISPUTES_READ, who, detail, decision=decision)
        await tx.append(self._desk.trail.log, entry.record, entry.openings)


@dataclass(frozen=True, slots=True)
class _Opening:
    desk: Desk
    request: NewDisputeRequest
    who: Principal

    async def run(self, tx: Transaction) -> Changed[DisputeAnswer | Decision]:
        desk, request = self.desk, self.request
        row = await _find(tx, desk, request)
        officer = Person(self.who.name, self.who.role)
        claim = Claim(request.contention, request.control, self.who)
        decision = await weigh_claim(desk, tx, row, claim, officer)
        if not decision.allowed:
            return await _refuse(desk, tx, decision, self.who, "dispute.open")
        if row.status not in CONTESTABLE:
            raise WrongStateError(
                f"already_{row.status.value}", Phrase("it is stopped")
            )
        kept, feed = await contest(desk, tx, row, claim, decision)
        return Changed(await describe_dispute(tx, kept, desk.situation), feed=feed)


@dataclass(frozen=True, slots=True)
class _Ruling:
    desk: Desk
    announcer: Announcer
    dispute: str
    request: RulingRequest
    who: Principal

    async def run(self, tx: Transaction) -> Changed[DisputeAnswer | Decision]:
        desk, situation = self.desk, self.desk.situation
        named = await tx.dispute(bytes.fromhex(self.dispute))
        if named is None:
            raise NotFoundError(Phrase("no such dispute"))
        if desk.reviews.origin_of(named.origin) != situation.node:
            raise WrongStateError(
                "not_the_origin",
                Phrase("only the signal's origin can rule on this dispute"),
            )
        if await tx.ruling(named) is not None:
            raise WrongStateError(
                "already_ruled", Phrase("this dispute has already been decided")
            )
        known = await tx.disputes_on(named.origin, named.signal_id)
        unruled = [row for row in known if await tx.ruling(row) is None]
        now = desk.clock.now()
        at = int(now.timestamp())
        asked = Asked(
            ruler=Person(self.who.name, self.who.role),
            involved=await involved_in(tx, desk, known, self.who.name),
            opened=_opened(unruled, at),
            stands=self.request.stands,
            reason=self.request.reason,
        )
        decision = situation.decide(asked, now)
        if not decision.allowed:
            return await _refuse(desk, tx, decision, self.who, "dispute.rule")
        removed: Sequence[int] = ()
        outcome = Outcome.RESTORED
        if not self.request.stands:
            outcome = Outcome.REVOKED
            removed = await stop_contested(
                desk, tx, named, Reason.APPEAL_GRANTED, by=self.who.name
            )
        feed = await say_ruling(
            desk,
            tx,
            unruled,
            outcome,
            ruled_by=self.who.name,
            reason=self.request.reason,
        )
        entry = desk.event(
            Event.RULED,
            self.who,
            {
                "signal": signal_name(named.signal_id),
                "disputes": len(unruled),
                "effect": outcome.value,
                "reference": self.request.reason,
            },
            decision=decision,
        )
        await tx.append(desk.trail.log, entry.record, entry.openings)
        await announce_ruling(self.announcer, tx, unruled, outcome)
        answer = await describe_dispute(tx, named, situation)
        return Changed(answer, removed=removed, feed=feed)


async def _find(reader: Reader, desk: Desk, request: NewDisputeRequest) -> SignalRow:
    signal_id, situation = read_signal_id(request.signal), desk.situation
    lists = [situation.node, situation.own.name, *situation.others()]
    if request.origin is not None:
        named = request.origin
        lists = [name for name in lists if desk.reviews.origin_of(name) == named]
    rows = [row for name in lists if (row := await reader.signal(name, signal_id))]
    if not rows:
        raise NotFoundError(Phrase("no such signal"))
    if len(rows) > 1:
        raise BadRequestError(
            "origin_needed",
            Phrase(
                "several members have a signal with this id: give the signal's "
                "origin as well"
            ),
            pointer="/origin",
        )
    return rows[0]


def _opened(unruled: Sequence[DisputeRow], now: int) -> int:
    # One that came beyond its budget counts from when it rested the signal. What is
    # attested has no end, so a ruling on it is never late.
    rests = [
        max(row.received_at, row.charged_at)
        for row in unruled
        if row.weight is Weight.SUSPENDS and row.control != ATTESTED
    ]
    return min(rests, default=now)


async def _refuse(
    desk: Desk, tx: Transaction, decision: Decision, who: Principal, act: str
) -> Changed[DisputeAnswer | Decision]:
    entry = desk.refusal(decision, who, act)
    await tx.append(desk.trail.log, entry.record, entry.openings)
    return Changed(decision)


def _allowed(result: DisputeAnswer | Decision) -> DisputeAnswer:
    if isinstance(result, Decision):
        raise DeniedError(result)
    return result
