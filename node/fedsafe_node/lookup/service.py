# SPDX-License-Identifier: Apache-2.0
"""Answer lookups: canonicalise, evaluate, probe, decide, audit, answer.

The way of a lookup (architecture): the raw value ends in `read_question`, the
OPRF outputs live until the answer is built, and the audit event is durable before
the answer leaves. Statuses, openings and the decision are read and made inside
the transaction that writes the event; the indexes only point to rows.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from time import perf_counter
from typing import Final, TypeVar

from msgspec.structs import replace

from fedsafe_federation.errors import QuorumError
from fedsafe_federation.evaluation.metering import LOOKUPS
from fedsafe_federation.wire.pace import Offload
from fedsafe_node.acts.bodies import Bilingual
from fedsafe_node.acts.lookup import (
    BatchAnswer,
    BatchRequest,
    LookupAnswer,
    LookupRequest,
    Match,
    MatchReason,
    OnTrial,
    Result,
)
from fedsafe_node.acts.match import MatchAnswer, MatchRequest
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import DeniedError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.subject_refs import account_of
from fedsafe_node.ground.trace import Asking as AskingTrace
from fedsafe_node.ground.trace import (
    begin,
    counted_with,
    current,
    limits,
    nothing_happened,
)
from fedsafe_node.keys.evaluators import Output
from fedsafe_node.keys.lookup_items import File, Person
from fedsafe_node.log.audit import AuditTrail, Detail, grounds_of
from fedsafe_node.lookup.audit_note import Asking, MatchCounts, Told, Writing
from fedsafe_node.lookup.digest_columns import (
    Column,
    ColumnSearch,
    Hit,
    ToldPart,
    answer_columns,
    count_kinds,
    hits_behind,
    read_columns,
    told_before,
    told_part,
    with_named,
)
from fedsafe_node.lookup.index.lists import Lists
from fedsafe_node.lookup.matching import (
    Found,
    Pointers,
    corroborate,
    in_turns,
    match_candidates,
)
from fedsafe_node.lookup.probe import Prober
from fedsafe_node.lookup.question_sets import (
    Case,
    read_case,
    read_cases,
    read_surface,
    wanted_of,
)
from fedsafe_node.lookup.shared_negatives import SharedNegatives
from fedsafe_node.people.services import Naming, bound_naming, naming_of
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.floods import About, FloodPictures, Judged, judge_floods
from fedsafe_node.review.task_start import open_review
from fedsafe_node.review.trials import Tried, try_matches
from fedsafe_node.rules.budgets.lookups import LookupBudgets, Spending, Wanted, summed
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import LogEntry
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.lookups import LookupRequest as LookupFacts
from fedsafe_policies.vocabulary import MediaKind, Plane, Purpose, Role, Surface

T = TypeVar("T")

RETRY_AFTER_MS: Final = 2_000
OFFLOAD_QUESTIONS: Final = 4
OFFLOAD_TURNED: Final = 32
HITS_AT_ONCE: Final = 256
HOLD_SECONDS: Final = 0.01
"""So long an act goes on with the next of its hits; then others have a turn."""
FEW_HITS: Final = 16
"""An act of more waits for those of others that have as many."""
OFFLOAD_PICTURES: Final = 100_000
_FILES: Final = frozenset({Plane.MEDIA})
LEAST_WRITING: Final = 2.0  # seconds that a store may take for an audit event
REMINDER: Final = Bilingual.of(
    Phrase(
        "A match is a reason to review, not a verdict: create the account "
        "restricted, review, decide."
    )
)
FLOOD_REMINDER: Final = Bilingual.of(
    Phrase(
        "This signal matches too many: restrict no account for it; a person rules on "
        "all matches together."
    )
)


@dataclass(frozen=True, slots=True)
class _Round:
    """What one request may do: who asks, and in which planes it asks others.

    `withheld` says that a plane is shared by policy, but closed by its gate: the
    others' lists are not covered then. A plane that policy does not share at all
    has no lists to cover.
    """

    asking: Asking
    service: str
    shared: frozenset[Plane]
    withheld: bool
    within: float
    spending: Spending

    @property
    def sharing(self) -> Hashable:
        """What questions have in common that found nothing and share an event."""
        asking = self.asking
        grounds = tuple(asking.grounds.items())
        said = (asking.who, asking.purpose, asking.surface, self.service, grounds)
        return said, self.shared, self.withheld


@dataclass(frozen=True, slots=True)
class _Asker:
    """Who asks about files, why, where and as whom: what an event says of it."""

    who: Principal
    purpose: Purpose
    surface: Surface | None
    service: str


@dataclass(frozen=True, slots=True)
class _Nothing:
    """What all are told who share an event, and the act that they are counted in."""

    stale: Sequence[str]
    gate_closed: bool
    asking: AskingTrace


@dataclass(frozen=True, slots=True)
class _Plan:
    """What policy allows: the planes in which others count, and what events say."""

    grounds: Detail
    shared: frozenset[Plane]
    withheld: bool


@dataclass(frozen=True, slots=True)
class _Deferred:
    """Too few members answered, or a start has not loaded all pictures yet.

    Where members' budgets are spent it takes so many seconds to *wait*.
    """

    wait: float | None

    @property
    def milliseconds(self) -> int:
        return RETRY_AFTER_MS if self.wait is None else ceil(self.wait * 1_000)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One account or file, what indexes point to for it, and what its answer lacks."""

    case: Case
    pointers: Pointers
    deferred: _Deferred | None = None


@dataclass(slots=True)
class _Looked:
    """What was found of one case, turn after turn; `events` are what the act owes.

    So many *further* candidates were not looked at.
    """

    judged: Judged
    further: int = 0
    suppressed: int = 0
    harmless: int = 0
    on_trial: list[OnTrial] = field(default_factory=list)
    events: list[LogEntry] = field(default_factory=list)

    def add(self, found: Found, tried: Tried, judged: Judged) -> None:
        """Add what a turn has come to."""
        self.suppressed += found.suppressed
        self.harmless += found.harmless
        self.on_trial += tried.on_trial
        self.events += tried.events
        known = self.judged
        self.judged = Judged(
            judged.subject,
            [*known.matches, *judged.matches],
            [*known.restricting, *judged.restricting],
            known.rested + judged.rested,
            known.flood or judged.flood,
            known.task or judged.task,
            [*known.events, *judged.events],
        )


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
        self._columns = ColumnSearch(situation, lists)
        self._plans: dict[object, _Plan | Decision] = {}
        self._stands: tuple[object, ...] = ()
        self._long_acts = asyncio.Lock()
        self._file_negatives = SharedNegatives(self._settle_files)
        self._negatives = SharedNegatives(self._settle)
        self.budgets = LookupBudgets(situation, store, trail, clock)

    async def lookup(self, request: LookupRequest, who: Principal) -> LookupAnswer:
        """Answer one account's questions.

        Raises:
            BadRequestError: no question has a canonical form, or the surface or the
                account is not named where it has to be.
            DeniedError: the purpose is not this credential's, its surface has no
                legal basis in force, or its budget is spent.
            StoreFailedError: the audit event could not be made durable.
            TimeoutError: it was not within the deadline.
        """
        naming = await self._naming(who)
        case = read_case(
            request.questions, request.subject_ref, naming=naming, named=who.is_person
        )
        answer = await self._nothing_found(case, request, who, naming)
        if answer is not None:
            return answer
        planes, wanted = case.planes, wanted_of([case])
        step = await self._admit(request, who, naming.usual, planes, wanted)
        (answer,) = await self._answer([case], step)
        return answer

    async def batch(self, request: BatchRequest, who: Principal) -> BatchAnswer:
        """Answer many accounts; one of which nothing can be read becomes a problem.

        Raises:
            BadRequestError: the surface is not named where it has to be.
            DeniedError: the purpose is not this credential's, its surface has no
                legal basis in force, or its budget is spent.
            StoreFailedError: the audit event could not be made durable.
            TimeoutError: it was not within the deadline.
        """
        count = sum(len(subject.questions) for subject in request.lookups)
        naming, named = await self._naming(who), who.is_person
        cases, problems = await self._run(
            lambda: read_cases(request.lookups, naming=naming, named=named), count
        )
        planes = frozenset(plane for case in cases for plane in case.planes)
        wanted = wanted_of(cases)
        step = await self._admit(request, who, naming.usual, planes, wanted)
        if not cases:
            nothing_happened()
        found = await self._answer(cases, step) if cases else []
        answers: list[LookupAnswer | None] = [None] * len(request.lookups)
        for case, answer in zip(cases, found, strict=True):
            answers[case.place] = answer
        return BatchAnswer(answers=answers, problems=problems)

    async def match(
        self, request: MatchRequest, who: Principal, *, once: Once | None = None
    ) -> MatchAnswer:
        """Answer many digests in columns; an answer is kept for *once*.

        Where many hit, they are looked at in several acts, so that others have a turn
        between them; whatever is answered was durable before. With *once* each act
        keeps what it has told: if the body is cut off in the middle, its repetition
        goes on behind that, and tells and counts nothing again.

        Raises:
            BadRequestError: a column does not fit, there are too many digests, or the
                surface is not named where it has to be.
            DeniedError: the purpose is not this credential's, its surface has no
                legal basis in force, or its budget is spent.
            StoreFailedError: the audit event could not be made durable.
            TimeoutError: it was not within the deadline.
        """
        naming = await self._naming(who)
        columns, service = read_columns(request, naming, named=who.is_person)
        begun = await self._begun(once)
        # What an earlier try has told, it has paid for.
        files = 0 if begun else await self._cost(columns)
        wanted = Wanted((), files=files)
        step = await self._admit(request, who, service, _FILES, wanted)
        own_only = Plane.MEDIA not in step.shared
        is_loading = self._lists.lacks_pictures and any(
            column.kind is MediaKind.PDQ for column in columns
        )
        async with asyncio.timeout(step.within):
            hits = await self._offload(
                lambda: self._columns.hits(columns, own_only=own_only)
            )
        if who.is_person:
            hits = with_named(columns, hits)
        if is_loading:
            once = None
        return await self._decide_columns(
            columns, hits, step, once, begun, is_loading=is_loading
        )

    async def _cost(self, columns: Sequence[Column]) -> int:
        turned = sum(each.questions for each in columns if each.orientations > 1)
        if turned > OFFLOAD_TURNED:
            return await self._offload(lambda: sum(each.cost for each in columns))
        return sum(each.cost for each in columns)

    async def _begun(self, once: Once | None) -> list[ToldPart]:
        """Give what acts of an earlier try of this very request have told."""
        if once is None:
            return []
        return await self._store.read(lambda reader: once.parts(reader, ToldPart))

    async def _naming(self, who: Principal) -> Naming:
        found = bound_naming(who)
        if found is None:
            found = await self._store.read(lambda reader: naming_of(reader, who))
        return found

    async def _admit(
        self,
        request: LookupRequest | BatchRequest | MatchRequest,
        who: Principal,
        service: str,
        planes: frozenset[Plane],
        wanted: Wanted,
    ) -> _Round:
        purpose = request.purpose
        surface = read_surface(purpose, request.surface)
        plan = self._plan(who, purpose, surface, planes)
        if isinstance(plan, Decision):
            asked = {"surface": surface} if surface else {}
            await self._refused(plan, who, asked)
            raise DeniedError(plan)
        spending = await self.budgets.admit(who, purpose, wanted)
        return _Round(
            Asking(who, purpose, surface, plan.grounds),
            service,
            plan.shared,
            plan.withheld,
            request.deadline_ms / 1000,
            spending,
        )

    def _plan(
        self,
        who: Principal,
        purpose: Purpose,
        surface: Surface | None,
        planes: frozenset[Plane],
    ) -> _Plan | Decision:
        """Say what policy allows, or give the decision that denies it.

        That is the same as long as all is the same that it hangs on.
        """
        now, situation = self._clock.now(), self._situation
        stands = (
            int(now.timestamp()),
            situation.policy,
            situation.calendar,
            situation.site,
            situation.shared,
        )
        if stands != self._stands:
            self._stands = stands
            self._plans.clear()
        asked = (who.role, who.purposes, purpose, surface, planes)
        plan = self._plans.get(asked)
        if plan is None:
            plan = self._plans[asked] = self._planned(*asked, now)
        return plan

    def _planned(  # noqa: PLR0913 - what a decision hangs on
        self,
        role: Role,
        purposes: frozenset[Purpose] | None,
        purpose: Purpose,
        surface: Surface | None,
        planes: frozenset[Plane],
        now: datetime,
    ) -> _Plan | Decision:
        situation = self._situation
        open_planes, withheld = set[Plane](), False
        grounds: Detail = {}
        for plane in sorted(planes):
            facts = LookupFacts(role, purpose, plane, surface, purposes)
            decision = situation.decide(facts, now)
            if not decision.allowed:
                return decision
            grounds = grounds_of(decision)
            if Obligation.OWN_BANS_ONLY not in decision.obligations:
                if situation.shared is None or situation.keeps(situation.node, plane):
                    open_planes.add(plane)
            elif plane in situation.policy.document.share.planes:
                withheld = True
        return _Plan(grounds, frozenset(open_planes), withheld)

    async def _nothing_found(
        self, case: Case, request: LookupRequest, who: Principal, naming: Naming
    ) -> LookupAnswer | None:
        """Answer a machine's question about files that no index knows.

        It shares the event with others. None if something may be found, or policy or
        budget may refuse it: then it goes the way of all.
        """
        if who.is_person or not _is_light(case):
            return None
        if self._prober.candidates(case.asked, (), own_only=False).candidates:
            return None
        surface = read_surface(request.purpose, request.surface)
        asker = _Asker(who, request.purpose, surface, naming.usual)
        within = max(request.deadline_ms / 1000, LEAST_WRITING)
        told = await self._file_negatives.join(asker, None, within)
        if told is None:
            return None
        limits(*told.asking.limits)
        return _answer_nothing(case, told)

    async def _settle_files(
        self, asker: _Asker, items: Sequence[None]
    ) -> _Nothing | None:
        """Admit and write down so many questions about files that found nothing."""
        who, purpose, surface = asker.who, asker.purpose, asker.surface
        asking, count = current() or begin(), len(items)
        plan = self._plan(who, purpose, surface, _FILES)
        if isinstance(plan, Decision):
            return None
        if not await self.budgets.has_room(who, purpose, count):
            return None
        spending = await self.budgets.admit(who, purpose, Wanted((), files=count))
        step = _Round(
            Asking(who, purpose, surface, plan.grounds),
            asker.service,
            plan.shared,
            plan.withheld,
            LEAST_WRITING,
            spending,
        )
        return await self._write_nothing(step, count, [spending], asking)

    async def _settle(self, _: object, steps: Sequence[_Round]) -> _Nothing:
        """Write down so many questions that were admitted and found nothing."""
        spent = [step.spending for step in steps]
        asking = current() or begin()
        return await self._write_nothing(steps[0], len(steps), spent, asking)

    async def _write_nothing(
        self,
        step: _Round,
        count: int,
        spent: Sequence[Spending],
        asking: AskingTrace,
    ) -> _Nothing:
        now = self._clock.now()
        stale = self._stale(step, now)
        writing = Writing(self._trail, step.asking, now)

        async def act(tx: Transaction) -> None:
            entry = writing.of_negatives(count, _rest(stale))
            await tx.append(self._trail.log, entry.record, entry.openings)
            for spending in summed(spent):
                await spending.keep(tx)

        await self._store.write(act)
        return _Nothing(stale, step.withheld and bool(stale), asking)

    def _stale(self, step: _Round, now: datetime) -> list[str]:
        if step.withheld:
            return self._situation.others()
        if not step.shared:
            return []
        return self._situation.not_covered(now, actor=Plane.ACTOR in step.shared)

    async def _refused(self, decision: Decision, who: Principal, asked: Detail) -> None:
        now, trail = self._clock.now(), self._trail
        entry = trail.refusal(
            decision, at=now, actor=who.name, act="lookup", asked=asked
        )

        async def act(tx: Transaction) -> None:
            await tx.append(trail.log, entry.record, entry.openings)

        await self._store.write(act)

    async def _answer(self, cases: Sequence[Case], step: _Round) -> list[LookupAnswer]:
        persons = [item for case in cases for item in case.persons]
        found = await self._evaluate(persons, step)
        deferred = found if isinstance(found, _Deferred) else None
        is_loading = self._lists.lacks_pictures
        outputs = [()] * len(persons) if isinstance(found, _Deferred) else found
        count = sum(len(case.asked) for case in cases)
        candidates = await self._run(lambda: self._probe(cases, outputs, step), count)
        if deferred is None and _finds_nothing(cases, candidates, step):
            (case,) = cases
            if not (is_loading and _asks_for_picture(case)):
                within = max(step.within, LEAST_WRITING)
                told = await self._negatives.join(step.sharing, step, within)
                return [_answer_nothing(case, told)]
        return await self._decide(
            cases, candidates, step, deferred=deferred, is_loading=is_loading
        )

    def _probe(
        self,
        cases: Sequence[Case],
        outputs: Sequence[tuple[Output, ...]],
        step: _Round,
    ) -> list[Pointers]:
        remaining = iter(outputs)
        return [
            self._prober.candidates(
                case.asked,
                [next(remaining) for _ in case.persons],
                own_only=Plane.MEDIA not in step.shared,
            )
            for case in cases
        ]

    async def _run(self, work: Callable[[], T], questions: int) -> T:
        # A thread hop costs more than a few questions, and less than many.
        pictures = self._lists.count_pictures() > OFFLOAD_PICTURES
        if questions > OFFLOAD_QUESTIONS or pictures:
            return await self._offload(work)
        return work()

    async def _evaluate(
        self, persons: Sequence[Person], step: _Round
    ) -> "list[tuple[Output, ...]] | _Deferred":
        shared = self._situation.shared
        if shared is None or Plane.ACTOR not in step.shared or not persons:
            return [()] * len(persons)
        budget = LOOKUPS
        if step.asking.purpose is Purpose.RECHECK:
            budget = shared.many(self._clock.now(), LOOKUPS)
        try:
            return await shared.outputs(persons, budget, within=step.within)
        except QuorumError as error:
            return _Deferred(error.retry_after)

    async def _decide(
        self,
        cases: Sequence[Case],
        candidates: Sequence[Pointers],
        step: _Round,
        *,
        deferred: "_Deferred | None",
        is_loading: bool,
    ) -> list[LookupAnswer]:
        now = self._clock.now()
        # Behind a closed gate nobody is asked: then no list but the own is covered.
        stale = self._stale(step, now)

        writing, told = Writing(self._trail, step.asking, now), list[Told]()
        about = list[_Asked]()
        for case, pointers in zip(cases, candidates, strict=True):
            lacks = deferred if case.persons else None
            if is_loading and _asks_for_picture(case):
                lacks = lacks or _Deferred(None)
            about.append(_Asked(case, pointers, lacks))

        async def act(tx: Transaction) -> list[Told]:
            said, opened = await self._tell_some(
                tx, about[len(told) :], step, now, stale
            )
            if len(told) + len(said) < len(about):
                entries = [
                    writing.of_one(each) for each in said if writing.is_told(each)
                ]
            else:  # what is no event of its own is one together
                left = [each for each in told if not writing.is_told(each)]
                entries = writing.events([*left, *said])
            if not told:  # whoever hangs up later has spent it all the same
                await step.spending.keep(tx)
            await tx.append_many(self._trail.log, [*entries, *opened])
            return said

        # Whoever signs up waits no longer, and without an event there is no answer.
        async with asyncio.timeout(max(step.within, LEAST_WRITING)):
            while len(told) < len(about):
                told += await self._write(act, sum(map(_is_hit, about)))
        return [_shown(each.answer) for each in told]

    async def _write(self, act: Callable[[Transaction], Awaitable[T]], hits: int) -> T:
        """Have an act made; of those with many hits one at a time.

        Acts that wait share a commit: several that take long would add up in it.
        """
        if hits <= FEW_HITS:
            return await self._store.write(act)
        async with self._long_acts:
            return await self._store.write(act)

    async def _tell_some(
        self,
        tx: Transaction,
        asked: "Sequence[_Asked]",
        step: _Round,
        now: datetime,
        stale: Sequence[str],
    ) -> tuple[list[Told], list[LogEntry]]:
        """Answer the first of these: one, and more while there is time."""
        ends, pictures = perf_counter() + HOLD_SECONDS, FloodPictures(self._reviews, tx)
        told: list[Told] = []
        opened: list[LogEntry] = []
        hits = 0
        for each in asked:
            if told and (hits == HITS_AT_ONCE or perf_counter() > ends):
                break
            said, events = await self._tell(tx, each, step, now, stale, pictures)
            told.append(said)
            opened += events
            hits += _is_hit(each)
        return told, opened

    async def _decide_columns(  # noqa: PLR0913 - the act, and what it is about
        self,
        columns: Sequence[Column],
        hits: Sequence[Hit],
        step: _Round,
        once: Once | None,
        begun: Sequence[ToldPart],
        *,
        is_loading: bool,
    ) -> MatchAnswer:
        now, asked = self._clock.now(), count_kinds(columns)
        stale, told = self._stale(step, now), list[Told]()
        rest = Result.DEFERRED if is_loading else _rest(stale)
        writing, log = Writing(self._trail, step.asking, now), self._trail.log
        known = told_before(begun)
        hits, number = hits_behind(begun, hits), len(begun)
        about = [_Asked(hit.case, hit.pointers) for hit in hits]

        async def act(tx: Transaction) -> tuple[list[Told], MatchAnswer | None]:
            said, opened = await self._tell_some(
                tx, about[len(told) :], step, now, stale
            )
            if not told and not begun:  # whoever hangs up later has spent it as well
                await step.spending.keep(tx)
            till = len(told) + len(said)
            if till < len(about):
                entries = writing.match_events(said)
                await tx.append_many(log, [*entries, *opened])
                if once is not None:
                    pairs = zip(hits[len(told) : till], said, strict=True)
                    part = told_part(
                        [(hit, _shown(each.answer)) for hit, each in pairs]
                    )
                    row = once.part(number, part, now=int(now.timestamp()))
                    await tx.add_idempotent_answer(row)
                return said, None
            matched = sum(map(_matches, [*told, *said]))
            matched += sum(bool(answer.matches) for _, answer in known)
            counts = MatchCounts(asked, matched, rest)
            entries = writing.match_events(said, counts)
            await tx.append_many(log, [*entries, *opened])
            answers = [_shown(each.answer) for each in [*told, *said]]
            answer = answer_columns(
                columns,
                [*known, *zip(hits, answers, strict=True)],
                stale,
                rest,
                gate_closed=step.withheld,
            )
            if once is not None:
                row = once.row(answer, now=int(now.timestamp()))
                await tx.add_idempotent_answer(row)
            return said, answer

        async with asyncio.timeout(max(step.within, LEAST_WRITING)):
            while True:
                said, answer = await self._write(act, len(hits))
                if answer is not None:
                    return answer
                told += said
                number += 1

    async def _tell(  # noqa: PLR0913 - the act, and what it is about
        self,
        tx: Transaction,
        asked: "_Asked",
        step: _Round,
        now: datetime,
        stale: Sequence[str],
        pictures: FloodPictures,
    ) -> tuple[Told, list[LogEntry]]:
        """Answer one case; give the events that the act owes besides its own."""
        case, pointers, deferred = asked.case, asked.pointers, asked.deferred
        if not pointers.candidates:  # as nearly always: there is nothing to be judged
            answer = _answer(case, (), stale, deferred=deferred)
            if step.withheld and answer.not_covered:
                answer = replace(answer, gate_closed=True)
            return Told(case, answer, Found()), []
        looked = await self._look(tx, case, pointers, step, now, pictures)
        opened, judged = [*looked.events], looked.judged
        answer = _answer(
            case, judged.matches, stale, deferred=deferred, further=looked.further
        )
        if looked.on_trial:
            answer = replace(answer, on_trial=looked.on_trial)
        if step.withheld and answer.not_covered:
            answer = replace(answer, gate_closed=True)
        if judged.matches:
            answer, events = await self._reviewed(tx, answer, judged, step, now)
            opened += events
        kept_back = looked.suppressed + judged.rested
        said = Found(judged.matches, kept_back, looked.harmless)
        return Told(case, answer, said), opened

    async def _look(  # noqa: PLR0913 - the act, and what it is about
        self,
        tx: Transaction,
        case: Case,
        pointers: Pointers,
        step: _Round,
        now: datetime,
        pictures: FloodPictures,
    ) -> "_Looked":
        """Look at what indexes point to, until each question has what counts."""
        looked = _Looked(Judged(case.subject or ""), further=pointers.more)
        settled: set[int] = set()
        turns = await in_turns(tx, pointers.candidates, self._situation, now)
        for turn in turns:
            some = [each for each in turn if each.question not in settled]
            looked.further += len(turn) - len(some)
            if not some:
                continue
            found = await match_candidates(tx, some, self._situation, now)
            tried = await self._try(tx, case, found.matches, step, now)
            kept = Found(tried.matches, pictures=found.pictures)
            judged = await self._judge(tx, case, kept, step, now, pictures)
            settled.update(match.question for match in judged.matches)
            looked.add(found, tried, judged)
        return looked

    async def _try(
        self,
        tx: Transaction,
        case: Case,
        matches: Sequence[Match],
        step: _Round,
        now: datetime,
    ) -> Tried:
        """Keep back what is on trial (P22)."""
        by = step.asking.who.name
        return await try_matches(
            self._reviews, tx, case.subject, matches, now, by=by, service=step.service
        )

    async def _judge(  # noqa: PLR0913 - the act, and what it is about
        self,
        tx: Transaction,
        case: Case,
        found: Found,
        step: _Round,
        now: datetime,
        pictures: FloodPictures,
    ) -> Judged:
        """Say which matches restrict by themselves (P21)."""
        return await judge_floods(
            self._reviews,
            tx,
            case.subject,
            found.matches,
            now,
            about=About(case.asked, found.pictures),
            pictures=pictures,
            by=step.asking.who.name,
            service=step.service,
        )

    async def _reviewed(
        self,
        tx: Transaction,
        answer: LookupAnswer,
        judged: Judged,
        step: _Round,
        now: datetime,
    ) -> tuple[LookupAnswer, Sequence[LogEntry]]:
        subject, task, events = judged.subject, judged.task, [*judged.events]
        if judged.restricting:
            review = await open_review(
                self._reviews,
                tx,
                answer.subject_ref,
                judged.restricting,
                now,
                by=step.asking.who.name,
                service=step.service,
            )
            subject, task = review.subject, review.task
            events += review.events
        reviewed = replace(
            answer,
            corroboration=corroborate(answer.matches, self._situation, now),
            task=task,
            reason=None if judged.restricting else MatchReason.FLOOD,
            flood=judged.flood,
            subject_ref=subject,
            reminder=REMINDER if judged.restricting else FLOOD_REMINDER,
        )
        return reviewed, events


def _finds_nothing(
    cases: Sequence[Case], candidates: Sequence[Pointers], step: _Round
) -> bool:
    """Whether this is a machine's question about one account that no index knows.

    Questions that could not be read are counted in an event of their own.
    """
    if len(cases) > 1 or candidates[0].candidates or step.asking.who.is_person:
        return False
    return not (cases[0].unreadable or cases[0].not_compared)


def _answer_nothing(case: Case, told: _Nothing) -> LookupAnswer:
    counted_with(told.asking)
    answer = _answer(case, (), told.stale, deferred=None)
    if told.gate_closed:
        answer = replace(answer, gate_closed=True)
    return _shown(answer)


def _shown(answer: LookupAnswer) -> LookupAnswer:
    service, reference = account_of(answer.subject_ref)
    return replace(answer, service=service, subject_ref=reference)


def _is_light(case: Case) -> bool:
    """Whether a case is a few exact digests, all of which could be read."""
    if case.unreadable or case.not_compared or len(case.asked) > OFFLOAD_QUESTIONS:
        return False
    for item in case.asked.values():
        if not isinstance(item, File) or item.kind is MediaKind.PDQ:
            return False
    return True


def _is_hit(asked: _Asked) -> bool:
    return bool(asked.pointers.candidates)


def _matches(told: Told) -> bool:
    return bool(told.answer.matches)


def _rest(stale: Sequence[str]) -> Result:
    return Result.INCOMPLETE if stale else Result.NONE


def _asks_for_picture(case: Case) -> bool:
    return any(
        isinstance(item, File) and item.kind is MediaKind.PDQ
        for item in case.asked.values()
    )


def _answer(
    case: Case,
    matches: Sequence[Match],
    stale: Sequence[str],
    *,
    deferred: _Deferred | None,
    further: int = 0,
) -> LookupAnswer:
    # Of what is compared with nothing, no list lacks anything.
    not_covered = list(stale) if case.asked else []
    if matches:
        result = Result.REVIEW
    elif deferred:
        result = Result.DEFERRED
    elif not_covered or case.unreadable or further:
        result = Result.INCOMPLETE
    else:
        result = Result.NONE
    return LookupAnswer(
        result=result,
        matches=list(matches),
        not_covered=not_covered,
        subject_ref=case.subject,
        retry_after_ms=deferred.milliseconds if deferred else None,
        unreadable=list(case.unreadable) or None,
        not_compared=list(case.not_compared) or None,
        further=further or None,
    )
