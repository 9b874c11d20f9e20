# SPDX-License-Identifier: Apache-2.0
"""A sample of everything that members exchange and that a node keeps, encoded.

What is exchanged: each struct of `fedsafe_federation` and `fedsafe_crypto`. What is
kept: each struct that the code reads with `decode` or `unpack`. A sample has each field
once, of the first alternative, with the shortest value that fits; so fields, their
order, their spelling and what they may hold stand in it. Types are told apart by
what errors call them, never by their modules.
"""

import ast
import re
from collections import defaultdict
from contextlib import suppress
from hashlib import sha256
from importlib import import_module
from itertools import count
from types import ModuleType
from typing import Any, Final

import msgspec
from msgspec import inspect as known
from tests.fence.names import classes, modules, tree_of

from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wire.wireformat import decode, encode, name_of, pack

Sample = dict[str, str]
_constants, _parser = import_module("re._constants"), import_module("re._parser")
_EXCHANGED: Final = ("fedsafe_federation", "fedsafe_crypto")
_LONG: Final = re.compile("A{100,}")
_READERS: Final = {"decode", "unpack"}


def collect() -> dict[str, list[Sample]]:
    """Write the samples of all types, by the types' names."""
    found: dict[str, list[Sample]] = defaultdict(list)
    for type_ in {*classes(msgspec.Struct, *_EXCHANGED), *_read()}:
        sample = sample_of(type_)
        if sample not in found[name_of(type_)]:
            found[name_of(type_)].append(sample)
    return {
        name: sorted(each, key=lambda sample: sample["json"])
        for name, each in sorted(found.items())
    }


def sample_of(type_: type) -> Sample:
    """Write one type: its sample's JSON, the digest of its MessagePack, and errors."""
    plain = value_of(known.type_info(type_))
    written = {"json": encode(plain).decode(), "errors": " | ".join(_errors(type_))}
    with suppress(msgspec.ValidationError, ValueError, TypeError):
        value: object = msgspec.convert(plain, type_)
        written["json"] = encode(value).decode()
        written["pack"] = sha256(pack(value)).hexdigest()
    written["json"] = _LONG.sub(lambda run: f"<A*{len(run[0])}>", written["json"])
    return written


def _errors(type_: type) -> list[str]:
    said = []
    for data in (b"[", b'"x"', b"{}", b'{"x":0}'):
        try:
            decode(data, type_)
        except MalformedError as error:
            said.append(str(error))
        else:
            said.append("taken")
    return said


def _read() -> set[type]:
    """Find the structs that the code reads."""
    found = set()
    for module in modules():
        for node in ast.walk(tree_of(module)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in _READERS
                and len(node.args) > 1
            ):
                found |= _structs(node.args[1], module)
    return found


def _structs(node: ast.expr, module: ModuleType) -> set[type]:
    """Give the structs that an expression names, be it in `list[Struct]`."""
    named = (vars(module).get(e.id) for e in ast.walk(node) if isinstance(e, ast.Name))
    return {e for e in named if isinstance(e, type) and issubclass(e, msgspec.Struct)}


def value_of(info: known.Type) -> Any:  # noqa: ANN401, C901, PLR0911, PLR0912 - JSON of each kind
    """Give a value, as JSON has it, that fits a type, with each field once."""
    match info:
        case known.Metadata():
            return value_of(info.type)
        case known.StructType():
            tag = {info.tag_field: info.tag} if info.tag_field else {}
            fields = {f.encode_name: value_of(f.type) for f in info.fields}
            return (
                [*tag.values(), *fields.values()] if info.array_like else tag | fields
            )
        case known.EnumType():
            return next(iter(info.cls)).value
        case known.LiteralType():
            return info.values[0]
        case known.UnionType():
            return value_of(
                next(t for t in info.types if not isinstance(t, known.NoneType))
            )
        case known.StrType():
            return _text(info)
        case known.BytesType():
            return msgspec.to_builtins(bytes(info.min_length or info.max_length or 4))
        case known.BoolType():
            return True
        case known.IntType():
            return max(info.ge or 0, (info.gt or -1) + 1)
        case known.FloatType():
            return float(info.ge or info.gt or 0.5)
        case (
            known.ListType()
            | known.SetType()
            | known.FrozenSetType()
            | known.VarTupleType()
        ):
            return [value_of(info.item_type)] * max(info.min_length or 1, 1)
        case known.TupleType():
            return [value_of(each) for each in info.item_types]
        case known.DictType():
            return {value_of(info.key_type): value_of(info.value_type)}
        case known.DateTimeType():
            return "2026-11-30T00:00:00Z"
        case known.DateType():
            return "2026-11-30"
        case _:
            return None


def _text(info: known.StrType) -> str:
    if info.pattern is None:
        return "x" * (info.min_length or 1)
    text = _shortest(_parser.parse(info.pattern))
    return text if re.search(info.pattern, text) else "x"


def _shortest(parsed: Any) -> str:  # noqa: ANN401 - of the standard library's own parser
    """Write a short text that a pattern takes."""
    text = ""
    for kind, what in parsed:
        if kind is _constants.LITERAL:
            text += chr(what)
        elif kind is _constants.IN:
            text += _one_of(what)
        elif kind in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            least, most, inner = what
            text += _shortest(inner) * max(least, min(1, most))
        elif kind is _constants.SUBPATTERN:
            text += _shortest(what[-1])
        elif kind is _constants.BRANCH:
            text += _shortest(what[1][0])
        elif kind is _constants.ANY:
            text += "x"
    return text


def _one_of(what: Any) -> str:  # noqa: ANN401
    if what[0][0] is _constants.NEGATE:
        taken = re.compile(
            "|".join(re.escape(chr(n)) for k, n in what if k is _constants.LITERAL)
            or "(?!)"
        )
        ranges = [n for k, n in what if k is _constants.RANGE]
        return next(
            chr(n)
            for n in count(ord("a"))
            if not taken.match(chr(n)) and not any(a <= n <= b for a, b in ranges)
        )
    kind, value = what[0]
    if kind is _constants.LITERAL:
        return chr(value)
    if kind is _constants.RANGE:
        return chr(value[0])
    return {
        _constants.CATEGORY_DIGIT: "0",
        _constants.CATEGORY_WORD: "a",
    }.get(value, " ")
