# SPDX-License-Identifier: Apache-2.0
"""Why the disk did not take a write."""

import errno
import logging
import sqlite3
from typing import Final

from fedsafe_node.errors import NoRoomError
from fedsafe_node.store.rows import Trouble
from fedsafe_node.telemetry import LOGGER, fields

_DISK_FULL: Final = "53100"  # of PostgreSQL
_LOCKED: Final = "55P03"
_LOG = logging.getLogger(f"{LOGGER}.store")
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def is_full(error: BaseException) -> bool:
    """Whether something failed because there was no room on the disk.

    It may be behind the error: a key file that could not be written, for one.
    """
    cause: BaseException | None = error
    while cause is not None:
        if getattr(cause, "sqlstate", None) == _DISK_FULL:
            return True
        if isinstance(cause, OSError) and cause.errno in _NO_SPACE:
            return True
        if isinstance(cause, NoRoomError) or _code(cause) == sqlite3.SQLITE_FULL:
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def kind_of(error: BaseException) -> Trouble:
    """Say which kind of trouble an error is."""
    if is_full(error):
        return Trouble.FULL
    is_locked = getattr(error, "sqlstate", None) == _LOCKED
    is_busy = is_locked or _code(error) == sqlite3.SQLITE_BUSY
    return Trouble.BUSY if is_busy else Trouble.FAILED


def log_cause(error: BaseException) -> None:
    """Log why writes fail: the error's class, its place and the database's code."""
    code = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None)
    _LOG.error("writes fail", extra=fields(reason=code or "none"), exc_info=error)


def _code(error: BaseException) -> int:
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
