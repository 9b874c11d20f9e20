# SPDX-License-Identifier: Apache-2.0
"""What fields and codes are called on a page, and the help beside a field of a form.

The words of `fedsafe_node.words` come first: the command line says the same.
"""

from collections.abc import Mapping
from typing import Final

from fedsafe_node.desk.labels import CHOICES, HELPS, LABELS
from fedsafe_node.words import acts, codes, fields, rounds
from fedsafe_policies.documents.value_words import said
from fedsafe_policies.ground.catalogue import Phrase, phrase_in

SECRETS: Final = frozenset({"password", "code"})
"""Fields that come back in no page."""
_BY_FIELD: Final[Mapping[str, Mapping[str, Phrase]]] = {
    "phenomenon": codes.PHENOMENA,
    "grade": codes.GRADES,
    "provenance": codes.PROVENANCES,
    "findings": codes.FINDINGS,
    "surface": codes.SURFACES,
    "kind": codes.KINDS,
    "orientation": codes.ORIENTATIONS,
    "outcome": codes.OUTCOMES,
    "basis": codes.BASES,
    "rule": codes.RULES,
    "policy_rule": codes.RULES,
    "verdict": rounds.VERDICTS,
    **codes.SIGNAL_WORDS,
}
_FOR_ALL: Final = (CHOICES, codes.CODES, codes.REASONS)


def field_word(name: str) -> Phrase:
    """Name a field, or a code that values are kept by.

    One that has no words yet is called by its own name.
    """
    for table in (LABELS, fields.FIELDS, acts.FIELDS, CHOICES):
        if name in table:
            return table[name]
    return Phrase(name.replace("_", " "))


def field_help(name: str) -> Phrase | None:
    """Say what a field of a form is for, where its name does not."""
    return HELPS.get(name)


def choice_word(name: str, code: str) -> Phrase:
    """Say what a code means in a field."""
    found = _choice(name, code)
    return Phrase(code.replace("_", " ")) if found is None else found


def is_code(name: str, text: str) -> bool:
    """Whether a text is a code that has words."""
    return _choice(name, text) is not None


def _choice(name: str, code: str) -> Phrase | None:
    own = CHOICES.get(f"{name}.{code}")
    if own is not None:
        return own
    by_field = _BY_FIELD.get(name, {})
    if name != "outcome" and code in by_field:
        return by_field[code]
    if name == "kind" and code in acts.KINDS:
        return acts.KINDS[code]
    for table in _FOR_ALL:
        if code in table:
            return table[code]
    words = said(code)
    return None if words.de == words.en else _plain(phrase_in(words))


def _plain(phrase: Phrase) -> Phrase:
    """Write a code's English, which is the code, as words."""
    return _Spaced(phrase)


class _Spaced(Phrase):
    """A code that is English as it is, but for what joins its words."""

    __slots__ = ("_code",)

    def __init__(self, code: Phrase) -> None:
        super().__init__(code.english, context=code.context, named=code.named)
        self._code = code

    def said(self, language: str) -> str:
        """Say it in a language."""
        words = self._code.said(language)
        return words.replace("_", " ") if language == "en" else words
