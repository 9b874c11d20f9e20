# SPDX-License-Identifier: Apache-2.0
"""The rows of trials. Times are whole seconds since 1970 in UTC."""

from fedsafe_node.acts.trials import TrialCause
from fedsafe_node.store.rows import Row


class TrialRow(Row, frozen=True, kw_only=True):
    """Signals of an origin that have no effect here for a time.

    `list` names the imported list by the day of its publication, and of a probation the
    kind of the signals; it is empty for a new origin. `upheld`, `wrong` and `other`
    count how those that were drawn ended.
    """

    id: str
    origin: str
    cause: TrialCause
    list: str
    began_at: int
    ends_at: int
    seed: bytes
    matches: int = 0
    drawn: int = 0
    upheld: int = 0
    wrong: int = 0
    other: int = 0
    prolonged_by: str | None = None
    prolonged_at: int | None = None
    ended_by: str | None = None
    ended_at: int | None = None
    reason: str | None = None
    reminded_at: int | None = None

    def __repr__(self) -> str:
        """Name it, never its seed."""
        return f"TrialRow({self.id}, {self.origin}, {self.cause})"


class ClosingRow(Row, frozen=True, kw_only=True):
    """How a review ended that tells of one origin and kind; it names nobody."""

    task: str
    origin: str
    kind: str
    closed_at: int
    is_by_two: bool
    is_wrong: bool
