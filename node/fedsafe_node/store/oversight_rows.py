# SPDX-License-Identifier: Apache-2.0
"""The rows about budgets, reviews, breaches and review rounds."""

from fedsafe_node.store.rows import Row


class SpentRow(Row, frozen=True):
    """What a holder spent for a purpose in the slot that begins at `slot`.

    `identifiers` and `accounts` count distinct ones within the slot.
    """

    holder: str
    purpose: str
    slot: int
    spent: int
    identifiers: int = 0
    accounts: int = 0


class CircuitRow(Row, frozen=True):
    """What a pattern has shut, from `broken_at` until before `until`."""

    holder: str
    purpose: str
    code: str
    broken_at: int
    until: int


class MarkRow(Row, frozen=True):
    """How many records the whole copy of an origin's feed had at a moment."""

    origin: str
    at: int
    size: int


class ValidationRow(Row, frozen=True):
    """A published signal about a file, and who reviewed it last, at `last_at`.

    Without a review `last_at` is when it was published.
    """

    signal_id: bytes
    author: str
    author_role: str
    published_at: int
    last_at: int
    reviewer: str | None = None
    reviewer_role: str | None = None


class BreachRow(Row, frozen=True):
    """One step of a breach; `record` is all that is known of it from now on.

    The store numbers entries. `note` is sealed under the key of `period`.
    """

    number: int | None
    breach: str
    step: str
    record: bytes
    period: str | None
    note: bytes | None
    recorded_at: int
    recorded_by: str


class RoundRow(Row, frozen=True):
    """One step of a review round; `record` is what the step says.

    The store numbers entries. `note` is sealed under the key of `period`.
    """

    number: int | None
    round: str
    step: str
    record: bytes
    period: str | None
    note: bytes | None
    recorded_at: int
    recorded_by: str
