# SPDX-License-Identifier: Apache-2.0
"""Why the engine allows or refuses, in two languages.

The codes are stable and for programs. The rule that each stands for, and the
sentence a person can be shown, are in `rules.grants` and `rules.refusals`.
"""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Protocol


@unique
class Rule(StrEnum):
    """The rules of the data-protection plan that the engine decides by."""

    DEFAULT = "default"
    LEGAL_GATE = "P1"
    NO_ACCUSATION = "P2"
    SURFACE = "P3"
    MINORS = "P4"
    EVIDENCE_GRADE = "P5"
    FOUR_EYES = "P6"
    PHENOMENON = "P7"
    PURPOSE = "P8"
    RETENTION = "P9"
    DISPUTE = "P10"
    ERASURE = "P11"
    LEDGER = "P12"
    HUMAN_DECISION = "P13"
    SCOPE = "P14"
    JURISDICTION = "P15"
    TRANSPARENCY = "P16"
    DO_NOT_SHARE = "P17"
    BUDGET = "P18"
    TRAINING = "P19"
    CORROBORATION = "P20"
    MATCH_FLOOD = "P21"
    TRIAL = "P22"


class Sayable(Protocol):
    """What can be said in every language: a phrase of the catalogue."""

    def said(self, language: str) -> str:
        """Say it in a language."""
        ...


@dataclass(frozen=True)
class Text:
    """One sentence in German and in English.

    `phrase` is what both were said of; it is part of neither comparison nor encoding.
    """

    __slots__ = ("_phrase", "de", "en")

    de: str
    en: str

    @property
    def phrase(self) -> Sayable | None:
        """What both were said of, where a phrase was."""
        return getattr(self, "_phrase", None)

    @classmethod
    def of(cls, phrase: Sayable) -> "Text":
        """Say a phrase in both languages."""
        text = cls(phrase.said("de"), phrase.said("en"))
        object.__setattr__(text, "_phrase", phrase)
        return text

    def __reduce__(self) -> tuple[object, ...]:
        """Go to another process."""
        return Text, (self.de, self.en)

    def said(self, language: str) -> str:
        """Say it in a language: German, or English in the place of any other."""
        return self.de if language == "de" else self.en


@unique
class Grant(StrEnum):
    """Why a request is allowed."""

    GATE_OPEN = "gate_open"
    SYNTHETIC = "synthetic"
    OWN_BAN = "own_ban"
    MEDIA = "media"
    PURPOSE = "purpose"
    KEPT = "kept"
    DISPUTE_OPEN = "dispute_open"
    RULING = "ruling"
    ERASURE = "erasure"
    RECEIPTS_IN_TIME = "receipts_in_time"
    OPENING = "opening"
    TRANSFER = "transfer"
    REVIEWED = "reviewed"
    WITHHELD = "withheld"
    WITHIN_BUDGET = "within_budget"
    ROLE_GRANTED = "role_granted"
    CORROBORATED = "corroborated"
    FEW_MATCHES = "few_matches"
    FLOOD_RULED = "flood_ruled"
    SAMPLED = "sampled"
    TRIAL_RULED = "trial_ruled"
    TWO_PEOPLE = "two_people"
    OWN_CASE = "own_case"


@unique
class Refusal(StrEnum):
    """Why a request is refused; each code is also a problem type of the API."""

    NOT_ALLOWED = "not_allowed"
    LEGAL_GATE = "legal_gate"
    SYNTHETIC_ONLY = "synthetic_only"
    FREE_TEXT = "free_text"
    CONTRADICTION = "contradiction"
    SURFACE = "surface"
    SURFACE_MISSING = "surface_missing"
    HELP_INSTEAD = "help_instead"
    SINGLE_REPORT = "single_report"
    FOUR_EYES = "four_eyes"
    ROLE = "role"
    PHENOMENON_OFF = "phenomenon_off"
    FINDING_MISSING = "finding_missing"
    LEGAL_REVIEW = "legal_review"
    PURPOSE = "purpose"
    RETENTION = "retention"
    SCOPE = "scope"
    RULEBOOK = "rulebook"
    REVIEW_DUE = "review_due"
    LAPSED = "lapsed"
    DISPUTED = "disputed"
    CONTROL_UNPROVED = "control_unproved"
    NOT_INDEPENDENT = "not_independent"
    NAMED_PERSON = "named_person"
    RULING_LATE = "ruling_late"
    RECEIPT_MISSING = "receipt_missing"
    LEDGER_INCOMPLETE = "ledger_incomplete"
    EVIDENCE_MISSING = "evidence_missing"
    HEARING_MISSING = "hearing_missing"
    UNTIL_TOO_LONG = "until_too_long"
    LEVEL = "level"
    RULE_UNFIT = "rule_unfit"
    GATE_UNATTESTED = "gate_unattested"
    JURISDICTION = "jurisdiction"
    WITHHOLDING = "withholding"
    DO_NOT_SHARE = "do_not_share"
    HARMLESS_MEDIA = "harmless_media"
    LISTS_CHANGED = "lists_changed"
    BUDGET = "budget"
    ENUMERATION = "enumeration"
    MASS_LISTING = "mass_listing"
    TRAINING = "training"
    ROLES_APART = "roles_apart"
    EXTERNAL_SEAT = "external_seat"
    UNCORROBORATED = "uncorroborated"
    FLOOD = "flood"
    ON_TRIAL = "on_trial"
    TRIAL_PROLONGED = "trial_prolonged"
    TRIAL_RUNS = "trial_runs"
    FOREIGN_SIGNAL_ONLY = "foreign_signal_only"
