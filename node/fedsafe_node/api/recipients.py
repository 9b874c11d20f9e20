# SPDX-License-Identifier: Apache-2.0
"""Who has received a signal, and what of this node each member has, over HTTP."""

from typing import Final

from fedsafe_node.acts.bodies import SignalId
from fedsafe_node.acts.recipients import RecipientsAnswer, SightingsAnswer
from fedsafe_node.acts.signal_reviews import HoldersAnswer
from fedsafe_node.api.auth import PERSONS, Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.queries import ReadQuery
from fedsafe_node.api.route import Lane, Route
from fedsafe_policies.vocabulary import Role

_READERS: Final = frozenset({Role.REVIEWER, Role.DPO, Role.AUDITOR})


async def show(call: Call) -> object:
    """Tell who has received a signal."""
    query = call.parameters(ReadQuery)
    return await call.services.recipients.show(
        call.path["id"], call.principal, query.purpose
    )


async def list_holders(call: Call) -> object:
    """Count by member which of this node's signals it has received."""
    query = call.parameters(ReadQuery)
    return await call.services.signals.holders(call.principal, query.purpose)


async def sightings(call: Call) -> object:
    """Tell what came of other members' signals."""
    query = call.parameters(ReadQuery)
    return await call.services.sightings.show(call.principal, query.purpose)


RECIPIENT_ROUTES: Final = (
    Route(
        name="listRecipients",
        method="GET",
        path="/v1/recipients",
        handler=list_holders,
        auth=Auth.CREDENTIAL,
        roles=_READERS,
        lane=Lane.READS,
        summary="Count by member which of this node's signals it has received",
        query=ReadQuery,
        answer=HoldersAnswer,
    ),
    Route(
        name="showRecipients",
        method="GET",
        path="/v1/signals/{id}/recipients",
        handler=show,
        auth=Auth.CREDENTIAL,
        roles=_READERS,
        lane=Lane.READS,
        summary="Tell who has received a signal, when, what for and on what basis",
        path_types={"id": SignalId},
        query=ReadQuery,
        answer=RecipientsAnswer,
    ),
    Route(
        name="showSightings",
        method="GET",
        path="/v1/sightings",
        handler=sightings,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.READS,
        summary="Tell what came of other members' signals here, in sums",
        query=ReadQuery,
        answer=SightingsAnswer,
    ),
)
