# SPDX-License-Identifier: Apache-2.0
"""Partners of the case plane over HTTP; no route of the signal plane."""

from typing import Final

from fedsafe_node.acts.partners import (
    EnterPartner,
    PartnerReceipt,
    PartnersAnswer,
    TestPackage,
    VerifyPartner,
)
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_policies.escalation.partners import KEEPERS, VERIFIERS, PartnerId
from fedsafe_policies.escalation.projection import VIEWERS

_PARTNER: Final = {"partner": PartnerId}


async def list_partners(call: Call) -> object:
    """List the partners."""
    return await call.services.partners.list(call.principal)


async def enter_partner(call: Call) -> object:
    """Enter a partner, or change one."""
    return await call.services.partners.enter(call.body(EnterPartner), call.principal)


async def verify_partner(call: Call) -> object:
    """Let an entry count."""
    return await call.services.partners.verify(
        call.path["partner"], call.body(VerifyPartner), call.principal
    )


async def test_partner(call: Call) -> object:
    """Seal a test for a partner."""
    return await call.services.partners.test(call.path["partner"], call.principal)


PARTNER_ROUTES: Final = (
    Route(
        name="listPartners",
        method="GET",
        path="/v1/partners",
        handler=list_partners,
        auth=Auth.CREDENTIAL,
        roles=VIEWERS,
        lane=Lane.READS,
        summary="List the provider's partners, and the offices of the landscape",
        answer=PartnersAnswer,
    ),
    Route(
        name="enterPartner",
        method="POST",
        path="/v1/partners",
        handler=enter_partner,
        auth=Auth.CREDENTIAL,
        roles=KEEPERS,
        fresh=True,
        lane=Lane.WRITES,
        summary="Enter a partner, or change one; it is verified anew then",
        body=EnterPartner,
        limit=96 * KIB,
        answer=PartnerReceipt,
        refusals=frozenset({409}),
    ),
    Route(
        name="verifyPartner",
        method="POST",
        path="/v1/partners/{partner}/verify",
        handler=verify_partner,
        auth=Auth.CREDENTIAL,
        roles=VERIFIERS,
        fresh=True,
        lane=Lane.WRITES,
        summary="Let a partner count that somebody else has entered",
        body=VerifyPartner,
        limit=4 * KIB,
        path_types=_PARTNER,
        answer=PartnerReceipt,
        refusals=frozenset({404, 409}),
    ),
    Route(
        name="testPartner",
        method="POST",
        path="/v1/partners/{partner}/test",
        handler=test_partner,
        auth=Auth.CREDENTIAL,
        roles=KEEPERS,
        lane=Lane.WRITES,
        summary="Seal a package about nobody for a partner of the mark test",
        path_types=_PARTNER,
        answer=TestPackage,
        refusals=frozenset({404, 409}),
    ),
)
