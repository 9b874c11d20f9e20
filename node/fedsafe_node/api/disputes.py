# SPDX-License-Identifier: Apache-2.0
"""Disputes and rulings over HTTP."""

from typing import Final, Literal

from fedsafe_federation.exchange.peer import DISPUTES_PATH
from fedsafe_federation.feed.restrictions import Forwarded
from fedsafe_node.acts.disputes import (
    DisputeAnswer,
    DisputeId,
    DisputesAnswer,
    DisputesTaken,
    NewDisputeRequest,
    RulingRequest,
)
from fedsafe_node.api.auth import PERSONS, Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.queries import ReadQuery
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_policies.vocabulary import Role

_DISPUTE: Final = {"dispute": DisputeId}
_OFFICERS: Final = frozenset({Role.REVIEWER, Role.LEGAL_ADVISER, Role.DPO})
_RULERS: Final = frozenset({Role.REVIEWER, Role.LEGAL_ADVISER})


class DisputesQuery(ReadQuery, frozen=True):
    """Which disputes are listed: those that wait, or those that were ruled on."""

    state: Literal["open", "ruled"] = "open"
    after: DisputeId | None = None


async def open_dispute(call: Call) -> object:
    """Dispute a signal of this node or of another."""
    return await call.services.disputes.open(
        call.body(NewDisputeRequest), call.principal, once=call.once
    )


async def list_disputes(call: Call) -> object:
    """List disputes."""
    query = call.parameters(DisputesQuery)
    return await call.services.disputes.list(
        call.principal,
        query.purpose,
        ruled=query.state == "ruled",
        after=query.after,
    )


async def show_dispute(call: Call) -> object:
    """Show a dispute."""
    purpose = call.parameters(ReadQuery).purpose
    return await call.services.disputes.show(
        call.path["dispute"], call.principal, purpose
    )


async def rule_dispute(call: Call) -> object:
    """Rule on a dispute of an own signal."""
    return await call.services.disputes.rule(
        call.path["dispute"],
        call.body(RulingRequest),
        call.principal,
        once=call.once,
    )


async def forward_disputes(call: Call) -> object:
    """Take disputes that a member hands on."""
    return await call.services.forwarding.take(call.body(Forwarded), call.member)


DISPUTE_ROUTES: Final = (
    Route(
        name="openDispute",
        method="POST",
        path="/v1/disputes",
        handler=open_dispute,
        auth=Auth.CREDENTIAL,
        roles=_OFFICERS,
        lane=Lane.WRITES,
        summary="Dispute a signal; it rests until its origin has ruled",
        status=201,
        body=NewDisputeRequest,
        limit=4 * KIB,
        answer=DisputeAnswer,
        idempotent=True,
        refusals=frozenset({404}),
    ),
    Route(
        name="listDisputes",
        method="GET",
        path="/v1/disputes",
        handler=list_disputes,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.READS,
        summary="List disputes: those that rest a signal, by when they are due",
        query=DisputesQuery,
        answer=DisputesAnswer,
    ),
    Route(
        name="showDispute",
        method="GET",
        path="/v1/disputes/{dispute}",
        handler=show_dispute,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.READS,
        summary="Show a dispute and how it ended",
        query=ReadQuery,
        path_types=_DISPUTE,
        answer=DisputeAnswer,
    ),
    Route(
        name="ruleDispute",
        method="POST",
        path="/v1/disputes/{dispute}/ruling",
        handler=rule_dispute,
        auth=Auth.CREDENTIAL,
        roles=_RULERS,
        fresh=True,
        lane=Lane.WRITES,
        summary="Rule on a dispute of an own signal, as who decided nothing before",
        body=RulingRequest,
        limit=4 * KIB,
        path_types=_DISPUTE,
        answer=DisputeAnswer,
        idempotent=True,
    ),
    Route(
        name="forwardDisputes",
        method="POST",
        path=DISPUTES_PATH,
        handler=forward_disputes,
        auth=Auth.PEER,
        lane=Lane.PEERS,
        handshake=True,
        summary="Take disputes of third members that their feeds do not show",
        body=Forwarded,
        limit=64 * KIB,
        answer=DisputesTaken,
    ),
)
