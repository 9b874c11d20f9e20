# SPDX-License-Identifier: Apache-2.0
"""The values of a policy in words, German and English.

English keeps the codes as a policy writes them; German names what has a name.
"""

from collections.abc import Mapping
from typing import Final

from fedsafe_policies.phenomena import phenomena
from fedsafe_policies.reasons import Text
from fedsafe_policies.span import Span

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
