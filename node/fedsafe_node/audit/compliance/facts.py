# SPDX-License-Identifier: Apache-2.0
"""What a document is written from: a node's configuration at one moment, typed.

No case, no signal, no key and no name of a member of staff is in it, but for the
names that the legal gate's record gives to its two approvals.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum, unique

from fedsafe_policies.documents.legal_calendar import Calendar
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.rules.gate import LegalGate
from fedsafe_policies.vocabulary import Role


@unique
class Option(StrEnum):
    """What a node's configuration can switch on beside its policy."""

    SINGLE_SIGN_ON = "single_sign_on"
    OWN_CALENDAR = "own_calendar"
    OWN_LISTS = "own_lists"
    OPEN_FOUNDING = "open_founding"
    BEYOND_LOOPBACK = "beyond_loopback"
    PUBLIC_FORM = "public_form"
    MAIL_CODES = "mail_codes"
    PHONE_CODES = "phone_codes"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberFacts:
    """Another member: it receives signals and holds a share of the key."""

    name: str
    jurisdiction: str
    attested: bool
    suspended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FederationFacts:
    """What the members agreed on; references are ``name@hash8``."""

    name: str
    created: date
    threshold: int
    epoch_ends: date
    policy: str
    arrangement: str
    others: tuple[MemberFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFacts:
    """The newest record of the legal gate, and what comes of it today."""

    record: LegalGate
    recorded_on: date | None
    is_open: bool
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterFacts:
    """How the Schutzkonzept register stands; `until` is its first day unmet."""

    is_met: bool
    until: date | None
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFacts:
    """For how many days things are kept that the policy does not speak of.

    `actor`, `subject`, `detail`: what the audit log says of who acted, on whose
    account, and how; `records`: that something happened at all, 0 for good.
    `announced`: what the provider's back-end was told; and `unreceipted`, if nobody
    confirms that it arrived. `found`: what was found for a person's request, after
    its end.
    """

    actor: int
    subject: int
    detail: int
    records: int
    announced: int
    unreceipted: int
    found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatFacts:
    """How many people can act in a role today, and how many of them from outside."""

    role: Role
    people: int
    external: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A node at the moment `at`; `gaps` are what `fedsafe staffing check` names."""

    at: datetime
    node: str
    jurisdiction: str
    contact: str
    version: str
    policy: Policy
    calendar: Calendar
    options: frozenset[Option]
    gate: GateFacts
    register: RegisterFacts
    kept: KeptFacts
    federation: FederationFacts | None
    seats: tuple[SeatFacts, ...]
    gaps: int
    dpo_contact: str | None = None
