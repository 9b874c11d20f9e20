# SPDX-License-Identifier: Apache-2.0
"""The words that policies, signals, lookups and people share.

Every value here travels or is stored, so a value never changes its meaning: new
ones are added, old ones stay. The numbers of `IdentifierKind` and `MediaKind`
are part of the cryptographic input of a token.
"""

from enum import IntEnum, StrEnum, unique


@unique
class IdentifierKind(IntEnum):
    """What an account is known by."""

    EMAIL = 1
    PHONE = 2
    USERNAME = 3
    DEVICE = 4
    PAYMENT = 5
    IP = 6
    URL = 7


@unique
class MediaKind(IntEnum):
    """A digest of a file's bytes, or of what a picture looks like."""

    SHA256 = 1
    SHA1 = 2
    MD5 = 3
    BLAKE3 = 4
    PDQ = 5


@unique
class Plane(StrEnum):
    """Whether a signal speaks of an account or of a file."""

    ACTOR = "actor"
    MEDIA = "media"


@unique
class Phenomenon(StrEnum):
    """The ten coded forms of sexual violence."""

    GROOMING = "grooming"
    EXHIBITIONISM = "exhibitionism"
    SEXUALISED_LANGUAGE = "sexualised_language"
    ABUSE_DEPICTION = "abuse_depiction"
    SEXTORTION = "sextortion"
    SEXTING_EXPOSURE = "sexting_exposure"
    UNWANTED_CONFRONTATION = "unwanted_confrontation"
    VIOLENT_FANTASY_CHAT = "violent_fantasy_chat"
    SEX_DOLL_ORDER = "sex_doll_order"
    AVATAR_ACTS = "avatar_acts"


@unique
class EvaluationPurpose(StrEnum):
    """What a member asks another to evaluate for; each has a budget of its own."""

    LOOKUP = "lookup"
    PUBLISHING = "publishing"
    RIGHTS = "rights"
    BACKFILL = "backfill"


@unique
class Surface(StrEnum):
    """Where the conduct took place."""

    PUBLIC_CONTENT = "public_content"
    HOSTED_PRIVATE = "hosted_private"
    NI_ICS_PRIVATE = "ni_ics_private"
    REGISTRATION = "registration"
    SHOP = "shop"


@unique
class Grade(StrEnum):
    """How well the origin's finding is founded."""

    CONFIRMED_MEDIA = "confirmed_media"
    CONFIRMED_CONDUCT = "confirmed_conduct"
    SINGLE_REPORT = "single_report"


@unique
class Provenance(StrEnum):
    """Where the origin of a signal has its finding from."""

    OWN_FINDING = "own_finding"
    RELAYED = "relayed"
    IMPORTED_LIST = "imported_list"


@unique
class Finding(StrEnum):
    """What an author has established of person and conduct; it never travels."""

    __schema_name__ = "AuthorFinding"

    ADULT = "adult"
    AIMED_AT_MINOR = "aimed_at_minor"
    REPEATED = "repeated"
    TARGETED = "targeted"


@unique
class Source(StrEnum):
    """What led a provider to a finding of its own (Art. 17 (3) b DSA)."""

    NOTICE = "notice"
    TRUSTED_FLAGGER = "trusted_flagger"
    OTHER_NOTICE = "other_notice"
    OWN_INITIATIVE = "own_initiative"


@unique
class Detection(StrEnum):
    """Whether people found what a finding rests on, or a program (Art. 17 (3) c)."""

    PEOPLE = "people"
    PROGRAM = "program"


@unique
class Purpose(StrEnum):
    """Why somebody asks; every lookup, read and export names one."""

    SIGNUP_CHECK = "signup_check"
    RECHECK = "recheck"
    MODERATION_REVIEW = "moderation_review"
    MEDIA_MATCHING = "media_matching"
    ESCALATION = "escalation"
    RIGHTS_OF_THE_PERSON = "rights_of_the_person"
    AUDIT_REVIEW = "audit_review"
    SUPERVISION = "supervision"
    OPERATIONS = "operations"


@unique
class PersonReason(StrEnum):
    """Why somebody looks for what one person of the staff did."""

    REVIEW_ROUND = "review_round"
    INCIDENT = "incident"
    COMPLAINT = "complaint"
    OWN_REQUEST = "own_request"


@unique
class Scope(StrEnum):
    """Who may hold a signal's opening; groups and lists get names later."""

    SELF = "self"
    FEDERATION = "federation"


@unique
class Role(StrEnum):
    """What a credential may do."""

    SERVICE = "service"
    ANALYST = "analyst"
    REVIEWER = "reviewer"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ESCALATION_OFFICER = "escalation_officer"
    LEGAL_ADVISER = "legal_adviser"
    YOUTH_PROTECTION_OFFICER = "youth_protection_officer"
    DPO = "dpo"


@unique
class Effect(StrEnum):
    """The four ways in which a signal stops to match."""

    REVOKED = "revoked"
    DISPUTED = "disputed"
    EXPIRED = "expired"
    ERASED = "erased"


@unique
class Contention(StrEnum):
    """What a dispute says is wrong with a signal; a closed list, no free text."""

    WRONG_PERSON = "wrong_person"
    IDENTIFIER_REASSIGNED = "identifier_reassigned"
    CONDUCT_DENIED = "conduct_denied"
    MINOR = "minor"
    BASIS_LACKING = "basis_lacking"
    OVERTURNED = "overturned"


@unique
class Control(StrEnum):
    """How somebody has shown that an identifier is theirs.

    `ACCOUNT_LOGIN` is what a member attests, out of an account in which it has
    verified the identifier.
    """

    MAILED_CODE = "mailed_code"
    PHONE_CODE = "phone_code"
    ACCOUNT_LOGIN = "account_login"
    IDENTITY_DOCUMENT = "identity_document"
    KNOWN_CORRESPONDENCE = "known_correspondence"
    OFFICER = "officer"


@unique
class Circle(StrEnum):
    """For whom a shared signal is meant; groups and nodes are named one by one."""

    FEDERATION = "federation"
    GROUP = "group"
    NODES = "nodes"


@unique
class Level(StrEnum):
    """The ladder of consequences, in order; only the last leads to a signal."""

    L0 = "L0"
    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"
    L5 = "L5"
    L6 = "L6"


@unique
class Outcome(StrEnum):
    """How a person ends, or puts off, the review of a match."""

    __schema_name__ = "ReviewOutcome"

    DISMISS = "dismiss"
    WATCH = "watch"
    FEATURE_LIMIT = "feature_limit"
    INQUIRE = "inquire"
    CONFIRM = "confirm"


@unique
class Act(StrEnum):
    """What can be made to take two people; the last two only by a policy's will.

    Of those that always do, `APPEAL_RULING`, `FLOOD_BOUND`, `IDENTITY_CHECK`,
    `MEDIA_SIGNAL`, `RECIPIENT_SILENCE` and `QUARANTINE_END` need not be named by a
    policy.
    """

    ACTOR_SIGNAL = "actor_signal"
    PERMANENT_BAN = "permanent_ban"
    DISPATCH = "dispatch"
    POLICY_CHANGE = "policy_change"
    CHARTER_CHANGE = "charter_change"
    KEY_ROTATION = "key_rotation"
    EXPORT_WITH_OPENINGS = "export_with_openings"
    PSEUDONYM_REVEAL = "pseudonym_reveal"
    GATE_OPENING = "gate_opening"
    BREACH_SILENCE = "breach_silence"
    SUBJECT_ERASURE = "subject_erasure"
    REQUEST_GRANT = "request_grant"
    RECIPIENT_SILENCE = "recipient_silence"
    QUARANTINE_END = "quarantine_end"
    FLOOD_BOUND = "flood_bound"
    APPEAL_RULING = "appeal_ruling"
    IDENTITY_CHECK = "identity_check"
    MEDIA_SIGNAL = "media_signal"
    OWN_BAN = "own_ban"
    ROLE_GRANT = "role_grant"


@unique
class Matter(StrEnum):
    """What can be read or taken out of a node."""

    SIGNALS = "signals"
    DRAFTS = "drafts"
    TASKS = "tasks"
    CASES = "cases"
    LEDGER = "ledger"
    AUDIT = "audit"
    STATISTICS = "statistics"
    STATUS = "status"
    EVENTS = "events"


@unique
class Module(StrEnum):
    """What people are trained in."""

    BASIC = "basic"
    ADVANCED = "advanced"
    LEGAL = "legal"
    TRAUMA_INFORMED = "trauma_informed"
    CHILD_CONTACT = "child_contact"
    EMERGENCY = "emergency"


@unique
class Withholding(StrEnum):
    """Why a notice to the person may wait; the names are those of the BDSG."""

    BDSG_29_1 = "bdsg_29_1"
    BDSG_32_1_5 = "bdsg_32_1_5"
    BDSG_33_1_2A = "bdsg_33_1_2a"
    BDSG_33_1_2B = "bdsg_33_1_2b"


@unique
class ErasureMethod(StrEnum):
    """How a recipient erased an opening.

    What was *deleted* lies on, encrypted, in old row versions and write-ahead logs of
    a database server until these are written over.
    """

    OVERWRITTEN = "overwritten"
    DELETED = "deleted"
    KEY_DESTROYED = "key_destroyed"
