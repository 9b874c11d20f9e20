# SPDX-License-Identifier: Apache-2.0
"""What a rendering says, before it is written as HTML or PDF; here also as text.

One document has one language. Its texts are plain: whatever they hold, markup and
code of the written form included, is shown and never obeyed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fedsafe_policies.escalation.package import refuse_media
from fedsafe_policies.escalation.vocabulary import Language


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A passage of text."""

    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A named value, in one line or several."""

    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Named values, in their order."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Blanks:
    """Names with room behind them, to be filled in by hand."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Numbers as bars and, for whoever does not see them, as a table."""

    title: str
    description: str
    head: tuple[str, str]
    bars: tuple[tuple[str, int], ...]


Block = Paragraph | Facts | Blanks | Chart


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it."""

    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole rendering; `banner` is its mark in words, empty where it has none.

    `running` stands above each page of it that a browser prints.
    """

    language: Language
    title: str
    author: str
    banner: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]
    running: str = ""


def texts_of(document: Document) -> Iterator[str]:
    """Go through all that a document says."""
    yield from (document.title, document.author, document.banner)
    yield from (document.running, *document.lead)
    for section in document.sections:
        yield section.heading
        for block in section.blocks:
            yield from _texts_in(block)


def check(document: Document) -> Document:
    """Return a document in which no text holds media bytes.

    Raises:
        CasePackageError: some were found.
    """
    refuse_media(list(texts_of(document)))
    return document


def _texts_in(block: Block) -> Iterator[str]:
    match block:
        case Paragraph():
            yield block.text
        case Facts():
            for fact in block.facts:
                yield from (fact.name, *fact.lines)
        case Blanks():
            yield from block.names
        case Chart():
            yield from (block.title, block.description, *block.head)
            yield from (name for name, _ in block.bars)


def plain(document: Document) -> bytes:
    """Write a document as text in UTF-8; control characters are left out."""
    lines = [document.title, "=" * len(document.title), ""]
    if document.banner:
        lines = [f"*** {document.banner} ***", "", *lines]
    for text in document.lead:
        lines += [text, ""]
    for section in document.sections:
        if section.heading:
            lines += [section.heading, "-" * len(section.heading)]
        for block in section.blocks:
            lines += _lines(block)
        lines.append("")
    written = "\n".join(lines).rstrip() + "\n"
    return "".join(c for c in written if c == "\n" or c.isprintable()).encode()


def _lines(block: Block) -> list[str]:
    match block:
        case Paragraph():
            return [block.text, ""]
        case Facts():
            return [
                text
                for fact in block.facts
                for text in (f"{fact.name}:", *(f"  {line}" for line in fact.lines))
            ]
        case Blanks():
            return [f"{name}: {'_' * 30}" for name in block.names]
        case Chart():
            head = f"{block.head[0]}: {block.head[1]}"
            rows = [f"  {name}: {n}" for name, n in block.bars]
            return [block.title, head, *rows]
