# SPDX-License-Identifier: Apache-2.0
"""The route table of API version 1: the one place that says what there is.

The server is built from it and the OpenAPI document is written from it, so what
is documented is what is served, and to whom. A route's body is one closed type, its
answer another; the statuses of its problems follow from what it takes, plus what its
service is known to raise.
"""

from typing import Final

from fedsafe_federation.bulk import MEDIA_TYPE as BULK
from fedsafe_federation.feed import MEDIA_TYPE as NDJSON
from fedsafe_federation.signed import NodeName, Signed
from fedsafe_node.api import local, peers
from fedsafe_node.api.acts import ACT_ROUTES
from fedsafe_node.api.appeals import APPEAL_ROUTES
from fedsafe_node.api.auth import PERSONS, Auth
from fedsafe_node.api.backups import BACKUP_ROUTES
from fedsafe_node.api.breaches import BREACH_ROUTES
from fedsafe_node.api.budgets import BUDGET_ROUTES
from fedsafe_node.api.cases import CASE_ROUTES
from fedsafe_node.api.credentials import CREDENTIAL_ROUTES
from fedsafe_node.api.dispatches import DISPATCH_ROUTES, SENDING_ROUTES
from fedsafe_node.api.disputes import DISPUTE_ROUTES
from fedsafe_node.api.evaluating import EVALUATION_ROUTES
from fedsafe_node.api.evidence import EVIDENCE_ROUTES
from fedsafe_node.api.file_lists import LIST_ROUTES
from fedsafe_node.api.floods import FLOOD_ROUTES
from fedsafe_node.api.forks import FORK_ROUTES
from fedsafe_node.api.governing import GOVERNING_ROUTES
from fedsafe_node.api.help import HELP_ROUTES
from fedsafe_node.api.imports import IMPORT_ROUTES
from fedsafe_node.api.inquiries import INQUIRY_ROUTES
from fedsafe_node.api.keeping import KEEPING_ROUTES
from fedsafe_node.api.logins import LOGIN_ROUTES
from fedsafe_node.api.notices import NOTICE_ROUTES
from fedsafe_node.api.orders import ORDER_ROUTES
from fedsafe_node.api.partners import PARTNER_ROUTES
from fedsafe_node.api.people import PEOPLE_ROUTES
from fedsafe_node.api.provider_events import EVENT_ROUTES
from fedsafe_node.api.queries import EventsQuery, FeedQuery, ReadQuery
from fedsafe_node.api.recipients import RECIPIENT_ROUTES
from fedsafe_node.api.register import REGISTER_ROUTES
from fedsafe_node.api.rights import RIGHTS_ROUTES
from fedsafe_node.api.rights_form import FORM_ROUTES
from fedsafe_node.api.route import KIB, MIB, Lane, Route
from fedsafe_node.api.sheets import SHEET_ROUTES
from fedsafe_node.api.tasks import TASK_ROUTES
from fedsafe_node.api.trials import TRIAL_ROUTES
from fedsafe_node.api.validations import VALIDATION_ROUTES
from fedsafe_node.api.witnessing import WITNESS_ROUTES
from fedsafe_node.audit_messages import AuditEvents, VerifyAnswer
from fedsafe_node.lookup_messages import (
    BatchAnswer,
    BatchRequest,
    LookupAnswer,
    LookupRequest,
)
from fedsafe_node.messages import (
    ApproveAnswer,
    ApproveRequest,
    ConfirmRequest,
    FoundingAnswer,
    FoundingsAnswer,
    GateAnswer,
    HealthAnswer,
    ImportAnswer,
    ImportRequest,
    NewSignalRequest,
    Poke,
    ProposalRequest,
    RevokeRequest,
    SignalAnswer,
    SignalId,
    StatusAnswer,
    WithdrawRequest,
)
from fedsafe_node.signals.messages import SignalsAnswer, SignalsQuery
from fedsafe_node.telemetry import METRICS_TYPE
from fedsafe_policies.gate import LegalGate
from fedsafe_policies.vocabulary import Role

_SIGNAL: Final = {"id": SignalId}
_ANY: Final = frozenset(Role)  # policy decides, and its refusals are audited
# The log names cases.
_READERS: Final = frozenset({Role.REVIEWER, Role.DPO, Role.AUDITOR})
_RECORDERS: Final = frozenset({Role.REVIEWER, Role.OPERATOR, Role.DPO})
_OPERATOR: Final = frozenset({Role.OPERATOR})

ROUTES: Final = (
    Route(
        name="lookup",
        bare=True,
        method="POST",
        path="/v1/lookup",
        handler=local.lookup,
        auth=Auth.HOUSE,
        roles=_ANY,
        scope="lookup",
        lane=Lane.LOOKUPS,
        summary="Ask about one account; a match is a reason to review",
        body=LookupRequest,
        limit=512 * KIB,
        answer=LookupAnswer,
    ),
    Route(
        name="lookupBatch",
        bare=True,
        method="POST",
        path="/v1/lookup/batch",
        handler=local.lookup_batch,
        auth=Auth.HOUSE,
        roles=_ANY,
        scope="lookup",
        lane=Lane.BATCHES,
        summary="Ask about many accounts for one purpose",
        body=BatchRequest,
        limit=16 * MIB,
        answer=BatchAnswer,
    ),
    Route(
        name="addSignal",
        bare=True,
        method="POST",
        path="/v1/signals",
        handler=local.add_signal,
        auth=Auth.HOUSE,
        roles=_ANY,
        scope="publish",
        lane=Lane.WRITES,
        summary="Record an own ban, or a draft for the federation",
        status=201,
        body=NewSignalRequest,
        limit=64 * KIB,
        answer=SignalAnswer,
        idempotent=True,
    ),
    Route(
        name="listSignals",
        method="GET",
        path="/v1/signals",
        handler=local.list_signals,
        auth=Auth.HOUSE,
        roles=_ANY,
        lane=Lane.READS,
        summary="List the node's own signals: own bans, drafts, published, ended",
        query=SignalsQuery,
        answer=SignalsAnswer,
    ),
    Route(
        name="importSignals",
        bare=True,
        method="POST",
        path="/v1/signals/import",
        handler=local.import_signals,
        auth=Auth.HOUSE,
        roles=_ANY,
        scope="publish",
        lane=Lane.BATCHES,
        summary="Record many signals in one act",
        body=ImportRequest,
        limit=16 * MIB,
        answer=ImportAnswer,
        idempotent=True,
    ),
    Route(
        name="approveSignals",
        method="POST",
        path="/v1/signals/approve",
        handler=local.approve_signals,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        fresh=True,
        lane=Lane.WRITES,
        summary="Publish drafts as their second person",
        body=ApproveRequest,
        limit=512 * KIB,
        answer=ApproveAnswer,
        idempotent=True,
    ),
    Route(
        name="showSignal",
        method="GET",
        path="/v1/signals/{id}",
        handler=local.show_signal,
        auth=Auth.HOUSE,
        roles=_ANY,
        scope="publish",
        lane=Lane.READS,
        summary="Tell where a signal stands",
        query=ReadQuery,
        path_types=_SIGNAL,
        answer=SignalAnswer,
    ),
    Route(
        name="revokeSignal",
        bare=True,
        method="POST",
        path="/v1/signals/{id}/revoke",
        handler=local.revoke_signal,
        auth=Auth.HOUSE,
        roles=_ANY,
        scope="publish",
        lane=Lane.WRITES,
        summary="Stop a signal everywhere, for good",
        body=RevokeRequest,
        limit=4 * KIB,
        path_types=_SIGNAL,
        answer=SignalAnswer,
        idempotent=True,
    ),
    Route(
        name="auditEvents",
        method="GET",
        path="/v1/audit/events",
        handler=local.audit_events,
        auth=Auth.HOUSE,
        roles=_READERS,
        lane=Lane.READS,
        summary="Read the audit log in order",
        query=EventsQuery,
        answer=AuditEvents,
        refusals=frozenset({404}),
    ),
    Route(
        name="auditVerify",
        bare=True,
        method="POST",
        path="/v1/audit/verify",
        handler=local.audit_verify,
        auth=Auth.HOUSE,
        roles=PERSONS,
        lane=Lane.BATCHES,
        summary="Verify the node's logs and all replicated feeds",
        answer=VerifyAnswer,
    ),
    Route(
        name="showGate",
        method="GET",
        path="/v1/gate",
        handler=local.show_gate,
        auth=Auth.HOUSE,
        roles=PERSONS,
        lane=Lane.READS,
        summary="Tell whether the legal gate is open, and what it lacks",
        answer=GateAnswer,
    ),
    Route(
        name="recordGate",
        method="POST",
        path="/v1/gate",
        handler=local.record_gate,
        auth=Auth.CREDENTIAL,
        roles=_RECORDERS,
        lane=Lane.WRITES,
        summary="Enter a legal-gate record; a complete one waits for a second person",
        body=LegalGate,
        limit=64 * KIB,
        answer=GateAnswer,
        idempotent=True,
        refusals=frozenset({409}),
    ),
    Route(
        name="status",
        method="GET",
        path="/v1/status",
        handler=local.status,
        auth=Auth.HOUSE,
        roles=PERSONS,
        lane=Lane.READS,
        summary="Tell the node's state at a glance",
        answer=StatusAnswer,
    ),
    Route(
        name="health",
        method="GET",
        path="/v1/health",
        handler=local.health,
        auth=Auth.OPEN,
        lane=Lane.HEALTH,
        summary="Say whether the node is alive and well",
        answer=HealthAnswer,
        probe=True,
    ),
    Route(
        name="metrics",
        method="GET",
        path="/v1/metrics",
        handler=local.metrics,
        auth=Auth.HOUSE,
        roles=PERSONS,
        lane=Lane.METRICS,
        summary="Give counts and durations in Prometheus's text format",
        media=METRICS_TYPE,
    ),
    Route(
        name="feed",
        method="GET",
        path="/v1/feed/{origin}/records",
        handler=peers.feed,
        auth=Auth.PEER,
        lane=Lane.PEERS,
        handshake=True,
        summary="Give a member the part of the feed that it lacks",
        query=FeedQuery,
        path_types={"origin": NodeName},
        media=NDJSON,
        bulk=BULK,
        refusals=frozenset({429}),
    ),
    Route(
        name="poke",
        method="POST",
        path="/v1/feed/poke",
        handler=peers.poke,
        auth=Auth.PEER,
        lane=Lane.PEERS,
        handshake=True,
        summary="Tell that a member's feed has grown",
        status=204,
        body=Poke,
        limit=4 * KIB,
        media="",
    ),
    Route(
        name="giveReceipt",
        method="POST",
        path="/v1/feed/receipt",
        handler=peers.receipt,
        auth=Auth.STATEMENT,
        lane=Lane.STRANGERS,
        summary="Take a member's signed receipt for what it has erased",
        status=204,
        body=Signed,
        limit=16 * KIB,
        media="",
        refusals=frozenset({409, 422}),
    ),
    *EVALUATION_ROUTES,
    *INQUIRY_ROUTES,
    Route(
        name="attestation",
        method="GET",
        path="/v1/attestation",
        handler=peers.attestation,
        auth=Auth.OPEN,
        lane=Lane.STRANGERS,
        summary="Give the signed attestation of the node's gate and register",
        answer=Signed,
        refusals=frozenset({409}),
    ),
    Route(
        name="card",
        method="GET",
        path="/v1/card",
        handler=peers.card,
        auth=Auth.OPEN,
        lane=Lane.HEALTH,
        summary="Give the node's signed card",
        answer=Signed,
    ),
    Route(
        name="founding",
        method="POST",
        path="/v1/founding",
        handler=peers.founding,
        auth=Auth.STATEMENT,
        lane=Lane.STRANGERS,
        summary="Take messages of the founding ceremony, return those owed",
        body=list[Signed],
        limit=4 * MIB,
        answer=list[Signed],
    ),
    Route(
        name="propose",
        method="POST",
        path="/v1/founding/proposal",
        handler=local.propose,
        auth=Auth.HOUSE,
        roles=_OPERATOR,
        lane=Lane.WRITES,
        summary="Sign the proposal of a founding, as its convenor",
        body=ProposalRequest,
        limit=512 * KIB,
        answer=Signed,
        refusals=frozenset({409}),
    ),
    Route(
        name="showFoundings",
        method="GET",
        path="/v1/founding/proposals",
        handler=local.show_foundings,
        auth=Auth.HOUSE,
        roles=_OPERATOR,
        lane=Lane.READS,
        summary="Show the foundings that were proposed to this node",
        answer=FoundingsAnswer,
    ),
    Route(
        name="reviewFounding",
        method="POST",
        path="/v1/founding/review",
        handler=local.review_founding,
        auth=Auth.HOUSE,
        roles=_OPERATOR,
        lane=Lane.WRITES,
        summary="Take a proposal that came as a file, and show it",
        body=Signed,
        limit=512 * KIB,
        answer=FoundingAnswer,
        refusals=frozenset({403, 409}),
    ),
    Route(
        name="confirmFounding",
        method="POST",
        path="/v1/founding/confirm",
        handler=local.confirm_founding,
        auth=Auth.HOUSE,
        roles=_OPERATOR,
        lane=Lane.WRITES,
        summary="Consent to a founding, by two groups of each other fingerprint",
        body=ConfirmRequest,
        limit=64 * KIB,
        answer=FoundingAnswer,
        refusals=frozenset({404, 409}),
    ),
    Route(
        name="withdrawFounding",
        method="POST",
        path="/v1/founding/withdraw",
        handler=local.withdraw_founding,
        auth=Auth.HOUSE,
        roles=_OPERATOR,
        lane=Lane.WRITES,
        summary="Refuse a founding, or take the consent to it back",
        body=WithdrawRequest,
        limit=4 * KIB,
        answer=FoundingAnswer,
        refusals=frozenset({404, 409}),
    ),
    Route(
        name="charter",
        method="GET",
        path="/v1/charter",
        handler=peers.charter,
        auth=Auth.OPEN,
        lane=Lane.HEALTH,
        summary="Give the signed charter, once there is one",
        refusals=frozenset({404}),
    ),
    Route(
        name="openapi",
        method="GET",
        path="/v1/openapi.json",
        handler=local.openapi,
        auth=Auth.OPEN,
        lane=Lane.HEALTH,
        summary="Give this description",
    ),
    *GOVERNING_ROUTES,
    *BREACH_ROUTES,
    *CASE_ROUTES,
    *ORDER_ROUTES,
    *DISPATCH_ROUTES,
    *SENDING_ROUTES,
    *PARTNER_ROUTES,
    *BUDGET_ROUTES,
    *VALIDATION_ROUTES,
    *LIST_ROUTES,
    *IMPORT_ROUTES,
    *EVENT_ROUTES,
    *DISPUTE_ROUTES,
    *APPEAL_ROUTES,
    *(*FORM_ROUTES, *RIGHTS_ROUTES),
    *RECIPIENT_ROUTES,
    *NOTICE_ROUTES,
    *EVIDENCE_ROUTES,
    *KEEPING_ROUTES,
    *WITNESS_ROUTES,
    *FORK_ROUTES,
    *REGISTER_ROUTES,
    *SHEET_ROUTES,
    *HELP_ROUTES,
    *BACKUP_ROUTES,
    *LOGIN_ROUTES,
    *PEOPLE_ROUTES,
    *ACT_ROUTES,
    *TASK_ROUTES,
    *FLOOD_ROUTES,
    *TRIAL_ROUTES,
    *CREDENTIAL_ROUTES,
)
