# SPDX-License-Identifier: Apache-2.0
"""The TOML of a policy, section by section, as typed and closed data.

Each section says which rule of the data-protection plan (P1 to P22) it serves.
Units are part of a key's name; spans are written ``"12 months"``, ``"7 days"``.
"""

from datetime import date
from enum import StrEnum, unique
from typing import Annotated, Literal

import msgspec

from fedsafe_policies.documents.harmless_media import MATCH_RADIUS
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.ground.span import Span
from fedsafe_policies.vocabulary import (
    Act,
    Circle,
    EvaluationPurpose,
    Grade,
    Level,
    Module,
    Phenomenon,
    Plane,
    Purpose,
    Role,
    Surface,
    Withholding,
)

IdentifierName = Literal["email", "phone", "username", "device", "payment", "ip", "url"]
MediaName = Literal["sha256", "sha1", "md5", "blake3", "pdq"]
Code = Annotated[str, msgspec.Meta(pattern=r"\A[A-Z]{2,3}\Z")]
Label = Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9._-]{0,31}\Z")]
Reference = Annotated[
    str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._/:-]{0,63}\Z")
]
NodeName = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9.-]{0,252}\Z")]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
Hours = Annotated[int, msgspec.Meta(ge=1, le=8_760)]
WorkingDays = Annotated[int, msgspec.Meta(ge=1, le=60)]
Bound = Annotated[int, msgspec.Meta(ge=1, le=1_000)]
Radius = Annotated[int, msgspec.Meta(ge=0, le=MATCH_RADIUS)]
Percent = Annotated[int, msgspec.Meta(ge=1, le=100)]


@unique
class GateMode(StrEnum):
    """What opens the gate: a complete record, or a demonstration on loopback."""

    RECORD = "record"
    SYNTHETIC = "synthetic"


@unique
class Cited(StrEnum):
    """Which rules a signal may cite: those of the rulebook, or any reference."""

    LISTED = "listed"
    ANY = "any"


class Gate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """P1: which planes stay closed until the gate is open."""

    mode: GateMode
    planes: frozenset[Plane]


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """P3, P5: what may leave the node, and what is matched of others."""

    planes: frozenset[Plane]
    identifiers: frozenset[IdentifierName]
    media: frozenset[MediaName]
    surfaces: frozenset[Surface]
    grades: frozenset[Grade]


class Pictures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """P5: in how many bits of its PDQ hash a listed picture may differ, and match.

    Fewer for the pictures of an origin, if `origins` names it. Policies from before
    that section have the widest radius.
    """

    radius: Radius = MATCH_RADIUS
    origins: dict[NodeName, Radius] = {}


class Scopes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """P14: for whom a signal may be meant, and who is in which group."""

    circles: frozenset[Circle]
    groups: dict[Label, frozenset[NodeName]] = {}


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """P9: how long a signal matches, and how long its opening outlives that.

    `renewed` is the whole life of an actor signal that was reviewed again in
    time; a media signal is validated again every `revalidate`. `cases` is how long a
    case is kept once it is closed; policies from before that key keep it shortest.
    Each year `sample_percent` of the published signals are looked at again; policies
    from before that key have this number.
    """

    actor: Span
    renewed: Span
    media: Span
    revalidate: Span
    bucket: Span
    after_match: Span
    cases: Span = Span.parse("6 months")
    sample_percent: Percent = 5


class WorkingDaysOff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which days do not count as working days, beside Saturday and Sunday.

    `holidays` are ``MM-DD``; `easter` are days after Easter Sunday.
    """

    holidays: frozenset[Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{2}-[0-9]{2}\Z")]]
    easter: frozenset[Annotated[int, msgspec.Meta(ge=-60, le=70)]]


class Review(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """P13: how long a match waits for a person, and what that person may do.

    A decision within fewer seconds than `ask_again_seconds` after the first look is
    asked once more; policies from before that key have this number.
    """

    working_days: WorkingDays
    longest: Span
    watch: Span
    watch_renewals: Annotated[int, msgspec.Meta(ge=0, le=1)]
    feature_limit: Span
    second_person_from: Level
    hearing_from: Level
    alarm_tasks: Annotated[int, msgspec.Meta(ge=1, le=1_000)]
    alarm_percent: Percent
    alarm_seconds: Annotated[int, msgspec.Meta(ge=0, le=3_600)]
    ask_again_seconds: Annotated[int, msgspec.Meta(ge=1, le=600)] = 10


class Disputes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """P10: how soon a dispute acts and is ruled on; whose flood is stopped where.

    What a member attests has the budget `attested_a_day`, and nothing of the other.
    """

    suspend_minutes: Annotated[int, msgspec.Meta(ge=1, le=60)]
    ruling_working_days: WorkingDays
    suspensions_a_day: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    attested_a_day: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 10


class Erasure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """P11: when a missing receipt alarms, and when it stops new openings."""

    alarm_hours: Hours
    stop_hours: Hours


class Notices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """P16: for which reasons, and how long, a notice may wait."""

    reasons: frozenset[Withholding]
    longest: Span


class FourEyes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """P6: what takes two people."""

    acts: frozenset[Act]


class Jurisdictions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """P15: where data may go; elsewhere only on the basis that is named here."""

    allowed: frozenset[Code]
    transfers: dict[Code, Reference] = {}


class DoNotShare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """P17: which lists apply, and how short an identifier may be."""

    lists: frozenset[Label]
    shortest: Annotated[int, msgspec.Meta(ge=1, le=64)]


class Budgets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """P18: how much of what; a purpose that is not named gets nothing.

    Evaluations are counted in elements, for each member that asks this node.
    """

    publications_an_hour: Count
    publications_a_day: Count
    identifiers_an_account: Annotated[int, msgspec.Meta(ge=1, le=1_000)]
    lookups_an_hour: dict[Purpose, Count]
    evaluations_an_hour: dict[EvaluationPurpose, Count]
    evaluations_a_day: dict[EvaluationPurpose, Count]


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """P19: what a role must have learnt, and for how long that counts."""

    modules: frozenset[Module]
    valid: Span


class Staffing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """P19: which seats must be filled, and which one person may not combine."""

    seats: frozenset[Role]
    apart: dict[Role, frozenset[Role]]
    external: frozenset[Role]
    external_longest: Span


class Corroboration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """P20: how many independent first-hand origins a recommendation takes."""

    origins: Annotated[int, msgspec.Meta(ge=1, le=100)]


class Flood(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """P21: how many accounts, or files, a signal restricts by itself within a day.

    By its kind. Policies from before that section have the bounds of `germany`.
    """

    email: Bound = 10
    phone: Bound = 10
    username: Bound = 10
    device: Bound = 10
    payment: Bound = 10
    ip: Bound = 20
    url: Bound = 20
    sha256: Bound = 50
    sha1: Bound = 50
    md5: Bound = 50
    blake3: Bound = 50
    pdq: Bound = 50


class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """P22: how long signals are on trial, and how many of their matches are reviewed.

    The `first` ones, and then `percent` of them. An origin of whose reviewed matches of
    a kind surely more than `probation_percent` were listed wrongly is on probation,
    from `probation_reviews` reviews by two people on. Policies from before that
    section, or a key of it, have these numbers.
    """

    lasts: Span = Span.parse("30 days")
    first: Annotated[int, msgspec.Meta(ge=10, le=100)] = 10
    percent: Annotated[int, msgspec.Meta(ge=5, le=100)] = 5
    probation_reviews: Annotated[int, msgspec.Meta(ge=30, le=1_000)] = 30
    probation_percent: Annotated[int, msgspec.Meta(ge=1, le=50)] = 10


class RuleEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule of the provider's house, in plain words."""

    id: Reference
    text: Text
    phenomena: frozenset[Phenomenon]
    level: Level


class Rulebook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The provider's own rules; a signal cites one of them."""

    cited: Cited
    rules: tuple[RuleEntry, ...] = ()


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The TOML of a policy, as written."""

    format: Literal[1]
    name: Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9-]{0,31}\Z")]
    title: Text
    dated: date
    gate: Gate
    share: Share
    scopes: Scopes
    phenomena: dict[Phenomenon, frozenset[Plane]]
    purposes: dict[Role, frozenset[Purpose]]
    retention: Retention
    ageing: dict[IdentifierName, Span]
    working_days: WorkingDaysOff
    review: Review
    disputes: Disputes
    erasure: Erasure
    notices: Notices
    four_eyes: FourEyes
    jurisdictions: Jurisdictions
    do_not_share: DoNotShare
    budgets: Budgets
    staffing: Staffing
    training: dict[Role, Training]
    corroboration: Corroboration
    rulebook: Rulebook
    flood: Flood = Flood()
    trial: Trial = Trial()
    pictures: Pictures = Pictures()
