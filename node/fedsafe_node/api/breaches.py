# SPDX-License-Identifier: Apache-2.0
"""The register of breaches over HTTP."""

from typing import Final

from fedsafe_node.acts.breaches import (
    AssessBreach,
    BreachAnswer,
    BreachesAnswer,
    BreachId,
    CloseBreach,
    NotifyBreach,
    OpenBreach,
)
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_policies.vocabulary import Role

_BREACH: Final = {"breach": BreachId}
_KEEPERS: Final = frozenset(
    {Role.OPERATOR, Role.REVIEWER, Role.LEGAL_ADVISER, Role.DPO}
)
_READERS: Final = _KEEPERS | {Role.AUDITOR}
_GONE: Final = frozenset({404, 409})


async def open_breach(call: Call) -> object:
    """Open a breach."""
    return await call.services.breaches.open(
        call.body(OpenBreach), call.principal, once=call.once
    )


async def list_breaches(call: Call) -> object:
    """List all breaches."""
    return await call.services.breaches.list(call.principal)


async def show_breach(call: Call) -> object:
    """Tell how a breach stands."""
    return await call.services.breaches.show(call.path["breach"], call.principal)


async def assess_breach(call: Call) -> object:
    """Enter what is known of a breach."""
    return await call.services.breaches.assess(
        call.path["breach"], call.body(AssessBreach), call.principal, once=call.once
    )


async def notify_breach(call: Call) -> object:
    """Enter that somebody was told of a breach."""
    return await call.services.breaches.notify(
        call.path["breach"], call.body(NotifyBreach), call.principal, once=call.once
    )


async def close_breach(call: Call) -> object:
    """Close a breach, or ask for it."""
    return await call.services.breaches.close(
        call.path["breach"], call.body(CloseBreach), call.principal, once=call.once
    )


BREACH_ROUTES: Final = (
    Route(
        name="openBreach",
        method="POST",
        path="/v1/breaches",
        handler=open_breach,
        auth=Auth.CREDENTIAL,
        roles=_KEEPERS,
        lane=Lane.WRITES,
        summary="Open a breach; the 72 hours run from when somebody became aware",
        status=201,
        body=OpenBreach,
        limit=16 * KIB,
        answer=BreachAnswer,
        idempotent=True,
    ),
    Route(
        name="listBreaches",
        method="GET",
        path="/v1/breaches",
        handler=list_breaches,
        auth=Auth.CREDENTIAL,
        roles=_READERS,
        lane=Lane.READS,
        summary="List the register of breaches",
        answer=BreachesAnswer,
    ),
    Route(
        name="showBreach",
        method="GET",
        path="/v1/breaches/{breach}",
        handler=show_breach,
        auth=Auth.CREDENTIAL,
        roles=_READERS,
        lane=Lane.READS,
        summary="Tell how a breach stands, with its notes",
        path_types=_BREACH,
        answer=BreachAnswer,
    ),
    Route(
        name="assessBreach",
        method="POST",
        path="/v1/breaches/{breach}/assess",
        handler=assess_breach,
        auth=Auth.CREDENTIAL,
        roles=_KEEPERS,
        lane=Lane.WRITES,
        summary="Enter what is known of a breach now",
        body=AssessBreach,
        limit=16 * KIB,
        path_types=_BREACH,
        answer=BreachAnswer,
        idempotent=True,
        refusals=_GONE,
    ),
    Route(
        name="notifyBreach",
        method="POST",
        path="/v1/breaches/{breach}/notify",
        handler=notify_breach,
        auth=Auth.CREDENTIAL,
        roles=_KEEPERS,
        lane=Lane.WRITES,
        summary="Enter that authority, persons or members were told",
        body=NotifyBreach,
        limit=4 * KIB,
        path_types=_BREACH,
        answer=BreachAnswer,
        idempotent=True,
        refusals=_GONE,
    ),
    Route(
        name="closeBreach",
        method="POST",
        path="/v1/breaches/{breach}/close",
        handler=close_breach,
        auth=Auth.CREDENTIAL,
        roles=_KEEPERS,
        lane=Lane.WRITES,
        summary="Close a breach; without notification it waits for a second person",
        body=CloseBreach,
        limit=4 * KIB,
        path_types=_BREACH,
        answer=BreachAnswer,
        idempotent=True,
        refusals=_GONE,
    ),
)
