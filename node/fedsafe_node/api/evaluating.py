# SPDX-License-Identifier: Apache-2.0
"""Evaluations for other members, and what was counted of them, over HTTP."""

from typing import Final

from fedsafe_federation.wire.signed import Signed
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.queries import TallyQuery
from fedsafe_node.api.route import KIB, Lane, Route


async def evaluate(call: Call) -> object:
    """Evaluate blinded elements for a member."""
    return await call.services.peering.evaluate(call.body(Signed))


async def tally(call: Call) -> object:
    """Give what was counted with the member on a day."""
    day = call.parameters(TallyQuery).day
    return await call.services.peering.tally(day, call.member)


EVALUATION_ROUTES: Final = (
    Route(
        name="evaluate",
        method="POST",
        path="/v1/evaluate",
        handler=evaluate,
        auth=Auth.STATEMENT,
        lane=Lane.EVALUATIONS,
        handshake=True,
        summary="Evaluate a member's blinded elements",
        body=Signed,
        limit=128 * KIB,
        answer=Signed,
    ),
    Route(
        name="tally",
        method="GET",
        path="/v1/evaluate/tally",
        handler=tally,
        auth=Auth.PEER,
        lane=Lane.PEERS,
        summary="Give the signed counts of a day's evaluations with the member",
        query=TallyQuery,
        answer=Signed,
        refusals=frozenset({404, 409}),
    ),
)
