# SPDX-License-Identifier: Apache-2.0
"""Enters in the audit log of a node that stands still that a backup was made."""

from fedsafe_node.acts.backup import BackupNote
from fedsafe_node.audit.backup_note import said_of
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.config import Config, Place
from fedsafe_node.ground.principal import LOCAL
from fedsafe_node.log.audit import Event
from fedsafe_node.operations.backup.errors import BackupRefusedError
from fedsafe_node.operations.stopped_node import open_trail, stopped_store
from fedsafe_node.store.schema import VERSION
from fedsafe_node.store.transaction import Transaction


async def note_stopped(
    place: Place, config: Config, clock: Clock, request: BackupNote, *, schema: int
) -> None:
    """Enter a backup of a node that stands still.

    Raises:
        BackupRefusedError: *schema*, the store's, is older than this program's.
        StoreBusyError: it was started meanwhile.
        NodeError: the store does not open.
    """
    if schema != VERSION:  # to enter it would bring the store up to date as well
        raise BackupRefusedError(
            f"the stopped node's store has schema {schema}, this program {VERSION}",
            "back up with the program that ran the node last, or while the node runs",
        )
    async with stopped_store(place, config, clock) as store:
        trail = await open_trail(place, config.name, store)
        entry = trail.entry(
            Event.BACKUP_MADE,
            at=clock.now(),
            actor=LOCAL.name,
            detail=said_of(request),
        )

        async def act(tx: Transaction) -> None:
            await tx.append(trail.log, entry.record, entry.openings)

        await store.write(act)
