# SPDX-License-Identifier: Apache-2.0
"""Pages of a desk whose answers are planted, and what a payload does to one.

`planted_desk` gives the desk; `Look` opens its pages, and the answers to its forms, and
compares what each is made of with the same page of plain words.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from unittest.mock import patch

from tests.support.browser import Screen
from tests.support.desk import STAFF, Reader, Shown
from tests.support.desk_house import House, house
from tests.support.payloads import NAMED
from tests.support.planted import KEPT, PLAIN, Planting

from fedsafe_node.api.route import Route
from fedsafe_node.api.routes import ROUTES
from fedsafe_node.desk.log import HOLDS
from fedsafe_node.desk.rounds import QUESTIONS
from fedsafe_node.desk.shelves import SHELVES
from fedsafe_node.desk.site import PAGES
from fedsafe_node.desk.view import Page, may_ask

_ROUTES: Final = {route.name: route for route in ROUTES}
_SHELVES: Final = (*SHELVES, HOLDS, QUESTIONS)
OPENED: Final = [page for page in PAGES if page.method == "GET" and not page.open]
"""Pages that people open who have logged in."""
_SAFE: Final = re.compile(r"/desk/|#|tel:110$|/desk$")
_SHOWS_NOTHING: Final = frozenset({"break", "stepUp"})
"""Pages that show nothing of an answer."""
_Given = Mapping[str, str | list[str]]
_ADD_CREDENTIAL: Final[_Given] = {
    "name": "chat",
    "scope": "lookup",
    "purposes": ["signup_check"],
    "until": "2026-12-24T10:00",
}
_REQUEST: Final[_Given] = {
    "kind": "access",
    "about.kind": "email",
    "about.value": "a@mail.example",
    "control": "identity_document",
    "language": "de",
    "checked.seen_on": "2026-11-24",
    "checked.reference": "vermerk-7",
}
_REVEALED: Final[_Given] = {
    "pseudonym": "staff-2026q4-abcdefgh",
    "reason": "vermerk-7",
    "act": "0" * 32,
}
_SENT: Final[tuple[tuple[str, str, str, _Given], ...]] = (
    ("dora", "auditReport", "/desk/log/account", {"subject_ref": "konto-1"}),
    ("dora", "auditVerify", "/desk/log/state", {}),
    ("dora", "reveal", "/desk/log/revealed", _REVEALED),
    ("dora", "openRequest", "/desk/persons/requests/new/open", _REQUEST),
    (
        "olaf",
        "addAccount",
        "/desk/house/people/new/add",
        {"name": "nina", "display": "Nina"},
    ),
    ("olaf", "addCredential", "/desk/house/credentials/new/add", _ADD_CREDENTIAL),
)
"""Who enters what where, into forms whose answer is a page, and by which route."""
_GOES: Final = {"/desk/log/state": "/desk/log/verify"}


class Shape(HTMLParser):
    """What a page is made of, but its words: tags, names of attributes, addresses."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.amiss: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        self.tags.append((tag, *names))
        for name, value in attrs:
            if name.startswith("on") or name in {"style", "srcdoc", "data-ran"}:
                self.amiss.append(f"{tag} {name}={value}")
            if name in {"href", "src", "action"} and not _SAFE.match(value or ""):
                self.amiss.append(f"{tag} {name}={value}")

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}",))

    def handle_comment(self, data: str) -> None:
        self.amiss.append(f"comment {data}")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@contextmanager
def planted_desk() -> Iterator[tuple[House, Planting]]:
    """Give a desk whose routes answer with what is planted, once a turn is set."""
    keys = frozenset(shelf.key for shelf in _SHELVES) | {"act", "passkey"}
    planting = Planting(keys)
    visits = "fedsafe_node.desk.site.make_visits"
    with patch(visits, planting.visits), house(full=False) as made:
        yield made, planting


def _key_of(planting: Planting, page: Page) -> str:
    """Say what the path of a page names: what stands first in the list, if it looks."""
    if page.name.startswith("approval"):
        return str(planting.answer("listActs").acts[0].act)
    if page.name.startswith("passkeys"):
        return str(planting.answer("listPasskeys").passkeys[0].passkey)
    for shelf in _SHELVES:
        if page.name.startswith(f"{shelf.name}.one") and shelf.show_route is None:
            items = getattr(planting.answer(shelf.list_route), shelf.items)
            return str(getattr(items[0], shelf.key))
    return "0"


def _path(planting: Planting, page: Page) -> str:
    return re.sub(r"\{\w+\}", _key_of(planting, page), page.target)


def _reader_of(page: Page) -> str:
    routes = [_ROUTES[name] for name in page.routes]
    for name, role in STAFF.items():
        if all(may_ask(each, role) for each in routes):
            return name
    raise LookupError(page.name)


def planted_screens(planting: Planting) -> list[Screen]:
    """Name the planted pages as a browser opens them in this turn."""
    return [
        Screen(page.name, _reader_of(page), _path(planting, page))
        for page in OPENED
        if page.name not in _SHOWS_NOTHING
    ]


def shown_routes() -> dict[str, Route]:
    """Name the routes whose messages pages show, and those that answer forms so."""
    names = {name for page in PAGES if page.method == "GET" for name in page.routes}
    return {
        name: _ROUTES[name]
        for name in (names | {"showEntry", "auditGaps"}) - KEPT
        if _ROUTES[name].method == "GET" and isinstance(_ROUTES[name].answer, type)
    } | {name: _ROUTES[name] for _, name, _, _ in _SENT}


@dataclass
class Look:
    """Somebody who opens planted pages, and what they have found amiss."""

    made: House
    planting: Planting
    amiss: list[str] = field(default_factory=list)
    shown: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The pages that show a payload as it is, by its name."""
    looks: int = 0

    async def open(self, pages: Sequence[Page], turns: Sequence[int]) -> None:
        """Open pages, once in plain words and once in each turn of the payloads."""
        for name in STAFF:
            own = [page for page in pages if _reader_of(page) == name]
            self.planting.turn = None
            async with Reader(self.made.origin, "de") as reader:
                await reader.log_in(self.made.staff, name)
                for page in own:
                    self.planting.turn = -1
                    path = _path(self.planting, page)
                    plain = Shape((await reader.open(path)).html)
                    shows = any(PLAIN in each for each in plain.words)
                    for turn in turns:
                        self.planting.turn = turn
                        shown = await reader.open(_path(self.planting, page))
                        self._compare(page.name, turn, plain, shown, shows=shows)
        self.planting.turn = None

    async def answer(self, turns: Sequence[int]) -> None:
        """Send the forms whose answer is a page, and look at that likewise."""
        for name, route, path, given in _SENT:
            self.planting.turn = None
            async with Reader(self.made.origin, "de") as reader:
                await reader.log_in(self.made.staff, name)
                plain: Shape | None = None
                for turn in (-1, *turns):
                    self.planting.turn = turn
                    await reader.open(path)
                    shown = await reader.send(_GOES.get(path, path), given)
                    if plain is None:
                        plain = Shape(shown.html)
                    else:
                        self._compare(route, turn, plain, shown, shows=True)
        self.planting.turn = None

    def _compare(
        self, name: str, turn: int, plain: Shape, shown: Shown, *, shows: bool
    ) -> None:
        shape = Shape(shown.html)
        self.looks += 1
        self.amiss += [f"{name} {turn}: {each}" for each in _unlike(plain, shape)]
        if shown.status != 200:
            self.amiss.append(f"{name} {turn}: {shown.status}")
        if "unsafe" in shown.headers.get("Content-Security-Policy", "unsafe"):
            self.amiss.append(f"{name} {turn}: its policy lets scripts run")
        text = "".join(shape.words)
        found = [each for each, payload in NAMED.items() if payload in text]
        for each in found:
            self.shown[each].add(name)
        if shows and not found:
            self.amiss.append(f"{name} {turn}: shows no payload as it is")


def _unlike(plain: Shape, shape: Shape) -> Iterator[str]:
    yield from shape.amiss
    if plain.tags != shape.tags:
        pairs = zip(plain.tags, shape.tags, strict=False)
        first = next(((a, b) for a, b in pairs if a != b), ("more", "less"))
        yield f"another shape, from {first}"
