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


@unique
class Effect(StrEnum):
    """The four ways in which a signal stops to match."""

    REVOKED = "revoked"
    DISPUTED = "disputed"
    EXPIRED = "expired"
    ERASED = "erased"
