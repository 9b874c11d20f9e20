# SPDX-License-Identifier: Apache-2.0
"""Lists of files before they are published, over HTTP."""

from typing import Final

from fedsafe_node.acts.bodies import ListName
from fedsafe_node.acts.signal_reviews import (
    ApproveListRequest,
    ExaminedList,
    ExamineRequest,
    ListApproved,
    WaitingLists,
)
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.queries import ReadQuery
from fedsafe_node.api.route import KIB, MIB, Lane, Route
from fedsafe_policies.vocabulary import Role

_REVIEWERS: Final = frozenset({Role.REVIEWER})
_CASE: Final = _REVIEWERS | {Role.ANALYST}


async def list_lists(call: Call) -> object:
    """Name the lists of files that wait."""
    purpose = call.parameters(ReadQuery).purpose
    return await call.services.signals.lists.waiting(call.principal, purpose)


async def examine_list(call: Call) -> object:
    """Show a list of files to its second person."""
    rehearsal = call.body(ExamineRequest).rehearsal
    lists = call.services.signals.lists
    return await lists.examine(call.path["name"], rehearsal, call.principal)


async def approve_list(call: Call) -> object:
    """Publish a list of files as its second person."""
    digest = call.body(ApproveListRequest).digest
    lists = call.services.signals.lists
    return await lists.approve(call.path["name"], digest, call.principal)


LIST_ROUTES: Final = (
    Route(
        name="listWaitingLists",
        method="GET",
        path="/v1/lists",
        handler=list_lists,
        auth=Auth.CREDENTIAL,
        roles=_CASE,
        lane=Lane.READS,
        summary="Name the lists of files that wait for their second person",
        query=ReadQuery,
        answer=WaitingLists,
    ),
    Route(
        name="examineList",
        method="POST",
        path="/v1/lists/{name}/examine",
        handler=examine_list,
        auth=Auth.CREDENTIAL,
        roles=_REVIEWERS,
        lane=Lane.BATCHES,
        summary="Examine a list of files, and rehearse it, as its second person",
        body=ExamineRequest,
        limit=MIB,
        path_types={"name": ListName},
        answer=ExaminedList,
    ),
    Route(
        name="approveList",
        method="POST",
        path="/v1/lists/{name}/approve",
        handler=approve_list,
        auth=Auth.CREDENTIAL,
        roles=_REVIEWERS,
        fresh=True,
        lane=Lane.BATCHES,
        summary="Publish a list of files as its second person, in one act",
        body=ApproveListRequest,
        limit=4 * KIB,
        path_types={"name": ListName},
        answer=ListApproved,
        refusals=frozenset({409, 429}),
    ),
)
