# SPDX-License-Identifier: Apache-2.0
"""Reviews as the API's tests see them: each answers in its type."""

from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from msgspec.structs import asdict

from fedsafe_node.review.messages import (
    HearingAnswer,
    InquiriesAnswer,
    ListedTask,
    OutcomeAnswer,
    TaskAnswer,
    TasksAnswer,
    TaskShown,
)
from fedsafe_node.review.service import ReviewService
from fedsafe_policies.vocabulary import Outcome

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

    def __getattr__(self, method: str) -> Any:  # noqa: ANN401 - any of the service's
        answer = _ANSWERS[method]

        async def act(*given: object) -> object:
            await self.memory.called((method, *given))
            return answer

        return act


def fake_tasks(memory: _Memory) -> ReviewService:
    return cast("ReviewService", _FakeTasks(memory))
