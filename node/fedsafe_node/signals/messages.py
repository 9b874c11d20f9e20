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


class DueAnswer(Message, frozen=True):
    """The signals whose review is due within two months, most urgent first."""

    signals: list[DueSignal]
