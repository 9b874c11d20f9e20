# SPDX-License-Identifier: Apache-2.0
"""The bodies of the API that speak of notices to persons, as closed types."""

from datetime import date
from enum import StrEnum, unique
from typing import Annotated

import msgspec

from fedsafe_node.acts.bodies import (
    Bilingual,
    Message,
    SignalId,
    TaskId,
)
from fedsafe_policies.vocabulary import Role, Withholding


@unique
class TextName(StrEnum):
    """The texts that there are."""

    STATEMENT_OF_REASONS = "statement_of_reasons"
    DATA_PROTECTION_NOTICE = "data_protection_notice"
    END_OF_SIGNAL = "end_of_signal"
    REVIEW_REASONS = "review_reasons"
    RIGHTS_FORM = "rights_form"
    CODE_LETTER = "code_letter"
    RIGHTS_ANSWER = "rights_answer"
    RIGHTS_OUTCOME = "rights_outcome"


@unique
class NoticeKind(StrEnum):
    """Why a person is told something."""

    PUBLICATION = "publication"
    END = "end"
    REVIEW = "review"


@unique
class NoticeState(StrEnum):
    """How far a notice is."""

    WAITING = "waiting"
    ANNOUNCED = "announced"
    DELIVERED = "delivered"
    ERASED = "erased"
    """Its facts went before it was delivered; nobody can be told any more."""


_Reference = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
NoticeAbout = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
        r"|[0-9a-f]{32})(?!\n)$"
    ),
]
"""The id of a signal, or of a review."""
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}(?!\n)$")]


@unique
class Standing(StrEnum):
    """Whether a text may go out."""

    __schema_name__ = "TextStanding"

    DRAFT = "draft"
    SIGNED = "signed"
    EXPIRED = "expired"


class TextShown(Message, frozen=True):
    """A text with its words; `digest` names exactly these.

    `minor` is what children and young people read in its place, or before it.
    """

    name: TextName
    title: Bilingual
    body: Bilingual
    digest: str
    standing: Standing
    signed_by: str | None = None
    role: Role | None = None
    signed_at: str | None = None
    valid_until: date | None = None
    minor: Bilingual | None = None


class TextsAnswer(Message, frozen=True):
    """All texts, and how many notices wait.

    `lacking` names settings of node.toml without which letters say less than they
    could, and general words stand in their place.
    """

    texts: list[TextShown]
    waiting: int
    lacking: tuple[str, ...] = ()


class SignOffRequest(Message, frozen=True):
    """Sign off the text with this digest; good until the day begins (UTC)."""

    digest: Digest
    valid_until: date


class WithholdRequest(Message, frozen=True):
    """Hold back what is told of a signal or a review; `note` refers to why."""

    reason: Withholding
    note: _Reference
    until: date


class NoticeShown(Message, frozen=True):
    """How far the notice to a person about a signal or a review is.

    `event` is the number of the event that asks the provider to deliver it;
    `unsigned` names the texts that it waits for.
    """

    notice: NoticeKind
    state: NoticeState
    queued_at: str
    signal: SignalId | None = None
    task: TaskId | None = None
    event: int | None = None
    withheld_until: str | None = None
    withheld_by: str | None = None
    reason: Withholding | None = None
    unsigned: tuple[TextName, ...] = ()


class NoticesAnswer(Message, frozen=True):
    """The notices that wait or are on their way, oldest first."""

    notices: list[NoticeShown]


class WithheldAnswer(Message, frozen=True):
    """A withholding; the notice goes out by itself when it ends."""

    reason: Withholding
    note: str
    by: str
    until: str
    signal: SignalId | None = None
    task: TaskId | None = None
