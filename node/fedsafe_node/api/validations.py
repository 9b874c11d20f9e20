# SPDX-License-Identifier: Apache-2.0
"""Reviews of published signals, over HTTP."""

from typing import Final

from fedsafe_node.api.auth import Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.queries import ReadQuery
from fedsafe_node.api.route import Lane, Route
from fedsafe_node.messages import SignalId
from fedsafe_node.signals.messages import DueAnswer, EndingAnswer, KeptAnswer
from fedsafe_policies.vocabulary import Role

_REVIEWERS: Final = frozenset({Role.REVIEWER})
_CASE: Final = _REVIEWERS | {Role.ANALYST}


async def list_due(call: Call) -> object:
    """List the signals whose review is due."""
    purpose = call.parameters(ReadQuery).purpose
    return await call.services.validations.due(call.principal, purpose)


async def list_ending(call: Call) -> object:
    """List the signals that end with their key epoch."""
    purpose = call.parameters(ReadQuery).purpose
    return await call.services.validations.ending(call.principal, purpose)


async def keep_signal(call: Call) -> object:
    """Let a signal live on after a review."""
    return await call.services.validations.keep(
        call.path["id"], call.principal, once=call.once
    )


VALIDATION_ROUTES: Final = (
    Route(
        name="listDue",
        method="GET",
        path="/v1/signals/due",
        handler=list_due,
        auth=Auth.CREDENTIAL,
        roles=_CASE,
        lane=Lane.READS,
        summary="List the signals about files whose review is due",
        query=ReadQuery,
        answer=DueAnswer,
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
