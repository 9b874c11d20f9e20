# SPDX-License-Identifier: Apache-2.0
"""The provider's own cases over HTTP; no route of the signal plane."""

from typing import Final

from fedsafe_node.acts.cases import (
    ApproveCase,
    AssessCase,
    AttachEvidence,
    CaseAnswer,
    CaseId,
    CaseReceipt,
    CasesAnswer,
    CasesQuery,
    NoteCall,
    NoteInquiry,
    OpenCase,
    PackQuery,
    QuarterId,
    RenderCase,
    RenderingAnswer,
)
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_policies.escalation.case_start import OPENERS
from fedsafe_policies.escalation.dispatches import SENDERS
from fedsafe_policies.escalation.projection import VIEWERS
from fedsafe_policies.vocabulary import Role

_CASE: Final = {"case": CaseId}
_ASSESS: Final = OPENERS | {Role.LEGAL_ADVISER}
_APPROVE: Final = frozenset(
    {Role.ESCALATION_OFFICER, Role.REVIEWER, Role.LEGAL_ADVISER}
)
_COUNT: Final = frozenset(
    {Role.ESCALATION_OFFICER, Role.YOUTH_PROTECTION_OFFICER, Role.DPO}
)
_GONE: Final = frozenset({404, 409})


async def open_case(call: Call) -> object:
    """Open a case."""
    return await call.services.cases.open(
        call.body(OpenCase), call.principal, once=call.once
    )


async def list_cases(call: Call) -> object:
    """List the queue."""
    purpose = call.parameters(CasesQuery).purpose
    return await call.services.cases.list(call.principal, purpose)


async def show_case(call: Call) -> object:
    """Show a case as the asker's role sees it."""
    purpose = call.parameters(CasesQuery).purpose
    return await call.services.cases.show(call.path["case"], call.principal, purpose)


async def render_case(call: Call) -> object:
    """Write a case as a paper or report."""
    return await call.services.case_renderings.render(
        call.path["case"], call.parameters(RenderCase), call.principal
    )


async def render_pack(call: Call) -> object:
    """Write the quarterly pack for the BzKJ."""
    return await call.services.case_renderings.pack(
        call.path["quarter"], call.parameters(PackQuery), call.principal
    )


async def assess_case(call: Call) -> object:
    """Enter what is known of a case."""
    return await call.services.cases.assess(
        call.path["case"], call.body(AssessCase), call.principal, once=call.once
    )


async def attach_evidence(call: Call) -> object:
    """Attach evidence to a case by digest."""
    return await call.services.cases.attach(
        call.path["case"], call.body(AttachEvidence), call.principal, once=call.once
    )


async def approve_case(call: Call) -> object:
    """Let a case go, or ask a second person to."""
    return await call.services.cases.approve(
        call.path["case"], call.body(ApproveCase), call.principal
    )


async def note_call(call: Call) -> object:
    """Note a call that was made about a case."""
    return await call.services.cases.call(
        call.path["case"], call.body(NoteCall), call.principal, once=call.once
    )


async def note_inquiry(call: Call) -> object:
    """Note that a partner asks for more, or was answered."""
    return await call.services.cases.inquire(
        call.path["case"], call.body(NoteInquiry), call.principal, once=call.once
    )


async def close_case(call: Call) -> object:
    """Close a case."""
    return await call.services.cases.close(
        call.path["case"], call.principal, once=call.once
    )


CASE_ROUTES: Final = (
    Route(
        name="openCase",
        method="POST",
        path="/v1/cases",
        handler=open_case,
        auth=Auth.CREDENTIAL,
        roles=OPENERS,
        lane=Lane.WRITES,
        summary="Open a case on the provider's own finding",
        status=201,
        body=OpenCase,
        limit=32 * KIB,
        answer=CaseReceipt,
        idempotent=True,
        refusals=frozenset({409}),
    ),
    Route(
        name="listCases",
        method="GET",
        path="/v1/cases",
        handler=list_cases,
        auth=Auth.CREDENTIAL,
        roles=VIEWERS,
        lane=Lane.READS,
        summary="List the cases that are not closed, in the order of work",
        query=CasesQuery,
        answer=CasesAnswer,
    ),
    Route(
        name="showCase",
        method="GET",
        path="/v1/cases/{case}",
        handler=show_case,
        auth=Auth.CREDENTIAL,
        roles=VIEWERS,
        lane=Lane.READS,
        summary="Show a case as the asker's role sees it",
        path_types=_CASE,
        query=CasesQuery,
        answer=CaseAnswer,
        refusals=_GONE,
    ),
    Route(
        name="renderCase",
        method="GET",
        path="/v1/cases/{case}/rendering",
        handler=render_case,
        auth=Auth.CREDENTIAL,
        roles=VIEWERS,
        lane=Lane.BATCHES,
        summary="Write a case as a sheet, letter or report for a class of partner",
        path_types=_CASE,
        query=RenderCase,
        answer=RenderingAnswer,
        refusals=_GONE,
    ),
    Route(
        name="renderPack",
        method="GET",
        path="/v1/packs/{quarter}",
        handler=render_pack,
        auth=Auth.CREDENTIAL,
        roles=_COUNT,
        lane=Lane.BATCHES,
        summary="Write the quarterly pack for the BzKJ, numbers of many cases only",
        path_types={"quarter": QuarterId},
        query=PackQuery,
        answer=RenderingAnswer,
        refusals=frozenset({409}),
    ),
    Route(
        name="assessCase",
        method="POST",
        path="/v1/cases/{case}/assess",
        handler=assess_case,
        auth=Auth.CREDENTIAL,
        roles=_ASSESS,
        lane=Lane.WRITES,
        summary="Enter what is known of a case now",
        body=AssessCase,
        limit=512 * KIB,
        path_types=_CASE,
        answer=CaseReceipt,
        idempotent=True,
        refusals=_GONE,
    ),
    Route(
        name="attachEvidence",
        method="POST",
        path="/v1/cases/{case}/attach",
        handler=attach_evidence,
        auth=Auth.CREDENTIAL,
        roles=OPENERS,
        lane=Lane.WRITES,
        summary="Attach evidence by digest and place, never the objects",
        body=AttachEvidence,
        limit=128 * KIB,
        path_types=_CASE,
        answer=CaseReceipt,
        idempotent=True,
        refusals=_GONE,
    ),
    Route(
        name="approveCase",
        method="POST",
        path="/v1/cases/{case}/approve",
        handler=approve_case,
        auth=Auth.CREDENTIAL,
        roles=_APPROVE,
        fresh=True,
        lane=Lane.WRITES,
        summary="Let a case go to classes of partner, or ask a second person to",
        body=ApproveCase,
        limit=4 * KIB,
        path_types=_CASE,
        answer=CaseReceipt,
        refusals=_GONE,
    ),
    Route(
        name="noteCall",
        method="POST",
        path="/v1/cases/{case}/calls",
        handler=note_call,
        auth=Auth.CREDENTIAL,
        roles=OPENERS,
        lane=Lane.WRITES,
        summary="Note a call that was made about a case, 110 first of all",
        body=NoteCall,
        limit=4 * KIB,
        path_types=_CASE,
        answer=CaseReceipt,
        idempotent=True,
        refusals=_GONE,
    ),
    Route(
        name="noteInquiry",
        method="POST",
        path="/v1/cases/{case}/inquiries",
        handler=note_inquiry,
        auth=Auth.CREDENTIAL,
        roles=SENDERS,
        lane=Lane.WRITES,
        summary="Note that a partner asks for more about a case, or was answered",
        body=NoteInquiry,
        limit=4 * KIB,
        path_types=_CASE,
        answer=CaseReceipt,
        idempotent=True,
        refusals=_GONE,
    ),
    Route(
        name="closeCase",
        method="POST",
        path="/v1/cases/{case}/close",
        handler=close_case,
        auth=Auth.CREDENTIAL,
        roles=OPENERS,
        lane=Lane.WRITES,
        summary="Close a case that has answered all of its questions",
        path_types=_CASE,
        answer=CaseReceipt,
        idempotent=True,
        refusals=_GONE,
    ),
)
