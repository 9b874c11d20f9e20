# SPDX-License-Identifier: Apache-2.0
"""Trials as the API calls them (`api.services`), and what a clock does to them.

A trial ends by itself once its time is over, unless a match of it that was reviewed
turned out to be listed wrongly: then people are told once, and one of them ends it. A
person prolongs it once, by as long as it lasts.
"""

from typing import Final

from msgspec.structs import replace

from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.acts.trials import (
    TrialCause,
    TrialRequest,
    TrialsAnswer,
    TrialShown,
    TrialsQuery,
)
from fedsafe_node.ground.errors import DeniedError, NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Actor, Principal
from fedsafe_node.log.audit import Detail, Event, grounds_of
from fedsafe_node.notices.provider_events.announcer import Announcement, Content
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.pace import Haste, Ruling, in_time, weigh_shown
from fedsafe_node.review.probation import COUNTED_FOR
from fedsafe_node.review.trials import (
    begin_trial,
    end_trial,
    needs_person,
    running_terms,
    trial_event,
)
from fedsafe_node.review.view import admit
from fedsafe_node.store.review_rows import TrialRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.span import SECONDS_A_DAY
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.people import Person
from fedsafe_policies.rules.trials import TrialRulingRequest

BATCH: Final = 20
_BY: Final = Actor.REVIEW.value


class TrialService:
    """Lists, prolongs and ends trials."""

    def __init__(self, desk: ReviewDesk) -> None:
        self._desk = desk

    async def list(self, query: TrialsQuery, who: Principal) -> TrialsAnswer:
        """List trials.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """
        desk = self._desk

        async def act(tx: Transaction) -> TrialsAnswer:
            decision = admit(desk, who, query.purpose)
            running = query.state == "running"
            rows = await tx.trials(running=running, limit=query.limit)
            entry = desk.trail.entry(
                Event.TRIAL_READ,
                at=desk.clock.now(),
                actor=who.name,
                detail={"trials": len(rows), **grounds_of(decision)},
            )
            await desk.note(tx, entry)
            for row in rows if running else ():
                await tx.add_look(f"trial:{row.id}", who.name, desk.now())
            return TrialsAnswer(trials=[shown(row) for row in rows])

        return await desk.admitted(act, who, "trial.list")

    async def prolong(
        self, trial_id: str, request: TrialRequest, who: Principal
    ) -> TrialShown:
        """Let a trial last as long again, once.

        Raises:
            NotFoundError: there is no such trial.
            WrongStateError: it has ended; or it is decided too fast (`pace`).
            DeniedError: policy refuses.
        """
        desk = self._desk
        lasts = desk.situation.policy.document.trial.lasts.fewest_days * SECONDS_A_DAY

        async def act(tx: Transaction) -> TrialShown | Haste:
            decided = await self._decide(tx, trial_id, request, who, prolong=True)
            if isinstance(decided, Haste):
                return decided
            trial, decision = decided
            prolonged = replace(
                trial,
                ends_at=trial.ends_at + lasts,
                prolonged_by=who.name,
                prolonged_at=desk.now(),
                reason=request.reason,
                reminded_at=None,
            )
            await tx.put_trial(prolonged)
            detail: Detail = {
                "ends_at": prolonged.ends_at,
                "reason": request.reason,
                **grounds_of(decision),
            }
            entry = trial_event(
                desk, Event.TRIAL_PROLONGED, prolonged, detail, by=who.name
            )
            await desk.note(tx, entry)
            return shown(prolonged)

        return in_time(await desk.admitted(act, who, "trial.prolong"))

    async def end(
        self, trial_id: str, request: TrialRequest, who: Principal
    ) -> TrialShown:
        """End a trial whose time is over: its signals have effect from now on.

        Raises:
            NotFoundError: there is no such trial.
            WrongStateError: it has ended; or it is decided too fast (`pace`).
            DeniedError: policy refuses, before its time for instance.
        """
        desk = self._desk

        async def act(tx: Transaction) -> TrialShown | Haste:
            decided = await self._decide(tx, trial_id, request, who, prolong=False)
            if isinstance(decided, Haste):
                return decided
            trial, decision = decided
            ended = await end_trial(
                desk,
                tx,
                trial,
                by=who.name,
                reason=request.reason,
                outcome="ended",
                grounds=grounds_of(decision),
            )
            return shown(ended)

        return in_time(await desk.admitted(act, who, "trial.end"))

    async def _decide(
        self,
        tx: Transaction,
        trial_id: str,
        request: TrialRequest,
        who: Principal,
        *,
        prolong: bool,
    ) -> tuple[TrialRow, Decision] | Haste:
        desk = self._desk
        trial = await tx.trial(trial_id)
        if trial is None:
            raise NotFoundError(Phrase("no such trial"))
        if trial.ended_at is not None:
            raise WrongStateError("trial_ended", Phrase("this trial has ended"))
        asked = TrialRulingRequest(
            Person(who.name, who.role),
            prolong,
            request.reason,
            prolonged=trial.prolonged_at is not None,
            is_over=trial.ends_at <= desk.now(),
        )
        decision = desk.situation.decide(asked, desk.clock.now())
        if not decision.allowed:
            raise DeniedError(decision)
        context = "prolong" if prolong else "end"
        ruling = Ruling(f"trial:{trial.id}", who, request, context)
        return await weigh_shown(desk, tx, ruling) or (trial, decision)


async def tend_trials(desk: ReviewDesk) -> int:
    """Begin, end and remind of trials; return how many ended.

    Raises:
        StoreFailedError: the rest is done by the next run.
    """
    await desk.store.write(lambda tx: _begin(desk, tx))
    ended = 0
    while count := await desk.store.write(lambda tx: _end(desk, tx)):
        ended += count
    while await desk.store.write(lambda tx: _remind(desk, tx)):
        pass
    before = desk.now() - COUNTED_FOR
    await desk.store.write(lambda tx: tx.forget_closings(before))
    return ended


async def _begin(desk: ReviewDesk, tx: Transaction) -> None:
    for term in await running_terms(desk, tx):
        _, event = await begin_trial(desk, tx, term, by=_BY)
        await desk.note(tx, event)


async def _end(desk: ReviewDesk, tx: Transaction) -> int:
    rows = await tx.trials_due(desk.now(), BATCH)
    for trial in rows:
        await end_trial(desk, tx, trial, by=_BY)
    return len(rows)


async def _remind(desk: ReviewDesk, tx: Transaction) -> int:
    rows = await tx.trials_to_remind_of(desk.now(), BATCH)
    for trial in rows:
        await tx.put_trial(replace(trial, reminded_at=desk.now()))
        detail: Detail = {"wrong": trial.wrong, "drawn": trial.drawn}
        entry = trial_event(desk, Event.TRIAL_DUE, trial, detail, by=_BY)
        await desk.note(tx, entry)
        content: Content = {
            "trial": trial.id,
            "origin": trial.origin,
            "wrong": trial.wrong,
        }
        await desk.announcer.announce(
            tx, Announcement(EventKind.TRIAL_DUE, content=content)
        )
    return len(rows)


def shown(trial: TrialRow) -> TrialShown:
    """Show how a trial stands."""
    is_probation = trial.cause is TrialCause.PROBATION
    return TrialShown(
        trial=trial.id,
        origin=trial.origin,
        cause=trial.cause,
        list=None if is_probation else trial.list or None,
        kind=trial.list if is_probation else None,
        began_at=trial.began_at,
        ends_at=trial.ends_at,
        matches=trial.matches,
        drawn=trial.drawn,
        upheld=trial.upheld,
        wrong=trial.wrong,
        other=trial.other,
        needs_person=needs_person(trial),
        prolonged_by=trial.prolonged_by,
        prolonged_at=trial.prolonged_at,
        ended_by=trial.ended_by,
        ended_at=trial.ended_at,
        reason=trial.reason,
    )
