# SPDX-License-Identifier: Apache-2.0
"""Forms made of the API's messages: which fields, of which kind, and what came back.

A field is written once, in the message type that the route takes. Its label, its help
and the words of its choices are in `fields.py`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum, unique
from functools import cache
from typing import Any, Final

import msgspec.inspect as kinds

from fedsafe_node.desk.fields import SECRETS, choice_word, field_help, field_word
from fedsafe_policies.ground.catalogue import Phrase

MOST_FIELDS: Final = 200
_FEW: Final = 6
"""So many choices stand side by side; more are in a list."""
_SHORT: Final = 120
_WRITTEN: Final = frozenset({"reason"})
"""Fields whose help says how to write a text: beside a list of choices it is wrong."""
_STEP: Final = "."


@unique
class Widget(StrEnum):
    """How a field is entered."""

    LINE = "line"
    SECRET = "secret"  # noqa: S105 - a kind of field
    TEXT = "text"
    LINES = "lines"
    NUMBER = "number"
    DAY = "day"
    MOMENT = "moment"
    WHETHER = "whether"
    TRUTH = "truth"
    ONE = "one"
    ONE_OF_MANY = "one_of_many"
    SOME = "some"
    PROOF = "proof"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a form; `name` is its path in the message, with dots.

    `values` are those that it is shown with, `wrong` is what does not fit. `apart`
    tells it from a field of that name in another form of the page.
    """

    name: str
    widget: Widget
    label: Phrase
    help: Phrase | None
    required: bool
    choices: tuple[tuple[str, Phrase], ...] = ()
    longest: int | None = None
    least: int | None = None
    most: int | None = None
    values: tuple[str, ...] = ()
    wrong: Phrase | None = None
    apart: str = ""

    @property
    def value(self) -> str:
        """The one value that it is shown with."""
        return self.values[0] if self.values else ""

    @property
    def anchor(self) -> str:
        """Its id in the page."""
        return f"f-{self.apart}" + self.name.replace(_STEP, "-")


class UnfitFormError(Exception):
    """A message has a field that no form can have."""


@cache
def fields_of(type_: type, leave_out: tuple[str, ...] = ()) -> tuple[Field, ...]:
    """Derive the fields of a message's form.

    Raises:
        UnfitFormError: a field is a list of messages, or a mapping.
    """
    info = kinds.type_info(type_)
    if not isinstance(info, kinds.StructType):
        raise UnfitFormError(str(type_))
    return tuple(_fields(info, "", frozenset(leave_out), required=True))


def _fields(
    struct: kinds.StructType, above: str, without: Collection[str], *, required: bool
) -> Iterator[Field]:
    for each in struct.fields:
        name = above + each.encode_name
        if name in without:
            continue
        inner, optional = _present(each.type)
        needed = required and each.required and not optional
        if isinstance(inner, kinds.StructType):
            yield from _fields(inner, name + _STEP, without, required=needed)
        else:
            yield _field(name, inner, required=needed)


def _present(type_: kinds.Type) -> tuple[kinds.Type, bool]:
    """Leave out of a type that there may be nothing."""
    if isinstance(type_, kinds.Metadata):
        return _present(type_.type)
    if not isinstance(type_, kinds.UnionType):
        return type_, False
    rest = [each for each in type_.types if not isinstance(each, kinds.NoneType)]
    if len(rest) != 1:
        raise UnfitFormError(str(type_))
    return _present(rest[0])[0], True


def _field(  # noqa: PLR0911 - one line a kind
    name: str, type_: kinds.Type, *, required: bool
) -> Field:
    last = name.rpartition(_STEP)[2]
    field = Field(
        name=name,
        widget=Widget.LINE,
        label=field_word(last),
        help=field_help(last),
        required=required,
    )
    match type_:
        case kinds.StrType():
            return _of_text(field, last, type_)
        case kinds.IntType():
            widget = Widget.MOMENT if is_moment(last) else Widget.NUMBER
            return replace(field, widget=widget, least=type_.ge, most=type_.le)
        case kinds.DateType():
            return replace(field, widget=Widget.DAY)
        case kinds.BoolType():
            if not required:
                return replace(field, widget=Widget.WHETHER)
            return replace(field, widget=Widget.TRUTH, choices=_whether(last))
        case kinds.EnumType() | kinds.LiteralType():
            return _of_choices(field, last, type_)
        case kinds.ListType() | kinds.VarTupleType():
            inner, _ = _present(type_.item_type)
            if isinstance(inner, kinds.EnumType | kinds.LiteralType):
                return replace(field, widget=Widget.SOME, choices=_choices(last, inner))
            if isinstance(inner, kinds.StrType):
                return replace(field, widget=Widget.LINES)
        case _:
            pass
    raise UnfitFormError(f"{name}: {type_}")


def _of_text(field: Field, last: str, type_: kinds.StrType) -> Field:
    longest = type_.max_length
    if last in SECRETS:
        return replace(field, widget=Widget.SECRET, longest=longest)
    is_long = longest is not None and longest > _SHORT and type_.pattern is None
    return replace(
        field, widget=Widget.TEXT if is_long else Widget.LINE, longest=longest
    )


def _of_choices(
    field: Field, last: str, type_: kinds.EnumType | kinds.LiteralType
) -> Field:
    choices = _choices(last, type_)
    widget = Widget.ONE if len(choices) <= _FEW else Widget.ONE_OF_MANY
    told = None if last in _WRITTEN else field.help
    return replace(field, widget=widget, choices=choices, help=told)


def _choices(
    last: str, type_: kinds.EnumType | kinds.LiteralType
) -> tuple[tuple[str, Phrase], ...]:
    codes = (
        [str(each.value) for each in type_.cls]
        if isinstance(type_, kinds.EnumType)
        else [str(each) for each in type_.values]
    )
    return tuple((code, choice_word(last, code)) for code in codes)


def _whether(name: str) -> tuple[tuple[str, Phrase], ...]:
    return tuple((code, choice_word(name, code)) for code in ("true", "false"))


def is_moment(name: str) -> bool:
    """Whether a number is a second of the calendar, by the name of its field."""
    return name in {
        *("at", "since", "until", "after", "before"),
        *("stolen_since", "dispatch_by", "confirm_by", "second_by"),
    } or name.endswith(("_at", "_until"))


def filled(
    fields: Sequence[Field],
    posted: Mapping[str, Sequence[str]],
    wrong: Mapping[str, Phrase],
) -> list[Field]:
    """Show fields with what was entered, but secrets, and what does not fit."""
    return [
        replace(
            each,
            values=()
            if each.widget is Widget.SECRET
            else tuple(posted.get(each.name, ())),
            wrong=wrong.get(each.name),
        )
        for each in fields
    ]


class MisfitError(Exception):
    """What was entered into a field has not the form of its kind."""

    def __init__(self, name: str, why: Phrase) -> None:
        super().__init__(name)
        self.name = name
        self.why = why


def body_of(
    fields: Sequence[Field], posted: Mapping[str, Sequence[str]], zone: "Zone"
) -> dict[str, Any]:
    """Make of what was entered the message that the route decodes.

    Raises:
        MisfitError: a number, day or moment is none.
    """
    made: dict[str, Any] = {}
    for each in fields:
        value = _read(each, [text.strip() for text in posted.get(each.name, ())], zone)
        if value is None:
            continue
        place = made
        *above, last = each.name.split(_STEP)
        for step in above:
            place = place.setdefault(step, {})
        place[last] = value
    return made


class Zone:
    """The zone of the calendar in which people enter and read moments."""

    def __init__(self, name: str) -> None:
        from zoneinfo import ZoneInfo  # noqa: PLC0415 - the desk only

        self.name = name
        self.info = ZoneInfo(name)

    def begins(self, day: str) -> int:
        """Give the second in which a day (RFC 3339) begins here.

        Raises:
            ValueError: it is no day.
        """
        from datetime import date, datetime, time  # noqa: PLC0415 - the desk only

        begin = datetime.combine(date.fromisoformat(day), time(), self.info)
        return int(begin.timestamp())


def _read(field: Field, given: Sequence[str], zone: Zone) -> Any:  # noqa: ANN401, PLR0911
    text = given[0] if given else ""
    match field.widget:
        case Widget.WHETHER:
            return True if text else None
        case Widget.SOME:
            return [each for each in given if each] or None
        case Widget.LINES:
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            return lines or None
        case _:
            pass
    if not text:
        return None
    if field.widget is Widget.TRUTH:
        return text == "true"
    if field.widget is Widget.NUMBER:
        try:
            return int(text)
        except ValueError:
            raise MisfitError(field.name, _NUMBER) from None
    if field.widget is Widget.MOMENT:
        return _second(field.name, text, zone)
    return text


_NUMBER: Final = Phrase("enter a whole number")
_MOMENT: Final = Phrase("enter a day and a time, such as 2026-11-29 14:30")


def _second(name: str, text: str, zone: Zone) -> int:
    from datetime import datetime  # noqa: PLC0415 - the desk only

    try:
        moment = datetime.fromisoformat(text.replace(" ", "T"))
    except ValueError:
        raise MisfitError(name, _MOMENT) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone.info)
    return int(moment.timestamp())


def field_at(pointer: str | None) -> str:
    """Name the field that a problem points to (RFC 6901)."""
    return _STEP.join(part for part in (pointer or "").split("/") if part)
