# SPDX-License-Identifier: Apache-2.0
"""Handlers for the other members of the federation, and the routes of evaluations."""

from typing import Final

from fedsafe_federation.feed.batch import FeedRequest
from fedsafe_federation.wire.bulk import MAGIC, wants_bulk
from fedsafe_federation.wire.bulk import MEDIA_TYPE as BULK
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.acts.bodies import Poke
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.queries import FeedQuery, TallyQuery
from fedsafe_node.api.responses import Verbatim
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_node.ground.errors import NotFoundError
from fedsafe_policies.ground.catalogue import Phrase

_OK: Final = 200


async def feed(call: Call) -> object:
    """Give a batch of the feed."""
    query = call.parameters(FeedQuery)
    request = FeedRequest(
        origin=call.path["origin"],
        since=query.since,
        known=query.known,
        restrictions=query.restrictions,
        limit=query.limit,
        bulk=wants_bulk(call.accepts),
    )
    data = await call.services.peering.feed(request, call.member)
    return Verbatim(_OK, data, BULK) if data.startswith(MAGIC) else data


async def poke(call: Call) -> object:
    """Wake the replication of a member's feed."""
    await call.services.peering.poked(call.body(Poke), call.member)
    return b""


async def receipt(call: Call) -> object:
    """Take a member's erasure receipt."""
    await call.services.receipts.take(call.body(Signed))
    return b""


async def attestation(call: Call) -> object:
    """Give the attestation of the node's gate."""
    return await call.services.peering.attestation()


async def card(call: Call) -> object:
    """Give the node's card."""
    return await call.services.foundings.card()


async def founding(call: Call) -> object:
    """Take part in the founding ceremony."""
    messages: list[Signed] = call.body(list)
    return await call.services.foundings.step(messages, local=call.local)


async def charter(call: Call) -> object:
    """Give the charter."""
    document = await call.services.foundings.charter()
    if document is None:
        raise NotFoundError(Phrase("no such charter yet"))
    return document


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
