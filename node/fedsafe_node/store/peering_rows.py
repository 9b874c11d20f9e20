# SPDX-License-Identifier: Apache-2.0
"""The rows about other members: what they got, counted together and cosigned.

Times are seconds since 1970, UTC.
"""

from dataclasses import dataclass
from enum import StrEnum, unique

from fedsafe_node.store.rows import Row


class HandedRow(Row, frozen=True, kw_only=True):
    """A run of entries of the own feed whose openings went to a member.

    From `first` to `last`, both included.
    """

    recipient: str
    first: int
    last: int
    at: int
    purpose: str
    basis: str


class RepeatRow(Row, frozen=True):
    """A run of entries that went to the same member again: how often, and when."""

    first: int
    last: int
    times: int
    first_at: int
    last_at: int


class LedgerRow(HandedRow, frozen=True, kw_only=True):
    """A line of the ledger, and what of it was handed over again, in order."""

    number: int
    again: tuple[RepeatRow, ...] = ()


class ServedRow(Row, frozen=True, kw_only=True):
    """What requests in an hour gave a member of a feed that it had before.

    `first` and `last` are the lowest and the highest entry, `openings` how many in all.
    """

    recipient: str
    origin: str
    hour: int
    times: int
    openings: int
    first: int
    last: int
    first_at: int
    last_at: int


class PackRow(Row, frozen=True, kw_only=True):
    """An evidence pack with openings that went out with an entry of the audit log.

    It holds the entries from `first` to `last`, both included, of the classes in
    `events` (divided by commas), or all. People are named as the log names them.
    """

    entry: int
    first: int
    last: int
    events: str | None
    recipient: str
    asked_by: str
    approved_by: str
    at: int
    purpose: str
    basis: str


class ReceiptRow(Row, frozen=True, kw_only=True):
    """What a member has signed that it erased (`fedsafe_federation.feed.receipts`)."""

    member: str
    seq: int
    parted: int
    method: str
    erased_at: int
    residual_until: int
    received_at: int
    statement: bytes


class HeardRow(Row, frozen=True, kw_only=True):
    """Up to which of this node's restrictions a member has applied them."""

    recipient: str
    sequence: int
    at: int


@unique
class Side(StrEnum):
    """What is counted: what a member had of this node, or this node of a member."""

    ANSWERED = "answered"
    ASKED = "asked"
    RECEIVED = "received"


class LeasedRow(Row, frozen=True):
    """So many elements are off a member's budget in an hour, counted since 1970."""

    side: Side
    member: str
    purpose: str
    hour: int
    elements: int


class TallyRow(Row, frozen=True):
    """What a member has signed about a day, and by how much the counts differ."""

    author: str
    day: int
    statement: bytes
    differs: int


@dataclass(frozen=True, slots=True)
class WitnessedRow:
    """The largest tree of a log that was cosigned here.

    `log` is the log's verifier key, `note` the checkpoint with the own cosignature;
    `at` is in seconds.
    """

    log: str
    size: int
    root: bytes
    note: bytes
    at: int


@dataclass(frozen=True, slots=True)
class CosignatureRow:
    """A witness's cosignature of an own checkpoint.

    `witness` is its verifier key, `line` the signature line, `at` the witness's time.
    """

    log: str
    size: int
    witness: str
    line: str
    at: int
