# SPDX-License-Identifier: Apache-2.0
"""Why the engine allows or refuses, in two languages.

One table for grants and one for refusals: a stable code, the rule that it stands
for, and a sentence a person can be shown. The sentences hold no facts of the
case. They are an engineering reading of the law, not legal advice.
"""

from dataclasses import dataclass
from enum import StrEnum, unique


@unique
class Rule(StrEnum):
    """The rules of the data-protection plan that decide in this room."""

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
    SCOPE = "P14"


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in German and in English."""

    de: str
    en: str


@unique
class Grant(StrEnum):
    """Why a request is allowed."""

    GATE_OPEN = "gate_open"
    SYNTHETIC = "synthetic"
    OWN_BAN = "own_ban"
    MEDIA = "media"
    PURPOSE = "purpose"


@unique
class Refusal(StrEnum):
    """Why a request is refused; each code is also a problem type of the API."""

    NOT_ALLOWED = "not_allowed"
    LEGAL_GATE = "legal_gate"
    SYNTHETIC_ONLY = "synthetic_only"
    FREE_TEXT = "free_text"
    CONTRADICTION = "contradiction"
    SURFACE = "surface"
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


ALLOWED: dict[Grant, tuple[Rule, Text]] = {
    Grant.GATE_OPEN: (
        Rule.LEGAL_GATE,
        Text(
            "Die rechtliche Freigabe liegt vollständig vor und ist gültig.",
            "The legal gate is complete and in force.",
        ),
    ),
    Grant.SYNTHETIC: (
        Rule.LEGAL_GATE,
        Text(
            "Vorführung mit erfundenen Daten, nur auf diesem Rechner.",
            "Demonstration with invented data, on this machine only.",
        ),
    ),
    Grant.OWN_BAN: (
        Rule.SCOPE,
        Text(
            "Eigene Sperre des Anbieters; sie wird nicht geteilt.",
            "The provider's own ban; it is not shared.",
        ),
    ),
    Grant.MEDIA: (
        Rule.SCOPE,
        Text(
            "Mediensignale sind nach dieser Richtlinie zugelassen.",
            "Media signals are admitted by this policy.",
        ),
    ),
    Grant.PURPOSE: (
        Rule.PURPOSE,
        Text(
            "Der genannte Zweck ist für diese Rolle zugelassen.",
            "The stated purpose is admitted for this role.",
        ),
    ),
}

REFUSED: dict[Refusal, tuple[Rule, Text]] = {
    Refusal.NOT_ALLOWED: (
        Rule.DEFAULT,
        Text(
            "Die Richtlinie erlaubt das nicht; ohne Erlaubnis gilt: nein.",
            "The policy does not allow it, and what is not allowed is refused.",
        ),
    ),
    Refusal.LEGAL_GATE: (
        Rule.LEGAL_GATE,
        Text(
            "Die rechtliche Freigabe fehlt, ist unvollständig oder abgelaufen.",
            "The legal gate is missing, incomplete or expired.",
        ),
    ),
    Refusal.SYNTHETIC_ONLY: (
        Rule.LEGAL_GATE,
        Text(
            "Die Richtlinie „synthetic“ gilt nur auf Loopback-Adressen und für "
            "Knoten, deren Name auf .demo endet.",
            "The synthetic policy holds only on loopback addresses and for nodes "
            "whose name ends in .demo.",
        ),
    ),
    Refusal.FREE_TEXT: (
        Rule.NO_ACCUSATION,
        Text(
            "Ein Feld enthält Freitext oder einen Vorwurf statt eines Verweises.",
            "A field holds free text or an accusation where a reference belongs.",
        ),
    ),
    Refusal.CONTRADICTION: (
        Rule.NO_ACCUSATION,
        Text(
            "Die Angaben des Signals widersprechen einander.",
            "The signal contradicts itself.",
        ),
    ),
    Refusal.SURFACE: (
        Rule.SURFACE,
        Text(
            "Für diesen Fundort ist keine Rechtsgrundlage in Kraft.",
            "No legal basis is in force for this surface.",
        ),
    ),
    Refusal.HELP_INSTEAD: (
        Rule.MINORS,
        Text(
            "Die Person ist vermutlich minderjährig: kein Signal, sondern Hilfe.",
            "The person may be a minor: help, not a signal.",
        ),
    ),
    Refusal.SINGLE_REPORT: (
        Rule.EVIDENCE_GRADE,
        Text(
            "Eine einzelne Meldung verlässt den Knoten nie.",
            "A single report never leaves the node.",
        ),
    ),
    Refusal.FOUR_EYES: (
        Rule.FOUR_EYES,
        Text(
            "Das braucht zwei verschiedene Personen; prüfen muss eine andere "
            "Person als die, die verfasst hat.",
            "This takes two distinct people; the reviewer is not the author.",
        ),
    ),
    Refusal.ROLE: (
        Rule.FOUR_EYES,
        Text(
            "Diese Rolle darf das nicht.",
            "This role may not do that.",
        ),
    ),
    Refusal.PHENOMENON_OFF: (
        Rule.PHENOMENON,
        Text(
            "Diese Erscheinungsform ist für diese Art von Signal abgeschaltet.",
            "This phenomenon is switched off for this kind of signal.",
        ),
    ),
    Refusal.FINDING_MISSING: (
        Rule.PHENOMENON,
        Text(
            "Eine Feststellung fehlt, die diese Erscheinungsform verlangt.",
            "A finding is missing that this phenomenon demands.",
        ),
    ),
    Refusal.LEGAL_REVIEW: (
        Rule.PHENOMENON,
        Text(
            "Diese Erscheinungsform verlangt vorher eine rechtliche Prüfung.",
            "This phenomenon demands a legal review first.",
        ),
    ),
    Refusal.PURPOSE: (
        Rule.PURPOSE,
        Text(
            "Der genannte Zweck ist für diese Rolle oder Frage nicht zugelassen.",
            "The stated purpose is not admitted for this role or question.",
        ),
    ),
    Refusal.RETENTION: (
        Rule.RETENTION,
        Text(
            "Die Frist dieses Signals ist abgelaufen oder überschreitet das Erlaubte.",
            "The signal's time is over, or longer than allowed.",
        ),
    ),
    Refusal.SCOPE: (
        Rule.SCOPE,
        Text(
            "Das Signal ist für diesen Kreis nicht bestimmt.",
            "The signal is not meant for this circle.",
        ),
    ),
}
