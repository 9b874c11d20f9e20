# SPDX-License-Identifier: Apache-2.0
"""Budgets, reviews and breaches as the tests of the API have them: one of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.audit import AuditEvent
from fedsafe_node.acts.bodies import Kind as Identifier
from fedsafe_node.acts.bodies import Question
from fedsafe_node.acts.breaches import (
    AssessBreach,
    BreachAnswer,
    BreachesAnswer,
    Cause,
    CloseBreach,
    Kind,
    NotifyBreach,
    OpenBreach,
)
from fedsafe_node.acts.budgets import BudgetsAnswer, BudgetShown
from fedsafe_node.acts.rounds import (
    AnswerQuestion,
    AskedQuestion,
    AskedQuestions,
    MarkRound,
    OpenRound,
    RoundAnswer,
    RoundEntries,
    RoundEntryShown,
    RoundMarks,
    RoundsAnswer,
)
from fedsafe_node.acts.signal_reviews import (
    BegunImport,
    DrawnFile,
    EndingAnswer,
    EndingSignal,
    ExaminedList,
    FinishImportRequest,
    ImportsAnswer,
    ImportShown,
    ImportsQuery,
    ImportState,
    KeptAnswer,
    ListApproved,
    ListedFacts,
    Overlap,
    SampleAnswer,
    SampledSignal,
    SampleQuery,
    SampleRequest,
    UndoneImport,
    WaitingList,
    WaitingLists,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.rules.idempotency import Once
from fedsafe_policies.vocabulary import (
    Grade,
    Phenomenon,
    Provenance,
    Purpose,
    Scope,
    Surface,
)

if TYPE_CHECKING:
    from tests.node.api.conftest import Memory

_SIGNAL: Final = "00000000-0000-7000-8000-000000000000"
BREACH: Final = BreachAnswer(
    members_due_at="2026-11-25T12:00:00Z",
    breach="0a" * 16,
    state="open",
    aware_at="2026-11-24T09:30:00Z",
    due_at="2026-11-27T09:30:00Z",
    overdue=False,
    kinds=[Kind.INTEGRITY],
    cause=Cause.UNKNOWN,
    opened_by="dora",
)
OVERSIGHT_BODIES: Final[dict[str, object]] = {
    "openBreach": {"aware_at": 1, "kinds": ["integrity"]},
    "assessBreach": {
        "categories": ["tokens"],
        "groups": ["users"],
        "persons": 1,
        "records": 1,
        "consequences": [],
        "measures": [],
        "risk": "unlikely",
    },
    "notifyBreach": {"to": "authority", "at": 1, "reference": "file-7"},
    "closeBreach": {},
    "openRound": {},
    "answerQuestion": {"answer": "as ticket 7 says"},
    "markRound": {"entries": [0], "verdict": "plausible", "note": "as the ticket says"},
}

ROUND: Final = RoundAnswer(
    round="0a" * 16,
    state="open",
    since=0,
    size=1,
    root="00" * 32,
    opened_at=0,
    opened_by="dora",
)


@dataclass
class FakeRounds:
    """One review round."""

    memory: "Memory"

    async def open(
        self, request: OpenRound, who: Principal, *, once: Once | None = None
    ) -> RoundAnswer:
        await self.memory.called((request, who))
        return self._kept(once)

    async def mark(
        self,
        round_id: str,
        request: MarkRound,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> RoundAnswer:
        await self.memory.called((round_id, request, who))
        return self._kept(once)

    async def sign(
        self, round_id: str, who: Principal, *, once: Once | None = None
    ) -> RoundAnswer:
        await self.memory.called((round_id, who))
        return self._kept(once)

    async def show(self, round_id: str, who: Principal) -> RoundAnswer:
        await self.memory.called((round_id, who))
        return ROUND

    async def listed(self, who: Principal) -> RoundsAnswer:
        await self.memory.called((who,))
        return RoundsAnswer([ROUND], reviewed_to=0)

    async def entries(
        self, round_id: str, since: int, limit: int, who: Principal
    ) -> RoundEntries:
        await self.memory.called((round_id, since, limit, who))
        return RoundEntries(entries=[], next=1, more=False)

    async def questions(self, who: Principal) -> AskedQuestions:
        await self.memory.called((who,))
        return AskedQuestions(questions=[])

    async def reply(
        self,
        question: int,
        request: AnswerQuestion,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> AskedQuestion:
        await self.memory.called((question, request, who))
        asked = AskedQuestion(question=question, at=0, entries=[])
        if once is not None:
            self.memory.rows[once.key] = once.row(asked, now=0)
        return asked

    async def marks(self, round_id: str, who: Principal) -> RoundMarks:
        await self.memory.called((round_id, who))
        return RoundMarks(marks=[])

    async def entry(self, round_id: str, index: int, who: Principal) -> RoundEntryShown:
        await self.memory.called((round_id, index, who))
        event = AuditEvent(
            index=0,
            event="case.read",
            at="2026-11-24T09:30:00.000+00:00",
            outcome="ok",
            purpose="escalation",
            basis="gdpr_6_1_c",
        )
        return RoundEntryShown(entry=event, kind="read", own=False)

    def _kept(self, once: Once | None) -> RoundAnswer:
        if once is not None:
            self.memory.rows[once.key] = once.row(ROUND, now=0)
        return ROUND


@dataclass
class FakeBreaches:
    """A register of one breach."""

    memory: "Memory"

    async def open(
        self, request: OpenBreach, who: Principal, *, once: Once | None = None
    ) -> BreachAnswer:
        await self.memory.called((request, who))
        return self._kept(once)

    async def assess(
        self,
        breach_id: str,
        request: AssessBreach,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> BreachAnswer:
        await self.memory.called((breach_id, request, who))
        return self._kept(once)

    async def notify(
        self,
        breach_id: str,
        request: NotifyBreach,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> BreachAnswer:
        await self.memory.called((breach_id, request, who))
        return self._kept(once)

    async def close(
        self,
        breach_id: str,
        request: CloseBreach,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> BreachAnswer:
        await self.memory.called((breach_id, request, who))
        return self._kept(once)

    async def show(self, breach_id: str, who: Principal) -> BreachAnswer:
        await self.memory.called((breach_id, who))
        return BREACH

    async def list(self, who: Principal) -> BreachesAnswer:
        await self.memory.called(who)
        return BreachesAnswer([BREACH])

    def _kept(self, once: Once | None) -> BreachAnswer:
        if once is not None:
            self.memory.rows[once.key] = once.row(BREACH, now=0)
        return BREACH


@dataclass
class FakeBudgets:
    """One budget."""

    memory: "Memory"

    async def show(self) -> BudgetsAnswer:
        await self.memory.called("budgets")
        shown = BudgetShown(holder="shop", purpose="recheck", spent=7, left=3)
        return BudgetsAnswer([shown])


_IMPORT = ImportShown(
    run="0" * 32,
    author="anna",
    began_at=1,
    state=ImportState.DONE,
    lines=1,
    added=1,
    listed=0,
    refused=0,
    over=0,
    taken_off=0,
    stopped=0,
    met_again=0,
)


@dataclass
class FakeImports:
    """One import."""

    memory: "Memory"

    async def begin(self, digest: str | None, who: Principal) -> BegunImport:
        await self.memory.called((digest, who))
        return BegunImport(run=_IMPORT.run, key="0" * 32, resumed=False)

    async def finish(
        self, run: str, request: FinishImportRequest, who: Principal
    ) -> ImportShown:
        await self.memory.called((run, request, who))
        return _IMPORT

    async def listed(self, query: ImportsQuery, who: Principal) -> ImportsAnswer:
        await self.memory.called((query, who))
        return ImportsAnswer(imports=[_IMPORT], more=False)

    async def show(
        self, run: str, who: Principal, purpose: Purpose | None
    ) -> ImportShown:
        await self.memory.called((run, who, purpose))
        return _IMPORT

    async def undo(self, run: str, reason: Reason, who: Principal) -> UndoneImport:
        await self.memory.called((run, reason, who))
        return UndoneImport(
            run=run,
            state=ImportState.UNDONE,
            withdrawn=1,
            revoked=0,
            left=0,
            met_again=0,
        )


@dataclass
class FakeLists:
    """One list of one file that waits."""

    memory: "Memory"

    async def waiting(self, who: Principal, purpose: Purpose | None) -> WaitingLists:
        await self.memory.called((who, purpose))
        return WaitingLists(lists=[_LIST])

    async def examine(
        self, name: str, rehearsal: Sequence[Question], who: Principal
    ) -> ExaminedList:
        await self.memory.called((name, rehearsal, who))
        drawn = DrawnFile(signal=_SIGNAL, kind=Identifier.SHA256, digest="ab" * 32)
        return ExaminedList(
            waiting=_LIST,
            digest="0" * 64,
            approve_until=1_796_000_000,
            facts=[_SAID],
            kinds={Identifier.SHA256: 1},
            overlap=[Overlap(origin="b.demo", count=1)],
            rehearsed=len(rehearsal),
            hits=[],
            seed="1d" * 32,
            drawn=[drawn],
        )

    async def approve(self, name: str, digest: str, who: Principal) -> ListApproved:
        await self.memory.called((name, digest, who))
        return ListApproved(digest=digest, approved=1, refused=0, problems=[])


_SAID = ListedFacts(
    count=1,
    source="hotline.example/1",
    signature=None,
    provenance=Provenance.IMPORTED_LIST,
    scope=Scope.FEDERATION,
    phenomenon=Phenomenon.ABUSE_DEPICTION,
    surface=Surface.PUBLIC_CONTENT,
    grade=Grade.CONFIRMED_MEDIA,
    rule="r1",
    match_until="2027-11-30",
)
_LIST = WaitingList(
    name="hotline",
    count=1,
    authors=["anna"],
    sources=["hotline.example/1"],
    signatures=[],
)


_SAMPLED: Final = SampledSignal(
    signal=_SIGNAL, drawn_at=1, due_at=2, overdue=True, is_yours=True
)


@dataclass
class FakeValidations:
    """One signal that is due."""

    memory: "Memory"

    async def keep(
        self, name: str, who: Principal, *, once: Once | None = None
    ) -> KeptAnswer:
        await self.memory.called((name, who))
        answer = KeptAnswer(signal=name, review_by="2027-11-24")
        if once is not None:
            self.memory.rows[once.key] = once.row(answer, now=0)
        return answer

    async def sample(self, query: SampleQuery, who: Principal) -> SampleAnswer:
        await self.memory.called((query, who))
        return SampleAnswer([_SAMPLED])

    async def look(
        self, name: str, request: SampleRequest, who: Principal
    ) -> SampledSignal:
        await self.memory.called((name, request, who))
        return _SAMPLED

    async def ending(self, who: Principal, purpose: Purpose | None) -> EndingAnswer:
        await self.memory.called((who, purpose))
        return EndingAnswer("a.demo", "2027-12-24", [EndingSignal(_SIGNAL, 1, b"x")])
