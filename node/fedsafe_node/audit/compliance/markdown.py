# SPDX-License-Identifier: Apache-2.0
"""A sheet as Markdown that people read, print and file."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from fedsafe_node.audit.compliance.model import Block, Points, Prose, Sheet

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
