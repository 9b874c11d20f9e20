# SPDX-License-Identifier: Apache-2.0
"""What a case must hold for a class of partner, as a file to fill in; pure.

The fields are those of `Elements`, read from its types, so that what is filled in is
what `case assess --elements` takes. A line that begins with ``//`` says something and
is left out there. What is to be filled in is empty, and an empty field fits nowhere:
nothing that is half filled in gets into a case.
"""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from msgspec import inspect

from fedsafe_cli.cases.skeleton_texts import (
    ATTACHED,
    CONSENTED,
    DIGESTS,
    HEAD,
    HINTS,
    LACKING,
    NEEDS,
    ONE_OF,
    ONLY_IF,
    OPENED,
    OR,
    PREFILLED,
    REQUIRED,
)
from fedsafe_cli.terminal.texts import in_either
from fedsafe_node.words.casework import class_word, condition_word
from fedsafe_policies.errors import NothingForPartnerError
from fedsafe_policies.escalation.matrix import Cell, Handling, Matrix
from fedsafe_policies.escalation.package import Elements
from fedsafe_policies.escalation.vocabulary import (
    MAY_BE_UNAVAILABLE,
    Absence,
    Condition,
    Element,
    PartnerClass,
)

_AT_OPENING: Final = (Element.PHENOMENON, Element.VICTIM_AGES, Element.THREAT)
"""What `case open` enters, and need not be said again."""
_OFFICE: Final = (Element.CONTACT, Element.LEGAL_BASIS, Element.SENDER, Element.REPLY)
"""What stands last: nobody takes it out, so no comma is left over before the end."""
_ELSEWHERE: Final = frozenset({Element.CASE, Element.ATTACHMENTS})
"""What the node enters itself, and what `case attach` does."""
_COUNTED: Final = frozenset({Handling.NEVER, Handling.AGGREGATE})
_WIDTH: Final = 96


@dataclass(frozen=True, slots=True)
class _Block:
    lines: tuple[str, ...]
    active: bool


def skeleton(
    partner: PartnerClass,
    matrix: Matrix,
    known: Mapping[Element, Mapping[str, object]],
    language: str,
) -> str:
    """Write what a class of partner receives as a file to fill in.

    Args:
        partner: for whom.
        matrix: says what that class receives.
        known: fields of elements that need not be filled in.
        language: in which its comments are.

    Raises:
        NothingForPartnerError: this class receives no single case.
    """
    row = matrix.row(partner)
    blocks = [
        _block(element, row[element], matrix, known.get(element, {}), language)
        for element in _ordered()
        if row[element].handling not in _COUNTED and element not in _ELSEWHERE
    ]
    if partner is PartnerClass.BZKJ or not any(each.active for each in blocks):
        raise NothingForPartnerError(partner)
    blocks.append(blocks.pop(max(n for n, b in enumerate(blocks) if b.active)))
    written = [*_head(partner, matrix, language), "{"]
    for number, block in enumerate(blocks, start=1):
        comma = "," if number < len(blocks) else ""
        written += ["", *block.lines[:-1], f"{block.lines[-1]}{comma}"]
    return "\n".join([*written, "}", ""])


def _ordered() -> Iterator[Element]:
    """Give what is to be found out first, what every case has last."""
    known = (*_AT_OPENING, *_OFFICE)
    yield from (each for each in Element if each not in known)
    yield from known


def _head(partner: PartnerClass, matrix: Matrix, language: str) -> Iterator[str]:
    name = class_word(partner, language)
    told = HEAD.said(language).format(
        name=name, partner=partner, matrix=matrix.reference
    )
    for text in told.splitlines():
        yield from _said(text, "")
    for each in sorted(matrix.needs(partner)):
        what = condition_word(each, language)
        yield from _said(NEEDS.said(language).format(condition=each, what=what), "")
    if matrix.cell(partner, Element.ATTACHMENTS).handling is not Handling.NEVER:
        yield from _said(ATTACHED.said(language), "")


def _block(
    element: Element,
    cell: Cell,
    matrix: Matrix,
    known: Mapping[str, object],
    language: str,
) -> _Block:
    text = matrix.element_name(element)
    name = in_either(text, language)
    conditional = cell.handling is Handling.CONDITIONAL
    at_opening = element in _AT_OPENING
    said = " ".join(_standing(element, cell, language, known=bool(known)))
    heading = _said(f"{name}. {said}", "  ")
    lines = _field(element, _kinds()[element], known or None, "  ", language)
    is_active = not (conditional or at_opening)
    if not is_active:
        lines = [f"  // {each[2:]}" for each in lines]
    return _Block((*heading, *lines), is_active)


def _standing(
    element: Element, cell: Cell, language: str, *, known: bool
) -> Iterator[str]:
    """Say when an element goes, and what to do without it."""
    if element in _AT_OPENING:
        yield OPENED.said(language)
    elif cell.handling is Handling.CONDITIONAL:
        others = sorted(cell.conditions - {Condition.CONSENT})
        told = (
            f"{condition_word(each, language)} (--condition {each})" for each in others
        )
        if others:
            yield ONLY_IF.said(language).format(what=OR.said(language).join(told))
        if Condition.CONSENT in cell.conditions:
            yield CONSENTED.said(language)
        return
    else:
        hashes = cell.handling is Handling.HASH_ONLY
        yield (DIGESTS if hashes else REQUIRED).said(language)
    if known:
        yield PREFILLED.said(language)
    elif element in MAY_BE_UNAVAILABLE and element not in _AT_OPENING:
        why = ", ".join(Absence)
        yield LACKING.said(language).format(element=element, why=why)


def _kinds() -> Mapping[Element, inspect.Type]:
    struct = cast("inspect.StructType", inspect.type_info(Elements))
    return {Element(field.name): _bare(field.type) for field in struct.fields}


def _bare(kind: inspect.Type) -> inspect.Type:
    """Take off what a type says beside its values."""
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def _field(
    name: str,
    kind: inspect.Type,
    known: object,
    indent: str,
    language: str,
) -> list[str]:
    """Write ``"name": value``, over as many lines as the value takes."""
    value = _value(name, kind, known, indent, language)
    hint = () if known is not None else tuple(_hint(name, kind, indent, language))
    return [*hint, f'{indent}"{name}": {value[0]}', *value[1:]]


def _hint(name: str, kind: inspect.Type, indent: str, language: str) -> Iterator[str]:
    inner = _bare(kind.item_type) if isinstance(kind, inspect.VarTupleType) else kind
    if isinstance(inner, inspect.StructType):
        return
    told = [HINTS[name].said(language)] if name in HINTS else []
    if isinstance(inner, inspect.EnumType):
        words = ", ".join(each.value for each in inner.cls)
        told.append(ONE_OF.said(language).format(words=words))
    yield from _said(" ".join(told), indent)


def _value(
    name: str,
    kind: inspect.Type,
    known: object,
    indent: str,
    language: str,
) -> list[str]:
    if isinstance(kind, inspect.StructType):
        given = known if isinstance(known, Mapping) else {}
        return _struct(kind, given, indent, language)
    if known is not None:
        return [json.dumps(known, ensure_ascii=False)]
    if isinstance(kind, inspect.VarTupleType):
        inner = _value(name, _bare(kind.item_type), None, indent, language)
        opened = [f"[{inner[0]}", *inner[1:]]
        return [*opened[:-1], f"{opened[-1]}]"]
    empty = isinstance(kind, inspect.BoolType | inspect.IntType)
    return ["null" if empty else '""']


def _struct(
    kind: inspect.StructType, known: Mapping[str, object], indent: str, language: str
) -> list[str]:
    """Write an object; what may be left out comes first, each line with its comma."""
    inner = f"{indent}  "
    wanted = [each for each in kind.fields if each.required] or [kind.fields[0]]
    lines = ["{"]
    for each in kind.fields:
        if each not in wanted:
            *hint, last = _field(each.name, _bare(each.type), None, inner, language)
            lines += [*hint, f"{inner}// {last.lstrip()},"]
    for each in wanted:
        comma = "," if each is not wanted[-1] else ""
        given = known.get(each.name)
        some = _field(each.name, _bare(each.type), given, inner, language)
        lines += [*some[:-1], f"{some[-1]}{comma}"]
    return [*lines, f"{indent}}}"]


def _said(text: str, indent: str) -> Iterator[str]:
    """Write a comment, in lines that are not too long."""
    for each in textwrap.wrap(
        text, _WIDTH - len(indent), break_long_words=False, break_on_hyphens=False
    ):
        yield f"{indent}// {each}"


def without_comments(data: bytes) -> bytes:
    """Leave out lines that begin with ``//``; no text of JSON goes over lines."""
    lines = data.split(b"\n")
    return b"\n".join(b"" if each.lstrip()[:2] == b"//" else each for each in lines)


def first_empty(value: object, place: Sequence[str] = ()) -> str | None:
    """Name the first field that is empty still, such as ``suspects[0].account_id``."""
    if value is None or value == "":
        return "".join(place).lstrip(".")
    inside = (
        ((f".{name}", each) for name, each in value.items())
        if isinstance(value, dict)
        else ((f"[{n}]", each) for n, each in enumerate(value))
        if isinstance(value, list)
        else ()
    )
    for step, each in inside:
        if (found := first_empty(each, (*place, step))) is not None:
            return found
    return None
