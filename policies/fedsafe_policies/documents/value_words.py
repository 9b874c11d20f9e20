# SPDX-License-Identifier: Apache-2.0
"""The values of a policy in words, German and English.

English keeps the codes as a policy writes them; German names what has a name.
"""

from collections.abc import Mapping
from typing import Final

from fedsafe_policies.documents.phenomena import phenomena
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.ground.span import Span

_GERMAN: Final[Mapping[str, str]] = {
    "actor": "Personen",
    "media": "Medien",
    "federation": "Föderation",
    "group": "Gruppe",
    "nodes": "einzelne Knoten",
    "email": "E-Mail-Adressen",
    "phone": "Telefonnummern",
    "username": "Benutzernamen",
    "device": "Geräte",
    "payment": "Zahlungsmittel",
    "ip": "IP-Adressen",
    "url": "URLs",
    "confirmed_media": "bestätigter Medienfund",
    "confirmed_conduct": "bestätigtes Verhalten",
    "single_report": "einzelne Meldung",
    "public_content": "öffentliche Inhalte",
    "hosted_private": "privat gespeicherte Inhalte",
    "ni_ics_private": "private Nachrichten",
    "registration": "Registrierung",
    "shop": "Shop",
    "signup_check": "Prüfung bei der Anmeldung",
    "recheck": "erneute Prüfung",
    "moderation_review": "Prüfung durch Menschen",
    "media_matching": "Abgleich von Medien",
    "escalation": "Weitergabe an Behörden und Beratung",
    "rights_of_the_person": "Rechte der betroffenen Person",
    "audit_review": "Prüfung des Protokolls",
    "supervision": "Aufsicht",
    "operations": "Betrieb",
    "service": "Dienst (Maschine)",
    "analyst": "Sachbearbeitung",
    "reviewer": "Prüfung (zweite Person)",
    "operator": "Technischer Betrieb",
    "auditor": "Revision (extern)",
    "escalation_officer": "Eskalation",
    "legal_adviser": "Rechtsberatung",
    "youth_protection_officer": "Jugendschutzbeauftragte",
    "dpo": "Datenschutzbeauftragte",
    "actor_signal": "Signal über eine Person",
    "permanent_ban": "dauerhafte Sperre",
    "dispatch": "Weitergabe in dringenden Fällen",
    "policy_change": "Änderung der Richtlinie",
    "charter_change": "Änderung der Charta",
    "key_rotation": "Schlüsselwechsel",
    "export_with_openings": "Auszug mit Angaben",
    "pseudonym_reveal": "Aufdecken eines Pseudonyms",
    "gate_opening": "Öffnen der rechtlichen Freigabe",
    "breach_silence": "Abschluss einer Datenpanne ohne Meldung",
    "subject_erasure": "Löschung zu einer Person",
    "request_grant": "Stattgeben eines Antrags",
    "recipient_silence": "Nichtnennung eines Empfängers",
    "quarantine_end": "Ende einer Quarantäne",
    "flood_bound": "höhere Grenze für ein Signal, das viele trifft",
    "appeal_ruling": "Entscheidung über eine Beschwerde",
    "identity_check": "Feststellung, wer eine Person ist",
    "own_ban": "eigene Sperre",
    "media_signal": "Signal über eine Datei",
    "role_grant": "Erteilen einer Rolle",
    "basic": "Grundlagen",
    "advanced": "Vertiefung",
    "legal": "Recht",
    "trauma_informed": "traumasensibles Arbeiten",
    "child_contact": "Kontakt mit Kindern",
    "emergency": "Freigabe bei Gefahr im Verzug",
    "bdsg_29_1": "§ 29 Abs. 1 BDSG",
    "bdsg_32_1_5": "§ 32 Abs. 1 Nr. 5 BDSG",
    "bdsg_33_1_2a": "§ 33 Abs. 1 Nr. 2a BDSG",
    "bdsg_33_1_2b": "§ 33 Abs. 1 Nr. 2b BDSG",
    "role_addresses": "Funktionsadressen",
    "disposable_domains": "Wegwerf-Domains",
    "carrier_ranges": "gemeinsame Adressbereiche von Anbietern",
    "special_ranges": "besondere Adressbereiche",
    "common_names": "verbreitete Namen",
    "EEA": "Europäischer Wirtschaftsraum",
    "record": "vollständiger Eintrag",
    "synthetic": "nur Vorführung",
    "listed": "nur die des eigenen Regelwerks",
    "any": "jede Fundstelle",
}


def said(value: object) -> Text:
    """Say a value: a span, a code, a set of codes, or a number."""
    if isinstance(value, frozenset):
        texts = [said(item) for item in sorted(value, key=str)]
        return Text(
            ", ".join(text.de for text in texts), ", ".join(text.en for text in texts)
        )
    if isinstance(value, Span):
        return Text(_span(value), str(value))
    code = str(value)
    names = {key.value: row.name.de for key, row in phenomena().items()}
    return Text(names.get(code) or _GERMAN.get(code, code), code)


def _span(span: Span) -> str:
    if span.months:
        return "1 Monat" if span.months == 1 else f"{span.months} Monate"
    return "1 Tag" if span.days == 1 else f"{span.days} Tage"
