# SPDX-License-Identifier: Apache-2.0
"""Dispatches of cases over HTTP; no route of the signal plane."""

from typing import Final

from fedsafe_node.acts.cases import CaseId, CasesQuery
from fedsafe_node.acts.dispatches import (
    DispatchesAnswer,
    DispatchId,
    DispatchReceipt,
    NoteAcknowledged,
    NoteHanded,
    PackageAnswer,
    RecallAnswer,
    RecallCase,
    ReceiveReply,
    ReplyReceipt,
    SendCase,
    SendingAnswer,
    SentAnswer,
    SwitchSending,
)
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_policies.escalation.dispatches import SENDERS, SWITCHERS
from fedsafe_policies.escalation.projection import VIEWERS

_CASE: Final = {"case": CaseId}
_DISPATCH: Final = {"case": CaseId, "dispatch": DispatchId}
_GONE: Final = frozenset({404, 409})


async def send_case(call: Call) -> object:
    """Queue a case for partners."""
    return await call.services.dispatches.send(
        call.path["case"], call.body(SendCase), call.principal
    )


async def list_dispatches(call: Call) -> object:
    """List the dispatches of a case."""
    purpose = call.parameters(CasesQuery).purpose
    return await call.services.dispatches.list(
        call.path["case"], call.principal, purpose
    )


async def note_handed(call: Call) -> object:
    """Note what came of a way by hand."""
    return await call.services.dispatch_notes.hand(
        call.path["case"],
        call.path["dispatch"],
        call.body(NoteHanded),
        call.principal,
        once=call.once,
    )


async def note_acknowledged(call: Call) -> object:
    """Note that a partner has acknowledged."""
    return await call.services.dispatch_notes.acknowledge(
        call.path["case"],
        call.path["dispatch"],
        call.body(NoteAcknowledged),
        call.principal,
        once=call.once,
    )


async def take_package(call: Call) -> object:
    """Give a sealed package to a person who hands it over."""
    return await call.services.packages.take(
        call.path["case"], call.path["dispatch"], call.principal
    )


async def receive_reply(call: Call) -> object:
    """Note a mail that answers a package."""
    return await call.services.dispatch_notes.receive(
        call.body(ReceiveReply), call.principal
    )


async def recall_case(call: Call) -> object:
    """Correct what has gone out of a case."""
    return await call.services.recalls.recall(
        call.path["case"], call.body(RecallCase), call.principal, once=call.once
    )


async def show_sending(call: Call) -> object:
    """Tell whether packages leave."""
    return await call.services.sending.show()


async def switch_sending(call: Call) -> object:
    """Stop all sending, or let it go on."""
    return await call.services.sending.switch(call.body(SwitchSending), call.principal)


SENDING_ROUTES: Final = (
    Route(
        name="showSending",
        method="GET",
        path="/v1/sending",
        handler=show_sending,
        auth=Auth.CREDENTIAL,
        roles=SWITCHERS | VIEWERS,
        lane=Lane.READS,
        summary="Tell whether case packages leave the node",
        answer=SendingAnswer,
    ),
    Route(
        name="switchSending",
        method="POST",
        path="/v1/sending",
        handler=switch_sending,
        auth=Auth.CREDENTIAL,
        roles=SWITCHERS,
        fresh=True,
        lane=Lane.WRITES,
        summary="Stop all sending of case packages, or let it go on",
        body=SwitchSending,
        limit=KIB,
        answer=SendingAnswer,
    ),
)
"""The switch knows no case, so that whoever runs the node may use it too."""

DISPATCH_ROUTES: Final = (
    Route(
        name="sendCase",
        method="POST",
        path="/v1/cases/{case}/dispatches",
        handler=send_case,
        auth=Auth.CREDENTIAL,
        roles=SENDERS,
        fresh=True,
        lane=Lane.WRITES,
        summary="Send an approved case to partners, or say what they would receive",
        body=SendCase,
        limit=4 * KIB,
        path_types=_CASE,
        answer=SentAnswer,
        refusals=_GONE,
    ),
    Route(
        name="listDispatches",
        method="GET",
        path="/v1/cases/{case}/dispatches",
        handler=list_dispatches,
        auth=Auth.CREDENTIAL,
        roles=VIEWERS,
        lane=Lane.READS,
        summary="List the dispatches of a case, each with all of its attempts",
        path_types=_CASE,
        query=CasesQuery,
        answer=DispatchesAnswer,
        refusals=_GONE,
    ),
    Route(
        name="noteHanded",
        method="POST",
        path="/v1/cases/{case}/dispatches/{dispatch}/handed",
        handler=note_handed,
        auth=Auth.CREDENTIAL,
        roles=SENDERS,
        lane=Lane.WRITES,
        summary="Note what came of a way by hand: portal, phone or letter",
        body=NoteHanded,
        limit=4 * KIB,
        path_types=_DISPATCH,
        answer=DispatchReceipt,
        idempotent=True,
        refusals=_GONE,
    ),
    Route(
        name="noteAcknowledged",
        method="POST",
        path="/v1/cases/{case}/dispatches/{dispatch}/acknowledged",
        handler=note_acknowledged,
        auth=Auth.CREDENTIAL,
        roles=SENDERS,
        lane=Lane.WRITES,
        summary="Note that a partner has acknowledged a package",
        body=NoteAcknowledged,
        limit=4 * KIB,
        path_types=_DISPATCH,
        answer=DispatchReceipt,
        idempotent=True,
        refusals=_GONE,
    ),
    Route(
        name="takePackage",
        method="GET",
        path="/v1/cases/{case}/dispatches/{dispatch}/package",
        handler=take_package,
        auth=Auth.CREDENTIAL,
        roles=SENDERS,
        lane=Lane.BATCHES,
        summary="Give the sealed package of a dispatch to whoever hands it over",
        path_types=_DISPATCH,
        answer=PackageAnswer,
        refusals=_GONE,
    ),
    Route(
        name="receiveReply",
        method="POST",
        path="/v1/replies",
        handler=receive_reply,
        auth=Auth.CREDENTIAL,
        roles=SENDERS,
        lane=Lane.WRITES,
        summary="Note a mail that answers a package as its acknowledgement",
        body=ReceiveReply,
        limit=384 * KIB,
        answer=ReplyReceipt,
        refusals=_GONE,
    ),
    Route(
        name="recallCase",
        method="POST",
        path="/v1/cases/{case}/recall",
        handler=recall_case,
        auth=Auth.CREDENTIAL,
        roles=SENDERS,
        fresh=True,
        lane=Lane.WRITES,
        summary="Stop what has not left of a case, and correct what has",
        body=RecallCase,
        limit=KIB,
        path_types=_CASE,
        answer=RecallAnswer,
        idempotent=True,
        refusals=_GONE,
    ),
)
