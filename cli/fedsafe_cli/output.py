# SPDX-License-Identifier: Apache-2.0
"""Printing: plain lines, tables, JSON.

What came from elsewhere is stripped of control characters before it reaches a
terminal, and a value stays on its line: none of it looks like another row. `rich` is
loaded only for a table on a terminal.
"""

import json
import sys
from collections.abc import Sequence

from fedsafe_cli.moments import with_moments

Row = Sequence[object]
_BREAK = "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS} "


def line(text: str = "") -> None:
    """Print a line of a result."""
    sys.stdout.write(f"{harmless(text)}\n")


def note(text: str) -> None:
    """Print a line beside the result, to standard error."""
    sys.stderr.write(f"{harmless(text)}\n")
    sys.stderr.flush()


def document(value: object, *, compact: bool = False) -> None:
    """Print a JSON document, its moments in one form; a compact one is one line."""
    value = with_moments(value)
    if compact:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    else:
        text = json.dumps(value, ensure_ascii=False, indent=2)
    if not text.replace("\n", "").isprintable():
        text = "".join(map(_escaped, text))
    sys.stdout.write(f"{text}\n")


def pairs(rows: Sequence[tuple[str, object]], *, indent: str = "   ") -> None:
    """Print names and values below each other; a missing value is left out."""
    shown = [(name, value) for name, value in rows if value is not None]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        line(f"{indent}{name:<{width}}  {_one_line(value)}")


def table(headings: Sequence[str], rows: Sequence[Row]) -> None:
    """Print a table: drawn on a terminal, else aligned text."""
    texts = [["" if cell is None else _one_line(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        from rich import box  # noqa: PLC0415 (slow to load)
        from rich.console import Console  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        drawn = Table(*headings, box=box.SIMPLE_HEAD)
        for row in texts:
            drawn.add_row(*map(Text, row))
        Console().print(drawn)
        return
    widths = [
        max(len(cell) for cell in column)
        for column in zip(headings, *texts, strict=True)
    ]
    for row in [list(headings), *texts]:
        padded = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        line("  ".join(padded).rstrip())


def _one_line(value: object) -> str:
    return harmless(str(value).replace("\n", _BREAK))


def _escaped(letter: str) -> str:
    """Write what steers a terminal as JSON may: it is in a text, and means the same."""
    is_plain = letter.isprintable() or letter == "\n"
    return letter if is_plain else json.dumps(letter)[1:-1]


def harmless(text: str) -> str:
    """Return the text without characters that steer a terminal."""
    if text.isprintable():
        return text
    return "".join(
        letter
        if letter.isprintable() or letter == "\n"
        else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )
