# SPDX-License-Identifier: Apache-2.0
"""What the values of an act mean, in words; a code that is newer stays as it is."""

from collections.abc import Callable, Mapping
from typing import Final

from fedsafe_cli.terminal.casework_words import class_word, level_word
from fedsafe_cli.terminal.labels import CODES
from fedsafe_cli.terminal.texts import GRADES, PHENOMENA, SURFACES
from fedsafe_policies.documents.value_words import said

Words = Mapping[str, tuple[str, str]]
_SOURCES: Final[Words] = {
    "notice": ("Meldung (Art. 16 DSA)", "notice (Art. 16 DSA)"),
    "trusted_flagger": ("vertrauenswürdiger Hinweisgeber", "trusted flagger"),
    "other_notice": ("andere Meldung", "other notice"),
    "own_initiative": ("eigene Prüfung", "own initiative"),
}
_CONSULTATIONS: Final[Words] = {
    "done": ("Behörde konsultiert", "authority consulted"),
    "not_required": ("nicht erforderlich", "not required"),
}
_WITHHOLDING: Final[Words] = {
    "bdsg_29_1": ("§ 29 Abs. 1 BDSG", "§ 29 (1) BDSG"),
    "bdsg_32_1_5": ("§ 32 Abs. 1 Nr. 5 BDSG", "§ 32 (1) no. 5 BDSG"),
    "bdsg_33_1_2a": ("§ 33 Abs. 1 Nr. 2a BDSG", "§ 33 (1) no. 2a BDSG"),
    "bdsg_33_1_2b": ("§ 33 Abs. 1 Nr. 2b BDSG", "§ 33 (1) no. 2b BDSG"),
}
ASKS: Final[Words] = {
    "access": ("Auskunft", "access"),
    "rectification": ("Berichtigung", "rectification"),
    "erasure": ("Löschung", "erasure"),
    "objection": ("Widerspruch", "objection"),
    "dispute": ("Einwand", "dispute"),
}
_CONTROLS: Final[Words] = {
    "account_login": ("Anmeldung am Konto", "log-in to the account"),
    "mailed_code": ("zugesandter Code", "mailed code"),
    "identity_document": ("Ausweis", "identity document"),
    "known_correspondence": ("bekannter Schriftverkehr", "known correspondence"),
}
_PROVISIONS: Final[Words] = {
    "policy": ("Richtlinie", "policy"),
    "calendar": ("Rechtskalender", "legal calendar"),
    "do_not_share": ("Listen ohne Weitergabe", "do-not-share lists"),
    "minimisation": ("Minimierungsmatrix", "minimisation matrix"),
    "audit": ("Aufbewahrung des Protokolls", "how long the audit log is kept"),
}
_KEPT: Final[Words] = {
    "actor": ("Tage, wer handelte", "days, who acted"),
    "subject": ("Tage, welches Konto es betraf", "days, which account it was about"),
    "detail": ("Tage, Einzelheiten", "days, details"),
    "records": ("Tage, die Einträge selbst", "days, the entries themselves"),
}


def _in(table: Words) -> Callable[[str, int], str]:
    return lambda code, language: table[code][language] if code in table else code


def _role(code: str, language: int) -> str:
    return code.replace("_", " ") if language else said(code).de


_MEANINGS: Final[Mapping[str, Callable[[str, int], str]]] = {
    "asks": _in(ASKS),
    "consultation": _in(_CONSULTATIONS),
    "control": _in(_CONTROLS),
    "grade": _in(GRADES),
    "level": level_word,
    "partners": class_word,
    "phenomenon": _in(PHENOMENA),
    "reason": _in(_WITHHOLDING),
    "risk": _in(CODES),
    "role": _role,
    "silence": _in(CODES),
    "source": _in(_SOURCES),
    "surface": _in(SURFACES),
}


def kept_word(name: str, language: int) -> str:
    """Name what the audit log keeps for a number of days."""
    return _in(_KEPT)(name, language)


def provision_word(name: str, language: int) -> str:
    """Name a text that a node decides by."""
    return _in(_PROVISIONS)(name, language)


def meaning(name: str, code: str, language: int) -> str:
    """Say what a value of this field means."""
    find = _MEANINGS.get(name)
    return code if find is None else find(code, language)
