# SPDX-License-Identifier: Apache-2.0
"""Reviews of matches over HTTP: their routes and handlers."""

from typing import Final

from fedsafe_node.acts.bodies import TaskId
from fedsafe_node.acts.reviews import (
    HearingAnswer,
    HearingRequest,
    InquiriesAnswer,
    InquiriesQuery,
    InquiryNumber,
    OutcomeAnswer,
    OutcomeRequest,
    ReplyRequest,
    TaskAnswer,
    TasksAnswer,
    TasksQuery,
)
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.queries import ReadQuery
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_policies.vocabulary import Role

READ: Final = frozenset(
    {
        Role.ANALYST,
        Role.REVIEWER,
        Role.ESCALATION_OFFICER,
        Role.LEGAL_ADVISER,
        Role.YOUTH_PROTECTION_OFFICER,
        Role.DPO,
        Role.AUDITOR,
    }
)
"""Who reads what matches have opened."""
_DECIDE: Final = frozenset({Role.ANALYST, Role.REVIEWER})
_HEAR: Final = _DECIDE | {Role.YOUTH_PROTECTION_OFFICER}
_TASK: Final = {"task": TaskId}
_GONE: Final = frozenset({404, 409})


async def list_tasks(call: Call) -> object:
    """List tasks."""
    query = call.parameters(TasksQuery)
    return await call.services.tasks.list(query, call.principal)


async def show_task(call: Call) -> object:
    """Show a task."""
    purpose = call.parameters(ReadQuery).purpose
    return await call.services.tasks.show(call.path["task"], call.principal, purpose)


async def decide_task(call: Call) -> object:
    """Decide a task."""
    request = call.body(OutcomeRequest)
    return await call.services.tasks.decide(call.path["task"], request, call.principal)


async def hear_task(call: Call) -> object:
    """Enter a step of a hearing."""
    request = call.body(HearingRequest)
    return await call.services.tasks.hear(call.path["task"], request, call.principal)


async def list_inquiries(call: Call) -> object:
    """List inquiries."""
    query = call.parameters(InquiriesQuery)
    return await call.services.tasks.inquiries(query, call.principal)


async def answer_inquiry(call: Call) -> object:
    """Enter an origin's answer."""
    request = call.body(ReplyRequest)
    number = int(call.path["inquiry"])
    return await call.services.tasks.answer(
        call.path["task"], number, request, call.principal
    )


TASK_ROUTES: Final = (
    Route(
        name="listTasks",
        method="GET",
        path="/v1/tasks",
        handler=list_tasks,
        auth=Auth.CREDENTIAL,
        roles=READ,
        lane=Lane.READS,
        summary="List the reviews of matches",
        query=TasksQuery,
        answer=TasksAnswer,
    ),
    Route(
        name="showTask",
        method="GET",
        path="/v1/tasks/{task}",
        handler=show_task,
        auth=Auth.CREDENTIAL,
        roles=READ,
        lane=Lane.READS,
        summary="Show a review with all that bears on it",
        query=ReadQuery,
        path_types=_TASK,
        answer=TaskAnswer,
    ),
    Route(
        name="decideTask",
        method="POST",
        path="/v1/tasks/{task}/outcome",
        handler=decide_task,
        auth=Auth.CREDENTIAL,
        roles=_DECIDE,
        lane=Lane.WRITES,
        summary="End a review, or put it off; closing an account waits for a second",
        body=OutcomeRequest,
        limit=4 * KIB,
        path_types=_TASK,
        answer=OutcomeAnswer,
        refusals=_GONE,
    ),
    Route(
        name="hearTask",
        method="POST",
        path="/v1/tasks/{task}/hearing",
        handler=hear_task,
        auth=Auth.CREDENTIAL,
        roles=_HEAR,
        lane=Lane.WRITES,
        summary="Enter a step of the hearing of the person",
        body=HearingRequest,
        limit=4 * KIB,
        path_types=_TASK,
        answer=HearingAnswer,
        refusals=_GONE,
    ),
    Route(
        name="listInquiries",
        method="GET",
        path="/v1/inquiries",
        handler=list_inquiries,
        auth=Auth.CREDENTIAL,
        roles=READ,
        lane=Lane.READS,
        summary="List the questions to origins that wait for an answer",
        query=InquiriesQuery,
        answer=InquiriesAnswer,
    ),
    Route(
        name="answerInquiry",
        method="POST",
        path="/v1/tasks/{task}/inquiries/{inquiry}/answer",
        handler=answer_inquiry,
        auth=Auth.CREDENTIAL,
        roles=_DECIDE,
        lane=Lane.WRITES,
        summary="Enter what an origin replied; the review is looked at anew",
        body=ReplyRequest,
        limit=4 * KIB,
        path_types=_TASK | {"inquiry": InquiryNumber},
        answer=TaskAnswer,
        refusals=_GONE,
    ),
)
