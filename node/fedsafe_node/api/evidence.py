# SPDX-License-Identifier: Apache-2.0
"""Searching the audit log and taking parts of it out, over HTTP."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from fedsafe_federation.wire.signed import Count
from fedsafe_node.acts.audit import AuditEntry, AuditStanding, FoundEvents
from fedsafe_node.acts.bodies import AccountRef, Message
from fedsafe_node.acts.people import ActAnswer, ActId
from fedsafe_node.api.auth import PERSONS, Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.queries import MAX_EVENTS
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_node.audit.event_search import Stretch, Wanted
from fedsafe_node.audit.tile_export import OwnLog
from fedsafe_node.log.span import ExportRequest
from fedsafe_policies.vocabulary import Purpose, Role

EntryIndex = Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,14})$")]
_TAKERS: Final = frozenset({Role.REVIEWER, Role.DPO, Role.AUDITOR})


class SearchQuery(Wanted, frozen=True):
    """What is looked for, and where: entries `since` to below `until`.

    The `newest` come first if that is said; the next page ends where this one began.
    """

    purpose: Purpose | None = None
    since: Count = 0
    until: Count | UnsetType = UNSET
    newest: bool = False
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_EVENTS)] = 100

    @property
    def stretch(self) -> Stretch:
        """Which part of the log is looked at, and how."""
        until = None if self.until is UNSET else self.until
        return Stretch(self.since, until, newest=self.newest, limit=self.limit)


class AccountSearch(SearchQuery, frozen=True, kw_only=True):
    """The same of one account, which is never in a URL."""

    subject_ref: AccountRef


class EntryQuery(Message, frozen=True):
    """Whether the proof is wanted, and what the entry is read for."""

    purpose: Purpose | None = None
    proof: bool = False


class PackQuery(ExportRequest, frozen=True):
    """Which part is taken out; with openings if `act` was approved for it.

    `anchors` is the leaf of the anchor from which on all are opened.
    """

    __schema_name__ = "EvidencePackQuery"

    act: ActId | UnsetType = UNSET
    anchors: Count | UnsetType = UNSET


class TilesQuery(Message, frozen=True):
    """Which log is taken out."""

    log: OwnLog = OwnLog.AUDIT


async def search(call: Call) -> object:
    """Find events of the audit log."""
    query = call.parameters(SearchQuery)
    return await call.services.audits.search(
        query, query.stretch, call.principal, query.purpose
    )


async def search_account(call: Call) -> object:
    """Find events that name an account."""
    body = call.body(AccountSearch)
    return await call.services.audits.search(
        body,
        body.stretch,
        call.principal,
        body.purpose,
        subject_ref=body.subject_ref,
    )


async def standing(call: Call) -> object:
    """Tell how the audit log stands."""
    return await call.services.inspections.standing()


async def entry(call: Call) -> object:
    """Show an entry of the audit log."""
    query = call.parameters(EntryQuery)
    index = int(call.path["index"])
    return await call.services.inspections.entry(
        index, call.principal, query.purpose, proof=query.proof
    )


async def ask_export(call: Call) -> object:
    """Ask for an export with openings."""
    request = call.body(ExportRequest)
    return await call.services.evidence.ask(request, call.principal)


async def export(call: Call) -> object:
    """Give an evidence pack."""
    query = call.parameters(PackQuery)
    names = ExportRequest.__struct_fields__
    request = ExportRequest(**{name: getattr(query, name) for name in names})
    act = None if query.act is UNSET else query.act
    anchors = None if query.anchors is UNSET else query.anchors
    return await call.services.evidence.export(
        request, call.principal, act=act, anchors=anchors
    )


async def tiles(call: Call) -> object:
    """Give a log as tiles."""
    query = call.parameters(TilesQuery)
    return await call.services.tiling.export(query.log, call.principal)


EVIDENCE_ROUTES: Final = (
    Route(
        name="auditStatus",
        method="GET",
        path="/v1/audit/status",
        handler=standing,
        auth=Auth.HOUSE,
        roles=PERSONS,
        lane=Lane.BATCHES,
        summary="Tell how the audit log stands, and the fingerprint of its key",
        answer=AuditStanding,
    ),
    Route(
        name="showEntry",
        method="GET",
        path="/v1/audit/entries/{index}",
        handler=entry,
        auth=Auth.HOUSE,
        roles=_TAKERS,
        lane=Lane.READS,
        summary="Show an entry of the audit log, with a proof if it is wanted",
        query=EntryQuery,
        path_types={"index": EntryIndex},
        answer=AuditEntry,
    ),
    Route(
        name="searchAudit",
        method="GET",
        path="/v1/audit/search",
        handler=search,
        auth=Auth.HOUSE,
        roles=_TAKERS,
        lane=Lane.READS,
        summary="Find events by class, outcome, actor and time",
        query=SearchQuery,
        answer=FoundEvents,
    ),
    Route(
        name="searchAccount",
        bare=True,
        method="POST",
        path="/v1/audit/search",
        handler=search_account,
        auth=Auth.HOUSE,
        roles=_TAKERS,
        lane=Lane.READS,
        summary="Find events that name an account, by class, outcome, actor and time",
        body=AccountSearch,
        limit=4 * KIB,
        answer=FoundEvents,
    ),
    Route(
        name="askExport",
        method="POST",
        path="/v1/audit/export",
        handler=ask_export,
        auth=Auth.CREDENTIAL,
        roles=_TAKERS,
        lane=Lane.WRITES,
        summary="Ask a second person for an evidence pack with openings",
        body=ExportRequest,
        limit=4 * KIB,
        answer=ActAnswer,
    ),
    Route(
        name="exportAudit",
        bare=False,
        method="GET",
        path="/v1/audit/export",
        handler=export,
        auth=Auth.CREDENTIAL,
        roles=_TAKERS,
        lane=Lane.BATCHES,
        summary="Take a part of the audit log out as an evidence pack",
        query=PackQuery,
        media="application/zip",
        refusals=frozenset({409}),
    ),
    Route(
        name="exportTiles",
        bare=False,
        method="GET",
        path="/v1/audit/tiles",
        handler=tiles,
        auth=Auth.CREDENTIAL,
        roles=_TAKERS,
        lane=Lane.BATCHES,
        summary="Take a whole log out as C2SP tiles, without openings",
        query=TilesQuery,
        media="application/x-tar",
    ),
)
