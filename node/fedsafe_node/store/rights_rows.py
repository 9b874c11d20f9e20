# SPDX-License-Identifier: Apache-2.0
"""Rows about disputes and requests, as every store gives and takes them."""

from enum import StrEnum, unique

from fedsafe_node.store.rows import Row


@unique
class Weight(StrEnum):
    """What a dispute weighed when it was taken."""

    SUSPENDS = "suspends"
    REPEAT = "repeat"
    FLOOD = "flood"


class DisputeRow(Row, frozen=True):
    """A dispute by the digest of its statement, which `restrictions` keeps.

    `charged_at` lies in the day whose budget it counts against, `due_at` says until
    when somebody has to rule, and `opened_by` is a person of this provider. It is
    `recorded` once its author's feed has shown it; since `let_go_at` it rests nothing.
    One that is `shared` costs nothing: its author was charged that day for another
    signal of the same origin under the same token.
    """

    digest: bytes
    origin: str
    signal_id: bytes
    author: str
    sequence: int
    contention: str
    control: str
    weight: Weight
    received_at: int
    charged_at: int
    due_at: int
    opened_by: str | None = None
    reminded_at: int | None = None
    recorded: bool = True
    let_go_at: int | None = None
    shared: bool = False


class RulingRow(Row, frozen=True):
    """How a dispute ended; who ruled and why is known of own rulings only."""

    dispute: bytes
    origin: str
    signal_id: bytes
    outcome: str
    at: int
    ruled_by: str | None = None
    reason: str | None = None


class AppealRow(Row, frozen=True):
    """An appeal by the digest of its statement; who filed it and why, if it is own."""

    digest: bytes
    origin: str
    signal_id: bytes
    dispute: bytes
    disputed_by: str
    author: str
    at: int
    received_at: int
    due_at: int
    statement: bytes
    opened_by: str | None = None
    reason: str | None = None


class AppealRulingRow(Row, frozen=True):
    """How an appeal ended.

    `place` is where it stands in the own feed; who ruled and why is known of own
    rulings only.
    """

    appeal: bytes
    digest: bytes
    author: str
    outcome: str
    at: int
    charged_at: int
    statement: bytes
    place: int | None = None
    first: str | None = None
    second: str | None = None
    reason: str | None = None


@unique
class RequestState(StrEnum):
    """Where a person's request stands."""

    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"


class RequestRow(Row, frozen=True):
    """A person's request; what was found is `sealed`, and None once it is wiped.

    `extended_for` refers to why it takes longer, `ended_at` and `ended_by` tell of the
    answer and then of the end.
    """

    id: str
    kind: str
    way: str
    control: str
    language: str
    opened_at: int
    opened_by: str
    due_at: int
    period: str
    sealed: bytes | None
    proof: bytes | None = None
    collect: bytes | None = None
    extended_for: str | None = None
    reminded_at: int | None = None
    state: RequestState = RequestState.OPEN
    outcome: str | None = None
    reason: str | None = None
    ended_at: int | None = None
    ended_by: str | None = None


class WaitingRow(Row, frozen=True):
    """A request whose identifier could not be looked up, and is again from `again_at`.

    The identifier is `sealed`. The one with the lowest `turn` is next. What came by the
    public form has the blinded names of its `domain` and `place`; what the provider
    vouches for has none, and turn 0.
    """

    request: str
    domain: str
    place: str
    turn: int
    since: int
    again_at: int
    period: str
    sealed: bytes
