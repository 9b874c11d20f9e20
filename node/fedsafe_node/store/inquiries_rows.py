# SPDX-License-Identifier: Apache-2.0
"""The rows of inquiries and sightings. Times are whole seconds since 1970 in UTC."""

from fedsafe_federation.feed.inquiries import InquiryState
from fedsafe_node.acts.inquiries import SentState
from fedsafe_node.store.rows import Row


class SentInquiryRow(Row, frozen=True, kw_only=True):
    """An inquiry to the origin of a signal; at `next_at` it is brought again.

    `day` numbers the UTC day of the dismissal; `tries` counts what failed in a row.
    """

    origin: str
    signal_id: bytes
    state: SentState
    day: int
    changed_at: int
    tries: int = 0
    next_at: int | None = None


class InquiryRow(Row, frozen=True, kw_only=True):
    """A signal of this node that is to be reviewed; `origin` names its list."""

    signal_id: bytes
    origin: str
    state: InquiryState
    opened_at: int
    ruled_at: int | None = None
    ruled_by: str | None = None
    reason: str | None = None


class InquirerRow(Row, frozen=True, kw_only=True):
    """A member that has asked for the review of a signal."""

    signal_id: bytes
    member: str
    day: int
    received_at: int


class ToldRow(Row, frozen=True, kw_only=True):
    """What a member has told last of how reviews of this node's signals ended."""

    member: str
    received_at: int
    statement: bytes
