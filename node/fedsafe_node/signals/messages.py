# SPDX-License-Identifier: Apache-2.0
"""What the API says of reviews of published signals."""

from fedsafe_node.messages import (
    Message,
    SignalId,
)


class KeptAnswer(Message, frozen=True):
    """A signal that lives on; the next review is due before that day (UTC)."""

    signal: SignalId
    review_by: str


class DueSignal(Message, frozen=True):
    """A published signal about a file, who is its author, and until when to review."""

    signal: SignalId
    author: str
    review_by: str


class EndingSignal(Message, frozen=True):
    """A published signal that would live longer than its key epoch.

    `sealed` is the identifier as custody keeps it, which only the custody key opens;
    there is none for a file.
    """

    signal: SignalId
    epoch: int
    sealed: bytes | None


class EndingAnswer(Message, frozen=True):
    """What of this node ends with an epoch on a day, unless it is published anew.

    Nothing ends (`until` is null) while signals are published in every epoch that
    lives. `more`: there are others than are listed.
    """

    origin: str
    until: str | None
    signals: list[EndingSignal]
    more: bool = False


class DueAnswer(Message, frozen=True):
    """The signals whose review is due within two months, most urgent first."""

    signals: list[DueSignal]
