# SPDX-License-Identifier: Apache-2.0
"""What is sent and got about keeping the audit log; times are seconds since 1970."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from fedsafe_federation.wire.signed import Count, Seconds
from fedsafe_node.acts.audit import AuditEvent, LostEntries
from fedsafe_node.acts.bodies import (
    AccountRef,
    Message,
    ServiceName,
    SubjectRef,
)
from fedsafe_node.acts.people import ActId

Reference = Annotated[str, msgspec.Meta(max_length=64)]
PseudonymText = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,64}(?!\n)$")]


class SubjectRequest(Message, frozen=True):
    """Which account is asked about, and of which time; it is never in a URL.

    `after` and `before` are seconds in UTC, the second one excluded.
    """

    subject_ref: AccountRef
    after: Seconds | UnsetType = UNSET
    before: Seconds | UnsetType = UNSET


class SubjectEvents(Message, frozen=True):
    """All events that name an account, in order; `more` if there are too many."""

    events: list[AuditEvent]
    more: bool


class EraseRequest(Message, frozen=True):
    """Which account is to be erased, and a reference to why."""

    subject_ref: AccountRef
    reason: Reference


class RevealRequest(Message, frozen=True):
    """Whose pseudonym it is, and a reference to why somebody has to know."""

    pseudonym: PseudonymText
    reason: Reference


class RevealedRequest(RevealRequest, frozen=True):
    """The same with the act that another person approved."""

    act: ActId


class RevealedAnswer(Message, frozen=True):
    """The person behind a pseudonym."""

    pseudonym: str
    name: str


class HoldRequest(Message, frozen=True):
    """What is to be held, why, and until when: an account, or a span of entries."""

    reason: Reference
    until: Seconds
    subject_ref: AccountRef | None = None
    first: Count | None = None
    last: Count | None = None


class HoldAnswer(Message, frozen=True):
    """A hold."""

    hold: str
    subject_ref: SubjectRef | None
    first: int | None
    last: int | None
    reason: str
    until: int
    placed_at: int
    placed_by: str
    service: ServiceName | None = None


class HoldsAnswer(Message, frozen=True):
    """The holds in force, oldest first."""

    holds: list[HoldAnswer]


class GapShown(Message, frozen=True):
    """A time in which the node could write nothing; without an end it lasts."""

    kind: str
    reason: str
    since: int
    until: int | None


class KeyShown(Message, frozen=True):
    """A key that was destroyed; without an end nobody knows yet whether it is."""

    key: str
    target: str
    begun_at: int
    ended_at: int | None


class GapsAnswer(Message, frozen=True):
    """What the audit log cannot tell, and why.

    `missing` entries lie before its end and are not there; those below `minimum` were
    pruned and count as not missing. `lost` were there once, and a restore has declared
    them lost. `erased` counts openings by reason: `retention`, `subject` (a person's
    right), `signal` (one that ended).
    `failing` is why nothing can be written now. `residues` are the months of which
    something erased may still lie, sealed: on the disks of a database server in old
    versions of rows, its write-ahead log, replicas; or in the unused space of a file
    whose SQLite lets no page be written. Who has no key of the month reads nothing in
    it, and nobody once that key is destroyed.
    """

    missing: int
    gaps: list[GapShown]
    keys: list[KeyShown]
    erased: dict[str, int]
    holds: int
    minimum: int = 0
    failing: str | None = None
    residues: tuple[str, ...] = ()
    lost: list[LostEntries] = msgspec.field(default_factory=list)
