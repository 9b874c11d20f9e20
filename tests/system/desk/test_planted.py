# SPDX-License-Identifier: Apache-2.0
"""Whatever the API answers, and whoever has written it: pages show it as words.

Every text of every answer that a page shows is planted, by its type: no new field of a
message goes without. `test_hostile.py` sends the same through the forms of the desk.
"""

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from random import Random  # noqa: TID251 - seeded, and the seed is told
from typing import Final
from unittest.mock import patch

import pytest
from tests.support.browser import SEED, TIMEOUT, Desktop, Screen, again, drawn
from tests.support.desk import STAFF, Reader
from tests.support.desk_house import House, house
from tests.system.desk.payloads import PAYLOADS
from tests.system.desk.planted import KEPT, PLAIN, Planting, texts_of
from tests.system.desk.test_hostile import Walk

from fedsafe_node.api.route import Route
from fedsafe_node.api.routes import ROUTES
from fedsafe_node.desk.log import HOLDS
from fedsafe_node.desk.shelves import SHELVES
from fedsafe_node.desk.site import PAGES
from fedsafe_node.desk.view import Page, may_ask

pytestmark = pytest.mark.timeout(TIMEOUT)
_PATIENCE: Final = 600.0
_TURNS: Final = 3
"""So many turns of the payloads are drawn; each page has many texts."""
_ROUTES: Final = {route.name: route for route in ROUTES}
_SHELVES: Final = (*SHELVES, HOLDS)
_PAGES: Final = [page for page in PAGES if page.method == "GET" and not page.open]
_SAFE: Final = re.compile(r"/desk/|#|tel:110$|/desk$")
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
    ("dora", "/desk/log/account", "/desk/log/account", {"subject_ref": "konto-1"}),
    ("dora", "/desk/log/state", "/desk/log/verify", {}),
    (
        "dora",
        "/desk/log/revealed",
        "/desk/log/revealed",
        _REVEALED,
    ),
    (
        "dora",
        "/desk/persons/requests/new/open",
        "/desk/persons/requests/new/open",
        _REQUEST,
    ),
    (
        "olaf",
        "/desk/house/people/new/add",
        "/desk/house/people/new/add",
        {"name": "nina", "display": "Nina"},
    ),
    (
        "olaf",
        "/desk/house/credentials/new/add",
        "/desk/house/credentials/new/add",
        _ADD_CREDENTIAL,
    ),
)
"""Who enters what where, into forms whose answer is a page."""
_TOLD_ONCE: Final = (
    *("auditReport", "auditVerify", "reveal", "openRequest"),
    *("addAccount", "addCredential"),
)
_AS_IT_COMES: Final = frozenset({"break", "stepUp"})
"""Pages that show nothing of an answer."""


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


@pytest.fixture(scope="module")
def planted() -> Iterator[tuple[House, Planting]]:
    """Give a desk whose routes answer with what is planted."""
    keys = frozenset(shelf.key for shelf in _SHELVES) | {"act", "passkey"}
    planting = Planting(keys)
    visits = "fedsafe_node.desk.site.make_visits"
    with patch(visits, planting.visits), house(full=False) as made:
        yield made, planting


async def _shapes(made: House, planting: Planting, turns: list[int]) -> list[str]:
    """Say of which page a payload alters the shape, and what of it runs or leads on."""
    amiss: list[str] = []
    for name in STAFF:
        pages = [page for page in _PAGES if _reader_of(page) == name]
        planting.turn = None
        async with Reader(made.origin, "de") as reader:
            await reader.log_in(made.staff, name)
            for page in pages:
                planting.turn = -1
                plain = Shape((await reader.open(_path(planting, page))).html)
                shows = any(PLAIN in each for each in plain.words)
                for turn in turns:
                    planting.turn = turn
                    shown = await reader.open(_path(planting, page))
                    shape = Shape(shown.html)
                    amiss += _unlike(page.name, turn, shown.status, plain, shape)
                    text = "".join(shape.words)
                    if shows and not any(each in text for each in PAYLOADS):
                        amiss.append(f"{page.name} {turn}: shows no payload as it is")
    planting.turn = None
    return amiss


async def _answers(made: House, planting: Planting, turns: list[int]) -> list[str]:
    """Say so of pages that show what a route has answered to a form."""
    amiss: list[str] = []
    for name, path, action, given in _SENT:
        planting.turn = None
        async with Reader(made.origin, "de") as reader:
            await reader.log_in(made.staff, name)
            shapes: list[tuple[int, Shape]] = []
            for turn in (-1, *turns):
                planting.turn = turn
                await reader.open(path)
                shown = await reader.send(action, given)
                shapes.append((shown.status, Shape(shown.html)))
            for turn, (status, shape) in zip(turns, shapes[1:], strict=True):
                amiss += _unlike(action, turn, status, shapes[0][1], shape)
                if not any(each in "".join(shape.words) for each in PAYLOADS):
                    amiss.append(f"{action} {turn}: shows no payload as it is")
    planting.turn = None
    return amiss


def _unlike(
    name: str, turn: int, status: int, plain: Shape, shape: Shape
) -> Iterator[str]:
    if status != 200:
        yield f"{name} {turn}: {status}"
    yield from (f"{name} {turn}: {each}" for each in shape.amiss)
    if plain.tags != shape.tags:
        pairs = zip(plain.tags, shape.tags, strict=False)
        first = next(((a, b) for a, b in pairs if a != b), ("more", "less"))
        yield f"{name} {turn}: another shape, from {first}"


def _shown_routes() -> dict[str, Route]:
    """Name the routes whose answers pages show that are opened, not sent."""
    names = {name for page in _PAGES for name in page.routes}
    return {
        name: _ROUTES[name]
        for name in (names | {"showEntry", "auditGaps"}) - KEPT
        if _ROUTES[name].method == "GET" and isinstance(_ROUTES[name].answer, type)
    } | {name: _ROUTES[name] for name in _TOLD_ONCE}


def test_no_text_of_any_answer_is_more_than_words(
    planted: tuple[House, Planting],
) -> None:
    made, planting = planted
    turns = Random(f"{SEED}planted").sample(range(len(PAYLOADS)), _TURNS)  # noqa: S311

    amiss = made.wait(_shapes(made, planting, turns), _PATIENCE)
    amiss += made.wait(_answers(made, planting, turns), _PATIENCE)

    assert amiss == [], again()
    shown = _shown_routes()
    assert shown.keys() - planting.asked == set()
    texts = texts_of({name: route.answer for name, route in shown.items()})
    assert texts - planting.told - planting.closed == set()
    assert len(planting.told) > 150


def test_a_planted_page_runs_nothing_in_a_browser(
    planted: tuple[House, Planting], desktop: Desktop
) -> None:
    made, planting = planted
    walk = Walk(Desktop(desktop.browser, made))
    planting.turn = Random(f"{SEED}run").randrange(len(PAYLOADS))  # noqa: S311
    screens = [
        Screen(page.name, _reader_of(page), _path(planting, page))
        for page in _PAGES
        if page.name not in _AS_IT_COMES
    ]
    planting.turn = None
    chosen = drawn(screens, "planted", *_LONG)
    for reader in sorted({str(screen.reader) for screen in chosen}):
        walk.desktop.window(reader).context.close()  # they log in before it answers so

    planting.turn = Random(f"{SEED}run").randrange(len(PAYLOADS))  # noqa: S311
    walk.through(chosen)
    planting.turn = None

    assert walk.amiss == {}


_LONG: Final = (
    *("today", "approval", "tasks.one", "signals.one", "requests.one", "disputes.one"),
    *("breaches.one", "cases", "people", "credentials", "log.events", "log.entry"),
    *("log.state", "holds", "register", "texts.one"),
)
"""Screens with most texts of others."""
