# SPDX-License-Identifier: Apache-2.0
"""Trials over HTTP: their routes and handlers."""

from typing import Final

from fedsafe_node.acts.trials import (
    TrialId,
    TrialRequest,
    TrialsAnswer,
    TrialShown,
    TrialsQuery,
)
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_node.api.tasks import READ
from fedsafe_policies.rules.trials import RULERS

_TRIAL: Final = {"trial": TrialId}
_GONE: Final = frozenset({404, 409})


async def list_trials(call: Call) -> object:
    """List trials."""
    query = call.parameters(TrialsQuery)
    return await call.services.trials.list(query, call.principal)


async def prolong_trial(call: Call) -> object:
    """Let a trial last longer."""
    request = call.body(TrialRequest)
    return await call.services.trials.prolong(
        call.path["trial"], request, call.principal
    )


async def end_trial(call: Call) -> object:
    """End a trial that is over."""
    request = call.body(TrialRequest)
    return await call.services.trials.end(call.path["trial"], request, call.principal)


TRIAL_ROUTES: Final = (
    Route(
        name="listTrials",
        method="GET",
        path="/v1/trials",
        handler=list_trials,
        auth=Auth.CREDENTIAL,
        roles=READ,
        lane=Lane.READS,
        summary="List whose signals have no effect here yet, with what came of them",
        query=TrialsQuery,
        answer=TrialsAnswer,
    ),
    Route(
        name="prolongTrial",
        method="POST",
        path="/v1/trials/{trial}/prolong",
        handler=prolong_trial,
        auth=Auth.CREDENTIAL,
        roles=RULERS,
        lane=Lane.WRITES,
        summary="Let a trial last as long again, once",
        body=TrialRequest,
        limit=4 * KIB,
        path_types=_TRIAL,
        answer=TrialShown,
        refusals=_GONE,
    ),
    Route(
        name="endTrial",
        method="POST",
        path="/v1/trials/{trial}/end",
        handler=end_trial,
        auth=Auth.CREDENTIAL,
        roles=RULERS,
        lane=Lane.WRITES,
        summary="End a trial that is over and does not end by itself",
        body=TrialRequest,
        limit=4 * KIB,
        path_types=_TRIAL,
        answer=TrialShown,
        refusals=_GONE,
    ),
)
