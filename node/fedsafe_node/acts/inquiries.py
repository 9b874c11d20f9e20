# SPDX-License-Identifier: Apache-2.0
"""Inquiries about listings as the API gives and takes them."""

from enum import StrEnum, unique
from typing import Annotated, Literal

import msgspec

from fedsafe_federation.feed.inquiries import InquiryState
from fedsafe_node.acts.bodies import Message, Reference, SignalId
from fedsafe_policies.vocabulary import Purpose


@unique
class SentState(StrEnum):
    """Where an inquiry of this node stands, as its origin says, or since it is gone."""

    WAITING = "waiting"
    OPEN = "open"
    KEPT = "kept"
    ENDED = "ended"
    LOST = "lost"


MOST_INQUIRIES = 500


@unique
class InquiryRuling(StrEnum):
    """What a review of a signal came to: it stays, or it is revoked."""

    KEPT = "kept"
    REVOKED = "revoked"


class ListingInquiriesQuery(Message, frozen=True):
    """Which inquiries are listed: those that wait, or how those ended that do not.

    Left out, the `purpose` is what the role usually reads tasks for.
    """

    state: InquiryState = InquiryState.OPEN
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_INQUIRIES)] = MOST_INQUIRIES
    purpose: Purpose | None = None


class SentInquiriesQuery(Message, frozen=True):
    """How many inquiries of this node are listed."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_INQUIRIES)] = MOST_INQUIRIES
    purpose: Purpose | None = None


class Inquirer(Message, frozen=True):
    """A member whose reviewer has found the listing wrong, and on which day."""

    member: str
    day: str


class ListingInquiryShown(Message, frozen=True):
    """A signal of this node that members ask to have reviewed.

    `own` says that it is an own ban, and this node's own reviewer asks. It is `kept` or
    `ended`; of what has ended in another way nobody is named.
    """

    signal: SignalId
    own: bool
    reason: Literal["listing_wrong"]
    state: InquiryState
    members: list[Inquirer]
    opened_at: str
    ruled_at: str | None = None
    ruled_by: str | None = None
    reference: str | None = None


class ListingInquiriesAnswer(Message, frozen=True):
    """Inquiries; those of the most members first."""

    inquiries: list[ListingInquiryShown]


class SentInquiryShown(Message, frozen=True):
    """An inquiry of this node: `waiting` until its origin has it, then what it says.

    It is `lost` if the origin is no member any more, or does not know the signal.
    """

    signal: SignalId
    origin: str
    state: SentState
    day: str
    changed_at: str


class SentInquiriesAnswer(Message, frozen=True):
    """Inquiries of this node, the newest first."""

    inquiries: list[SentInquiryShown]


class InquiryRulingRequest(Message, frozen=True):
    """A ruling; `reason` refers to where the review is written down."""

    ruling: InquiryRuling
    reason: Reference
