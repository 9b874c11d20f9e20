# SPDX-License-Identifier: Apache-2.0
"""What the API answers, as people read it: names, words, moments, tables.

Nothing is known here of single messages: what a value is follows from its type and
from the name of its field, its words from `fields.py`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any, Final
from urllib.parse import quote

import msgspec

from fedsafe_node.desk.fields import choice_word, field_word, is_code
from fedsafe_node.desk.forms import is_moment
from fedsafe_node.desk.view import View
from fedsafe_policies.ground.catalogue import Phrase

_FIRST_SECOND: Final = 1_000_000_000
"""A smaller number is no moment, whatever its name."""
_OPAQUE: Final = re.compile(r"[0-9a-f]{16,}|[0-9a-f-]{36}|[A-Za-z0-9+/=_-]{40,}")
_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
_YES: Final = Phrase("yes")
_NO: Final = Phrase("no")


class Cell(msgspec.Struct, frozen=True):
    """A value in a page: words, perhaps opaque, perhaps a link; or parts of its own.

    `machine` is a moment as programs read it. `rows` are names and values of a message,
    `table` is a list of messages.
    """

    text: str = ""
    opaque: bool = False
    machine: str = ""
    href: str = ""
    rows: "tuple[tuple[str, Cell], ...]" = ()
    table: "Table | None" = None


@dataclass(frozen=True, slots=True)
class Table:
    """Messages of one kind, one under the other; `head` names the columns."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """How messages are shown: what is left out, and where a value leads to.

    `links` gives by field the path of a page, with a place for the value.
    """

    without: frozenset[str] = frozenset()
    links: Mapping[str, str] = field(default_factory=dict)


_PLAIN: Final = Shown()


def rows_of(
    view: View, message: object, shown: Shown = _PLAIN
) -> tuple[tuple[str, Cell], ...]:
    """Give names and values of a message; what says nothing is left out."""
    return tuple(
        (view.say(field_word(name)), cell)
        for name, value in _members(message)
        if name not in shown.without
        and value not in (None, "", [], {}, ())
        and (cell := cell_of(view, name, value, shown)) is not None
    )


def table_of(
    view: View,
    messages: Sequence[object],
    columns: Sequence[str] = (),
    shown: Shown = _PLAIN,
    *,
    caption: str = "",
) -> Table:
    """Put messages under each other; columns in which nothing stands leave."""
    lines = [dict(_members(each)) for each in messages]
    names = [
        name
        for name in (columns or _named(lines))
        if name not in shown.without
        and any(line.get(name) not in (None, "", [], {}, ()) for line in lines)
    ]
    return Table(
        head=tuple(view.say(field_word(name)) for name in names),
        rows=tuple(
            tuple(
                cell_of(view, name, line.get(name), shown) or Cell() for name in names
            )
            for line in lines
        ),
        caption=caption,
    )


def _named(lines: Sequence[Mapping[str, object]]) -> list[str]:
    return list(dict.fromkeys(name for line in lines for name in line))


def _members(message: object) -> Iterator[tuple[str, Any]]:
    if isinstance(message, Mapping):
        yield from ((str(name), value) for name, value in message.items())
    elif isinstance(message, msgspec.Struct):
        for encoded, name in _names(type(message)):
            yield encoded, getattr(message, name)


@cache
def _names(kind: type[msgspec.Struct]) -> tuple[tuple[str, str], ...]:
    """Name the fields of a message, as they are sent and as they are kept."""
    return tuple((each.encode_name, each.name) for each in msgspec.structs.fields(kind))


def cell_of(  # noqa: PLR0911 - one line a kind
    view: View, name: str, value: object, shown: Shown = _PLAIN
) -> Cell | None:
    """Show a value of a field."""
    if value is None or value is msgspec.UNSET:
        return None
    if isinstance(value, Phrase):
        return Cell(view.say(value))
    if isinstance(value, bool):
        return Cell(view.say(_YES if value else _NO))
    if isinstance(value, int):
        if value >= _FIRST_SECOND and is_moment(name):
            return Cell(view.when(value), machine=written(value))
        return Cell(number(value, view.language), href=_href(shown, name, value))
    if isinstance(value, msgspec.Struct | Mapping):
        if {"de", "en"} <= {each for each, _ in _members(value)}:
            told = dict(_members(value))
            return Cell(str(told.get(view.language) or told["en"]))
        return Cell(rows=rows_of(view, value, shown))
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return _of_many(view, name, value, shown)
    return _of_text(view, name, value, shown)


def _of_many(
    view: View, name: str, values: Sequence[object], shown: Shown
) -> Cell | None:
    if not values:
        return None
    if isinstance(values[0], msgspec.Struct | Mapping):
        return Cell(table=table_of(view, values, shown=shown))
    cells = (cell_of(view, name, each, shown) for each in values)
    return Cell(", ".join(each.text for each in cells if each is not None))


def _of_text(view: View, name: str, value: object, shown: Shown) -> Cell:
    if isinstance(value, Enum):
        return Cell(view.say(choice_word(name, str(value.value))))
    text = value.hex() if isinstance(value, bytes) else str(value)
    if (second := _second_in(text)) is not None:
        return Cell(view.when(second), machine=text)
    if is_code(name, text):
        return Cell(view.say(choice_word(name, text)))
    return Cell(
        text,
        opaque=_OPAQUE.fullmatch(text) is not None,
        href=_href(shown, name, text),
    )


def _second_in(text: str) -> int | None:
    """Read a moment of RFC 3339; None if it is none, whatever it looks like."""
    if not _RFC_3339.fullmatch(text):
        return None
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError:
        return None


def _href(shown: Shown, name: str, value: object) -> str:
    path = shown.links.get(name, "") if shown.links else ""
    return path.format(quote(str(value), safe="")) if path else ""


def number(value: int, language: str) -> str:
    """Write a number with its thousands apart, as the language does."""
    text = f"{value:,}"
    return text.replace(",", ".") if language == "de" else text


def written(second: int) -> str:
    """Write a moment as programs read it (RFC 3339, UTC); one of no year has none."""
    try:
        return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OSError, OverflowError, ValueError):
        return ""
