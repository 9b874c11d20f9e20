# SPDX-License-Identifier: Apache-2.0
"""The texts of notices: `data/notices.toml`, read once and filled with facts.

Pure. A text may use the words in `FACTS` and no others, in both languages the same;
the tests see to that.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Final, Literal

import msgspec

from fedsafe_node.acts.notices import TextName
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.vocabulary import (
    Detection,
    Grade,
    Provenance,
    Source,
    Surface,
)

FACTS: Final = frozenset(
    {
        *("provider", "contact", "removed_on", "published_on", "match_until"),
        *("ended_on", "rule", "phenomenon", "surface", "grade", "basis"),
        *("recipients", "transfers", "provenance", "source", "detection", "dpo"),
        *("arrangement", "decided_on", "measure", "duration", "trigger"),
        *("deciders", "hearing", "controller", "reach", "complaints", "authority"),
        *("bodies", "authority_minor", "help", "contest", "contest_minor"),
    }
)


@unique
class Trigger(StrEnum):
    """Whose signals began a review."""

    OTHER = "other"
    OWN = "own"
    BOTH = "both"


class _Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Text
    de: str
    en: str
    minor: Text | None = None


class _Demonstration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    mark: Text


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What codes are called in a text; `hearing` has `heard`, `none` and exceptions."""

    surface: dict[Surface, Text]
    grade: dict[Grade, Text]
    provenance: dict[Provenance, Text]
    source: dict[Source, Text]
    detection: dict[Detection, Text]
    trigger: dict[Trigger, Text]
    hearing: dict[str, Text]
    fixed: dict[str, Text]
    demonstration: _Demonstration


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal[1]
    statement_of_reasons: _Written
    data_protection_notice: _Written
    end_of_signal: _Written
    review_reasons: _Written
    words: Words


@dataclass(frozen=True, slots=True)
class NoticeText:
    """One text in both languages; `digest` names exactly these words.

    `minor` is for children and young people: short, plain, and without an accusation.
    What the law wants to be said is in the `body`, which belongs to it.
    """

    name: TextName
    title: Text
    body: Text
    digest: str
    minor: Text | None = None

    def fill(self, facts: Mapping[str, Text], body: Text | None = None) -> Text:
        """Fill in the facts, of the *body* or of another text.

        Raises:
            KeyError: a fact that the text names is not given.
        """
        german = {name: fact.de for name, fact in facts.items()}
        english = {name: fact.en for name, fact in facts.items()}
        body = self.body if body is None else body
        return Text(
            body.de.format_map(german).strip(), body.en.format_map(english).strip()
        )


@cache
def _file() -> _File:
    folder = files("fedsafe_node.notices").joinpath("data")
    tree = tomllib.loads(folder.joinpath("notices.toml").read_text("utf-8"))
    return msgspec.convert(tree, _File)


@cache
def texts() -> Mapping[TextName, NoticeText]:
    """Return the texts of notices by name; those of rights are made in `rights`."""
    file, written = _file(), set(_File.__struct_fields__)
    return {
        name: _text(name, getattr(file, name.value))
        for name in TextName
        if name.value in written
    }


def written_text(name: TextName, title: Text, body: Text) -> NoticeText:
    """Make a text out of its words."""
    return _text(name, _Written(title, body.de, body.en))


def words() -> Words:
    """Return what codes are called in a text."""
    return _file().words


def facts_named(text: NoticeText) -> frozenset[str]:
    """Return the facts that a text names, in either language, for whomever."""
    bodies = [text.body, *([] if text.minor is None else [text.minor])]
    return frozenset(
        name
        for body in (words for each in bodies for words in (each.de, each.en))
        for _, name, _, _ in Formatter().parse(body)
        if name is not None
    )


def _text(name: TextName, written: _Written) -> NoticeText:
    digest = hashlib.sha256(msgspec.json.encode(written)).hexdigest()
    body = Text(written.de, written.en)
    return NoticeText(name, written.title, body, digest, written.minor)


texts()  # read at import: later a loop would wait for the disk
