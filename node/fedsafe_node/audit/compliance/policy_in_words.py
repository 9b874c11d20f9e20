# SPDX-License-Identifier: Apache-2.0
"""A policy line by line, in words: every key of its document with its value.

Section by section as in the TOML; a key that has no words is a fault, which a test
finds before anybody else does.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

from fedsafe_node.audit.compliance.model import Language, Prose, Section, Table, plain
from fedsafe_policies.documents.document import Document, RuleEntry, Training
from fedsafe_policies.documents.effect_texts import NOUNS, TABLE_NOUNS
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.documents.value_words import said
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.vocabulary import Phenomenon, Role, Withholding

HEAD: Final = ("format", "name", "title", "dated")
"""Keys that a sheet names in its head, or that only say how the file is written."""

Row = tuple[str, ...]

_RULES: Final = Phrase("rules").both()
_SECTIONS: Final[Mapping[Withholding, Text]] = {
    Withholding.BDSG_29_1: Phrase("§ 29 (1) BDSG").both(),
    Withholding.BDSG_32_1_5: Phrase("§ 32 (1) no. 5 BDSG").both(),
    Withholding.BDSG_33_1_2A: Phrase("§ 33 (1) no. 2a BDSG").both(),
    Withholding.BDSG_33_1_2B: Phrase("§ 33 (1) no. 2b BDSG").both(),
}
_NOTHING: Final = Phrase("nothing").both()
_COLUMNS: Final = (
    Phrase("key").both(),
    Phrase.within("policy in words", "what").both(),
    Phrase("value").both(),
)


class _Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rule: str
    law: str
    title: Text
    says: Text


class _Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal[1]
    sections: dict[str, _Words]
    nouns: dict[str, Text]


def tell_policy(policy: Policy, language: Language) -> tuple[Section, ...]:
    """Tell a whole policy, section by section."""
    return tuple(
        tell_section(policy, name, language)
        for name in Document.__struct_fields__
        if name not in HEAD
    )


def tell_section(policy: Policy, name: str, language: Language) -> Section:
    """Tell one section of a policy: what it does, and each key with its value."""
    words = _told().sections[name]
    says = say(words.says, language)
    if words.law:
        law = words.law.replace("DSGVO/GDPR", say(Phrase("GDPR").both(), language))
        says = f"{says} ({law})"
    return Section(
        title=f"{words.rule}: {say(words.title, language)}",
        blocks=(
            Prose(says),
            Table(
                headings=tuple(say(text, language) for text in _COLUMNS),
                rows=tuple(_rows(name, getattr(policy.document, name), language)),
            ),
        ),
    )


def say(text: Text, language: Language) -> str:
    """Choose the language of a text."""
    return text.said(language)


def value_of(value: object, language: Language) -> str:
    """Say a value of a policy; roles and phenomena come with their code."""
    if isinstance(value, frozenset):
        told = [value_of(item, language) for item in sorted(value, key=str)]
        return ", ".join(told) or say(_NOTHING, language)
    if isinstance(value, Training):
        modules = value_of(value.modules, language)
        return f"{modules} ({value_of(value.valid, language)})"
    if isinstance(value, Withholding):
        return say(_SECTIONS[value], language)
    text = say(said(value), language)
    if language is Language.EN and isinstance(value, str):
        text = text.replace("_", " ")
    is_coded = isinstance(value, Role | Phenomenon) and text != str(value)
    return f"{text} (`{value}`)" if is_coded else text


def _rows(name: str, value: object, language: Language) -> Iterator[Row]:
    if isinstance(value, Mapping):
        yield from _table(name, value, language)
        return
    for field in msgspec.structs.fields(value):  # type: ignore[arg-type]
        key, inner = f"{name}.{field.name}", getattr(value, field.name)
        if isinstance(inner, Mapping):
            yield from _table(key, inner, language)
        elif isinstance(inner, tuple):
            yield from _rules(key, inner, language)
        else:
            noun = say(_noun(key), language)
            yield f"`{key}`", noun, value_of(inner, language)


def _table(key: str, table: Mapping[str, object], language: Language) -> Iterator[Row]:
    noun = say(TABLE_NOUNS[key], language)
    if not table:
        yield f"`{key}`", noun, say(_NOTHING, language)
    for name in sorted(table, key=str):
        about = value_of(name, language)
        yield f"`{key}.{name}`", f"{noun} {about}", value_of(table[name], language)


def _rules(key: str, rules: tuple[RuleEntry, ...], language: Language) -> Iterator[Row]:
    if not rules:
        yield f"`{key}`", say(_RULES, language), say(_NOTHING, language)
    yield from (_rule(key, rule, language) for rule in rules)


def _rule(key: str, rule: RuleEntry, language: Language) -> Row:
    about = value_of(rule.phenomena, language)
    return (
        f"`{key}`",
        f"{plain(rule.id)} ({rule.level})",
        f"{plain(say(rule.text, language))} ({about})",
    )


def _noun(key: str) -> Text:
    return NOUNS[key] if key in NOUNS else _told().nouns[key]


@cache
def _told() -> _Told:
    folder = files("fedsafe_node.audit.compliance").joinpath("data")
    tree = tomllib.loads(folder.joinpath("policy.toml").read_text("utf-8"))
    return msgspec.convert(tree, _Told)
