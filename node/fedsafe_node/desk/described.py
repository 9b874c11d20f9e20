# SPDX-License-Identifier: Apache-2.0
"""What the API answers, as people read it: names, words, moments, tables.

Nothing is known here of single messages: what a value is follows from its type and
from the name of its field, its words from `fields.py`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from typing import Any, Final
from urllib.parse import quote

import msgspec

from fedsafe_node.acts.bodies import Sentence
from fedsafe_node.desk.fields import choice_word, field_word, is_code
from fedsafe_node.desk.forms import is_moment
from fedsafe_node.desk.view import View
from fedsafe_policies.ground.catalogue import Phrase, received

_FIRST_SECOND: Final = 1_000_000_000
"""A smaller number is no moment, whatever its name."""
_OPAQUE: Final = re.compile(r"[0-9a-f]{16,}|[0-9a-f-]{36}|[A-Za-z0-9+/=_-]{40,}")
_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_MADE: Final = "_made"
_ELSEWHERE: Final = Phrase("of {member}, whose desk shows it")


class Cell(msgspec.Struct, frozen=True):
    """A value in a page: words, perhaps opaque, perhaps a link; or parts of its own.

    `machine` is a moment or a day as programs read it. `rows` are names and values of a
    message, `table` is a list of messages. `note` stands behind the text.
    """

    text: str = ""
    note: str = ""
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

    `links` gives by field the path of a page, with a place for the value; those of
    `own` lead there from what is this node's, and for others' it is said whose it is.
    """

    without: frozenset[str] = frozenset()
    links: Mapping[str, str] = field(default_factory=dict)
    own: frozenset[str] = frozenset()

    def of(self, view: View, line: Mapping[str, object]) -> tuple["Shown", str]:
        """Say how one message is shown, and whose it is if another member's."""
        origin = line.get("origin")
        is_own = line.get("own") is True or origin in {None, view.desk.node}
        if is_own or not self.own:
            return self, ""
        links = {
            name: path for name, path in self.links.items() if name not in self.own
        }
        return replace(self, links=links), str(origin)


_PLAIN: Final = Shown()


def rows_of(
    view: View, message: object, shown: Shown = _PLAIN
) -> tuple[tuple[str, Cell], ...]:
    """Give names and values of a message; what says nothing is left out."""
    line = dict(_members(message))
    return tuple(
        (view.say(field_word(name)), cell)
        for name, value in line.items()
        if name not in shown.without
        and value not in (None, "", [], {}, ())
        and (cell := _cell_in(view, name, line, shown)) is not None
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
            tuple(_cell_in(view, name, line, shown) or Cell() for name in names)
            for line in lines
        ),
        caption=caption,
    )


def _cell_in(
    view: View, name: str, line: Mapping[str, object], shown: Shown
) -> Cell | None:
    """Show a field of a message: whose it is says where its names lead to."""
    of_it, origin = shown.of(view, line)
    cell = cell_of(view, name, line.get(name), of_it)
    if cell is None or not origin or name not in shown.own:
        return cell
    return msgspec.structs.replace(
        cell, note=view.say(_ELSEWHERE.filled(member=origin))
    )


def _named(lines: Sequence[Mapping[str, object]]) -> list[str]:
    return list(dict.fromkeys(name for line in lines for name in line))


def _members(message: object) -> Iterator[tuple[str, Any]]:
    if isinstance(message, Mapping):
        yield from ((str(name), value) for name, value in message.items())
    elif isinstance(message, msgspec.Struct):
        for encoded, name in _names(type(message)):
            if (value := said_in(message, name)) is not msgspec.UNSET:
                yield encoded, value


def said_in(message: object, name: str) -> Any:  # noqa: ANN401 - a field's value
    """Give the value of a field; a sentence of the node so that each language has it.

    How one was made stands beside it, under its name and `_made`, and is no value.
    """
    value = getattr(message, name)
    made = getattr(message, name + _MADE, None)
    if isinstance(made, Sentence) and isinstance(value, str):
        return _received(made, value)
    if isinstance(made, list) and isinstance(value, list) and len(made) == len(value):
        return [_received(*each) for each in zip(made, value, strict=True)]
    return value


def _received(made: object, english: str) -> Phrase:
    return received(msgspec.to_builtins(made), english)


@cache
def _names(kind: type[msgspec.Struct]) -> tuple[tuple[str, str], ...]:
    """Name the fields of a message, as they are sent and as they are kept."""
    fields = msgspec.structs.fields(kind)
    known = {each.name for each in fields}
    return tuple(
        (each.encode_name, each.name)
        for each in fields
        if not each.name.endswith(_MADE) or each.name.removesuffix(_MADE) not in known
    )


def cell_of(  # noqa: PLR0911 - one line a kind
    view: View, name: str, value: object, shown: Shown = _PLAIN
) -> Cell | None:
    """Show a value of a field."""
    if value is None or value is msgspec.UNSET:
        return None
    if isinstance(value, Phrase):
        return Cell(view.say(value))
    if isinstance(value, bool):
        return Cell(view.say(choice_word(name, "true" if value else "false")))
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
    if (day := _day_in(text)) is not None:
        return Cell(view.written_day(day), machine=text)
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


def _day_in(text: str) -> date | None:
    """Read a day of the calendar; None if it is none, whatever it looks like."""
    if not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
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
