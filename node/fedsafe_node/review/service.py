# SPDX-License-Identifier: Apache-2.0
"""Reviews as the API calls them (`api.services.Tasks`)."""

from fedsafe_node.acts.reviews import (
    HearingAnswer,
    HearingRequest,
    InquiriesAnswer,
    InquiriesQuery,
    OutcomeAnswer,
    OutcomeRequest,
    ReplyRequest,
    TaskAnswer,
    TasksAnswer,
    TasksQuery,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.people.approvals import Approvals
from fedsafe_node.review.decision import decide_task
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.hearing import record_hearing
from fedsafe_node.review.origin_questions import answer_inquiry, list_inquiries
from fedsafe_node.review.view import list_tasks, show_task
from fedsafe_policies.vocabulary import Purpose


class ReviewService:
    """Lists, shows and decides tasks, and keeps their hearings."""

    def __init__(self, desk: ReviewDesk, approvals: Approvals) -> None:
        self._desk = desk
        self._approvals = approvals

    async def list(self, query: TasksQuery, who: Principal) -> TasksAnswer:
        """List tasks; see `view.list_tasks`."""
        return await list_tasks(self._desk, query, who)

    async def show(
        self, task: str, who: Principal, purpose: Purpose | None = None
    ) -> TaskAnswer:
        """Show a task; see `view.show_task`."""
        return await show_task(self._desk, task, who, purpose)

    async def decide(
        self, task: str, request: OutcomeRequest, who: Principal
    ) -> OutcomeAnswer:
        """Decide a task; see `decision.decide_task`."""
        return await decide_task(self._desk, self._approvals, task, request, who)

    async def hear(
        self, task: str, request: HearingRequest, who: Principal
    ) -> HearingAnswer:
        """Enter a step of a hearing; see `hearing.record_hearing`."""
        return await record_hearing(self._desk, task, request, who)

    async def inquiries(self, query: InquiriesQuery, who: Principal) -> InquiriesAnswer:
        """List what waits for an origin; see `origin_questions.list_inquiries`."""
        return await list_inquiries(self._desk, query, who)

    async def answer(
        self, task: str, inquiry: int, request: ReplyRequest, who: Principal
    ) -> TaskAnswer:
        """Enter what an origin replied; see `origin_questions.answer_inquiry`."""
        return await answer_inquiry(self._desk, task, inquiry, request, who)
