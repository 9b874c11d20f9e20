# SPDX-License-Identifier: Apache-2.0
"""The Schutzkonzept register over HTTP: its routes and their handlers."""

from typing import Final

from fedsafe_node.acts.register import (
    EntryRequest,
    PublicRegister,
    RegisterAnswer,
    ReviewRequest,
)
from fedsafe_node.api.auth import PERSONS, Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_policies.documents.register import ItemId
from fedsafe_policies.vocabulary import Role

_MINUTES: Final = 60
_ENTER: Final = frozenset({Role.ANALYST, Role.REVIEWER, Role.OPERATOR})
_REVIEW: Final = frozenset(
    {Role.REVIEWER, Role.OPERATOR, Role.YOUTH_PROTECTION_OFFICER, Role.DPO}
)


async def show(call: Call) -> object:
    """Show the register to staff."""
    return await call.services.registers.show()


async def public(call: Call) -> object:
    """Show the public part of the register."""
    return await call.services.registers.public()


async def enter(call: Call) -> object:
    """Enter how far the provider is with an item."""
    request = call.body(EntryRequest)
    return await call.services.registers.enter(
        call.path["item"], request, call.principal, once=call.once
    )


async def review(call: Call) -> object:
    """Confirm an entry as its second person."""
    request = call.body(ReviewRequest)
    return await call.services.registers.review(
        call.path["item"], request.entry, call.principal, once=call.once
    )


REGISTER_ROUTES: Final = (
    Route(
        name="showRegister",
        method="GET",
        path="/v1/register",
        handler=show,
        auth=Auth.HOUSE,
        roles=PERSONS,
        lane=Lane.READS,
        summary="Show the Schutzkonzept register, and what it lacks",
        answer=RegisterAnswer,
    ),
    Route(
        name="publicRegister",
        method="GET",
        path="/v1/register/public",
        handler=public,
        auth=Auth.OPEN,
        lane=Lane.HEALTH,
        summary="Show the public part of the register, without names",
        answer=PublicRegister,
        max_age=5 * _MINUTES,
    ),
    Route(
        name="enterItem",
        method="POST",
        path="/v1/register/{item}",
        handler=enter,
        auth=Auth.CREDENTIAL,
        roles=_ENTER,
        lane=Lane.WRITES,
        summary="Enter how far the provider is with an item",
        body=EntryRequest,
        limit=4 * KIB,
        path_types={"item": ItemId},
        answer=RegisterAnswer,
        idempotent=True,
    ),
    Route(
        name="reviewItem",
        method="POST",
        path="/v1/register/{item}/review",
        handler=review,
        auth=Auth.CREDENTIAL,
        roles=_REVIEW,
        fresh=True,
        lane=Lane.WRITES,
        summary="Confirm an entry as its second person",
        body=ReviewRequest,
        limit=4 * KIB,
        path_types={"item": ItemId},
        answer=RegisterAnswer,
        idempotent=True,
    ),
)
