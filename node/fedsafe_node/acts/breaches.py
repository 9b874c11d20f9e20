# SPDX-License-Identifier: Apache-2.0
"""What the API takes and says of breaches: closed lists, numbers and references."""

from enum import StrEnum, unique
from typing import Annotated

import msgspec

from fedsafe_node.acts.bodies import Message

MOST_NOTED = 2_000
BreachId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}(?!\n)$")]
Moment = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10_000_000_000)]
Note = Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_NOTED)]
Reference = Annotated[
    str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._/:-]+(?!\n)$")
]


@unique
class Kind(StrEnum):
    """What was broken."""

    __schema_name__ = "BreachKind"

    CONFIDENTIALITY = "confidentiality"
    INTEGRITY = "integrity"
    AVAILABILITY = "availability"


@unique
class Cause(StrEnum):
    """How it came about."""

    ATTACK = "attack"
    INSIDER = "insider"
    LOSS = "loss"
    MISDELIVERY = "misdelivery"
    SOFTWARE = "software"
    HUMAN_ERROR = "human_error"
    UNKNOWN = "unknown"


@unique
class Category(StrEnum):
    """Which data are concerned."""

    TOKENS = "tokens"
    SIGNALS = "signals"
    OFFENCES = "offences"
    MEDIA_HASHES = "media_hashes"
    ACCOUNT_REFERENCES = "account_references"
    CASE_FILES = "case_files"
    CREDENTIALS = "credentials"
    KEYS = "keys"
    AUDIT_LOG = "audit_log"
    STAFF = "staff"


@unique
class Group(StrEnum):
    """Whom the data are about."""

    BANNED_PERSONS = "banned_persons"
    USERS = "users"
    MINORS = "minors"
    STAFF = "staff"


@unique
class Consequence(StrEnum):
    """What it may lead to."""

    WRONG_SUSPICION = "wrong_suspicion"
    EXPOSURE = "exposure"
    DISCRIMINATION = "discrimination"
    LOST_ACCOUNT = "lost_account"
    IDENTITY_MISUSE = "identity_misuse"
    LOSS_OF_CONTROL = "loss_of_control"
    MISSED_MATCHES = "missed_matches"


@unique
class Measure(StrEnum):
    """What was done about it."""

    CREDENTIALS_REVOKED = "credentials_revoked"
    ACCOUNTS_LOCKED = "accounts_locked"
    KEYS_REPLACED = "keys_replaced"
    SIGNALS_REVOKED = "signals_revoked"
    NODE_STOPPED = "node_stopped"
    RESTORED = "restored"
    HOLE_CLOSED = "hole_closed"
    MEMBERS_TOLD = "members_told"
    POLICE_REPORT = "police_report"


@unique
class Risk(StrEnum):
    """How likely it harms the persons' rights and freedoms."""

    UNLIKELY = "unlikely"
    RISK = "risk"
    HIGH = "high"


@unique
class Notified(StrEnum):
    """Who was told: the authority (Art. 33), the persons (Art. 34), the members."""

    AUTHORITY = "authority"
    PERSONS = "persons"
    MEMBERS = "members"


@unique
class Silence(StrEnum):
    """Why somebody was not told; Art. 33 (1) and Art. 34 (3) a to c GDPR."""

    UNLIKELY_RISK = "unlikely_risk"
    PROTECTED = "protected"
    AVERTED = "averted"
    PUBLIC_COMMUNICATION = "public_communication"


class OpenBreach(Message, frozen=True):
    """A breach that somebody has become aware of, at `aware_at` (UTC seconds)."""

    aware_at: Moment
    kinds: Annotated[list[Kind], msgspec.Meta(min_length=1, max_length=3)]
    cause: Cause = Cause.UNKNOWN
    note: Note | None = None


class AssessBreach(Message, frozen=True):
    """What is known now; it takes the place of what was known."""

    categories: Annotated[list[Category], msgspec.Meta(min_length=1, max_length=10)]
    groups: Annotated[list[Group], msgspec.Meta(min_length=1, max_length=4)]
    persons: Count
    records: Count
    consequences: Annotated[list[Consequence], msgspec.Meta(max_length=7)]
    measures: Annotated[list[Measure], msgspec.Meta(max_length=9)]
    risk: Risk
    cause: Cause | None = None
    note: Note | None = None


class NotifyBreach(Message, frozen=True):
    """Somebody was told, at `at` (UTC seconds), under a reference.

    `late` refers to why the authority was told after 72 hours.
    """

    to: Notified
    at: Moment
    reference: Reference
    late: Reference | None = None


class CloseBreach(Message, frozen=True):
    """The end of the work; `silence` says why somebody was not told."""

    silence: Silence | None = None


class Notification(Message, frozen=True):
    """Who was told, when (UTC) and under which reference."""

    to: Notified
    at: str
    reference: str
    late: str | None = None


class BreachAnswer(Message, frozen=True):
    """How a breach stands; moments are in UTC.

    `due_at` is when the authority must be told, `members_due_at` when the other members
    are, if there are any; `act` is set while a second person
    has to stand by a closing without notification.
    """

    breach: BreachId
    state: str
    aware_at: str
    due_at: str
    members_due_at: str
    overdue: bool
    kinds: list[Kind]
    cause: Cause
    opened_by: str
    risk: Risk | None = None
    categories: list[Category] = msgspec.field(default_factory=list)
    groups: list[Group] = msgspec.field(default_factory=list)
    persons: int | None = None
    records: int | None = None
    consequences: list[Consequence] = msgspec.field(default_factory=list)
    measures: list[Measure] = msgspec.field(default_factory=list)
    notifications: list[Notification] = msgspec.field(default_factory=list)
    silence: Silence | None = None
    closed_at: str | None = None
    notes: list[str] = msgspec.field(default_factory=list)
    act: str | None = None


class BreachesAnswer(Message, frozen=True):
    """All breaches, those that changed last at the end; without their notes."""

    breaches: list[BreachAnswer]
