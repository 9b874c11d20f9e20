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
from fedsafe_policies.ground.catalogue import Phrase, Told, joined
from fedsafe_policies.ground.reasons import Text

Words = Mapping[str, Phrase]
STATES: Final[Words] = {
    "draft": Phrase("draft"),
    "legal_review": Phrase("waits for the legal adviser"),
    "approved": Phrase("approved"),
    "packaged": Phrase("packaged"),
    "dispatching": Phrase("being sent"),
    "delivered": Phrase("delivered, not acknowledged"),
    "acknowledged": Phrase("acknowledged"),
    "needs_info": Phrase("needs more information"),
    "supplemented": Phrase("supplemented"),
    "failed": Phrase("failed"),
    "fallback": Phrase("on the second way"),
    "recalled": Phrase("recalled"),
    "closed": Phrase("closed"),
}
DISPATCH_STATES: Final[Words] = {
    "queued": Phrase("queued"),
    "by_hand": Phrase("WAITS FOR YOU"),
    "delivered": Phrase("delivered, not acknowledged"),
    "acknowledged": Phrase("acknowledged"),
    "stopped": Phrase.within("casework words", "stopped"),
}
SOURCES: Final[Words] = {
    "user_report": Phrase("report of a user"),
    "own_review": Phrase("own review"),
    "trusted_flagger": Phrase("trusted flagger"),
    "authority": Phrase("authority"),
    "foreign_signal": Phrase.within("casework words", "another provider's signal"),
}
HELP: Final[Words] = {
    "offered": Phrase("offered"),
    "handed_over": Phrase("handed over to counselling"),
    "declined": Phrase("declined"),
    "nobody_known": Phrase("nobody is known"),
}
EVIDENCE: Final[Words] = {
    "preserved": Phrase("preserved"),
    "handed_over": Phrase("handed over"),
    "deleted": Phrase("deleted"),
    "none": Phrase("none"),
}
QUESTIONS: Final[Words] = {
    "phenomenon": Phrase.within("casework words", "phenomenon"),
    "feature": Phrase("misused feature"),
    "help": Phrase("help offered"),
    "threat": Phrase("threat to life or safety"),
    "opinion": Phrase("legal opinion"),
    "level": Phrase("level"),
    "evidence": Phrase("what becomes of the evidence"),
    "second_look": Phrase("second look"),
    "inquiry": Phrase("question of a partner"),
}
WAYS: Final[Words] = {
    "mail": Phrase("mail"),
    "sftp": Phrase("SFTP"),
    "webhook": Phrase("webhook"),
    "portal": Phrase("portal"),
    "phone": Phrase("phone"),
    "letter": Phrase("letter"),
    "registry": Phrase("registry of partners"),
}
_COVERS: Final = Phrase("covers: {}")


def paper_language(language: str) -> Language:
    """Choose the language of papers, which are German or English, for a reader."""
    return Language.DE if language == Language.DE else Language.EN


def word(words: Words, code: str, language: str) -> str:
    """Say a code of one of the tables above."""
    return words[code].said(language) if code in words else code


def coded_phrase(words: Words, code: str) -> Phrase:
    """Give a code's words with the code beside them, as programs and papers have it."""
    if code not in words:
        return Phrase(code)
    return joined(" ", [words[code], f"({code})"])


def coded(words: Words, code: str, language: str) -> str:
    """Say a code with the code beside it, as programs and papers have it."""
    said = word(words, code, language)
    return code if said == code else f"{said} ({code})"


def class_phrase(code: str) -> Phrase:
    """Give the words for a class of partner."""
    return Told({each: class_word(code, each) for each in Language})


def class_word(code: str, language: str) -> str:
    """Say a class of partner."""
    find = shipped_matrix().partner
    return _say(lambda: find(PartnerClass(code)).name, code, language)


def element_word(code: str, language: str) -> str:
    """Say an element of a case."""
    return _say(lambda: shipped_matrix().element_name(Element(code)), code, language)


def condition_word(code: str, language: str) -> str:
    """Say what is recorded for a case."""
    find = shipped_matrix().condition_name
    return _say(lambda: find(Condition(code)), code, language)


def level_word(code: str, language: str) -> str:
    """Say a level of the ladder, beside its code."""
    text = _say(lambda: text_of(Step(code)), code, language)
    return code if text == code else f"{code}: {text}"


def absence_word(code: str, language: str) -> str:
    """Say why the provider lacks something."""
    return _say(lambda: text_of(Absence(code)), code, language)


def role_word(code: str, language: str) -> str:
    """Say a role."""
    return in_language(said(code), paper_language(language))


def element_lines(name: str, value: object, language: str) -> Iterator[str]:
    """Say an element; as JSON, should it be of a form newer than this.

    Further lines of what somebody wrote are set in, to look like no line of ours. Its
    moments and days have the form that all have here, not that of a German paper.
    """
    text = json.dumps({name: value}, ensure_ascii=False)
    try:
        known = getattr(msgspec.json.decode(text, type=Elements), name)
        lines = lines_of(Element(name), known, paper_language(language))
    except (msgspec.ValidationError, ValueError):
        yield json.dumps(value, ensure_ascii=False)
        return
    for each in map(_in_one_form(known), lines):
        first, *more = each.splitlines() or [""]
        yield from (first, *(f"   {other}" for other in more))
    if isinstance(known, Consent):  # papers do not say it; who works on the case must
        covers = ", ".join(element_word(each, language) for each in known.covers)
        yield _COVERS.said(language).format(covers)


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


def _say(find: Callable[[], Text], code: str, language: str) -> str:
    try:
        return in_language(find(), paper_language(language))
    except ValueError:
        return code
