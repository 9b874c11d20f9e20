# SPDX-License-Identifier: Apache-2.0
"""Acts that take two people, over HTTP."""

from enum import StrEnum, unique
from typing import Final

from fedsafe_node.acts.bodies import Message
from fedsafe_node.acts.people import (
    ActAnswer,
    ActId,
    ActsAnswer,
    ApproveActRequest,
    RefuseActRequest,
)
from fedsafe_node.api.auth import PERSONS, Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_policies.rules.four_eyes import firsts_of
from fedsafe_policies.vocabulary import Act

_ACT: Final = {"act": ActId}
_PROPOSERS: Final = firsts_of(Act.POLICY_CHANGE)
_GONE: Final = frozenset({404, 409})


@unique
class ListedActs(StrEnum):
    """Which acts are listed: what waits, or what was refused of the reader's own."""

    PENDING = "pending"
    REFUSED = "refused"


class ActsQuery(Message, frozen=True):
    """Acts behind that one; of those that were refused, the newest."""

    after: ActId | None = None
    state: ListedActs = ListedActs.PENDING


async def list_acts(call: Call) -> object:
    """List the acts that wait for a second person, or what was refused lately."""
    query, approvals = call.parameters(ActsQuery), call.services.staff.approvals
    if query.state is ListedActs.REFUSED:
        return await approvals.refused(call.principal)
    return await approvals.pending(query.after)


async def refuse_act(call: Call) -> object:
    """Refuse an act, and say why."""
    return await call.services.staff.approvals.refuse(
        call.path["act"], call.body(RefuseActRequest), call.principal
    )


async def approve_act(call: Call) -> object:
    """Carry an act out as its second person."""
    digest = bytes.fromhex(call.body(ApproveActRequest).digest)
    return await call.services.staff.approvals.approve(
        call.path["act"], digest, call.principal
    )


async def withdraw_act(call: Call) -> object:
    """Take back an act that one has asked for."""
    return await call.services.staff.approvals.withdraw(
        call.path["act"], call.principal
    )


async def propose_policy(call: Call) -> object:
    """Propose the texts that node.toml names."""
    return await call.services.policies.propose(call.principal)


ACT_ROUTES: Final = (
    Route(
        name="proposePolicy",
        method="POST",
        path="/v1/policy/propose",
        handler=propose_policy,
        auth=Auth.CREDENTIAL,
        roles=_PROPOSERS,
        lane=Lane.WRITES,
        summary="Ask a second person for the policy and data that node.toml names",
        answer=ActAnswer,
        refusals=frozenset({409}),
    ),
    Route(
        name="listActs",
        method="GET",
        path="/v1/acts",
        handler=list_acts,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.READS,
        summary="List the acts that wait for a second person, or were refused",
        query=ActsQuery,
        answer=ActsAnswer,
        refusals=frozenset({404}),
    ),
    Route(
        name="approveAct",
        method="POST",
        path="/v1/acts/{act}/approve",
        handler=approve_act,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        fresh=True,
        lane=Lane.WRITES,
        summary="Carry an act out as its second person",
        body=ApproveActRequest,
        limit=4 * KIB,
        path_types=_ACT,
        answer=ActAnswer,
        refusals=_GONE,
    ),
    Route(
        name="refuseAct",
        method="POST",
        path="/v1/acts/{act}/refuse",
        handler=refuse_act,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        fresh=True,
        lane=Lane.WRITES,
        summary="Refuse an act as somebody who could approve it, and say why",
        body=RefuseActRequest,
        limit=4 * KIB,
        path_types=_ACT,
        answer=ActAnswer,
        refusals=_GONE,
    ),
    Route(
        name="withdrawAct",
        method="POST",
        path="/v1/acts/{act}/withdraw",
        handler=withdraw_act,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.WRITES,
        summary="Take an act back that waits for a second person",
        path_types=_ACT,
        answer=ActAnswer,
        refusals=_GONE,
    ),
)
