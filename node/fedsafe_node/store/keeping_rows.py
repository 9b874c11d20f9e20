# SPDX-License-Identifier: Apache-2.0
"""The rows of what keeps the audit log in order, and of what was pruned.

Times are seconds since 1970.
"""

from enum import StrEnum, unique
from typing import Final

from fedsafe_node.store.rows import Row, Trouble

EARLY: Final = 2
"""So many times the reserve should be free; with less there is a warning."""

RESTORED: Final = "restored"
"""Why the gap is there that a restore leaves."""


class HoldRow(Row, frozen=True):
    """Why something must stay: all about an account, or the entries of a span."""

    id: str
    subject: str | None
    first: int | None
    last: int | None
    reason: str
    until: int
    placed_at: int
    placed_by: str
    lifted_at: int | None = None
    lifted_by: str | None = None

    def __repr__(self) -> str:
        """Name the hold, never the account."""
        return f"HoldRow({self.id})"

    def holds_entry(self, index: int) -> bool:
        """Whether an entry is held for its place in the log."""
        return self.first is not None and self.first <= index <= (self.last or 0)


@unique
class EffectKind(StrEnum):
    """What is done outside the database, where no transaction takes it back."""

    PERIOD_KEY = "period_key"
    QUARTER_KEY = "quarter_key"
    EPOCH_KEY = "epoch_key"


class EffectRow(Row, frozen=True):
    """The destruction of a key; without an end nobody knows yet whether it happened."""

    kind: EffectKind
    target: str
    begun_at: int
    ended_at: int | None = None


@unique
class GapKind(StrEnum):
    """Why the node could write nothing."""

    UNWRITABLE = "unwritable"
    UNCLEAN_END = "unclean_end"


class GapRow(Row, frozen=True):
    """A time in which the node could write nothing."""

    kind: GapKind
    reason: str
    since: int
    until: int


class Outage(Row, frozen=True):
    """A time in which the disk took no writes, and that is over."""

    kind: Trouble
    since: int
    until: int


class Room(Row, frozen=True):
    """How much room the disk has, in bytes; `held` is whether the reserve has its own.

    Without the reserve nothing is kept but what makes things safer.
    """

    free: int
    size: int
    held: bool

    @property
    def is_short(self) -> bool:
        """Whether it is time to make room."""
        return not self.held or self.free < EARLY * self.size


@unique
class Erasing(StrEnum):
    """Why openings of the audit log were erased."""

    RETENTION = "retention"
    SUBJECT = "subject"


class PrunedRow(Row, frozen=True):
    """The beginning of a log of which only hashes are left.

    These are its first `size` entries, under this root; `since` is the month in which
    the log began, `event` the entry of the audit log that says so. `openings` counts
    those that were erased one by one and went with their entries; `at` is in seconds.
    """

    log: str
    size: int
    root: bytes
    since: str
    event: int
    openings: int
    at: int
