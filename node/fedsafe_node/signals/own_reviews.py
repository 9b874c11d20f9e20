# SPDX-License-Identifier: Apache-2.0
"""Yearly reviews of the own signals about files (rule P9).

A signal about a file lives on if another person than its author, a reviewer, has
reviewed it within its term; what nobody has reviewed is revoked by itself, everywhere
(`retention`). One about a person carries its end within it and has no second term: no
review puts off what all members have agreed to.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import msgspec

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.signal_reviews import (
    EndingAnswer,
    KeptAnswer,
    SampleAnswer,
    SampledSignal,
    SampleQuery,
    SampleRequest,
)
from fedsafe_node.ground.errors import DeniedError, NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Actor, Principal
from fedsafe_node.ground.signal_ids import read_signal_id, signal_name
from fedsafe_node.log.audit import Event
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.signals.desk import Changed, Desk
from fedsafe_node.signals.epoch_end import read_ending
from fedsafe_node.signals.samples import list_sample, review_sampled
from fedsafe_node.signals.stop import revoke_signal
from fedsafe_node.signals.view import admit
from fedsafe_node.store.oversight_rows import ValidationRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import SignalRow, SignalStatus
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.span import Span
from fedsafe_policies.rules.continuation import KeepRequest
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Matter, Plane, Purpose, Role

BATCH: Final = 500
ACTOR_NAME: Final = Actor.EXPIRY.value
_ALIVE: Final = frozenset({SignalStatus.ACTIVE, SignalStatus.DISPUTED})


class Validations:
    """Reviews the own signals about files."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def keep(
        self, name: str, who: Principal, *, once: Once | None = None
    ) -> KeptAnswer:
        """Let a signal about a file live on for another term, after a review.

        Raises:
            NotFoundError: this node has published no such signal.
            WrongStateError: it is an own ban or about a person, or has ended.
            DeniedError: the rule asks for another person, or its time is over.
        """
        desk, signal_id = self._desk, read_signal_id(name)

        async def act(tx: Transaction) -> Changed[KeptAnswer | Decision]:
            row = await _reviewable(desk, tx, signal_id)
            reviewed = _reviewed(row, who, desk)
            decision = _decide(desk, reviewed, _term_end(desk, row.published_at))
            if not decision.allowed:
                entry = desk.refusal(decision, who, "signal.keep")
                await tx.append(desk.trail.log, entry.record, entry.openings)
                return Changed(decision)
            await tx.put_review(reviewed)
            entry = desk.event(Event.KEPT, who, {"signal": name}, decision=decision)
            await tx.append(desk.trail.log, entry.record, entry.openings)
            answer = KeptAnswer(signal=name, review_by=_due(desk, reviewed).isoformat())
            await desk.keep_answer(tx, once, answer)
            return Changed(answer)

        result = await desk.commit(act)
        if isinstance(result, Decision):
            raise DeniedError(result)
        return result

    async def sample(self, query: SampleQuery, who: Principal) -> SampleAnswer:
        """List the year's sample; see `samples.list_sample`."""
        return await list_sample(self._desk, query, who)

    async def look(
        self, name: str, request: SampleRequest, who: Principal
    ) -> SampledSignal:
        """Enter what was found; see `samples.review_sampled`."""
        return await review_sampled(self._desk, name, request, who)

    async def ending(self, who: Principal, purpose: Purpose | None) -> EndingAnswer:
        """List the signals that end with their key epoch unless published anew.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """
        desk = self._desk
        decision = await admit(desk, who, Matter.SIGNALS, purpose, "signal.ending")
        now = int(desk.clock.now().timestamp())
        answer = await desk.store.scan(
            lambda reader: read_ending(reader, desk.situation, now)
        )
        detail = {"signals": len(answer.signals)}
        entry = desk.event(Event.SIGNAL_READ, who, detail, decision=decision)

        async def act(tx: Transaction) -> Changed[EndingAnswer]:
            await tx.append(desk.trail.log, entry.record, entry.openings)
            return Changed(answer)

        return await desk.commit(act)


async def _reviewable(desk: Desk, reader: Reader, signal_id: bytes) -> ValidationRow:
    signal = await reader.signal(desk.situation.node, signal_id)
    if signal is None:
        if await reader.signal(desk.situation.own.name, signal_id) is not None:
            raise WrongStateError(
                "never_published", Phrase("an own ban was never published")
            )
        raise NotFoundError(Phrase("no such signal"))
    if signal.plane != Plane.MEDIA.value:
        raise WrongStateError(
            "no_second_term",
            Phrase("a signal about a person ends with its term, everywhere"),
        )
    row = await reader.validation(signal_id)
    if row is None or signal.status not in _ALIVE:
        raise WrongStateError(f"already_{signal.status.value}", Phrase("it has ended"))
    return row


async def end_unreviewed(desk: Desk) -> int:
    """Revoke what nobody has reviewed in time; return how many signals.

    Raises:
        StoreFailedError: the rest is done by the next run.
    """
    total = 0
    while desk.situation.shared is not None:
        done = await desk.commit(_Round(desk).run)
        total += done
        if done < BATCH:
            break
    return total


@dataclass(frozen=True, slots=True)
class _Round:
    desk: Desk

    async def run(self, tx: Transaction) -> Changed[int]:
        desk = self.desk
        now = desk.clock.now()
        removed: list[int] = []
        size = None
        rows = await tx.validations(_cutoff(desk, now), BATCH)
        ended = 0
        for row in rows:
            signal = await tx.signal(desk.situation.node, row.signal_id)
            if signal is not None and signal.status in _ALIVE:
                decision = _decide(desk, row, now)
                if decision.allowed:
                    break  # what is younger is due later still
                size = await self._end(tx, signal, decision)
                removed.append(signal.row)
            await tx.remove_validation(row.signal_id)
            ended += 1
        return Changed(ended, removed=removed, feed=size)

    async def _end(self, tx: Transaction, signal: SignalRow, decision: Decision) -> int:
        desk = self.desk
        size = await revoke_signal(desk, tx, signal, Reason.RETENTION)
        entry = desk.trail.entry(
            Event.REVOKED,
            at=desk.clock.now(),
            actor=ACTOR_NAME,
            detail={
                "signal": signal_name(signal.signal_id),
                "reason": Reason.RETENTION.value,
                "rule": decision.rule.value,
                "code": decision.code,
                "policy": decision.policy,
            },
        )
        await tx.append(desk.trail.log, entry.record, entry.openings)
        return size


def _decide(desk: Desk, row: ValidationRow, moment: datetime) -> Decision:
    reviewer = None
    if row.reviewer is not None and row.reviewer_role is not None:
        reviewer = Person(row.reviewer, Role(row.reviewer_role))
    request = KeepRequest(
        plane=Plane.MEDIA,
        since=_day(row.published_at),
        author=Person(row.author, Role(row.author_role)),
        reviewed_on=None if reviewer is None else _day(row.last_at),
        reviewer=reviewer,
    )
    return desk.situation.decide(request, moment)


def _reviewed(row: ValidationRow, who: Principal, desk: Desk) -> ValidationRow:
    return msgspec.structs.replace(
        row,
        last_at=max(row.last_at, int(desk.clock.now().timestamp())),
        reviewer=who.name,
        reviewer_role=who.role.value,
    )


def _term(desk: Desk) -> Span:
    return desk.situation.policy.document.retention.revalidate


def _term_end(desk: Desk, published_at: int) -> datetime:
    """Return when the rule first asks for a review, or now if that is past."""
    end = datetime.combine(_term(desk).after(_day(published_at)), time(), UTC)
    return max(end, desk.clock.now())


def _due(desk: Desk, row: ValidationRow) -> date:
    return _term(desk).after(_day(row.last_at))


def _cutoff(desk: Desk, moment: datetime) -> int:
    return int((moment - timedelta(days=_term(desk).fewest_days)).timestamp())


def _day(at: int) -> date:
    return datetime.fromtimestamp(at, UTC).date()
