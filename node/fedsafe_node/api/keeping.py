# SPDX-License-Identifier: Apache-2.0
"""Keeping the audit log, over HTTP: accounts, readers, gaps, names, holds, erasure."""

from typing import Annotated, Final

import msgspec

from fedsafe_federation.wire.signed import Count
from fedsafe_node.acts.account_reports import AccountReport, ReportRequest
from fedsafe_node.acts.audit import FoundEvents
from fedsafe_node.acts.audit_upkeep import (
    EraseRequest,
    GapsAnswer,
    HoldAnswer,
    HoldRequest,
    HoldsAnswer,
    RevealedAnswer,
    RevealedRequest,
    RevealRequest,
    SubjectEvents,
    SubjectRequest,
)
from fedsafe_node.acts.bodies import Message
from fedsafe_node.acts.people import ActAnswer, ActId
from fedsafe_node.acts.requests import PackEntry, WithholdPackRequest
from fedsafe_node.api.auth import PERSONS, Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.queries import MAX_EVENTS
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_policies.vocabulary import Purpose, Role

_READERS: Final = frozenset({Role.REVIEWER, Role.DPO, Role.AUDITOR})
_REVEALERS: Final = frozenset({Role.DPO, Role.AUDITOR})
_SILENCE: Final = frozenset({Role.REVIEWER, Role.LEGAL_ADVISER, Role.DPO})
_DPO: Final = frozenset({Role.DPO})


class AccessQuery(Message, frozen=True):
    """From which entry on, how many events, and what for."""

    purpose: Purpose | None = None
    since: Count = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_EVENTS)] = 100


async def subject(call: Call) -> object:
    """Give all events about an account."""
    telling = call.services.keeping.telling
    return await telling.subject(call.body(SubjectRequest), call.principal)


async def report(call: Call) -> object:
    """Report on an account."""
    reports = call.services.keeping.reports
    return await reports.report(call.body(ReportRequest), call.principal)


async def access(call: Call) -> object:
    """Find who read what."""
    query, telling = call.parameters(AccessQuery), call.services.keeping.telling
    return await telling.access(query.since, query.limit, call.principal, query.purpose)


async def gaps(call: Call) -> object:
    """Tell what the log cannot tell."""
    return await call.services.keeping.telling.gaps()


async def erase(call: Call) -> object:
    """Ask to erase an account."""
    erasure = call.services.keeping.erasure
    return await erasure.ask(call.body(EraseRequest), call.principal)


async def ask_reveal(call: Call) -> object:
    """Ask to reveal a pseudonym."""
    reveals = call.services.keeping.reveals
    return await reveals.ask(call.body(RevealRequest), call.principal)


async def reveal(call: Call) -> object:
    """Give the name behind a pseudonym."""
    request = call.body(RevealedRequest)
    return await call.services.keeping.reveals.reveal(
        RevealRequest(pseudonym=request.pseudonym, reason=request.reason),
        request.act,
        call.principal,
    )


async def withhold_pack(call: Call) -> object:
    """Ask to leave a pack's recipient out of answers."""
    entry, asked = int(call.path["entry"]), call.body(WithholdPackRequest)
    return await call.services.keeping.withholding.ask_for(entry, asked, call.principal)


async def add_hold(call: Call) -> object:
    """Place a hold."""
    holding = call.services.keeping.holding
    return await holding.add(call.body(HoldRequest), call.principal)


async def list_holds(call: Call) -> object:
    """List the holds."""
    return await call.services.keeping.holding.shown(call.principal)


async def lift_hold(call: Call) -> object:
    """Lift a hold."""
    holding = call.services.keeping.holding
    return await holding.lift(call.path["hold"], call.principal)


KEEPING_ROUTES: Final = (
    Route(
        name="auditSubject",
        bare=True,
        method="POST",
        path="/v1/audit/subject",
        handler=subject,
        auth=Auth.CREDENTIAL,
        roles=_READERS,
        lane=Lane.BATCHES,
        summary="Give the events that name an account, for the rights of a person",
        body=SubjectRequest,
        limit=4 * KIB,
        answer=SubjectEvents,
    ),
    Route(
        name="auditReport",
        bare=True,
        method="POST",
        path="/v1/audit/report",
        handler=report,
        auth=Auth.CREDENTIAL,
        roles=_READERS,
        lane=Lane.BATCHES,
        summary="Report who looked at an account, why, and what came of it",
        body=ReportRequest,
        limit=4 * KIB,
        answer=AccountReport,
    ),
    Route(
        name="auditAccess",
        method="GET",
        path="/v1/audit/access",
        handler=access,
        auth=Auth.CREDENTIAL,
        roles=_READERS,
        lane=Lane.READS,
        summary="Find who read, exported or revealed what",
        query=AccessQuery,
        answer=FoundEvents,
    ),
    Route(
        name="auditGaps",
        method="GET",
        path="/v1/audit/gaps",
        handler=gaps,
        auth=Auth.HOUSE,
        roles=PERSONS,
        lane=Lane.BATCHES,
        summary="Tell what the audit log cannot tell, and why",
        answer=GapsAnswer,
    ),
    Route(
        name="askErasure",
        method="POST",
        path="/v1/audit/erase",
        handler=erase,
        auth=Auth.CREDENTIAL,
        roles=_DPO,
        lane=Lane.WRITES,
        summary="Ask a second person to erase all about an account",
        body=EraseRequest,
        limit=4 * KIB,
        answer=ActAnswer,
        refusals=frozenset({409}),
    ),
    Route(
        name="askReveal",
        method="POST",
        path="/v1/audit/reveal",
        handler=ask_reveal,
        auth=Auth.CREDENTIAL,
        roles=_REVEALERS,
        lane=Lane.WRITES,
        summary="Ask a second person to let a pseudonym be revealed",
        body=RevealRequest,
        limit=4 * KIB,
        answer=ActAnswer,
        refusals=frozenset({404, 409}),
    ),
    Route(
        name="reveal",
        method="POST",
        path="/v1/audit/revealed",
        handler=reveal,
        auth=Auth.CREDENTIAL,
        roles=_REVEALERS,
        lane=Lane.WRITES,
        summary="Give the name behind a pseudonym, as another person approved",
        body=RevealedRequest,
        limit=4 * KIB,
        answer=RevealedAnswer,
        refusals=frozenset({404, 409}),
    ),
    Route(
        name="withholdPack",
        method="POST",
        path="/v1/audit/packs/{entry}/withhold",
        handler=withhold_pack,
        auth=Auth.CREDENTIAL,
        roles=_SILENCE,
        lane=Lane.WRITES,
        summary="Ask a second person to leave a pack's recipient out of answers",
        body=WithholdPackRequest,
        limit=4 * KIB,
        path_types={"entry": PackEntry},
        answer=ActAnswer,
        refusals=frozenset({404, 409}),
    ),
    Route(
        name="addHold",
        method="POST",
        path="/v1/audit/holds",
        handler=add_hold,
        auth=Auth.CREDENTIAL,
        roles=_DPO,
        lane=Lane.WRITES,
        summary="Hold an account or entries, so that nothing of it is erased",
        body=HoldRequest,
        limit=4 * KIB,
        answer=HoldAnswer,
    ),
    Route(
        name="listHolds",
        method="GET",
        path="/v1/audit/holds",
        handler=list_holds,
        auth=Auth.CREDENTIAL,
        roles=_REVEALERS,
        lane=Lane.READS,
        summary="List the holds in force",
        answer=HoldsAnswer,
    ),
    Route(
        name="liftHold",
        method="POST",
        path="/v1/audit/holds/{hold}/lift",
        handler=lift_hold,
        auth=Auth.CREDENTIAL,
        roles=_DPO,
        lane=Lane.WRITES,
        summary="Lift a hold",
        path_types={"hold": ActId},
        answer=HoldAnswer,
    ),
)
