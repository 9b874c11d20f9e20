# SPDX-License-Identifier: Apache-2.0
"""Named points at which a test may stop the node dead.

A crash test hands in a `Faults` of its own that kills the process, or raises, at
a point. In the node nothing happens there.
"""

from enum import StrEnum, unique


@unique
class FaultPoint(StrEnum):
    """A place where dying must do no harm."""

    WRITER_BEFORE_BEGIN = "writer.before_begin"
    WRITER_AFTER_ACT = "writer.after_act"
    WRITER_BEFORE_COMMIT = "writer.before_commit"
    WRITER_AFTER_COMMIT = "writer.after_commit"
    LOG_BEFORE_APPEND = "log.before_append"
    LOG_AFTER_APPEND = "log.after_append"
    LOG_AFTER_TILE = "log.after_tile"
    LOG_AFTER_ERASE = "log.after_erase"
    LOG_BEFORE_PRUNE = "log.before_prune"
    LOG_AFTER_PRUNE = "log.after_prune"
    KEY_BEFORE_RENAME = "key.before_rename"
    KEY_AFTER_RENAME = "key.after_rename"
    GUARD_BEFORE_RENAME = "guard.before_rename"
    GUARD_AFTER_RENAME = "guard.after_rename"
    INDEX_BEFORE_RENAME = "index.before_rename"
    INDEX_AFTER_RENAME = "index.after_rename"
    PICTURES_BEFORE_RENAME = "pictures.before_rename"
    PICTURES_AFTER_RENAME = "pictures.after_rename"
    DISPATCH_BEFORE_CARRY = "dispatch.before_carry"
    DISPATCH_AFTER_CARRY = "dispatch.after_carry"
    MOVE_AFTER_BEGIN = "move.after_begin"
    MOVE_AFTER_ROWS = "move.after_rows"
    MOVE_BEFORE_MARK = "move.before_mark"
    MOVE_AFTER_MARK = "move.after_mark"
    MOVE_BEFORE_RENAME = "move.before_rename"
    MOVE_AFTER_COMMIT = "move.after_commit"
    BACKUP_AFTER_COPY = "backup.after_copy"
    BACKUP_BEFORE_NOTE = "backup.before_note"
    BACKUP_AFTER_NOTE = "backup.after_note"
    BACKUP_AFTER_KEYS = "backup.after_keys"
    RESTORE_AFTER_MARK = "restore.after_mark"
    RESTORE_AFTER_FILES = "restore.after_files"
    RESTORE_AFTER_COPY = "restore.after_copy"
    RESTORE_AFTER_BATCH = "restore.after_batch"
    RESTORE_AFTER_NOTE = "restore.after_note"
    RESTORE_AFTER_READY = "restore.after_ready"
    RESTORE_AFTER_RENAME = "restore.after_rename"
    RESTORE_AFTER_GUARD = "restore.after_guard"


class Faults:
    """Does nothing at any point."""

    __slots__ = ()

    def reach(self, point: FaultPoint) -> None:
        """Be told that the node has come to a point."""


NO_FAULTS = Faults()
