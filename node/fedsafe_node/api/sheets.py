# SPDX-License-Identifier: Apache-2.0
"""Documents for compliance officers over HTTP."""

from typing import Final

from fedsafe_node.acts.bodies import Message
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import Lane, Route
from fedsafe_node.audit.compliance.model import Language, SheetAnswer, SheetKind
from fedsafe_policies.vocabulary import Purpose, Role

_READERS: Final = frozenset(
    {
        Role.DPO,
        Role.AUDITOR,
        Role.LEGAL_ADVISER,
        Role.YOUTH_PROTECTION_OFFICER,
        Role.REVIEWER,
        Role.OPERATOR,
    }
)


class SheetQuery(Message, frozen=True):
    """In which language, and what the document is read for."""

    language: Language = Language.DE
    purpose: Purpose | None = None


async def write(call: Call) -> object:
    """Write a document about the node."""
    query = call.parameters(SheetQuery)
    kind = SheetKind(call.path["sheet"])
    return await call.services.sheets.write(
        kind, query.language, call.principal, query.purpose
    )


SHEET_ROUTES: Final = (
    Route(
        name="writeSheet",
        method="GET",
        path="/v1/records/{sheet}",
        handler=write,
        auth=Auth.HOUSE,
        roles=_READERS,
        lane=Lane.BATCHES,
        summary="Write records of processing or another document about the node",
        query=SheetQuery,
        path_types={"sheet": SheetKind},
        answer=SheetAnswer,
    ),
)
