# SPDX-License-Identifier: Apache-2.0
"""The shape of a document: as it is defined, and as it is written out in Markdown.

A definition (`data/*.toml`) says everything in German and in English, with names of
values in braces. A sheet is what becomes of it: one language, this node's values.
Its texts are inline Markdown.
"""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum, unique
from typing import Annotated, Final, Literal

import msgspec

from fedsafe_policies.ground.reasons import Text

Condition = Annotated[str, msgspec.Meta(pattern=r"\A!?[a-z_]+\Z")]


@unique
class SheetKind(StrEnum):
    """The documents that a node writes about itself."""

    ART30 = "art30"
    DPIA = "dpia"
    WORKS_COUNCIL = "works-council"
    BALANCING_TEST = "balancing-test"
    ARRANGEMENT = "arrangement"


@unique
class Language(StrEnum):
    """The languages of every document."""

    __schema_name__ = "DocumentLanguage"

    DE = "de"
    EN = "en"


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of several sentences; left out where `when` does not hold."""

    de: str
    en: str
    when: Condition | None = None


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A named value; `name` is one of the definition's `names`."""

    name: str
    de: str
    en: str
    when: Condition | None = None


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of: a text, points, lines, or the name of a table that is worked out."""

    text: Text | None = None
    points: tuple[Point, ...] = ()
    lines: tuple[Line, ...] = ()
    table: str | None = None
    when: Condition | None = None


class Chapter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A heading and what stands under it."""

    title: Text
    parts: tuple[Part, ...]
    when: Condition | None = None


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document in both languages, before it knows a node."""

    format: Literal[1]
    title: Text
    chapters: tuple[Chapter, ...]
    names: dict[str, Text] = {}


class Prose(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="text"):
    """A paragraph."""

    text: str


class Points(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="points"):
    """Sentences of one rank."""

    points: tuple[str, ...]


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="table"):
    """Rows of as many cells as there are headings."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Prose | Points | Table


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A heading and its blocks."""

    title: str
    blocks: tuple[Block, ...]


class Sheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A document of one node, in one language, of one moment (UTC, ISO 8601)."""

    format: Literal["fedsafe/records/1"] = "fedsafe/records/1"
    sheet: SheetKind
    language: Language
    title: str
    node: str
    policy: str
    policy_sha256: str
    generated_at: str
    notice: str
    sections: tuple[Section, ...]


class SheetAnswer(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """A document as data, and the same as Markdown."""

    document: Sheet
    markdown: str


_STEERING: Final = re.compile(r"([\\`*_\[\]<>|#~])")
_UNSEEN: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+"
)


def plain(value: str) -> str:
    """Write what a provider entered so that it is text and nothing else."""
    return _STEERING.sub(r"\\\1", _UNSEEN.sub(" ", value)).strip()


def markdown(sheet: Sheet) -> str:
    """Write a sheet as one document."""
    parts = [f"# {sheet.title}", f"> {sheet.notice}"]
    for section in sheet.sections:
        parts.append(f"## {section.title}")
        parts += ["\n".join(_lines(block)) for block in section.blocks]
    return "\n\n".join(parts) + "\n"


def _lines(block: Block) -> Iterator[str]:
    if isinstance(block, Prose):
        yield block.text
    elif isinstance(block, Points):
        yield from (f"* {point}" for point in block.points)
    else:
        yield _row(block.headings)
        yield _row(["---"] * len(block.headings))
        yield from map(_row, block.rows)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
