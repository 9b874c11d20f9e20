# SPDX-License-Identifier: Apache-2.0
"""The bodies of the API for match floods (P21), as closed types.

Times are seconds since 1970 in UTC.
"""

from enum import StrEnum, unique
from typing import Annotated

import msgspec

from fedsafe_node.acts.bodies import (
    AccountRef,
    FloodId,
    Message,
    Reference,
    ServiceName,
    SignalId,
    SubjectRef,
)
from fedsafe_node.acts.lookup import Match
from fedsafe_node.acts.reviews import Because
from fedsafe_policies.vocabulary import Purpose


@unique
class FloodState(StrEnum):
    """Whether a flood waits for a ruling, was ruled on, or ended by itself.

    It is *over* once its signal has ended.
    """

    WAITING = "waiting"
    RESTED = "rested"
    STANDS = "stands"
    LAPSED = "lapsed"
    OVER = "over"


MOST_SUBJECTS = 1_000
MOST_FLOODS = 500


@unique
class FloodRuling(StrEnum):
    """How a person rules on a flood."""

    RESTS = "rests"
    STANDS = "stands"


class FloodsQuery(Message, frozen=True):
    """Which floods are listed: with `after`, a `next`, those behind it.

    Left out, the `purpose` is what the role usually reads tasks for.
    """

    state: FloodState = FloodState.WAITING
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_FLOODS)] = MOST_FLOODS
    after: FloodId | None = None
    purpose: Purpose | None = None


class FloodQuery(Message, frozen=True):
    """How many references of a flood are shown, from behind one on."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_SUBJECTS)] = MOST_SUBJECTS
    after: AccountRef | None = None
    purpose: Purpose | None = None


class FloodShown(Message, frozen=True):
    """A signal that has matched more than `bound` accounts, or files, within a day.

    `references` counts the accounts, or files, beyond it that are kept here, and
    `beyond` those that came when that was full. They go at `ends_at`. `match` is what
    the lookups showed; null once the signal has ended.
    """

    flood: FloodId
    signal: SignalId
    origin: str
    state: FloodState
    bound: int
    references: int
    beyond: int
    opened_at: int
    ends_at: int
    match: Match | None = None
    ruled_by: str | None = None
    second: str | None = None
    ruled_at: int | None = None
    reason: str | None = None


class FloodsAnswer(Message, frozen=True):
    """Floods; `next` leads to those behind these, null if these are the last."""

    floods: list[FloodShown]
    next: FloodId | None = None


class FloodReference(Message, frozen=True):
    """An account, or file, that matched beyond the bound."""

    service: ServiceName | None
    subject_ref: SubjectRef
    added_at: int


class FloodAnswer(FloodShown, frozen=True, kw_only=True):
    """A flood with its references by name; `next` leads to those behind these.

    With `raised_to` two people have raised the signal's bound until `raised_until`.
    """

    subjects: list[FloodReference]
    next: AccountRef | None = None
    raised_to: int | None = None
    raised_until: int | None = None


class FloodRulingRequest(Message, frozen=True):
    """A ruling, and a reference to what it rests on.

    A signal that `rests` because its listing is wrong is an inquiry to its origin.
    `again` says the same once more, after 409 `look_again`.
    """

    ruling: FloodRuling
    reason: Reference
    because: Because | None = None
    again: bool = False


class BoundRequest(Message, frozen=True):
    """To what the bound of a flood's signal is raised for seven days, and why."""

    bound: Annotated[int, msgspec.Meta(ge=2, le=10_000)]
    reason: Reference
