# SPDX-License-Identifier: Apache-2.0
"""Backups, as the audit log knows them, over HTTP."""

from typing import Final

from fedsafe_node.acts.backup import BackupNote, BackupNoted
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_policies.vocabulary import Role


async def note(call: Call) -> object:
    """Enter a backup that is about to be whole."""
    return await call.services.backups.note(call.body(BackupNote), call.principal)


BACKUP_ROUTES: Final = (
    Route(
        name="noteBackup",
        method="POST",
        path="/v1/backups",
        handler=note,
        auth=Auth.HOUSE,
        roles=frozenset({Role.OPERATOR}),
        lane=Lane.WRITES,
        summary="Enter a backup of the node, by the digest of its manifest",
        status=201,
        body=BackupNote,
        limit=4 * KIB,
        answer=BackupNoted,
    ),
)
