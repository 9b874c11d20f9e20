# SPDX-License-Identifier: Apache-2.0
"""Requests of persons over HTTP: for officers and for the provider's back-end."""

from typing import Final

from fedsafe_node.acts.bodies import Message
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.acts.requests import (
    CloseRequest,
    CollectedAnswer,
    CollectRequest,
    NewRightsRequest,
    ReasonRequest,
    RequestId,
    RightsRequestAnswer,
    RightsRequestsAnswer,
    State,
)
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_node.store.rights_rows import RequestState
from fedsafe_policies.vocabulary import Role

_REQUEST: Final = {"request": RequestId}
_OFFICERS: Final = frozenset({Role.REVIEWER, Role.LEGAL_ADVISER, Role.DPO})
_GONE: Final = frozenset({404, 409})


class RequestsQuery(Message, frozen=True):
    """Requests of a state, behind one of them."""

    state: State = "open"
    after: RequestId | None = None


async def open_request(call: Call) -> object:
    """Open a person's request."""
    return await call.services.requests.open(
        call.body(NewRightsRequest), call.principal
    )


async def list_requests(call: Call) -> object:
    """List requests."""
    query = call.parameters(RequestsQuery)
    return await call.services.requests.list(
        call.principal, RequestState(query.state), query.after
    )


async def show_request(call: Call) -> object:
    """Show a request."""
    return await call.services.requests.show(call.path["request"], call.principal)


async def answer_request(call: Call) -> object:
    """Write a request's answer."""
    return await call.services.requests.answer(call.path["request"], call.principal)


async def check_request(call: Call) -> object:
    """Ask another officer once more to decide on an identity check."""
    return await call.services.requests.check(call.path["request"], call.principal)


async def extend_request(call: Call) -> object:
    """Take two months more."""
    return await call.services.requests.extend(
        call.path["request"], call.body(ReasonRequest).reason, call.principal
    )


async def grant_request(call: Call) -> object:
    """Ask that what this provider lists be erased."""
    return await call.services.requests.grant(
        call.path["request"], call.body(ReasonRequest).reason, call.principal
    )


async def close_request(call: Call) -> object:
    """Close a request."""
    return await call.services.requests.close(
        call.path["request"], call.body(CloseRequest), call.principal
    )


async def collect_answer(call: Call) -> object:
    """Hand an answer out to who has its code."""
    return await call.services.requests.collect(call.body(CollectRequest), call.source)


RIGHTS_ROUTES: Final = (
    Route(
        name="openRequest",
        method="POST",
        path="/v1/rights",
        handler=open_request,
        auth=Auth.CREDENTIAL,
        roles=_OFFICERS | {Role.SERVICE},
        scope="rights",
        lane=Lane.WRITES,
        summary="Open a person's request, vouching that the identifier is theirs",
        status=201,
        body=NewRightsRequest,
        limit=16 * KIB,
        answer=RightsRequestAnswer,
        refusals=frozenset({429}),
    ),
    Route(
        name="listRequests",
        method="GET",
        path="/v1/rights",
        handler=list_requests,
        auth=Auth.CREDENTIAL,
        roles=_OFFICERS,
        lane=Lane.READS,
        summary="List requests, the one that is due first in front",
        query=RequestsQuery,
        answer=RightsRequestsAnswer,
    ),
    Route(
        name="collectAnswer",
        method="POST",
        path="/v1/rights/collect",
        handler=collect_answer,
        auth=Auth.OPEN,
        lane=Lane.PUBLIC,
        summary="Collect an answer with its code; it is handed out once",
        body=CollectRequest,
        limit=4 * KIB,
        answer=CollectedAnswer,
        refusals=frozenset({404, 429}),
    ),
    Route(
        name="showRequest",
        method="GET",
        path="/v1/rights/{request}",
        handler=show_request,
        auth=Auth.CREDENTIAL,
        roles=_OFFICERS,
        lane=Lane.READS,
        summary="Show a request, what was found and what was answered",
        path_types=_REQUEST,
        answer=RightsRequestAnswer,
    ),
    Route(
        name="answerRequest",
        method="POST",
        path="/v1/rights/{request}/answer",
        handler=answer_request,
        auth=Auth.CREDENTIAL,
        roles=_OFFICERS,
        lane=Lane.WRITES,
        summary="Write the answer out of what was found, with all recipients",
        path_types=_REQUEST,
        answer=RightsRequestAnswer,
        refusals=_GONE,
    ),
    Route(
        name="checkRequest",
        method="POST",
        path="/v1/rights/{request}/check",
        handler=check_request,
        auth=Auth.CREDENTIAL,
        roles=_OFFICERS,
        lane=Lane.WRITES,
        summary="Ask another officer again to decide on one's own identity check",
        path_types=_REQUEST,
        answer=RightsRequestAnswer,
        refusals=_GONE,
    ),
    Route(
        name="extendRequest",
        method="POST",
        path="/v1/rights/{request}/extend",
        handler=extend_request,
        auth=Auth.CREDENTIAL,
        roles=_OFFICERS,
        lane=Lane.WRITES,
        summary="Take two months more, once, for a reason",
        body=ReasonRequest,
        limit=4 * KIB,
        path_types=_REQUEST,
        answer=RightsRequestAnswer,
        refusals=_GONE,
    ),
    Route(
        name="grantRequest",
        method="POST",
        path="/v1/rights/{request}/grant",
        handler=grant_request,
        auth=Auth.CREDENTIAL,
        roles=frozenset({Role.DPO}),
        lane=Lane.WRITES,
        summary="Ask that what this provider lists be erased; a second person approves",
        body=ReasonRequest,
        limit=4 * KIB,
        path_types=_REQUEST,
        answer=ActAnswer,
        refusals=_GONE,
    ),
    Route(
        name="closeRequest",
        method="POST",
        path="/v1/rights/{request}/close",
        handler=close_request,
        auth=Auth.CREDENTIAL,
        roles=_OFFICERS,
        lane=Lane.WRITES,
        summary="Close a request, with its outcome",
        body=CloseRequest,
        limit=4 * KIB,
        path_types=_REQUEST,
        answer=RightsRequestAnswer,
        refusals=_GONE,
    ),
)
