# SPDX-License-Identifier: Apache-2.0
"""Appeals as the API gives and takes them."""

from typing import Annotated, Literal

import msgspec

from fedsafe_node.acts.bodies import Message, Reference

AppealId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}(?!\n)$")]


class NewAppealRequest(Message, frozen=True):
    """An officer appeals; `reason` refers to what the person has said."""

    reason: Reference


class AppealRulingRequest(Message, frozen=True):
    """The signal ends, or it stands; `reason` refers to the written ruling.

    `again` says the same once more, after 409 `look_again`.
    """

    ends: bool
    reason: Reference
    again: bool = False


class AppealAnswer(Message, frozen=True, kw_only=True):
    """An appeal: against which ruling, who hears it by when, and how it ended.

    `heard_by` is the member that the charter names now for it, or null if it names none
    without a part in it; `ours` says that this node rules. `ruling` names the ruling on
    the appeal, and `set_aside` says that a quorum took its effect away.
    """

    appeal: str
    signal: str
    origin: str
    dispute: str
    disputed_by: str
    author: str
    heard_by: str | None
    ours: bool
    state: Literal["open", "ended", "stands"]
    received_at: str
    due_at: str
    opened_by: str | None = None
    reason: str | None = None
    ruling: str | None = None
    ruled_by: str | None = None
    ruled_at: str | None = None
    first: str | None = None
    second: str | None = None
    ruling_reason: str | None = None
    set_aside: bool = False


class AppealsAnswer(Message, frozen=True):
    """Appeals, by when they are due; `next` is set while there are more."""

    appeals: list[AppealAnswer]
    next: str | None = None
