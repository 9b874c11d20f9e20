# SPDX-License-Identifier: Apache-2.0
"""The codes of cases and partners in words, German and English.

A code that is newer than this program is shown as it is.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

import msgspec

from fedsafe_node.casework.rendering.facts import day, lines_of, moment
from fedsafe_node.casework.rendering.texts import in_language, text_of
from fedsafe_policies.documents.value_words import said
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.package import Consent, Elements
from fedsafe_policies.escalation.vocabulary import (
    Absence,
    Condition,
    Element,
    Language,
    PartnerClass,
    Step,
)
from fedsafe_policies.ground.reasons import Text

Words = Mapping[str, tuple[str, str]]
STATES: Final[Words] = {
    "draft": ("Entwurf", "draft"),
    "legal_review": ("wartet auf die Rechtsberatung", "waits for the legal adviser"),
    "approved": ("freigegeben", "approved"),
    "packaged": ("verpackt", "packaged"),
    "dispatching": ("wird übermittelt", "being sent"),
    "delivered": ("zugestellt, nicht bestätigt", "delivered, not acknowledged"),
    "acknowledged": ("bestätigt", "acknowledged"),
    "needs_info": ("Rückfrage", "needs more information"),
    "supplemented": ("ergänzt", "supplemented"),
    "failed": ("nicht zugestellt", "failed"),
    "fallback": ("auf dem zweiten Weg", "on the second way"),
    "recalled": ("zurückgerufen", "recalled"),
    "closed": ("geschlossen", "closed"),
}
DISPATCH_STATES: Final[Words] = {
    "queued": ("eingereiht", "queued"),
    "by_hand": ("WARTET AUF SIE", "WAITS FOR YOU"),
    "delivered": ("zugestellt, nicht bestätigt", "delivered, not acknowledged"),
    "acknowledged": ("bestätigt", "acknowledged"),
    "stopped": ("angehalten", "stopped"),
}
SOURCES: Final[Words] = {
    "user_report": ("Meldung aus dem Dienst", "report of a user"),
    "own_review": ("eigene Prüfung", "own review"),
    "trusted_flagger": ("vertrauenswürdiger Hinweisgeber", "trusted flagger"),
    "authority": ("Behörde", "authority"),
    "foreign_signal": ("Hinweis eines anderen Anbieters", "another provider's signal"),
}
HELP: Final[Words] = {
    "offered": ("angeboten", "offered"),
    "handed_over": ("an eine Beratung vermittelt", "handed over to counselling"),
    "declined": ("abgelehnt", "declined"),
    "nobody_known": ("niemand ist bekannt", "nobody is known"),
}
EVIDENCE: Final[Words] = {
    "preserved": ("aufbewahrt", "preserved"),
    "handed_over": ("übergeben", "handed over"),
    "deleted": ("gelöscht", "deleted"),
    "none": ("keine", "none"),
}
QUESTIONS: Final[Words] = {
    "phenomenon": ("Phänomen", "phenomenon"),
    "feature": ("missbrauchte Funktion", "misused feature"),
    "help": ("angebotene Hilfe", "help offered"),
    "threat": ("Gefahr für Leben oder Sicherheit", "threat to life or safety"),
    "opinion": ("rechtliche Einschätzung", "legal opinion"),
    "level": ("Stufe", "level"),
    "evidence": ("Verbleib der Beweismittel", "what becomes of the evidence"),
    "second_look": ("zweiter Blick", "second look"),
    "inquiry": ("Rückfrage eines Partners", "question of a partner"),
}
WAYS: Final[Words] = {
    "mail": ("E-Mail", "mail"),
    "sftp": ("SFTP", "SFTP"),
    "webhook": ("Webhook", "webhook"),
    "portal": ("Portal", "portal"),
    "phone": ("Telefon", "phone"),
    "letter": ("Brief", "letter"),
    "registry": ("Partnerverzeichnis", "registry of partners"),
}
_LANGUAGES: Final = (Language.DE, Language.EN)
_COVERS: Final = ("umfasst: {}", "covers: {}")


def word(words: Words, code: str, language: int) -> str:
    """Say a code of one of the tables above."""
    return words[code][language] if code in words else code


def coded(words: Words, code: str, language: int) -> str:
    """Say a code with the code beside it, as programs and papers have it."""
    said = word(words, code, language)
    return code if said == code else f"{said} ({code})"


def class_word(code: str, language: int) -> str:
    """Say a class of partner."""
    find = shipped_matrix().partner
    return _say(lambda: find(PartnerClass(code)).name, code, language)


def element_word(code: str, language: int) -> str:
    """Say an element of a case."""
    return _say(lambda: shipped_matrix().element_name(Element(code)), code, language)


def condition_word(code: str, language: int) -> str:
    """Say what is recorded for a case."""
    find = shipped_matrix().condition_name
    return _say(lambda: find(Condition(code)), code, language)


def level_word(code: str, language: int) -> str:
    """Say a level of the ladder, beside its code."""
    text = _say(lambda: text_of(Step(code)), code, language)
    return code if text == code else f"{code}: {text}"


def absence_word(code: str, language: int) -> str:
    """Say why the provider lacks something."""
    return _say(lambda: text_of(Absence(code)), code, language)


def role_word(code: str, language: int) -> str:
    """Say a role."""
    return in_language(said(code), _LANGUAGES[language])


def element_lines(name: str, value: object, language: int) -> Iterator[str]:
    """Say an element; as JSON, should it be of a form newer than this.

    Further lines of what somebody wrote are set in, to look like no line of ours. Its
    moments and days have the form that all have here, not that of a German paper.
    """
    text = json.dumps({name: value}, ensure_ascii=False)
    try:
        known = getattr(msgspec.json.decode(text, type=Elements), name)
        lines = lines_of(Element(name), known, _LANGUAGES[language])
    except (msgspec.ValidationError, ValueError):
        yield json.dumps(value, ensure_ascii=False)
        return
    for each in map(_in_one_form(known), lines):
        first, *more = each.splitlines() or [""]
        yield from (first, *(f"   {other}" for other in more))
    if isinstance(known, Consent):  # papers do not say it; who works on the case must
        covers = ", ".join(element_word(each, language) for each in known.covers)
        yield _COVERS[language].format(covers)


def _in_one_form(known: object) -> Callable[[str], str]:
    forms: dict[str, str] = {}
    for each in _dates(msgspec.to_builtins(known, builtin_types=(datetime, date))):
        write = moment if isinstance(each, datetime) else day
        forms[write(each, Language.DE)] = write(each, Language.EN)

    def written(text: str) -> str:
        for paper, here in forms.items():
            text = text.replace(paper, here)
        return text

    return written


def _dates(value: object) -> Iterator[Any]:
    if isinstance(value, date):
        yield value
    elif isinstance(value, dict | list | tuple):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _dates(each)


def _say(find: Callable[[], Text], code: str, language: int) -> str:
    try:
        return in_language(find(), _LANGUAGES[language])
    except ValueError:
        return code
