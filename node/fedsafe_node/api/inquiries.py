# SPDX-License-Identifier: Apache-2.0
"""Inquiries about listings, and sums of how reviews ended, over HTTP."""

from typing import Final

from fedsafe_federation.wire.signed import Signed
from fedsafe_node.acts.bodies import SignalId
from fedsafe_node.acts.inquiries import (
    InquiryRulingRequest,
    ListingInquiriesAnswer,
    ListingInquiriesQuery,
    ListingInquiryShown,
    SentInquiriesAnswer,
    SentInquiriesQuery,
)
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.queries import ReadQuery
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_node.api.tasks import READ
from fedsafe_policies.vocabulary import Role

_SIGNAL: Final = {"id": SignalId}
_RULERS: Final = frozenset({Role.REVIEWER, Role.LEGAL_ADVISER})


async def list_inquiries(call: Call) -> object:
    """List what members ask about this node's signals."""
    query = call.parameters(ListingInquiriesQuery)
    return await call.services.inquiries.list(query, call.principal)


async def show_inquiry(call: Call) -> object:
    """Show what members ask about a signal."""
    purpose = call.parameters(ReadQuery).purpose
    return await call.services.inquiries.show(call.path["id"], call.principal, purpose)


async def rule_inquiry(call: Call) -> object:
    """Keep a signal after a review, or revoke it."""
    return await call.services.inquiries.rule(
        call.path["id"],
        call.body(InquiryRulingRequest),
        call.principal,
        once=call.once,
    )


async def list_sent(call: Call) -> object:
    """List what this node asks about others' signals."""
    query = call.parameters(SentInquiriesQuery)
    return await call.services.inquiries.sent(query, call.principal)


async def take_inquiry(call: Call) -> object:
    """Take a member's inquiry about a listing."""
    return await call.services.inquiry_taker.take(call.body(Signed), call.member)


async def tell_sightings(call: Call) -> object:
    """Tell a member in sums how reviews of its signals ended."""
    return await call.services.sightings_exchange.tell(call.member)


INQUIRY_ROUTES: Final = (
    Route(
        name="listListingInquiries",
        method="GET",
        path="/v1/listing-inquiries",
        handler=list_inquiries,
        auth=Auth.CREDENTIAL,
        roles=READ,
        lane=Lane.READS,
        summary="List the signals of this node that members ask to have reviewed",
        query=ListingInquiriesQuery,
        answer=ListingInquiriesAnswer,
    ),
    Route(
        name="showListingInquiry",
        method="GET",
        path="/v1/listing-inquiries/{id}",
        handler=show_inquiry,
        auth=Auth.CREDENTIAL,
        roles=READ,
        lane=Lane.READS,
        summary="Show which members ask about a signal, and how its review ended",
        path_types=_SIGNAL,
        query=ReadQuery,
        answer=ListingInquiryShown,
        refusals=frozenset({404}),
    ),
    Route(
        name="ruleListingInquiry",
        method="POST",
        path="/v1/listing-inquiries/{id}/ruling",
        handler=rule_inquiry,
        auth=Auth.CREDENTIAL,
        roles=_RULERS,
        lane=Lane.WRITES,
        summary="Keep a signal after a review, or revoke it",
        body=InquiryRulingRequest,
        limit=4 * KIB,
        path_types=_SIGNAL,
        answer=ListingInquiryShown,
        refusals=frozenset({404, 409}),
    ),
    Route(
        name="listSentInquiries",
        method="GET",
        path="/v1/sent-inquiries",
        handler=list_sent,
        auth=Auth.CREDENTIAL,
        roles=READ,
        lane=Lane.READS,
        summary="List this node's inquiries about others' signals, and the outcomes",
        query=SentInquiriesQuery,
        answer=SentInquiriesAnswer,
    ),
    Route(
        name="inquire",
        method="POST",
        path="/v1/feed/inquiry",
        handler=take_inquiry,
        auth=Auth.PEER,
        lane=Lane.PEERS,
        handshake=True,
        summary="Take a member's inquiry about a listing; tell where its review stands",
        body=Signed,
        limit=16 * KIB,
        answer=Signed,
        refusals=frozenset({404, 409, 429}),
    ),
    Route(
        name="tellSightings",
        method="GET",
        path="/v1/feed/sightings",
        handler=tell_sightings,
        auth=Auth.PEER,
        lane=Lane.PEERS,
        handshake=True,
        summary="Tell a member in sums how reviews of its signals ended here",
        answer=Signed,
        refusals=frozenset({409}),
    ),
)
