# SPDX-License-Identifier: Apache-2.0
"""Answer lookups: canonicalise, evaluate, probe, decide, audit, answer.

The way of a lookup (architecture): the raw value ends in `read_question`, the
OPRF outputs live until the answer is built, and the audit event is durable before
the answer leaves. Statuses, openings and the decision are read and made inside
the transaction that writes the event; the indexes only point to rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from fedsafe_federation.errors import QuorumError
from fedsafe_federation.replication import Offload
from fedsafe_node.asked import Asked, Person, plane_of, read_question
from fedsafe_node.budgets.lookups import LookupBudgets, Spending, Wanted
from fedsafe_node.clock import Clock
from fedsafe_node.errors import BadRequestError, DeniedError
from fedsafe_node.evaluators import Output
from fedsafe_node.index.lists import Lists
from fedsafe_node.log.audit import AuditTrail, Detail, Event, grounds_of
from fedsafe_node.lookup.corroborating import corroborate
from fedsafe_node.lookup.matching import Candidate, Found, match_candidates
from fedsafe_node.lookup.probing import Prober
from fedsafe_node.messages import (
    BatchAnswer,
    BatchRequest,
    Bilingual,
    ItemProblem,
    LookupAnswer,
    LookupRequest,
    Question,
    Result,
    Subject,
)
from fedsafe_node.principal import Principal
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.opening import open_review
from fedsafe_node.situation import Situation
from fedsafe_node.store.protocol import Store, Transaction
from fedsafe_node.store.rows import LogEntry
from fedsafe_policies.decision import Decision, Obligation
from fedsafe_policies.lookups import LookupRequest as LookupFacts
from fedsafe_policies.vocabulary import Plane, Purpose

T = TypeVar("T")

RETRY_AFTER_MS: Final = 2_000
OFFLOAD_QUESTIONS: Final = 4
OFFLOAD_PICTURES: Final = 100_000
REMINDER: Final = Bilingual(
    de=(
        "Ein Treffer ist ein Anlass zur Prüfung, kein Urteil: Konto eingeschränkt "
        "anlegen, prüfen, entscheiden."
    ),
    en=(
        "A match is a reason to review, not a verdict: create the account "
        "restricted, review, decide."
    ),
)


@dataclass(frozen=True, slots=True)
class _Case:
    """One account's questions in canonical form; `place` is its batch position."""

    place: int
    subject: str | None
    asked: Sequence[Asked]


@dataclass(frozen=True, slots=True)
class _Round:
    """What one request may do: its purpose, and in which planes it asks others.

    `withheld` says that a plane is shared by policy, but closed by its gate: the
    others' lists are not covered then. A plane that policy does not share at all
    has no lists to cover. `grounds` are what events say of the decision.
    """

    who: Principal
    purpose: Purpose
    grounds: Detail
    shared: frozenset[Plane]
    withheld: bool
    within: float
    spending: Spending


@dataclass(slots=True)
class _Tally:
    """What an act finds beside its answers: suppressed signals, reviews to tell of."""

    suppressed: int = 0
    opened: list[LogEntry] = field(default_factory=list)


class LookupService:
    """Answers single lookups and batches."""

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
    ) -> None:
        self._reviews = reviews
        self._situation = situation
        self._store = store
        self._lists = lists
        self._offload = offload
        self._trail = trail
        self._clock = clock
        self._prober = Prober(situation, lists)
        self.budgets = LookupBudgets(situation, store, trail, clock)

    async def lookup(self, request: LookupRequest, who: Principal) -> LookupAnswer:
        """Answer one account's questions.

        Raises:
            BadRequestError: a question has no canonical form.
            DeniedError: the purpose is not this credential's, or its budget is spent.
            StoreFailedError: the audit event could not be made durable.
        """
        asked = _read_all(request.questions)
        planes = {plane_of(item) for item in asked}
        within = request.deadline_ms / 1000
        case = _Case(0, request.subject_ref, asked)
        step = await self._admit([case], planes, request.purpose, who, within)
        (answer,) = await self._answer([case], step)
        return answer

    async def batch(self, request: BatchRequest, who: Principal) -> BatchAnswer:
        """Answer many accounts; what cannot be read becomes a problem.

        Raises:
            DeniedError: the purpose is not this credential's.
            StoreFailedError: the audit event could not be made durable.
        """
        count = sum(len(subject.questions) for subject in request.lookups)
        cases, problems = await self._run(lambda: _read_batch(request.lookups), count)
        planes = {plane_of(item) for case in cases for item in case.asked}
        within = request.deadline_ms / 1000
        step = await self._admit(cases, planes, request.purpose, who, within)
        found = await self._answer(cases, step) if cases else []
        answers: list[LookupAnswer | None] = [None] * len(request.lookups)
        for case, answer in zip(cases, found, strict=True):
            answers[case.place] = answer
        return BatchAnswer(answers=answers, problems=problems)

    async def _admit(
        self,
        cases: Sequence[_Case],
        planes: set[Plane],
        purpose: Purpose,
        who: Principal,
        within: float,
    ) -> _Round:
        now = self._clock.now()
        situation, open_planes, withheld = self._situation, set[Plane](), False
        grounds: Detail = {}
        for plane in sorted(planes):
            decision = self._rule_on(who, purpose, plane, now)
            if not decision.allowed:
                await self._refused(decision, who)
                raise DeniedError(decision)
            grounds = grounds_of(decision)
            if Obligation.OWN_BANS_ONLY not in decision.obligations:
                open_planes.add(plane)
            elif plane in situation.policy.document.share.planes:
                withheld = True
        shared = frozenset(open_planes)
        spending = await self.budgets.admit(who, purpose, _wanted(cases))
        return _Round(who, purpose, grounds, shared, withheld, within, spending)

    def _rule_on(
        self, who: Principal, purpose: Purpose, plane: Plane, now: datetime
    ) -> Decision:
        facts = LookupFacts(who.role, purpose, plane, bound=who.purposes)
        return self._situation.decide(facts, now)

    def _stale(self, step: _Round, now: datetime) -> list[str]:
        if step.withheld:
            return self._situation.others()
        if not step.shared:
            return []
        return self._situation.not_covered(now, actor=Plane.ACTOR in step.shared)

    async def _refused(self, decision: Decision, who: Principal) -> None:
        now = self._clock.now()
        entry = self._trail.refusal(decision, at=now, actor=who.name, act="lookup")

        async def act(tx: Transaction) -> None:
            await tx.append(self._trail.log, entry.record, entry.openings)

        await self._store.write(act)

    async def _answer(self, cases: Sequence[_Case], step: _Round) -> list[LookupAnswer]:
        persons = [
            item for case in cases for item in case.asked if isinstance(item, Person)
        ]
        shared = await self._evaluate(persons, step)
        outputs = shared if shared is not None else [()] * len(persons)
        count = sum(len(case.asked) for case in cases)
        candidates = await self._run(lambda: self._probe(cases, outputs, step), count)
        return await self._decide(
            cases, candidates, step, deferred=shared is None and bool(persons)
        )

    def _probe(
        self,
        cases: Sequence[_Case],
        outputs: Sequence[tuple[Output, ...]],
        step: _Round,
    ) -> list[list[Candidate]]:
        remaining = iter(outputs)
        return [
            self._prober.candidates(
                case.asked,
                [next(remaining) for item in case.asked if isinstance(item, Person)],
                own_only=Plane.MEDIA not in step.shared,
            )
            for case in cases
        ]

    async def _run(self, work: Callable[[], T], questions: int) -> T:
        # A thread hop costs more than a few questions, and less than many.
        pictures = len(self._lists.pictures) > OFFLOAD_PICTURES
        if questions > OFFLOAD_QUESTIONS or pictures:
            return await self._offload(work)
        return work()

    async def _evaluate(
        self, persons: Sequence[Person], step: _Round
    ) -> list[tuple[Output, ...]] | None:
        shared = self._situation.shared
        if shared is None or Plane.ACTOR not in step.shared or not persons:
            return [()] * len(persons)
        try:
            return await shared.outputs(persons, within=step.within)
        except QuorumError:
            return None

    async def _decide(
        self,
        cases: Sequence[_Case],
        candidates: Sequence[Sequence[Candidate]],
        step: _Round,
        *,
        deferred: bool,
    ) -> list[LookupAnswer]:
        now = self._clock.now()
        situation = self._situation
        # Behind a closed gate nobody is asked: then no list but the own is covered.
        stale = self._stale(step, now)

        async def act(tx: Transaction) -> list[LookupAnswer]:
            answers: list[LookupAnswer] = []
            tally = _Tally()
            for case, pointers in zip(cases, candidates, strict=True):
                found = await match_candidates(tx, pointers, situation, now)
                tally.suppressed += found.suppressed
                lacks_peers = deferred and any(
                    isinstance(item, Person) for item in case.asked
                )
                answer = _answer(case, found, stale, deferred=lacks_peers)
                if step.withheld and stale:
                    answer = msgspec.structs.replace(answer, gate_closed=True)
                if found.matches:
                    counted = corroborate(found.matches, situation, now)
                    review = await open_review(
                        self._reviews,
                        tx,
                        case.subject,
                        found.matches,
                        now,
                        by=step.who.name,
                    )
                    tally.opened += review.events
                    answer = msgspec.structs.replace(
                        answer,
                        corroboration=counted,
                        task=review.task,
                        subject_ref=review.subject,
                    )
                answers.append(answer)
            await self._audit(tx, cases, answers, step, tally)
            await step.spending.keep(tx)
            return answers

        return await self._store.write(act)

    async def _audit(
        self,
        tx: Transaction,
        cases: Sequence[_Case],
        answers: Sequence[LookupAnswer],
        step: _Round,
        tally: _Tally,
    ) -> None:
        # Machine negatives leave counts only; a match leaves its subject_ref.
        entries: list[LogEntry] = []
        negatives = [answer for answer in answers if not answer.matches]
        for case, answer in zip(cases, answers, strict=True):
            if answer.matches:
                detail: Detail = {
                    "signals": " ".join(match.signal for match in answer.matches),
                    "questions": len(case.asked),
                    "task": answer.task,
                }
                outcome = answer.result.value
                entries.append(self._event(step, outcome, detail, answer.subject_ref))
        if negatives:
            outcomes = {answer.result.value for answer in negatives}
            outcome = outcomes.pop() if len(outcomes) == 1 else "mixed"
            detail = {"lookups": len(negatives)}
            if tally.suppressed:
                detail = {**detail, "suppressed": tally.suppressed}
            entries.append(self._event(step, outcome, detail, None))
        await tx.append_many(self._trail.log, [*entries, *tally.opened])

    def _event(
        self, step: _Round, outcome: str, detail: Detail, subject: str | None
    ) -> LogEntry:
        return self._trail.entry(
            Event.LOOKUP,
            at=self._clock.now(),
            outcome=outcome,
            actor=step.who.name,
            subject=subject,
            detail={"purpose": step.purpose.value, **step.grounds, **detail},
        )


def _wanted(cases: Sequence[_Case]) -> Wanted:
    return Wanted([(case.subject, _identifiers(case)) for case in cases])


def _identifiers(case: _Case) -> list[bytes]:
    return [
        bytes([item.kind]) + item.canonical.value.encode()
        for item in case.asked
        if isinstance(item, Person)
    ]


def _read_batch(
    lookups: Sequence[Subject],
) -> tuple[list[_Case], list[ItemProblem]]:
    cases: list[_Case] = []
    problems: list[ItemProblem] = []
    for place, subject in enumerate(lookups):
        try:
            asked = _read_all(subject.questions, f"/lookups/{place}")
        except BadRequestError as error:
            problems.append(
                ItemProblem(
                    position=place,
                    code=error.code,
                    detail=error.detail,
                    pointer=error.pointer,
                )
            )
        else:
            cases.append(_Case(place, subject.subject_ref, asked))
    return cases, problems


def _read_all(questions: Sequence[Question], pointer: str = "") -> list[Asked]:
    return [
        read_question(question, pointer=f"{pointer}/questions/{position}")
        for position, question in enumerate(questions)
    ]


def _answer(
    case: _Case, found: Found, stale: Sequence[str], *, deferred: bool
) -> LookupAnswer:
    matches = found.matches
    if matches:
        result = Result.REVIEW
    elif deferred:
        result = Result.DEFERRED
    elif stale:
        result = Result.INCOMPLETE
    else:
        result = Result.NONE
    return LookupAnswer(
        result=result,
        matches=list(matches),
        not_covered=list(stale),
        subject_ref=case.subject,
        retry_after_ms=RETRY_AFTER_MS if deferred else None,
        reminder=REMINDER if matches else None,
    )
