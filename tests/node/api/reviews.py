# SPDX-License-Identifier: Apache-2.0
"""Reviews as the API's tests see them: each answers in its type."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from msgspec.structs import asdict

from fedsafe_node.acts.floods import (
    FloodAnswer,
    FloodReference,
    FloodsAnswer,
    FloodShown,
    FloodState,
)
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.acts.reviews import (
    HearingAnswer,
    InquiriesAnswer,
    ListedTask,
    OutcomeAnswer,
    TaskAnswer,
    TasksAnswer,
    TaskShown,
)
from fedsafe_node.acts.trials import TrialCause, TrialsAnswer, TrialShown
from fedsafe_node.review.flood_service import FloodService
from fedsafe_node.review.service import ReviewService
from fedsafe_node.review.trial_service import TrialService
from fedsafe_policies.vocabulary import Act, Outcome, Role

SHOWN: Final = TaskShown(
    task="0" * 32,
    service="shop",
    subject_ref="account-1",
    state="open",
    opened_at=1,
    ends_at=2,
    flagged_at=None,
    renewals=0,
    revision=0,
)
TASK: Final = TaskAnswer(
    task="0" * 32,
    service="shop",
    subject_ref="account-1",
    state="open",
    opened_at=1,
    ends_at=2,
    flagged_at=None,
    renewals=0,
    revision=0,
    signals=[],
    decisions=[],
    hearings=[],
    inquiries=[],
    heard=None,
)
_ANSWERS: Final[dict[str, object]] = {
    "list": TasksAnswer(
        tasks=[ListedTask(**asdict(SHOWN), alike=1)],
        next=f"0.2.{'0' * 32}",
    ),
    "show": TASK,
    "decide": OutcomeAnswer(
        task=SHOWN,
        outcome=Outcome.DISMISS,
        decided=True,
        rule="P13",
        policy="synthetic@00000000",
    ),
    "inquiries": InquiriesAnswer(inquiries=[]),
    "answer": TASK,
    "hear": HearingAnswer(**asdict(SHOWN), heard=None),
}


class _Memory(Protocol):
    async def called(self, call: object) -> None: ...


@dataclass
class _FakeTasks:
    memory: _Memory
    answers: Mapping[str, object]

    def __getattr__(self, method: str) -> Any:  # noqa: ANN401 - any of the service's
        answer = self.answers[method]

        async def act(*given: object) -> object:
            await self.memory.called((method, *given))
            return answer

        return act


FLOOD: Final = FloodShown(
    flood="0" * 32,
    signal="01a20e5e-7e0b-7dca-b773-0d06d4879060",
    origin="b.demo",
    state=FloodState.WAITING,
    bound=10,
    references=2,
    beyond=0,
    opened_at=1,
    ends_at=2,
)
_FLOOD_ANSWERS: Final[dict[str, object]] = {
    "list": FloodsAnswer(floods=[FLOOD]),
    "show": FloodAnswer(
        **asdict(FLOOD),
        subjects=[FloodReference(service=None, subject_ref="account-1", added_at=1)],
    ),
    "rule": FLOOD,
    "raise_bound": ActAnswer(
        act="0" * 32,
        kind=Act.FLOOD_BOUND,
        digest="0" * 64,
        content={},
        asked_by="rita",
        asked_role=Role.REVIEWER,
        asked_at=0,
        expires_at=1,
        state="pending",
    ),
}


TRIAL: Final = TrialShown(
    trial="0" * 32,
    origin="b.demo",
    cause=TrialCause.NEW_ORIGIN,
    list=None,
    began_at=1,
    ends_at=2,
    matches=3,
    drawn=3,
    upheld=1,
    wrong=0,
    other=0,
    needs_person=False,
)
_TRIAL_ANSWERS: Final[dict[str, object]] = {
    "list": TrialsAnswer(trials=[TRIAL]),
    "prolong": TRIAL,
    "end": TRIAL,
}


def fake_trials(memory: _Memory) -> TrialService:
    return cast("TrialService", _FakeTasks(memory, _TRIAL_ANSWERS))


def fake_floods(memory: _Memory) -> FloodService:
    return cast("FloodService", _FakeTasks(memory, _FLOOD_ANSWERS))


def fake_tasks(memory: _Memory) -> ReviewService:
    return cast("ReviewService", _FakeTasks(memory, _ANSWERS))
