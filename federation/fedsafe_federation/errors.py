# SPDX-License-Identifier: Apache-2.0
"""What can go wrong in fedsafe_federation.

* FederationError
  + IdentifierError
"""

from enum import StrEnum, unique
from typing import Final

from fedsafe_policies.vocabulary import IdentifierKind


class FederationError(Exception):
    """Root of everything that this room raises on purpose."""


@unique
class IdentifierFault(StrEnum):
    """Why a written identifier has no canonical form; these codes travel."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    CONTROL_CHARACTER = "control_character"
    LONE_SURROGATE = "lone_surrogate"
    INVISIBLE_CHARACTER = "invisible_character"
    UNASSIGNED_CHARACTER = "unassigned_character"
    MALFORMED = "malformed"
    BAD_LOCAL_PART = "bad_local_part"
    BAD_DOMAIN = "bad_domain"
    REGION_MISSING = "region_missing"
    REGION_UNKNOWN = "region_unknown"
    LETTERS = "letters"
    SHORT_CODE = "short_code"
    NOT_POSSIBLE = "not_possible"
    NAMESPACE_MISSING = "namespace_missing"
    NAMESPACE_UNKNOWN = "namespace_unknown"
    PLACEHOLDER = "placeholder"
    CARD_NUMBER = "card_number"
    COUNTRY_UNKNOWN = "country_unknown"
    WRONG_LENGTH = "wrong_length"
    WRONG_CHECKSUM = "wrong_checksum"
    NOT_GLOBAL = "not_global"
    SCHEME_MISSING = "scheme_missing"
    SCHEME_REFUSED = "scheme_refused"


_F: Final = IdentifierFault

_SENTENCES: Final[dict[IdentifierFault, tuple[str, str]]] = {
    _F.EMPTY: ("the value is empty", "der Wert ist leer"),
    _F.TOO_LONG: (
        "the value is longer than 4,096 bytes",
        "der Wert ist länger als 4.096 Bytes",
    ),
    _F.CONTROL_CHARACTER: (
        "the value holds a control character",
        "der Wert enthält ein Steuerzeichen",
    ),
    _F.LONE_SURROGATE: (
        "the value holds half of a surrogate pair",
        "der Wert enthält ein halbes Surrogatpaar",
    ),
    _F.INVISIBLE_CHARACTER: (
        "the value holds an invisible or direction-changing character",
        "der Wert enthält ein unsichtbares oder richtungsänderndes Zeichen",
    ),
    _F.UNASSIGNED_CHARACTER: (
        "the value holds a character that Unicode 14.0 does not know",
        "der Wert enthält ein Zeichen, das Unicode 14.0 nicht kennt",
    ),
    _F.MALFORMED: (
        "the value does not have the form of its kind",
        "der Wert hat nicht die Form seiner Art",
    ),
    _F.BAD_LOCAL_PART: (
        "the part before the @ is not valid",
        "der Teil vor dem @ ist ungültig",
    ),
    _F.BAD_DOMAIN: ("the domain is not valid", "die Domain ist ungültig"),
    _F.REGION_MISSING: (
        "a number without + and country code needs a region",
        "eine Nummer ohne + und Landesvorwahl braucht eine Region",
    ),
    _F.REGION_UNKNOWN: ("the region is not known", "die Region ist unbekannt"),
    _F.LETTERS: (
        "a phone number holds no letters",
        "eine Telefonnummer enthält keine Buchstaben",
    ),
    _F.SHORT_CODE: (
        "a short or emergency code names no subscriber",
        "eine Kurz- oder Notrufnummer bezeichnet keinen Anschluss",
    ),
    _F.NOT_POSSIBLE: (
        "no such number is possible under its country code",
        "unter dieser Landesvorwahl ist keine solche Nummer möglich",
    ),
    _F.NAMESPACE_MISSING: (
        "the value needs a namespace",
        "der Wert braucht einen Namensraum",
    ),
    _F.NAMESPACE_UNKNOWN: (
        "the namespace is neither a known name nor a domain",
        "der Namensraum ist weder ein bekannter Name noch eine Domain",
    ),
    _F.PLACEHOLDER: (
        "the value is a placeholder that many devices share",
        "der Wert ist ein Platzhalter, den viele Geräte teilen",
    ),
    _F.CARD_NUMBER: (
        "card numbers are never accepted",
        "Kartennummern werden nie angenommen",
    ),
    _F.COUNTRY_UNKNOWN: ("the country is not known", "das Land ist unbekannt"),
    _F.WRONG_LENGTH: (
        "the value does not have the length that its country fixes",
        "der Wert hat nicht die Länge, die sein Land festlegt",
    ),
    _F.WRONG_CHECKSUM: (
        "the check digits do not fit the value",
        "die Prüfziffern passen nicht zum Wert",
    ),
    _F.NOT_GLOBAL: (
        "the address means something else in every network",
        "die Adresse bedeutet in jedem Netz etwas anderes",
    ),
    _F.SCHEME_MISSING: (
        "the address does not start with http:// or https://",
        "die Adresse beginnt nicht mit http:// oder https://",
    ),
    _F.SCHEME_REFUSED: (
        "only http and https addresses are accepted",
        "nur http- und https-Adressen werden angenommen",
    ),
}


class IdentifierError(FederationError):
    """A written identifier is refused; the sentence never holds the value."""

    def __init__(self, kind: IdentifierKind, code: IdentifierFault) -> None:
        self.kind = kind
        self.code = code
        self.message, self.message_de = _SENTENCES[code]
        super().__init__(f"{kind.name.lower()}: {self.message}")
