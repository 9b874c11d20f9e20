# SPDX-License-Identifier: Apache-2.0
"""Enters in the audit log that a backup was made, before it is one."""

from fedsafe_node.acts.backup import BackupNote, BackupNoted
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.office import Office
from fedsafe_node.store.transaction import Transaction


class Backups:
    """Enters the backups of a running node."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def note(self, request: BackupNote, who: Principal) -> BackupNoted:
        """Enter a backup."""
        office = self._office

        async def act(tx: Transaction) -> int:
            detail = said_of(request)
            await office.note(tx, Event.BACKUP_MADE, who.name, detail)
            return await tx.log_size(office.trail.log) - 1

        index = await office.store.write(act)
        return BackupNoted(digest=request.digest, index=index)


def said_of(request: BackupNote) -> Detail:
    """Give what the event says of a backup."""
    return {"digest": request.digest, "keys": request.keys}
