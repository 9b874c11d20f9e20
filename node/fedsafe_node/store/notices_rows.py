# SPDX-License-Identifier: Apache-2.0
"""The rows of what persons are told, and what a provider's back-end reads.

Times are seconds since 1970, UTC.
"""

from fedsafe_node.acts.notices import NoticeKind, NoticeState
from fedsafe_node.store.rows import Row


class NoticeRow(Row, frozen=True, kw_only=True):
    """A notice; `sealed` holds its facts until they are erased.

    `about` is the id of the signal, or of the review; `nth` counts the notices of a
    kind about it. `event` is the number of the event by which the provider was told
    to deliver it.
    """

    about: bytes
    kind: NoticeKind
    state: NoticeState
    queued_at: int
    period: str
    sealed: bytes | None
    event: int | None = None
    nth: int = 1

    @property
    def key(self) -> "NoticeKey":
        """Which notice it is."""
        return self.about, self.kind, self.nth


NoticeKey = tuple[bytes, NoticeKind, int]


class WithholdingRow(Row, frozen=True, kw_only=True):
    """Who holds back the notices about a signal or a review, why, and until when."""

    about: bytes
    reason: str
    note: str
    by: str
    at: int
    until: int


class SignOffRow(Row, frozen=True, kw_only=True):
    """Who has signed off a text with these words, and until when that is good."""

    name: str
    digest: str
    signed_by: str
    role: str
    signed_at: int
    valid_until: int


class ProviderEventRow(Row, frozen=True, kw_only=True):
    """One event; `sealed` is None once its content is erased.

    `mark` is drawn for the event, and tells it from another of its number.
    `due_at` is when a receipt is due, `remind_at` when the next reminder is;
    `reminds` is the number of the event that this one reminds of.
    """

    number: int
    kind: str
    at: int
    period: str
    sealed: bytes | None
    expires_at: int
    due_at: int | None = None
    remind_at: int | None = None
    reminds: int | None = None
    receipted_at: int | None = None
    receipted_by: str | None = None
    mark: bytes
