# SPDX-License-Identifier: Apache-2.0
"""Evidence that members have forked their logs, over HTTP."""

from typing import Final

from fedsafe_federation.exchange.peer import FORK_PATH
from fedsafe_federation.feed.forks import MAX_EVIDENCE, ForkEvidence
from fedsafe_node.acts.forks import ForksAnswer, ForkTaken, LiftRequest
from fedsafe_node.api.auth import PERSONS, Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_policies.vocabulary import Role


async def list_forks(call: Call) -> object:
    """List the evidence that is kept."""
    return await call.services.forks.kept()


async def give_fork(call: Call) -> object:
    """Take evidence from a person."""
    return await call.services.forks.take(
        call.body(ForkEvidence), by=call.principal.name
    )


async def tell_fork(call: Call) -> object:
    """Take evidence from a member."""
    return await call.services.forks.take(call.body(ForkEvidence), by=call.member)


async def lift_fork(call: Call) -> object:
    """Let a member's signals match again."""
    return await call.services.forks.lift(call.body(LiftRequest), call.principal)


FORK_ROUTES: Final = (
    Route(
        name="listForks",
        method="GET",
        path="/v1/forks",
        handler=list_forks,
        auth=Auth.HOUSE,
        roles=PERSONS,
        lane=Lane.READS,
        summary="List the evidence that members have forked their logs",
        answer=ForksAnswer,
    ),
    Route(
        name="giveFork",
        method="POST",
        path="/v1/forks",
        handler=give_fork,
        auth=Auth.HOUSE,
        roles=PERSONS,
        lane=Lane.WRITES,
        summary="Take evidence of a fork, suspend that member's matching, hand it on",
        body=ForkEvidence,
        limit=MAX_EVIDENCE,
        answer=ForkTaken,
    ),
    Route(
        name="tellFork",
        method="POST",
        path=FORK_PATH,
        handler=tell_fork,
        auth=Auth.PEER,
        lane=Lane.PEERS,
        summary="Take evidence of a fork from a member",
        body=ForkEvidence,
        limit=MAX_EVIDENCE,
        answer=ForkTaken,
    ),
    Route(
        name="liftFork",
        method="POST",
        path="/v1/forks/lift",
        handler=lift_fork,
        auth=Auth.CREDENTIAL,
        roles=frozenset({Role.OPERATOR, Role.DPO}),
        lane=Lane.WRITES,
        summary="Excuse one contradiction: that member's signals match again",
        fresh=True,
        body=LiftRequest,
        limit=4 * KIB,
        answer=ForksAnswer,
        refusals=frozenset({404}),
    ),
)
