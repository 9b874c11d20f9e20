# SPDX-License-Identifier: Apache-2.0
"""Printing: plain lines, tables, JSON.

What came from elsewhere is stripped of control characters before it reaches a
terminal, and a value stays on its line: none of it looks like another row. `rich` is
loaded only for a table on a terminal.
"""

import json
import sys
from collections.abc import Sequence

from fedsafe_cli.terminal.moments import with_moments

Row = Sequence[object]
_LEAST = 10
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
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


def narrow_table(
    headings: Sequence[str],
    rows: Sequence[tuple[Row, str]],
    *,
    flexible: int,
    width: int,
) -> None:
    """Print a table that stays within a width, without any drawing.

    The *flexible* column gives way; what does not fit in it ends with `…`. What stands
    beside a row is told below it, wrapped.
    """
    from textwrap import wrap  # noqa: PLC0415 (only a list needs it)

    texts = [
        ["" if cell is None else _one_line(cell) for cell in row] for row, _ in rows
    ]
    widths = [
        max(len(cell) for cell in column)
        for column in zip(headings, *texts, strict=True)
    ]
    taken = sum(widths) + 2 * (len(widths) - 1) - widths[flexible]
    widths[flexible] = max(_LEAST, min(widths[flexible], width - taken))
    below = iter(["", *(_one_line(more) for _, more in rows)])
    for row in [list(headings), *texts]:
        row[flexible] = _cut(row[flexible], widths[flexible])
        padded = (f"{cell:<{size}}" for cell, size in zip(row, widths, strict=True))
        line("  ".join(padded).rstrip())
        for part in wrap(next(below), max(width - 4, 2 * _LEAST)):
            line(f"    {part}")


def csv_rows(headings: Sequence[str], rows: Sequence[Row]) -> None:
    """Print rows as CSV (RFC 4180); no cell is taken for a formula."""
    import csv  # noqa: PLC0415 (only a list needs it)

    writer = csv.writer(sys.stdout, lineterminator="\r\n")
    writer.writerow(headings)
    for row in rows:
        writer.writerow(map(_csv_cell, row))


def _csv_cell(value: object) -> str:
    text = "" if value is None else _one_line(value)
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


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
