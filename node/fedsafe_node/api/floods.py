# SPDX-License-Identifier: Apache-2.0
"""Match floods over HTTP: their routes and handlers."""

from typing import Final

from fedsafe_node.acts.bodies import FloodId
from fedsafe_node.acts.floods import (
    BoundRequest,
    FloodAnswer,
    FloodQuery,
    FloodRulingRequest,
    FloodsAnswer,
    FloodShown,
    FloodsQuery,
)
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_node.api.tasks import READ
from fedsafe_policies.rules.floods import RULERS

_FLOOD: Final = {"flood": FloodId}
_GONE: Final = frozenset({404, 409})


async def list_floods(call: Call) -> object:
    """List floods."""
    query = call.parameters(FloodsQuery)
    return await call.services.floods.list(query, call.principal)


async def show_flood(call: Call) -> object:
    """Show a flood."""
    query = call.parameters(FloodQuery)
    return await call.services.floods.show(call.path["flood"], query, call.principal)


async def rule_flood(call: Call) -> object:
    """Rule on a flood."""
    request = call.body(FloodRulingRequest)
    return await call.services.floods.rule(call.path["flood"], request, call.principal)


async def raise_bound(call: Call) -> object:
    """Ask a second person to raise a bound."""
    return await call.services.floods.raise_bound(
        call.path["flood"], call.body(BoundRequest), call.principal
    )


FLOOD_ROUTES: Final = (
    Route(
        name="listFloods",
        method="GET",
        path="/v1/floods",
        handler=list_floods,
        auth=Auth.CREDENTIAL,
        roles=READ,
        lane=Lane.READS,
        summary="List the signals that have matched too many",
        query=FloodsQuery,
        answer=FloodsAnswer,
    ),
    Route(
        name="showFlood",
        method="GET",
        path="/v1/floods/{flood}",
        handler=show_flood,
        auth=Auth.CREDENTIAL,
        roles=READ,
        lane=Lane.READS,
        summary="Show a match flood with its references, page by page",
        query=FloodQuery,
        path_types=_FLOOD,
        answer=FloodAnswer,
    ),
    Route(
        name="ruleFlood",
        method="POST",
        path="/v1/floods/{flood}/ruling",
        handler=rule_flood,
        auth=Auth.CREDENTIAL,
        roles=RULERS,
        lane=Lane.WRITES,
        summary="Rule that the signal of a flood stands, or rests at this node",
        body=FloodRulingRequest,
        limit=4 * KIB,
        path_types=_FLOOD,
        answer=FloodShown,
        refusals=_GONE,
    ),
    Route(
        name="raiseBound",
        method="POST",
        path="/v1/floods/{flood}/bound",
        handler=raise_bound,
        auth=Auth.CREDENTIAL,
        roles=RULERS,
        lane=Lane.WRITES,
        summary="Ask a second person to raise a signal's bound for seven days",
        body=BoundRequest,
        limit=4 * KIB,
        path_types=_FLOOD,
        answer=ActAnswer,
        refusals=_GONE,
    ),
)
