# SPDX-License-Identifier: Apache-2.0
"""What people read: English in the code, every other language in a catalogue.

A `Phrase` is an English sentence or word, or a template with places in braces. It is
the key of its entry in `locale/LANGUAGE.po`, which translators and lawyers edit; what
is read is the compiled `LANGUAGE.mo` beside it (GNU gettext). Where one English word
has two meanings, `within` says which is meant.

    python -m tests.catalogue          what the catalogues lack, entry by entry
    python -m tests.catalogue --write  take over new texts, and compile
"""

import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from struct import Struct, unpack
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import TypeGuard

    from fedsafe_policies.ground.reasons import Text

FOLDER: Final = os.path.join(os.path.dirname(os.path.dirname(__file__)), "locale")  # noqa: PTH118, PTH120 - pathlib is slow to load
SOURCE: Final = "en"
"""The language of the code."""
_COMPILED: Final = ".mo"
_LITTLE: Final = b"\xde\x12\x04\x95"
"""How a file begins whose numbers have the least byte first."""
_LONGEST: Final = 4_096
_MOST_PARAMS: Final = 32
_DEEPEST: Final = 32
"""Bounds on a sentence that another node sends."""


class Phrase:
    """What a person reads, in English; `said` says it in another language.

    Two are equal if their words, their context and what fills their places are.
    """

    __slots__ = ("context", "english", "named", "values")

    def __init__(
        self,
        english: str,
        *,
        context: str = "",
        values: tuple[object, ...] = (),
        named: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        """Take the English words, or a template with places in braces."""
        self.english = english
        self.context = context
        self.values = values
        self.named = named

    @classmethod
    def within(cls, context: str, english: str) -> "Phrase":
        """Take English words that mean something else elsewhere."""
        return Phrase(english, context=context)

    def filled(self, *values: object, **named: object) -> "Phrase":
        """Fill the places of a template; a phrase in one is said in its language."""
        return Phrase(self.english, context=self.context, values=values, named=named)

    def said(self, language: str) -> str:
        """Say it in a language; in English where its catalogue has no entry."""
        words = self._words(language)
        if not self.values and not self.named:
            return words
        return words.format(
            *(_spoken(each, language) for each in self.values),
            **{name: _spoken(each, language) for name, each in self.named.items()},
        )

    def both(self) -> "Text":
        """Say it in the two languages that papers, policies and letters have."""
        from fedsafe_policies.ground.reasons import Text  # noqa: PLC0415 (slow to load)

        return Text.of(self)

    def _words(self, language: str) -> str:
        if language == SOURCE or not self.english:  # under "" lies the header
            return self.english
        return catalogue(language).find(self.context, self.english) or self.english

    def __eq__(self, other: object) -> bool:
        """Compare words, context and values."""
        return isinstance(other, Phrase) and self._key() == other._key()

    def __hash__(self) -> int:
        """Agree with what is compared."""
        return hash((self.context, self.english))

    def __str__(self) -> str:
        """Say it in English."""
        return self.said(SOURCE)

    def __repr__(self) -> str:
        """Show it in English."""
        return f"Phrase({self.said(SOURCE)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Go to another process, without what only this one knows."""
        return _made, (self.english, self.context, self.values, dict(self.named))

    def _key(self) -> tuple[object, ...]:
        return self.context, self.english, self.values, dict(self.named)


def _made(
    english: str, context: str, values: tuple[object, ...], named: dict[str, object]
) -> Phrase:
    return Phrase(english, context=context, values=values, named=named)


class Told(Phrase):
    """Words that came in several languages, as a node writes them for its clients."""

    __slots__ = ("_by_language",)

    def __init__(self, by_language: Mapping[str, str]) -> None:
        """Take the words by language; English is among them."""
        super().__init__(by_language[SOURCE])
        self._by_language = by_language

    def filled(self, *values: object, **named: object) -> "Phrase":
        """Fill the places in each language."""
        made = Told(self._by_language)
        made.values, made.named = values, named
        return made

    def _words(self, language: str) -> str:
        return self._by_language.get(language, self.english)

    def _key(self) -> tuple[object, ...]:
        return (*super()._key(), dict(self._by_language))

    __hash__ = Phrase.__hash__


class Received(Phrase):
    """What another node said in English, with the template that it was made of.

    In English it is what came. Another language is that of the template's entry here,
    with the values that came put in by their names: a template from elsewhere only
    chooses an entry, and is never filled itself. Without an entry, or where the values
    do not go with it, the English stays.
    """

    __slots__ = ("_say", "_template")

    def __init__(
        self,
        english: str,
        template: Phrase,
        say: Callable[[str, object], object] = lambda _, value: value,
    ) -> None:
        """Take the sentence as it came, and its template; *say* words a value."""
        super().__init__(english)
        self._template = template
        self._say = say

    def said(self, language: str) -> str:
        """Say it in a language."""
        if language == SOURCE:
            return self.english
        try:
            return self._entry(self._template, language)
        except (LookupError, ValueError):
            return self.english

    def _entry(self, template: Phrase, language: str) -> str:
        """Fill the entry of a template.

        Raises:
            LookupError: there is none, or a value is missing.
            ValueError: its places do not go with what came.
        """
        words = catalogue(language).find(template.context, template.english)
        if not words and (template.named or template is self._template):
            raise LookupError
        if not words or not template.named:
            return words or template.english  # a word that only the other node has
        named = {
            name: self._entry(value, language)
            if isinstance(value, Phrase)
            else _spoken(self._say(name, value), language)
            for name, value in template.named.items()
        }
        return words.format(**named)


def received(
    sentence: object,
    english: str,
    say: Callable[[str, object], object] = lambda _, value: value,
) -> Phrase:
    """Read how another node made an English sentence: its template and its values.

    *sentence* is a decoded document with `template`, and perhaps `context` and
    `params`; nothing of it is trusted. What is none, or too large, is told in English.
    """
    template = _template(sentence, _DEEPEST)
    return Phrase(english) if template is None else Received(english, template, say)


def _template(sentence: object, depth: int) -> Phrase | None:
    if not isinstance(sentence, Mapping) or not depth:
        return None
    english, context = sentence.get("template"), sentence.get("context") or ""
    params = sentence.get("params") or {}
    if not _is_short(english) or not _is_short(context):
        return None
    if not isinstance(params, Mapping) or len(params) > _MOST_PARAMS:
        return None
    named: dict[str, object] = {}
    for name, value in params.items():
        if isinstance(value, Mapping):
            value = _template(value, depth - 1)  # noqa: PLW2901
        if value is None or not isinstance(value, Phrase | str | int):
            return None
        if not _is_short(name) or (isinstance(value, str) and not _is_short(value)):
            return None
        named[name] = value
    return Phrase(english, context=context, named=named)


def _is_short(text: object) -> "TypeGuard[str]":
    return isinstance(text, str) and len(text) <= _LONGEST


def phrase_in(text: "Text") -> Phrase:
    """Return what a text in two languages was said of, or else its English."""
    phrase = text.phrase
    return phrase if isinstance(phrase, Phrase) else Phrase(text.en)


def in_turn(texts: "Iterable[Phrase | Text]") -> Phrase:
    """Say whole sentences one after the other; at least one."""
    return _chained(Phrase("{first} {rest}"), texts)


def listed(texts: "Iterable[Phrase | Text]") -> Phrase:
    """Say several things with commas between them; at least one."""
    return _chained(Phrase("{first}, {rest}"), texts)


def either(texts: "Iterable[Phrase | Text]") -> Phrase:
    """Say that one of several things will do; at least one."""
    return _chained(Phrase("{first} or {rest}"), texts)


def _chained(template: Phrase, texts: "Iterable[Phrase | Text]") -> Phrase:
    *before, last = (
        each if isinstance(each, Phrase) else phrase_in(each) for each in texts
    )
    for each in reversed(before):
        last = template.filled(first=each, rest=last)
    return last


def joined(separator: str, texts: "Iterable[Phrase | Text | str]") -> Phrase:
    """Say several texts one after the other, in the same language."""
    parts = list(texts)
    return Phrase(separator.join(["{}"] * len(parts)), values=tuple(parts))


def all_said(texts: Iterable[Phrase], language: str) -> list[str]:
    """Say several texts, such as the headings of a table."""
    return [text.said(language) for text in texts]


@cache
def languages() -> tuple[str, ...]:
    """Name the languages that can be spoken, by their codes (ISO 639), in order.

    The folder is read once, as the catalogues are: a process that gives up its rights
    later may not read it any more.
    """
    found = (name.removesuffix(_COMPILED) for name in _compiled())
    return tuple(sorted({SOURCE, *found}))


class Catalogue:
    """A compiled catalogue, in which single entries are looked up where they lie.

    The standard library's `gettext` reads all entries at once, which takes a command
    as long as all else that it does. The format is that of GNU gettext's manual, "The
    Format of GNU MO Files": the English lies sorted, so half of what is left is ruled
    out at each step. What was found is kept, and nothing else: words that another node
    sent take no memory here.
    """

    def __init__(self, data: bytes) -> None:
        """Take a file's content.

        Raises:
            ValueError: it is no compiled catalogue.
        """
        if data[:4] not in {_LITTLE, _LITTLE[::-1]}:
            raise ValueError("no compiled catalogue")
        order = "<" if data[:4] == _LITTLE else ">"
        count, english, other = unpack(f"{order}3I", data[8:20])
        self._data = data
        self._pair = Struct(f"{order}2I")
        self._count: int = count
        self._english: int = english
        self._other: int = other
        self._found: dict[tuple[str, str], str | None] = {}

    def find(self, context: str, english: str) -> str | None:
        """Return an entry's words, or None."""
        found = self._found.get((context, english))
        if found is None and (found := self._search(context, english)) is not None:
            self._found[context, english] = found
        return found

    def _search(self, context: str, english: str) -> str | None:
        key = (f"{context}\x04{english}" if context else english).encode()
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            found = self._text(self._english, middle)
            if found == key:
                return self._text(self._other, middle).decode()
            if found < key:
                low = middle + 1
            else:
                high = middle
        return None

    def _text(self, table: int, number: int) -> bytes:
        length, start = self._pair.unpack_from(self._data, table + 8 * number)
        return self._data[start : start + length]


@cache
def catalogue(language: str) -> Catalogue:
    """Read the catalogue of a language.

    Raises:
        OSError: there is none.
    """
    path = os.path.join(FOLDER, language + _COMPILED)  # noqa: PTH118
    with open(path, "rb") as file:  # noqa: PTH123
        return Catalogue(file.read())


def _spoken(value: object, language: str) -> object:
    if isinstance(value, Phrase):
        return value.said(language)
    phrase = getattr(value, "phrase", None)  # of an error, or of a `Text`
    if isinstance(phrase, Phrase):
        return phrase.said(language)
    if hasattr(value, "de") and hasattr(value, "en"):  # a `Text`
        return getattr(value, "de" if language == "de" else "en")
    return value


def _compiled() -> list[str]:
    return [name for name in os.listdir(FOLDER) if name.endswith(_COMPILED)]  # noqa: PTH208
