# SPDX-License-Identifier: Apache-2.0
"""The bodies of the API that speak of notices to persons, as closed types."""

from datetime import date
from enum import StrEnum, unique
from typing import Annotated

import msgspec

from fedsafe_node.messages import Bilingual, Message, SignalId
from fedsafe_node.notices.texts import TextName
from fedsafe_node.store.notices_rows import NoticeKind, NoticeState
from fedsafe_policies.vocabulary import Role, Withholding

_Reference = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}(?!\n)$")]


@unique
class Standing(StrEnum):
    """Whether a text may go out."""

    DRAFT = "draft"
    SIGNED = "signed"
    EXPIRED = "expired"


class TextShown(Message, frozen=True):
    """A text with its words; `digest` names exactly these."""

    name: TextName
    title: Bilingual
    body: Bilingual
    digest: str
    standing: Standing
    signed_by: str | None = None
    role: Role | None = None
    signed_at: str | None = None
    valid_until: date | None = None


class TextsAnswer(Message, frozen=True):
    """All texts, and how many notices wait."""

    texts: list[TextShown]
    waiting: int


class SignOffRequest(Message, frozen=True):
    """Sign off the text with this digest; good until the day begins (UTC)."""

    digest: Digest
    valid_until: date


class WithholdRequest(Message, frozen=True):
    """Hold back the notice of a signal; `note` refers to why, `until` ends it."""

    reason: Withholding
    note: _Reference
    until: date


class NoticeShown(Message, frozen=True):
    """How far the notice to the person behind a signal is.

    `event` is the number of the event that asks the provider to deliver it;
    `unsigned` names the texts that it waits for.
    """

    signal: SignalId
    notice: NoticeKind
    state: NoticeState
    queued_at: str
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

    signal: SignalId
    reason: Withholding
    note: str
    by: str
    until: str
