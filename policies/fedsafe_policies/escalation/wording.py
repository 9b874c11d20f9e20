# SPDX-License-Identifier: Apache-2.0
"""The words of cases for people, German and English.

Elements, conditions and partners have their names in the minimisation matrix.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from fedsafe_policies.escalation.closing import EvidenceDecision, Help
from fedsafe_policies.escalation.opening import CaseSource
from fedsafe_policies.escalation.vocabulary import Absence
from fedsafe_policies.reasons import Text

_NAMES: Final[Mapping[type[StrEnum], Mapping[str, Text]]] = {
    CaseSource: {
        CaseSource.USER_REPORT: Text("Meldung aus dem Dienst", "report of a user"),
        CaseSource.OWN_REVIEW: Text("eigene Prüfung", "own review"),
        CaseSource.TRUSTED_FLAGGER: Text(
            "vertrauenswürdiger Hinweisgeber", "trusted flagger"
        ),
        CaseSource.AUTHORITY: Text("Behörde", "authority"),
        CaseSource.FOREIGN_SIGNAL: Text(
            "Signal eines anderen Anbieters", "signal of another provider"
        ),
    },
    Help: {
        Help.OFFERED: Text("angeboten", "offered"),
        Help.HANDED_OVER: Text("vermittelt", "handed over"),
        Help.DECLINED: Text("abgelehnt", "declined"),
        Help.NOBODY_KNOWN: Text("niemand bekannt", "nobody known"),
    },
    EvidenceDecision: {
        EvidenceDecision.PRESERVED: Text("gesichert", "preserved"),
        EvidenceDecision.HANDED_OVER: Text("übergeben", "handed over"),
        EvidenceDecision.DELETED: Text("gelöscht", "deleted"),
        EvidenceDecision.NONE: Text("keine", "none"),
    },
    Absence: {
        Absence.NOT_RECORDED: Text("nicht erhoben", "not recorded"),
        Absence.NO_LONGER_STORED: Text("nicht mehr gespeichert", "no longer stored"),
        Absence.UNKNOWN: Text("unbekannt", "unknown"),
        Absence.DOES_NOT_APPLY: Text("trifft nicht zu", "does not apply"),
    },
}
_QUESTIONS: Final[Mapping[str, Text]] = {
    "phenomenon": Text("Phänomen", "phenomenon"),
    "feature": Text("missbrauchte Funktion", "feature"),
    "help": Text("Hilfe", "help"),
    "threat": Text("Gefahr (Art. 18 DSA)", "threat"),
    "opinion": Text("rechtliche Einschätzung", "opinion"),
    "level": Text("Stufe", "level"),
    "evidence": Text("Beweismittel", "evidence"),
}


def case_word(kind: type[StrEnum], code: str) -> Text:
    """Say a code of a case; one that is newer than this is said as it is."""
    return _NAMES[kind].get(code, Text(code, code))


def question(name: str) -> Text:
    """Name a question that is answered before a case is closed."""
    return _QUESTIONS.get(name, Text(name, name))


def listed(texts: Iterable[Text]) -> Text:
    """Put names one behind the other."""
    found = tuple(texts)
    return Text(
        ", ".join(text.de for text in found), ", ".join(text.en for text in found)
    )
