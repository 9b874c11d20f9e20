# SPDX-License-Identifier: Apache-2.0
"""Reviews of published signals, over HTTP."""

from typing import Final

from fedsafe_node.acts.bodies import SignalId
from fedsafe_node.acts.signal_reviews import (
    EndingAnswer,
    KeptAnswer,
    SampleAnswer,
    SampledSignal,
    SampleQuery,
    SampleRequest,
)
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.queries import ReadQuery
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_policies.vocabulary import Role

_REVIEWERS: Final = frozenset({Role.REVIEWER})
_CASE: Final = _REVIEWERS | {Role.ANALYST}


async def list_ending(call: Call) -> object:
    """List the signals that end with their key epoch."""
    purpose = call.parameters(ReadQuery).purpose
    return await call.services.validations.ending(call.principal, purpose)


async def keep_signal(call: Call) -> object:
    """Let a signal live on after a review."""
    return await call.services.validations.keep(
        call.path["id"], call.principal, once=call.once
    )


async def list_sample(call: Call) -> object:
    """List what was drawn of the own signals."""
    query = call.parameters(SampleQuery)
    return await call.services.validations.sample(query, call.principal)


async def review_sampled(call: Call) -> object:
    """Enter what was found of a signal that was drawn."""
    request = call.body(SampleRequest)
    return await call.services.validations.look(
        call.path["id"], request, call.principal
    )


VALIDATION_ROUTES: Final = (
    Route(
        name="listSample",
        method="GET",
        path="/v1/signals/sample",
        handler=list_sample,
        auth=Auth.CREDENTIAL,
        roles=_CASE,
        lane=Lane.READS,
        summary="List the own signals that were drawn to be looked at again",
        query=SampleQuery,
        answer=SampleAnswer,
    ),
    Route(
        name="reviewSampled",
        method="POST",
        path="/v1/signals/{id}/sample",
        handler=review_sampled,
        auth=Auth.CREDENTIAL,
        roles=_REVIEWERS,
        fresh=True,
        lane=Lane.WRITES,
        summary="Say what you found of a signal that was drawn; wrong revokes it",
        body=SampleRequest,
        limit=4 * KIB,
        path_types={"id": SignalId},
        answer=SampledSignal,
        refusals=frozenset({404, 409}),
    ),
    Route(
        name="listEnding",
        method="GET",
        path="/v1/signals/ending",
        handler=list_ending,
        auth=Auth.CREDENTIAL,
        roles=_CASE,
        lane=Lane.READS,
        summary="List the signals that end with their key epoch unless published anew",
        query=ReadQuery,
        answer=EndingAnswer,
    ),
    Route(
        name="keepSignal",
        method="POST",
        path="/v1/signals/{id}/keep",
        handler=keep_signal,
        auth=Auth.CREDENTIAL,
        roles=_REVIEWERS,
        fresh=True,
        lane=Lane.WRITES,
        summary="Let a signal about a file live on after a review, as another person",
        path_types={"id": SignalId},
        answer=KeptAnswer,
        idempotent=True,
    ),
)
