# SPDX-License-Identifier: Apache-2.0
"""In a made-up German no page says a word that no catalogue has.

Nor would one if it had more to show: whatever a page can be answered has its words.
"""

import ast
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from msgspec import inspect
from tests.catalogue import read
from tests.node.desk.conftest import Readers
from tests.support.desk import STAFF
from tests.support.desk_house import NODE, House, house
from tests.support.pseudo import DATA, EXEMPT, marked, unmarked, words_of_data

from fedsafe_node import desk, notices
from fedsafe_node.acts.bodies import Bilingual
from fedsafe_node.acts.cases import NoteCall
from fedsafe_node.acts.people import (
    EnrolmentAnswer,
    LinkRequest,
    LoginRequest,
    PasskeyEnrolment,
    PasskeyOptions,
    PasskeyProof,
    SessionAnswer,
    SetUpRequest,
    SignOnStart,
)
from fedsafe_node.api.routes import ROUTES
from fedsafe_node.audit import compliance
from fedsafe_node.audit.event_view import read_log_events
from fedsafe_node.desk.fields import choice_word, is_code
from fedsafe_node.desk.forms import is_moment
from fedsafe_node.desk.labels import CHOICES, LABELS
from fedsafe_node.desk.site import PAGES
from fedsafe_node.log.retention_grounds import Basis
from fedsafe_node.store.reader import Reader as StoreReader
from fedsafe_node.words import acts, fields
from fedsafe_policies.escalation.urgency import before_form
from fedsafe_policies.escalation.vocabulary import Urgency
from fedsafe_policies.ground import catalogue
from fedsafe_policies.ground.reasons import Rule

_WORD = re.compile(r"[^\W\d_][\w'-]*")
_TAG = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL)
_SAID = re.compile(r' (?:aria-label|title|alt|placeholder)="([^"]*)"')
_MOST = 70
NAMES = (
    words_of_data(*(path.stem for path in DATA.glob("*.toml")))
    | words_of_data("events", folder=Path(compliance.__file__).parent / "data")
    | words_of_data("notices", folder=Path(notices.__file__).parent / "data")
    | {"dpo_contact"}
    | set(STAFF)
    | {name.title() for name in STAFF}
    | {"Deutsch", "English", "UTC", "local", "chat", "nina", "Nina", "Neu", "setup"}
    | {"falsche"}
)
"""Of persons, services, settings and languages, and of what people have written."""

GERMAN = {str(each.string) for each in read(Path(catalogue.FOLDER) / "de.po")} | {
    each.de for each in before_form(Urgency.U0)
}
"""What was said in German before the catalogue was changed: titles of letters; and
what to say at 110, which is data."""

DOORS = (LoginRequest, SetUpRequest, EnrolmentAnswer, SessionAnswer, LinkRequest)
BROWSER = (PasskeyOptions, PasskeyEnrolment, PasskeyProof, SignOnStart)
OTHERWISE = (*DOORS, *BROWSER, Bilingual, NoteCall)
"""Messages whose fields no page names: the doors have templates with words of their
own, a browser makes and reads what passkeys say, a page shows one of two languages, and
a call is noted without a form."""


@pytest.fixture(scope="module")
def office() -> Iterator[House]:
    """Give a node whose German is its English, in brackets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogue.Catalogue, "find", lambda *asked: marked(asked[2]))
        with house() as made:
            yield made


def left(html: str) -> list[str]:
    """Return the words of a page that no catalogue has said."""
    told = [*_SAID.findall(html), _TAG.sub("\n", html)]
    found = []
    for line in unescape("\n".join(told)).splitlines():
        if line.strip() in GERMAN:
            continue
        rest = unmarked(line)
        for pattern in EXEMPT.values():
            rest = re.sub(pattern, " ", rest)
        if words := [each for each in _WORD.findall(rest) if each not in NAMES]:
            found.append(f"{' '.join(words)} (of: {line.strip()[:160]})")
    return found


@pytest.mark.parametrize("name", ["dora", "rita", "olaf", "anna", "erik"])
async def test_no_page_says_a_word_that_no_catalogue_has(
    reader: Readers, name: str
) -> None:
    browser = await reader(name, "de")
    open_, seen, amiss = ["/desk/today"], set[str](), {}
    while open_ and len(seen) < _MOST:
        path = open_.pop(0)
        if path in seen or not path.startswith("/desk/") or "/static/" in path:
            continue
        seen.add(path)
        shown = await browser.open(path)
        open_ += shown.links
        if found := left(shown.html):
            amiss[path] = found[:6]

    assert amiss == {}
    assert len(seen) > 10


async def test_what_an_event_says_has_a_name_in_each_language(office: House) -> None:
    base = office.fleet[NODE].base

    async def read() -> set[str]:
        async def query(reader: StoreReader) -> set[str]:
            log = base.trail.log
            size = await reader.log_size(log)
            events = await read_log_events(reader, log, 0, size)
            return {name for event in events for name in event.detail or {}}

        return await base.store.scan(query)

    said = await office.beside(read())

    assert "second_factor" in said
    assert said <= {*LABELS, *fields.FIELDS, *acts.FIELDS}


@pytest.mark.parametrize(
    "name", ["due_at", "met_until", "dispatch_by", "confirm_by", "second_by"]
)
def test_a_deadline_is_a_moment(name: str) -> None:
    """The second by which a case is to be sent is read as a date, not as a number."""
    assert is_moment(name)


def _asked() -> set[str]:
    """Return the routes of the desk's pages, and those that its code asks besides."""
    names = {name for page in PAGES for name in page.routes}
    for path in Path(desk.__file__).parent.glob("*.py"):
        for each in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(each, ast.Call)
                and isinstance(each.func, ast.Attribute)
                and each.func.attr in {"ask", "taken"}
            ):
                name = each.args[0]
                names |= {str(name.value)} if isinstance(name, ast.Constant) else set()
    return names


def _words_of(kind: inspect.Type) -> list[str]:
    if isinstance(kind, inspect.EnumType):
        return [str(each.value) for each in kind.cls]
    if isinstance(kind, inspect.LiteralType):
        return [str(each) for each in kind.values]
    return []


class Walk:
    """All that messages can say: fields, and by field the codes that stand in it."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.codes: dict[tuple[str, str], str] = {}
        self._seen: set[type] = set(OTHERWISE)

    def message(self, kind: object) -> None:
        """Walk a message and those in it."""
        self._type(inspect.type_info(kind), "", "")

    def _type(self, kind: inspect.Type, name: str, where: str) -> None:
        match kind:
            case inspect.StructType():
                self._struct(kind)
            case inspect.CollectionType():
                self._type(kind.item_type, name, where)
            case inspect.UnionType():
                for each in kind.types:
                    self._type(each, name, where)
            case inspect.DictType():
                self.fields |= dict.fromkeys(_words_of(kind.key_type), where)
                self._type(kind.value_type, name, where)
            case _:
                codes = ((name, word) for word in _words_of(kind))
                self.codes |= dict.fromkeys(codes, where)

    def _struct(self, kind: inspect.StructType) -> None:
        if kind.cls in self._seen:
            return
        self._seen.add(kind.cls)
        names = {each.name for each in kind.fields}
        for each in kind.fields:
            if each.name.endswith("_made") and each.name.removesuffix("_made") in names:
                continue  # how a sentence was made; the page says the sentence
            where = f"{kind.cls.__name__}.{each.name}"
            self.fields.setdefault(each.encode_name, where)
            self._type(each.type, each.encode_name, where)


@pytest.fixture(scope="module")
def walk() -> Walk:
    """Walk the answers that pages show, and the messages that forms are made of."""
    asked, made = _asked(), Walk()
    for route in ROUTES:
        if route.name in asked:
            for kind in (route.answer, route.body):
                if kind is not None:
                    made.message(kind)
    return made


def test_each_field_that_a_page_can_show_has_a_word(walk: Walk) -> None:
    known = {*LABELS, *fields.FIELDS, *acts.FIELDS, *CHOICES}
    assert {
        name: where for name, where in walk.fields.items() if name not in known
    } == {}
    assert len(walk.fields) > 300


def test_each_rule_and_each_legal_basis_has_words() -> None:
    codes = [("basis", each.value) for each in Basis]
    for name in ("rule", "policy_rule"):
        codes += [(name, each.value) for each in Rule]

    assert [code for code in codes if choice_word(*code).said("en") == code[1]] == []


def test_each_code_that_a_page_can_show_has_a_word(walk: Walk) -> None:
    assert {
        code: where for code, where in walk.codes.items() if not is_code(*code)
    } == {}
    assert len(walk.codes) > 300
