# SPDX-License-Identifier: Apache-2.0
"""Notices to persons over HTTP: their routes and handlers."""

from typing import Final

from fedsafe_node.acts.notices import (
    NoticeAbout,
    NoticesAnswer,
    SignOffRequest,
    TextName,
    TextsAnswer,
    WithheldAnswer,
    WithholdRequest,
)
from fedsafe_node.api.auth import PERSONS, Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.queries import ReadQuery
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_policies.vocabulary import Role

_SIGNERS: Final = frozenset({Role.DPO, Role.LEGAL_ADVISER})
_WITHHOLDERS: Final = frozenset({Role.REVIEWER, Role.LEGAL_ADVISER, Role.DPO})


async def show(call: Call) -> object:
    """List the notices that wait or are on their way."""
    query = call.parameters(ReadQuery)
    return await call.services.notices.show(call.principal, query.purpose)


async def texts(call: Call) -> object:
    """Show the texts."""
    return await call.services.notices.texts()


async def sign_off(call: Call) -> object:
    """Sign off a text."""
    request = call.body(SignOffRequest)
    return await call.services.notices.sign_off(
        call.path["name"], request, call.principal
    )


async def withhold(call: Call) -> object:
    """Hold back a notice."""
    request = call.body(WithholdRequest)
    return await call.services.notices.withhold(
        call.path["id"], request, call.principal
    )


NOTICE_ROUTES: Final = (
    Route(
        name="listNotices",
        method="GET",
        path="/v1/notices",
        handler=show,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.READS,
        summary="List the notices to persons that wait or are on their way",
        query=ReadQuery,
        answer=NoticesAnswer,
    ),
    Route(
        name="listNoticeTexts",
        method="GET",
        path="/v1/notices/texts",
        handler=texts,
        auth=Auth.HOUSE,
        roles=PERSONS,
        lane=Lane.READS,
        summary="Show the texts of notices, and who has signed them off",
        answer=TextsAnswer,
    ),
    Route(
        name="signOffNoticeText",
        method="POST",
        path="/v1/notices/texts/{name}/sign-off",
        handler=sign_off,
        auth=Auth.CREDENTIAL,
        roles=_SIGNERS,
        fresh=True,
        lane=Lane.WRITES,
        summary="Sign off a text of notices, with exactly these words",
        body=SignOffRequest,
        limit=4 * KIB,
        path_types={"name": TextName},
        answer=TextsAnswer,
        refusals=frozenset({409}),
    ),
    Route(
        name="withholdNotice",
        method="POST",
        path="/v1/notices/{id}/withhold",
        handler=withhold,
        auth=Auth.CREDENTIAL,
        roles=_WITHHOLDERS,
        lane=Lane.WRITES,
        summary="Hold back what a person is told, for a listed reason and time",
        body=WithholdRequest,
        limit=4 * KIB,
        path_types={"id": NoticeAbout},
        answer=WithheldAnswer,
        refusals=frozenset({409}),
    ),
)
