# SPDX-License-Identifier: Apache-2.0
"""A document as plain text, for mail and terminals."""

from fedsafe_node.casework.rendering.document import (
    Blanks,
    Block,
    Chart,
    Document,
    Facts,
    Paragraph,
)


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
