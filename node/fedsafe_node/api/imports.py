# SPDX-License-Identifier: Apache-2.0
"""Imports and their undoing, over HTTP; the rows come by `importSignals`."""

from typing import Final

from fedsafe_node.acts.bodies import ImportId
from fedsafe_node.acts.signal_reviews import (
    BeginImportRequest,
    BegunImport,
    FinishImportRequest,
    ImportsAnswer,
    ImportShown,
    ImportsQuery,
    UndoImportRequest,
    UndoneImport,
)
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.queries import ReadQuery
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_policies.vocabulary import Role

_ANY: Final = frozenset(Role)  # policy decides, and its refusals are audited
_IMPORTERS: Final = frozenset({Role.ANALYST, Role.REVIEWER, Role.SERVICE})
_RUN: Final = {"run": ImportId}


async def begin_import(call: Call) -> object:
    """Begin an import, or go on with one."""
    digest = call.body(BeginImportRequest).digest
    return await call.services.signals.imports.begin(digest, call.principal)


async def finish_import(call: Call) -> object:
    """Say what came of all rows of an import."""
    request = call.body(FinishImportRequest)
    imports = call.services.signals.imports
    return await imports.finish(call.path["run"], request, call.principal)


async def list_imports(call: Call) -> object:
    """List imports."""
    query = call.parameters(ImportsQuery)
    return await call.services.signals.imports.listed(query, call.principal)


async def show_import(call: Call) -> object:
    """Show an import."""
    purpose = call.parameters(ReadQuery).purpose
    imports = call.services.signals.imports
    return await imports.show(call.path["run"], call.principal, purpose)


async def undo_import(call: Call) -> object:
    """Stop what an import has added."""
    reason = call.body(UndoImportRequest).reason
    imports = call.services.signals.imports
    return await imports.undo(call.path["run"], reason, call.principal)


IMPORT_ROUTES: Final = (
    Route(
        name="beginImport",
        bare=True,
        method="POST",
        path="/v1/imports",
        handler=begin_import,
        auth=Auth.HOUSE,
        roles=_IMPORTERS,
        scope="publish",
        lane=Lane.WRITES,
        summary="Begin an import of many requests, or go on with one that broke off",
        body=BeginImportRequest,
        limit=4 * KIB,
        answer=BegunImport,
    ),
    Route(
        name="listImports",
        method="GET",
        path="/v1/imports",
        handler=list_imports,
        auth=Auth.HOUSE,
        roles=_ANY,
        scope="publish",
        lane=Lane.READS,
        summary="List imports, newest first",
        query=ImportsQuery,
        answer=ImportsAnswer,
    ),
    Route(
        name="showImport",
        method="GET",
        path="/v1/imports/{run}",
        handler=show_import,
        auth=Auth.HOUSE,
        roles=_ANY,
        scope="publish",
        lane=Lane.READS,
        summary="Tell what came of an import",
        query=ReadQuery,
        path_types=_RUN,
        answer=ImportShown,
    ),
    Route(
        name="finishImport",
        bare=True,
        method="POST",
        path="/v1/imports/{run}/finish",
        handler=finish_import,
        auth=Auth.HOUSE,
        roles=_IMPORTERS,
        scope="publish",
        lane=Lane.WRITES,
        summary="Say what came of all rows of an import",
        body=FinishImportRequest,
        limit=4 * KIB,
        path_types=_RUN,
        answer=ImportShown,
        refusals=frozenset({409}),
    ),
    Route(
        name="undoImport",
        bare=True,
        method="POST",
        path="/v1/imports/{run}/undo",
        handler=undo_import,
        auth=Auth.HOUSE,
        roles=_ANY,
        scope="publish",
        lane=Lane.BATCHES,
        summary="Stop everywhere and for good what an import has added",
        body=UndoImportRequest,
        limit=4 * KIB,
        path_types=_RUN,
        answer=UndoneImport,
    ),
)
