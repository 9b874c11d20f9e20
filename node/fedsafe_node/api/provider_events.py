# SPDX-License-Identifier: Apache-2.0
"""The events for the provider's back-end over HTTP: their routes and handlers."""

from typing import Final

from fedsafe_node.acts.provider_events import (
    EventNumber,
    EventReceipt,
    FollowQuery,
    ProviderEvents,
)
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import Lane, Route
from fedsafe_policies.vocabulary import Role

_ANY: Final = frozenset(Role)  # policy decides, and its refusals are audited
_DELIVERERS: Final = frozenset({Role.SERVICE, Role.REVIEWER, Role.LEGAL_ADVISER})


async def read(call: Call) -> object:
    """Give events from a cursor on."""
    query = call.parameters(FollowQuery)
    return await call.services.events.read(query, call.principal)


async def receipt(call: Call) -> object:
    """Take the receipt of an event."""
    return await call.services.events.receipt(int(call.path["number"]), call.principal)


EVENT_ROUTES: Final = (
    Route(
        name="readEvents",
        method="GET",
        path="/v1/events",
        handler=read,
        auth=Auth.HOUSE,
        roles=_ANY,
        scope="events",
        lane=Lane.EVENTS,
        summary="Read what happened since, from a cursor; wait for it if asked to",
        query=FollowQuery,
        answer=ProviderEvents,
    ),
    Route(
        name="receiptEvent",
        method="POST",
        path="/v1/events/{number}/receipt",
        handler=receipt,
        auth=Auth.HOUSE,
        roles=_DELIVERERS,
        scope="events",
        lane=Lane.WRITES,
        summary="Say that an event has reached its person; once is enough",
        path_types={"number": EventNumber},
        answer=EventReceipt,
        refusals=frozenset({409}),
    ),
)
