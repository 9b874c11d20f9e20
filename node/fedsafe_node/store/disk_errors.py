# SPDX-License-Identifier: Apache-2.0
"""Why the disk did not take a write, and what whoever asked for it is told."""

import errno
import logging
import sqlite3
from typing import Final

from fedsafe_node.ground.errors import (
    BadRequestError,
    ConflictError,
    KeyFileError,
    NoRoomError,
    StoreFailedError,
)
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.store.rows import Trouble
from fedsafe_node.store.sql import (
    UNREADABLE,
    Connection,
    IntegrityError,
    LongTextError,
    UnfitTextError,
)
from fedsafe_policies.ground.catalogue import Phrase

BY_WRONG_CELLS = (TypeError, ValueError, AttributeError, OverflowError)
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
    shown = fields(reason=code) if code else None
    _LOG.error("writes fail", extra=shown, exc_info=error)


def _code(error: BaseException) -> int:
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def by_damage(connection: Connection, error: Exception) -> Exception:
    """Tell an error of ours from one that damaged rows made: those are the disk's.

    A flipped bit may turn bytes into text, which nobody who reads them expects.
    """
    if not isinstance(error, BY_WRONG_CELLS):
        return error
    damage = connection.is_damaged()
    return error if damage is None else StoreFailedError(damage)


def unfit_text(error: UnfitTextError) -> BadRequestError:
    """Tell whoever sent a text that the database does not take."""
    is_long = isinstance(error, LongTextError)
    why = (
        Phrase("a text is too long")
        if is_long
        else Phrase("no text has the character U+0000")
    )
    return BadRequestError("malformed_request", why)


def for_caller(error: Exception) -> Exception:
    """Tell what an act raised as whoever handed it in is told."""
    if isinstance(error, IntegrityError):
        return ConflictError(str(error))
    if isinstance(error, UnfitTextError):
        return unfit_text(error)
    if isinstance(error, (*UNREADABLE, KeyFileError)):  # the month's key is not made
        return StoreFailedError(str(error))
    return error
