# SPDX-License-Identifier: Apache-2.0
"""The rows of imports. Times are whole seconds since 1970 in UTC."""

from datetime import date
from enum import StrEnum, unique

from fedsafe_node.acts.signal_reviews import ImportState
from fedsafe_node.store.rows import Row


@unique
class ImportPart(StrEnum):
    """What a signal is to an import: added by it, met by it, or undone with it."""

    ADDED = "added"
    MET = "met"
    STOPPED = "stopped"


class ListedToken(Row, frozen=True, kw_only=True):
    """Under which token a signal of this node stands, and for whom.

    `audience` is empty for everybody, else a digest of the names that are meant. `said`
    is a keyed digest of what the signal says, by which another one is told; a draft of
    a file that waits counts in its own `generation` of keys alone. It matches until
    `until`. Under one of its `marks` it may have been taken off, and `since` is the day
    of the removal; these are not kept.
    """

    origin: str
    token: bytes
    audience: str
    signal_id: bytes
    generation: int = 0
    said: bytes | None = None
    until: int = 0
    marks: tuple[bytes, ...] = ()
    since: date | None = None


class TakenOff(Row, frozen=True, kw_only=True):
    """Somebody whom a person has taken off the list, by a keyed digest of the token.

    No import lists them before `until`, unless it is told to.
    """

    mark: bytes
    reason: str
    at: int
    until: int


class Standing(Row, frozen=True, kw_only=True):
    """A signal that stands already; `differs`: it says something else.

    `since` is the day of its removal, where that is before the one that came now.
    """

    signal_id: bytes
    differs: bool = False
    since: date | None = None


class ImportRow(Row, frozen=True, kw_only=True):
    """An import: who began it, and what its rows came to.

    `mark` is a keyed digest by which the same file of the same person is known
    again while the import is open. Of its `lines`, `listed` were on the list already,
    `refused` were not taken, the time of `lapsed` was over, and `taken_off` had been
    taken off before. Of the signals that it `added`, so many were `stopped` with it.
    """

    id: bytes
    author: str
    began_at: int
    state: ImportState = ImportState.OPEN
    mark: bytes | None = None
    list: str | None = None
    ended_at: int | None = None
    lines: int = 0
    added: int = 0
    stopped: int = 0
    listed: int = 0
    refused: int = 0
    lapsed: int = 0
    taken_off: int = 0
    reason: str | None = None
    undone_by: str | None = None
    undone_at: int | None = None
