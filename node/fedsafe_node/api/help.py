# SPDX-License-Identifier: Apache-2.0
"""The help directory over HTTP: for anybody, as JSON and as a fragment of HTML."""

from typing import Final

from fedsafe_node.acts.help import HelpAnswer, HelpQuery, ReplyAnswer, ReplyQuery
from fedsafe_node.api.auth import PERSONS, Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import HTML, Lane, Route
from fedsafe_policies.vocabulary import Role


async def offers(call: Call) -> object:
    """Show offers of help."""
    return call.services.help.offers(call.parameters(HelpQuery))


async def fragment(call: Call) -> object:
    """Show them as a fragment of HTML."""
    return call.services.help.fragment(call.parameters(HelpQuery))


async def reply(call: Call) -> object:
    """Give the reply to an affected minor."""
    return call.services.help.reply(call.parameters(ReplyQuery).lang)


HELP_ROUTES: Final = (
    Route(
        name="helpOffers",
        method="GET",
        path="/v1/help/offers",
        handler=offers,
        auth=Auth.OPEN,
        lane=Lane.PUBLIC,
        summary="Show offers of help, chat first for minors",
        query=HelpQuery,
        answer=HelpAnswer,
    ),
    Route(
        name="helpFragment",
        method="GET",
        path="/v1/help/offers.html",
        handler=fragment,
        auth=Auth.OPEN,
        lane=Lane.PUBLIC,
        summary="Show offers of help as a fragment of HTML for a page",
        query=HelpQuery,
        media=HTML,
    ),
    Route(
        name="helpReply",
        method="GET",
        path="/v1/help/reply",
        handler=reply,
        auth=Auth.CREDENTIAL,
        roles=PERSONS | {Role.SERVICE},
        lane=Lane.READS,
        summary="Give the reply to an affected minor, once its words are approved",
        query=ReplyQuery,
        answer=ReplyAnswer,
        refusals=frozenset({409}),
    ),
)
