# SPDX-License-Identifier: Apache-2.0
"""Answers of the API in which every text is what a stranger would write.

They are made of the answers' own types: a field that is new has a payload at once,
wherever it comes from (a form, another member, an import, a person's request). A text
that its type bounds has the payload if the bounds let it, else something that fits.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import msgspec
from msgspec import inspect
from tests.support.payloads import PAYLOADS

from fedsafe_node.acts.bodies import Sentence
from fedsafe_node.api.endpoint import Border, Visit, make_visits
from fedsafe_node.api.responses import Answer
from fedsafe_node.api.route import Route

PLAIN: Final = "nothing but words"
"""What stands in place of every payload in the page that others are compared with."""
_FITS: Final = (
    *("0" * 32, "0" * 64, "00000000-0000-4000-8000-000000000000", "0" * 8),
    *("a", "A", "a.demo", "AA", "1", "110", "P1", "https://a.example/", "2026-11-24"),
    *(
        "a@mail.example",
        "a:b",
        "0.1." + "0" * 32,
        "staff-2026q4-abcdefgh",
        "0" * 16,
        "c2lnbg",
    ),
    *("sha256:" + "0" * 64, "a/1", "a.demo/1", "0" * 40, "0" * 128, "2026-11"),
)
_TURNS: Final = frozenset({"next", "after"})
_SECOND: Final = 1_800_000_000
KEPT: Final = frozenset({"showSession"})
"""Who reads a page is told truly: its places depend on it."""


@dataclass
class Planter:
    """Makes answers; `text` gives the next payload, `told` is what was planted.

    `keys` are names of fields by which a page finds one thing in a list: in its first
    line they stay plain, so that a path can name it.
    """

    texts: Iterator[str]
    keys: frozenset[str]
    told: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)

    def made(self, kind: object) -> Any:  # noqa: ANN401 - of any type
        """Make a message of some type."""
        return msgspec.convert(self._of(inspect.type_info(kind), "", 1), kind)

    def _of(self, kind: inspect.Type, where: str, depth: int) -> Any:  # noqa: ANN401, C901, PLR0911, PLR0912
        match kind:
            case inspect.StructType():
                return self._struct(kind, depth)
            case inspect.UnionType():
                return self._of(_weightiest(kind), where, depth)
            case inspect.CollectionType():
                many = 1 if (kind.max_length or 2) == 1 else 2
                item = kind.item_type
                if isinstance(item, inspect.EnumType | inspect.LiteralType):
                    return _codes(item)[:many]
                lines = [self._of(item, where, at) for at in range(many)]
                return lines if _can_repeat(kind) else lines[:1]
            case inspect.DictType():
                return self._dict(kind, where, depth)
            case inspect.EnumType() | inspect.LiteralType():
                return _codes(kind)[0]
            case inspect.StrType():
                return self._text(kind, where, depth)
            case inspect.BoolType():
                return True
            case inspect.IntType():
                low = kind.ge if kind.ge is not None else 0
                high = kind.le if kind.le is not None else _SECOND
                return max(low, min(high, _SECOND))
            case inspect.FloatType():
                return 1.0
            case inspect.DateType():
                return "2026-11-24"
            case inspect.DateTimeType():
                return "2026-11-24T10:00:00Z"
            case inspect.BytesType():
                return "AAAA"
            case inspect.UUIDType():
                return "00000000-0000-4000-8000-000000000000"
            case inspect.NoneType():
                return None
            case inspect.AnyType():
                return self._free(where)
            case _:
                raise TypeError(f"{where}: {kind}")

    def _struct(self, kind: inspect.StructType, depth: int) -> dict[str, Any]:
        if kind.cls is Sentence:
            return self._sentence()
        made: dict[str, Any] = {}
        if kind.tag_field is not None:
            made[kind.tag_field] = kind.tag
        for each in kind.fields:
            where = f"{kind.cls.__name__}.{each.encode_name}"
            if each.encode_name in _TURNS and not each.required:
                self.closed.add(where)  # it ends here: pages ask on and on else
                continue
            made[each.encode_name] = self._of(each.type, where, depth)
        return made

    def _sentence(self) -> dict[str, Any]:
        """Fill the places of a sentence, which is the node's own."""
        self.closed |= {"Sentence.template", "Sentence.context"}
        self.told |= {"Sentence.params", "Sentence.params[]"}
        filled = {"name": next(self.texts), "note": next(self.texts)}
        return {"template": "{name}, {note}", "params": filled}

    def _dict(self, kind: inspect.DictType, where: str, depth: int) -> dict[Any, Any]:
        if isinstance(kind.key_type, inspect.EnumType | inspect.LiteralType):
            names = _codes(kind.key_type)[:2]
        else:
            names = [self._of(kind.key_type, f"{where}[]", depth) for _ in range(2)]
        return {name: self._of(kind.value_type, where, depth) for name in names}

    def _free(self, where: str) -> dict[str, Any]:
        """Fill what has no type with names that pages know, and one that none does."""
        self.told.add(where)
        names = ("reason", "name", "note", next(self.texts))
        return {name: next(self.texts) for name in names}

    def _text(self, kind: inspect.StrType, where: str, depth: int) -> str:
        name = where.rpartition(".")[2]
        if name in self.keys and depth == 0 and kind.pattern is None:
            return "0"
        text = next(self.texts)[: kind.max_length]
        if kind.pattern is None or re.search(kind.pattern, text):
            self.told.add(where)
            return text
        self.closed.add(where)
        return _fitting(kind, where)


def _can_repeat(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.ListType | inspect.VarTupleType)


def _codes(kind: inspect.Type) -> list[Any]:
    if isinstance(kind, inspect.EnumType):
        return [each.value for each in kind.cls]
    return list(kind.values) if isinstance(kind, inspect.LiteralType) else []


def _weightiest(kind: inspect.UnionType) -> inspect.Type:
    """Choose what says most of some types: messages first, nothing last."""
    order = (inspect.StructType, inspect.CollectionType, inspect.DictType)
    for wanted in (*order, inspect.StrType, inspect.EnumType):
        for each in kind.types:
            if isinstance(each, wanted):
                return each
    return next(x for x in kind.types if not isinstance(x, inspect.NoneType))


def _fitting(kind: inspect.StrType, where: str) -> str:
    for each in _FITS:
        if kind.pattern is None or re.search(kind.pattern, each):
            return each
    raise ValueError(f"{where}: say what fits {kind.pattern}")


def turned(by: int) -> Iterator[str]:
    """Give the payloads without end, beginning with one of them."""
    for at in count(by):
        yield PAYLOADS[at % len(PAYLOADS)]


def _plain() -> Iterator[str]:
    for at in count():
        yield f"{PLAIN} {at}"


@dataclass
class Planting:
    """A desk whose routes answer with what is planted, once a turn is set.

    Without one they answer truly; `turn` -1 plants nothing but plain words.
    """

    keys: frozenset[str]
    turn: int | None = None
    told: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    _made: dict[tuple[int, str], bytes] = field(default_factory=dict)
    _routes: dict[str, Route] = field(default_factory=dict)

    def visits(
        self, routes: Iterable[Route], border: Border
    ) -> Callable[[str, Visit], Awaitable[Answer]]:
        """Make what asks routes, as the desk does."""
        real = make_visits(routes, border)
        self.know(routes)

        async def ask(name: str, visit: Visit) -> Answer:
            if self.turn is None or name in KEPT or not self.plants(name):
                return await real(name, visit)
            self.asked.add(name)
            return Answer(status=200, body=self.body(name))

        return ask

    def know(self, routes: Iterable[Route]) -> None:
        """Note what routes answer."""
        self._routes = {route.name: route for route in routes}

    def plants(self, name: str) -> bool:
        """Whether a route answers with a message."""
        return isinstance(self._routes[name].answer, type)

    def body(self, name: str) -> bytes:
        """Write what a route answers in this turn."""
        turn = -1 if self.turn is None else self.turn
        if (turn, name) not in self._made:
            texts = _plain() if turn < 0 else turned(turn)
            planter = Planter(texts, self.keys)
            answer = planter.made(self._routes[name].answer)
            self._made[turn, name] = msgspec.json.encode(answer)
            if turn >= 0:
                self.told |= planter.told
                self.closed |= planter.closed
        return self._made[turn, name]

    def answer(self, name: str) -> Any:  # noqa: ANN401 - of the route's type
        """Give what a route answers in this turn, decoded."""
        return msgspec.json.decode(self.body(name), type=self._routes[name].answer)


def texts_of(kinds: Mapping[str, object]) -> set[str]:
    """Name every text of some messages, by message and field."""
    found: set[str] = set()
    seen: set[type] = set()

    def walk(kind: inspect.Type, where: str) -> None:
        match kind:
            case inspect.StructType() if kind.cls not in seen:
                seen.add(kind.cls)
                for each in kind.fields:
                    walk(each.type, f"{kind.cls.__name__}.{each.encode_name}")
            case inspect.CollectionType():
                walk(kind.item_type, where)
            case inspect.UnionType():
                for one in kind.types:
                    walk(one, where)
            case inspect.DictType():
                walk(kind.key_type, f"{where}[]")
                walk(kind.value_type, where)
            case inspect.StrType() | inspect.AnyType():
                found.add(where)
            case _:
                pass

    for kind in kinds.values():
        walk(inspect.type_info(kind), "")
    return found
