# SPDX-License-Identifier: Apache-2.0
"""The register of orders over HTTP; no route that an authority could reach."""

from typing import Final

from fedsafe_node.acts.orders import (
    AddOrder,
    AnswerOrder,
    NoteOrder,
    OrderAnswer,
    OrderId,
    OrderReceipt,
    OrdersAnswer,
    OrdersQuery,
)
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_policies.escalation.orders import ANSWERERS, ENTERERS
from fedsafe_policies.vocabulary import Role

_ORDER: Final = {"order": OrderId}
_READERS: Final = ENTERERS | {Role.DPO}
_GONE: Final = frozenset({404, 409})


async def add_order(call: Call) -> object:
    """Enter an order."""
    return await call.services.orders.add(
        call.body(AddOrder), call.principal, once=call.once
    )


async def list_orders(call: Call) -> object:
    """List all orders."""
    purpose = call.parameters(OrdersQuery).purpose
    return await call.services.orders.list(call.principal, purpose)


async def show_order(call: Call) -> object:
    """Show an order."""
    purpose = call.parameters(OrdersQuery).purpose
    return await call.services.orders.show(call.path["order"], call.principal, purpose)


async def note_order(call: Call) -> object:
    """Note that an order was acknowledged or confirmed, or its deadline moved."""
    return await call.services.orders.note(
        call.path["order"], call.body(NoteOrder), call.principal, once=call.once
    )


async def answer_order(call: Call) -> object:
    """Answer an order."""
    return await call.services.orders.answer(
        call.path["order"], call.body(AnswerOrder), call.principal, once=call.once
    )


ORDER_ROUTES: Final = (
    Route(
        name="addOrder",
        method="POST",
        path="/v1/orders",
        handler=add_order,
        auth=Auth.CREDENTIAL,
        roles=ENTERERS,
        lane=Lane.WRITES,
        summary="Enter an order or a letter of an authority",
        status=201,
        body=AddOrder,
        limit=32 * KIB,
        answer=OrderReceipt,
        idempotent=True,
        refusals=_GONE,
    ),
    Route(
        name="listOrders",
        method="GET",
        path="/v1/orders",
        handler=list_orders,
        auth=Auth.CREDENTIAL,
        roles=_READERS,
        lane=Lane.READS,
        summary="List all orders, first what is due first",
        query=OrdersQuery,
        answer=OrdersAnswer,
    ),
    Route(
        name="showOrder",
        method="GET",
        path="/v1/orders/{order}",
        handler=show_order,
        auth=Auth.CREDENTIAL,
        roles=_READERS,
        lane=Lane.READS,
        summary="Show an order with all that it says",
        path_types=_ORDER,
        query=OrdersQuery,
        answer=OrderAnswer,
        refusals=_GONE,
    ),
    Route(
        name="noteOrder",
        method="POST",
        path="/v1/orders/{order}/note",
        handler=note_order,
        auth=Auth.CREDENTIAL,
        roles=ENTERERS,
        lane=Lane.WRITES,
        summary="Note that an order was acknowledged, confirmed, or its time moved",
        body=NoteOrder,
        limit=4 * KIB,
        path_types=_ORDER,
        answer=OrderReceipt,
        idempotent=True,
        refusals=_GONE,
    ),
    Route(
        name="answerOrder",
        method="POST",
        path="/v1/orders/{order}/answer",
        handler=answer_order,
        auth=Auth.CREDENTIAL,
        roles=ANSWERERS,
        fresh=True,
        lane=Lane.WRITES,
        summary="Answer an order, or refuse it with its grounds",
        body=AnswerOrder,
        limit=4 * KIB,
        path_types=_ORDER,
        answer=OrderReceipt,
        idempotent=True,
        refusals=_GONE,
    ),
)
