# SPDX-License-Identifier: Apache-2.0
"""The route table of API version 1: the one place that says what there is.

The server is built from it and the OpenAPI document is written from it, so what
is documented is what is served, and to whom. A route's body is one closed type, its
answer another; the statuses of its problems follow from what it takes, plus what its
service is known to raise.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Final

from fedsafe_federation.feed import MEDIA_TYPE as NDJSON
from fedsafe_federation.signed import NodeName, Signed
from fedsafe_node.api import local, peers
from fedsafe_node.api.auth import PERSONS, Auth
from fedsafe_node.api.body import JSON
from fedsafe_node.api.call import Call
from fedsafe_node.api.queries import EventsQuery, FeedQuery, SignalsQuery
from fedsafe_node.messages import (
    ApproveAnswer,
    ApproveRequest,
    AuditEvents,
    BatchAnswer,
    BatchRequest,
    DraftsAnswer,
    GateAnswer,
    HealthAnswer,
    ImportAnswer,
    ImportRequest,
    LookupAnswer,
    LookupRequest,
    NewSignalRequest,
    Poke,
    ProposalRequest,
    RevokeRequest,
    SignalAnswer,
    SignalId,
    StatusAnswer,
    VerifyAnswer,
)
from fedsafe_node.telemetry import METRICS_TYPE
from fedsafe_policies.gate import LegalGate
from fedsafe_policies.vocabulary import Role

KIB: Final = 1_024
MIB: Final = 1_024 * KIB

Handler = Callable[[Call], Awaitable[object]]


@unique
class Lane(StrEnum):
    """Routes that share a bound on how many requests are under way."""

    LOOKUPS = "lookups"
    BATCHES = "batches"
    WRITES = "writes"
    READS = "reads"
    PEERS = "peers"
    HEALTH = "health"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path.

    `roles` are those whose credential is taken: on a route for credentials, nobody's
    unless it says so. `answer` is a type, or None for an answer of `media` that is
    no message. `refusals` are statuses that only the service can bring.
    """

    name: str
    method: str
    path: str
    handler: Handler
    auth: Auth
    lane: Lane
    summary: str
    roles: frozenset[Role] = frozenset()
    status: int = 200
    body: object = None
    limit: int = 0
    query: type | None = None
    path_types: Mapping[str, object] = field(default_factory=dict)
    answer: object = None
    media: str = JSON
    idempotent: bool = False
    refusals: frozenset[int] = frozenset()

    @property
    def statuses(self) -> frozenset[int]:
        """All statuses that this route answers with."""
        found = {self.status, 400, 417, 500, 503} | self.refusals
        if self.auth in {Auth.HOUSE, Auth.CREDENTIAL}:
            found |= {401, 403}
        if self.auth in {Auth.PEER, Auth.STATEMENT}:
            found |= {403, 409}
        if self.body is not None:
            found |= {408, 413, 415, 422}
        if self.path_types:
            found.add(404)
        if self.idempotent:
            found.add(409)
        return frozenset(found | {422})


_SIGNAL: Final = {"id": SignalId}
_ANY: Final = frozenset(Role)  # policy decides, and its refusals are audited
_READERS: Final = frozenset({Role.REVIEWER, Role.AUDITOR})  # the log names cases
_RECORDERS: Final = frozenset({Role.REVIEWER, Role.OPERATOR})
_OPERATOR: Final = frozenset({Role.OPERATOR})

ROUTES: Final = (
    Route(
        name="lookup",
        method="POST",
        path="/v1/lookup",
        handler=local.lookup,
        auth=Auth.HOUSE,
        roles=_ANY,
        lane=Lane.LOOKUPS,
        summary="Ask about one account; a match is a reason to review",
        body=LookupRequest,
        limit=512 * KIB,
        answer=LookupAnswer,
    ),
    Route(
        name="lookupBatch",
        method="POST",
        path="/v1/lookup/batch",
        handler=local.lookup_batch,
        auth=Auth.HOUSE,
        roles=_ANY,
        lane=Lane.BATCHES,
        summary="Ask about many accounts for one purpose",
        body=BatchRequest,
        limit=16 * MIB,
        answer=BatchAnswer,
    ),
    Route(
        name="addSignal",
        method="POST",
        path="/v1/signals",
        handler=local.add_signal,
        auth=Auth.HOUSE,
        roles=_ANY,
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
        summary="List the drafts that wait for a second person",
        query=SignalsQuery,
        answer=DraftsAnswer,
    ),
    Route(
        name="importSignals",
        method="POST",
        path="/v1/signals/import",
        handler=local.import_signals,
        auth=Auth.HOUSE,
        roles=_ANY,
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
        lane=Lane.READS,
        summary="Tell where a signal stands",
        path_types=_SIGNAL,
        answer=SignalAnswer,
    ),
    Route(
        name="revokeSignal",
        method="POST",
        path="/v1/signals/{id}/revoke",
        handler=local.revoke_signal,
        auth=Auth.HOUSE,
        roles=_ANY,
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
        summary="Enter a legal-gate record; the newest one counts",
        body=LegalGate,
        limit=64 * KIB,
        answer=GateAnswer,
        idempotent=True,
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
    ),
    Route(
        name="metrics",
        method="GET",
        path="/v1/metrics",
        handler=local.metrics,
        auth=Auth.HOUSE,
        roles=PERSONS,
        lane=Lane.HEALTH,
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
        summary="Give a member the part of the feed that it lacks",
        query=FeedQuery,
        path_types={"origin": NodeName},
        media=NDJSON,
    ),
    Route(
        name="poke",
        method="POST",
        path="/v1/feed/poke",
        handler=peers.poke,
        auth=Auth.PEER,
        lane=Lane.PEERS,
        summary="Tell that a member's feed has grown",
        status=204,
        body=Poke,
        limit=4 * KIB,
        media="",
    ),
    Route(
        name="evaluate",
        method="POST",
        path="/v1/evaluate",
        handler=peers.evaluate,
        auth=Auth.STATEMENT,
        lane=Lane.PEERS,
        summary="Evaluate a member's blinded elements",
        body=Signed,
        limit=128 * KIB,
        answer=Signed,
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
        lane=Lane.BATCHES,
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
)
