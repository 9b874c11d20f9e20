# SPDX-License-Identifier: Apache-2.0
"""A document as PDF/UA-1: tagged, titled, in a named language, with its own fonts.

`data/rendering.typ` is the only program; the document reaches it as data, so that no
text of a case is ever read as a command. Nothing is read from the system and nothing
is written to a disk. A letter that the fonts do not have is written as its code point,
``[U+1F600]``: a page never drops what it cannot draw. HTML and text have all letters.
"""

import re
from datetime import datetime
from importlib.resources import as_file, files
from typing import Any, Final
from unicodedata import normalize

import msgspec

from fedsafe_node.casework.rendering.document import (
    Blanks,
    Block,
    Chart,
    Document,
    Facts,
    Paragraph,
)
from fedsafe_policies.errors import RenderingError
from fedsafe_policies.ground.catalogue import Phrase

_DRAWN: Final = re.compile(
    "[^\n\x20-\x7e\xa0-\xac\xae-\u0233\u0391-\u03a1\u03a3-\u03c9\u0400-\u045f"
    "\u1e00-\u1e99\u1ea0-\u1ef9\u2013\u2014\u2018-\u201a\u201c-\u201e\u2020-\u2022"
    "\u2026\u2030\u2039\u203a\u20ac\u2190-\u2193\u2212]"
)
"""What is not sure to be drawn: beyond Latin, Greek and Cyrillic, and their marks."""


def pdf(document: Document, made_at: datetime) -> bytes:
    """Write a document as PDF; the same bytes for the same document and moment.

    Raises:
        RenderingError: the library for it is not installed.
    """
    try:
        import typst  # noqa: PLC0415 - an extra that not everybody installs

        from fedsafe_node.casework.rendering.row_headers import (  # noqa: PLC0415
            with_row_headers,
        )
    except ImportError:
        raise RenderingError(
            "no_pdf",
            Phrase(
                "PDF needs a library that is not installed: pip install "
                "'fedsafe[pdf]'; the form html prints the same"
            ),
        ) from None
    data = msgspec.json.encode(_tree(document)).decode()
    folder = files("fedsafe_policies").joinpath("data", "typesetting")
    with as_file(folder) as root:
        written: Any = typst.compile(
            str(root / "rendering.typ"),
            root=str(root),
            format="pdf",
            sys_inputs={"document": data},
            pdf_standards="ua-1",
            ignore_system_fonts=True,
            timestamp=int(made_at.timestamp()),
        )
    return with_row_headers(bytes(written))


def drawn(text: str) -> str:
    """Write letters that the fonts may lack as their code points."""
    return _DRAWN.sub(lambda found: f"[U+{ord(found[0]):04X}]", normalize("NFC", text))


def _tree(document: Document) -> dict[str, Any]:
    return {
        "lang": document.language.value,
        "title": drawn(document.title),
        "author": drawn(document.author),
        "banner": drawn(document.banner),
        "lead": [drawn(text) for text in document.lead],
        "sections": [
            {
                "heading": drawn(section.heading),
                "blocks": [_block(block) for block in section.blocks],
            }
            for section in document.sections
        ],
    }


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Paragraph():
            return {"kind": "paragraph", "text": drawn(block.text)}
        case Facts():
            rows = [
                {
                    "name": drawn(fact.name),
                    "lines": [drawn(each) for each in fact.lines],
                }
                for fact in block.facts
            ]
            return {"kind": "facts", "rows": rows}
        case Blanks():
            return {"kind": "blanks", "names": [drawn(name) for name in block.names]}
        case Chart():
            return {
                "kind": "chart",
                "title": drawn(block.title),
                "description": drawn(block.description),
                "head": [drawn(each) for each in block.head],
                "bars": [[drawn(name), n] for name, n in block.bars],
            }
