# SPDX-License-Identifier: Apache-2.0
"""Appeals against rulings of origins, over HTTP."""

from typing import Final, Literal

from fedsafe_node.acts.appeals import (
    AppealAnswer,
    AppealId,
    AppealRulingRequest,
    AppealsAnswer,
    NewAppealRequest,
)
from fedsafe_node.acts.disputes import DisputeId
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.api.auth import PERSONS, Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.queries import ReadQuery
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_policies.rules.four_eyes import firsts_of
from fedsafe_policies.vocabulary import Act, Role

_APPEAL: Final = {"appeal": AppealId}
_OFFICERS: Final = frozenset({Role.REVIEWER, Role.LEGAL_ADVISER, Role.DPO})
_GONE: Final = frozenset({404, 409})


class AppealsQuery(ReadQuery, frozen=True):
    """Which appeals are listed: those that wait, or those that were ruled on."""

    state: Literal["open", "ruled"] = "open"
    after: AppealId | None = None


async def file_appeal(call: Call) -> object:
    """Appeal against the origin's ruling on a dispute."""
    return await call.services.appeals.file(
        call.path["dispute"],
        call.body(NewAppealRequest),
        call.principal,
        once=call.once,
    )


async def list_appeals(call: Call) -> object:
    """List appeals."""
    query = call.parameters(AppealsQuery)
    return await call.services.appeals.list(
        call.principal,
        query.purpose,
        ruled=query.state == "ruled",
        after=query.after,
    )


async def show_appeal(call: Call) -> object:
    """Show an appeal."""
    purpose = call.parameters(ReadQuery).purpose
    return await call.services.appeals.show(
        call.path["appeal"], call.principal, purpose
    )


async def rule_appeal(call: Call) -> object:
    """Ask that an appeal be ruled on so."""
    return await call.services.appeals.rule(
        call.path["appeal"], call.body(AppealRulingRequest), call.principal
    )


APPEAL_ROUTES: Final = (
    Route(
        name="fileAppeal",
        method="POST",
        path="/v1/disputes/{dispute}/appeal",
        handler=file_appeal,
        auth=Auth.CREDENTIAL,
        roles=_OFFICERS,
        lane=Lane.WRITES,
        summary="Appeal against the origin's ruling that let a disputed signal stand",
        status=201,
        body=NewAppealRequest,
        limit=4 * KIB,
        path_types={"dispute": DisputeId},
        answer=AppealAnswer,
        idempotent=True,
        refusals=_GONE,
    ),
    Route(
        name="listAppeals",
        method="GET",
        path="/v1/appeals",
        handler=list_appeals,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.READS,
        summary="List appeals, by when they are due",
        query=AppealsQuery,
        answer=AppealsAnswer,
        refusals=frozenset({404}),
    ),
    Route(
        name="showAppeal",
        method="GET",
        path="/v1/appeals/{appeal}",
        handler=show_appeal,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.READS,
        summary="Show an appeal, who hears it and how it ended",
        query=ReadQuery,
        path_types=_APPEAL,
        answer=AppealAnswer,
        refusals=frozenset({404}),
    ),
    Route(
        name="ruleAppeal",
        method="POST",
        path="/v1/appeals/{appeal}/ruling",
        handler=rule_appeal,
        auth=Auth.CREDENTIAL,
        roles=firsts_of(Act.APPEAL_RULING),
        lane=Lane.WRITES,
        summary="Ask a second person for a ruling on an appeal that this node hears",
        body=AppealRulingRequest,
        limit=4 * KIB,
        path_types=_APPEAL,
        answer=ActAnswer,
        refusals=_GONE,
    ),
)
