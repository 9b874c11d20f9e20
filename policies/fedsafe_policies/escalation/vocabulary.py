# SPDX-License-Identifier: Apache-2.0
"""The words of cases and partners.

Every value here is stored or travels in a case package, so a value never changes
its meaning: new ones are added, old ones stay. No word of this module is one of a
signal's: a case begins with the provider's own finding.
"""

from enum import StrEnum, unique
from typing import Final


@unique
class PartnerClass(StrEnum):
    """What kind of partner receives a case, or is kept away from it."""

    POLICE_EMERGENCY = "police_emergency"
    LAW_ENFORCEMENT = "law_enforcement"
    NCMEC = "ncmec"
    HOTLINE = "hotline"
    BZKJ = "bzkj"
    COUNSELLING = "counselling"
    YOUTH_WELFARE = "youth_welfare"
    PEER = "peer"
    WORKING_GROUP = "working_group"


@unique
class Element(StrEnum):
    """The data elements of a case; each is one field of `package.Elements`."""

    CASE = "case"
    SENDER = "sender"
    CONTACT = "contact"
    REPLY = "reply"
    PHENOMENON = "phenomenon"
    THREAT = "threat"
    SUSPECTS = "suspects"
    NETWORK = "network"
    CONTENT = "content"
    LOCATORS = "locators"
    MEDIA_HASHES = "media_hashes"
    VICTIMS = "victims"
    VICTIM_AGES = "victim_ages"
    REPORTER = "reporter"
    LOCATION = "location"
    REGION = "region"
    SUSPICION = "suspicion"
    MEASURES = "measures"
    FEATURE = "feature"
    LEGAL_BASIS = "legal_basis"
    ATTACHMENTS = "attachments"
    PRESERVATION = "preservation"
    CONSENT = "consent"
    SUMMARY = "summary"
    VIGNETTE = "vignette"


COUNTABLE: Final = frozenset(
    {Element.PHENOMENON, Element.VICTIM_AGES, Element.MEASURES, Element.FEATURE}
)
"""What can be counted over many cases: codes, never words or persons."""

HASHED: Final = frozenset({Element.MEDIA_HASHES})
"""What can be handed over as bare digests."""

MAY_BE_UNAVAILABLE: Final = frozenset(
    {
        Element.SUSPECTS,
        Element.NETWORK,
        Element.CONTENT,
        Element.LOCATORS,
        Element.MEDIA_HASHES,
        Element.VICTIM_AGES,
        Element.LOCATION,
        Element.REGION,
        Element.SUSPICION,
        Element.MEASURES,
        Element.ATTACHMENTS,
    }
)
"""What a provider may lack; it says so in the package and does not keep silent."""


@unique
class Absence(StrEnum):
    """Why an element that a partner needs is not there."""

    NOT_RECORDED = "not_recorded"
    NO_LONGER_STORED = "no_longer_stored"
    UNKNOWN = "unknown"
    DOES_NOT_APPLY = "does_not_apply"


@unique
class Condition(StrEnum):
    """On what a conditional element depends; a person records each for the case."""

    TO_SAVE = "to_save"
    NECESSITY = "necessity"
    CONSENT = "consent"
    REPORTER_CONSENT = "reporter_consent"
    IDENTITY_ASKED = "identity_asked"
    TRANSFER_BASIS = "transfer_basis"


@unique
class Urgency(StrEnum):
    """How soon a case must be where; the value is the order among people too."""

    U0 = "u0"
    U1 = "u1"
    U2 = "u2"
    U3 = "u3"
    UH = "uh"


@unique
class Danger(StrEnum):
    """The answer to Art. 18 DSA: is life or safety under threat?"""

    NO = "no"
    YES = "yes"
    UNCLEAR = "unclear"


@unique
class AgeBand(StrEnum):
    """How old somebody is, as far as a partner needs it."""

    UNDER_6 = "under_6"
    FROM_6_TO_9 = "6_9"
    FROM_10_TO_13 = "10_13"
    FROM_14_TO_15 = "14_15"
    FROM_16_TO_17 = "16_17"
    ADULT = "adult"
    MINOR = "minor"
    UNKNOWN = "unknown"


MINORS: Final = frozenset(AgeBand) - {AgeBand.ADULT, AgeBand.UNKNOWN}
"""Age bands of people under eighteen."""


@unique
class NetworkEvent(StrEnum):
    """What happened at an address; the names follow those of abuse desks."""

    LOGIN = "login"
    REGISTRATION = "registration"
    PURCHASE = "purchase"
    UPLOAD = "upload"
    MESSAGE = "message"
    OTHER = "other"
    UNKNOWN = "unknown"


@unique
class Step(StrEnum):
    """What the provider did: the ladder, and what stands beside it."""

    L0 = "L0"
    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"
    L5 = "L5"
    L6 = "L6"
    CRIMINAL_COMPLAINT = "criminal_complaint"
    EVIDENCE_SECURED = "evidence_secured"


@unique
class Clock(StrEnum):
    """What a moment was read from."""

    NTP = "ntp"
    PTP = "ptp"
    HOST = "host"
    UNKNOWN = "unknown"


@unique
class ConsentGiver(StrEnum):
    """Who consented to a hand-over."""

    AFFECTED_PERSON = "affected_person"
    GUARDIAN = "guardian"


@unique
class Language(StrEnum):
    """The languages of every rendering."""

    __schema_name__ = "RenderingLanguage"

    DE = "de"
    EN = "en"


@unique
class Mark(StrEnum):
    """What a rendering says of itself on every page, in this order of weight."""

    TEST = "test"
    DRAFT = "draft"


@unique
class Form(StrEnum):
    """As what a case is written."""

    PORTAL_SHEET = "portal-sheet"
    LETTER = "letter"
    NOTICE = "notice"
    HAND_OVER = "hand-over"
    VIGNETTE = "vignette"
    PACKAGE = "package"
    XARF = "xarf"
    DSA_ROW = "dsa-row"


@unique
class Written(StrEnum):
    """How a form for people is written; those for programs are JSON."""

    HTML = "html"
    PDF = "pdf"
    TEXT = "text"


@unique
class Classification(StrEnum):
    """How a person has classed depicted abuse, in the words of X-ARF."""

    BASELINE = "baseline"
    A1 = "A1"
    A2 = "A2"
    B1 = "B1"
    B2 = "B2"
