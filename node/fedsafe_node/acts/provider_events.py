# SPDX-License-Identifier: Apache-2.0
"""The bodies of the API for the provider's events, as closed types."""

from enum import StrEnum, unique
from typing import Annotated

import msgspec

from fedsafe_node.acts.bodies import (
    Message,
    ServiceName,
    SubjectRef,
)
from fedsafe_policies.vocabulary import Purpose


@unique
class EventKind(StrEnum):
    """What is announced: a closed list."""

    SIGNAL_RESTRICTED = "signal.restricted"
    NOTICE_DUE = "notice.due"
    TASK_DUE = "task.due"
    TASK_INQUIRY = "task.inquiry"
    TASK_DECIDED = "task.decided"
    TASK_LAPSED = "task.lapsed"
    FLOOD_DUE = "flood.due"
    FLOOD_RULED = "flood.ruled"
    TRIAL_BEGAN = "trial.began"
    TRIAL_DUE = "trial.due"
    INQUIRY_DUE = "inquiry.due"
    INQUIRY_RULED = "inquiry.ruled"
    DISPUTE_RULED = "dispute.ruled"
    RIGHTS_DUE = "rights.due"
    BREACH_DUE = "breach.due"
    CASE_DUE = "case.due"
    ORDER_DUE = "order.due"


LONGEST_WAIT = 30
MOST_EVENTS = 500
EventNumber = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,14}(?!\n)$")]

Cursor = Annotated[
    str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,14})(-[0-9a-f]{16})?(?!\n)$")
]


class FollowQuery(Message, frozen=True):
    """From behind which event on, how many, how many seconds to wait for one; why.

    `after` is `next` of the answer before, or 0. The bare number of an event is taken
    too, but does not show that the node was put back to an older state.
    """

    after: Cursor = "0"
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_EVENTS)] = 100
    wait: Annotated[int, msgspec.Meta(ge=0, le=LONGEST_WAIT)] = 0
    purpose: Purpose | None = None


class ProviderEvent(Message, frozen=True):
    """Something that happened; `content` names it, by ids and dates.

    `subject_ref` is the word of `service` for the account: another service may call
    somebody else so.
    `receipt_due` is there if the event needs a receipt. A reminder names the event
    that it `reminds` of; a receipt for either is one for both.
    """

    number: int
    kind: EventKind
    at: str
    content: dict[str, str | int | bool | None]
    service: ServiceName | None = None
    subject_ref: SubjectRef | None = None
    receipt_due: str | None = None
    receipted_at: str | None = None
    reminds: int | None = None


class ProviderEvents(Message, frozen=True):
    """A part of the events; `next` is what to ask *after* the next time."""

    events: list[ProviderEvent]
    next: Cursor
    more: bool


class EventReceipt(Message, frozen=True):
    """When an event was receipted, and by whom, for the first time."""

    number: int
    receipted_at: str
    receipted_by: str
