# SPDX-License-Identifier: Apache-2.0
"""What every page has around its content: places, reader, language, foot, and words.

Templates escape every value by themselves, and a name that is not there is an error:
nothing of a page depends on who remembers to escape. English in a template is the key
of its entry in the catalogues, as a `Phrase` is in code: `t("…")`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from fedsafe_node.audit.compliance.events import meanings
from fedsafe_node.desk.described import written
from fedsafe_node.desk.fields import choice_word, field_word
from fedsafe_node.desk.markup import cell_markup, facts_markup, table_markup
from fedsafe_node.desk.view import PLACES, ROOT, Page, Place, View, opens
from fedsafe_policies.documents.phenomena import phenomena
from fedsafe_policies.ground.catalogue import (
    SOURCE,
    Phrase,
    catalogue,
    languages,
)
from fedsafe_policies.vocabulary import Role

TEMPLATES: Final = Path(__file__).parent / "templates"
STATIC: Final = Path(__file__).parent / "static"
MEDIA: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript"}
WARN_SECONDS: Final = 120
"""So long before a session ends the page says so."""


async def _nothing(_: View) -> web.StreamResponse:
    raise web.HTTPNotFound


NO_PAGE: Final = Page(
    name="refused",
    path="/",
    handler=_nothing,
    title=Phrase.within("desk", "Not possible"),
    open=True,
)
NOT_FOR_ROLE: Final = Phrase(
    "This page is not for the role in which you are logged in."
)


@pass_context
def _said(context: Context, english: str, **named: object) -> str:
    phrase = Phrase(english)
    return (phrase.filled(**named) if named else phrase).said(context["lang"])


@pass_context
def _phrase(context: Context, phrase: Phrase | None) -> str:
    return "" if phrase is None else phrase.said(context["lang"])


@pass_context
def _role(context: Context, role: Role) -> str:
    return choice_word("role", role.value).said(context["lang"])


def _utc(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%H:%M")


@cache
def environment() -> Environment:
    """Make what templates are rendered by."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["t"] = _said
    made.globals["role"] = _role
    made.globals["utc"] = _utc
    made.globals["written"] = written
    made.globals["cell_markup"] = cell_markup
    made.globals["facts_markup"] = facts_markup
    made.globals["table_markup"] = table_markup
    made.globals["field_word"] = field_word
    made.filters["said"] = _phrase
    return made


@cache
def static_files() -> Mapping[str, tuple[bytes, str]]:
    """Read the style sheets and the script: their bytes and media type, by name."""
    return {
        path.name: (path.read_bytes(), MEDIA[path.suffix])
        for path in sorted(STATIC.iterdir())
        if path.suffix in MEDIA
    }


@cache
def static_path(name: str) -> str:
    """Name a file by the content of all: what a browser has kept of it is never old."""
    whole = hashlib.sha256(b"".join(body for body, _ in static_files().values()))
    return f"{ROOT}/static/{whole.hexdigest()[:16]}/{name}"


def read_all() -> None:
    """Read what pages need from the disk, once: templates, files, catalogues."""
    made = environment()
    for name in made.list_templates():
        made.get_template(name)
    static_path(next(iter(static_files())))
    for language in spoken():
        if language != SOURCE:
            catalogue(language)
    meanings()
    phenomena()


@cache
def spoken() -> tuple[str, ...]:
    """Name the languages that pages can be read in."""
    return tuple(languages())


def render(view: View, template: str, values: Mapping[str, object]) -> bytes:
    """Write a page."""
    desk, page = view.desk, view.page
    around: dict[str, Any] = {
        "view": view,
        "page": page,
        "lang": view.language,
        "other": "de" if view.language == "en" else "en",
        "node": desk.node,
        "demonstration": desk.demonstration,
        "policy": desk.policy(),
        "places": places_of(view) if view.who else [],
        "beside": beside(view) if view.who else [],
        "static": static_path,
        "now": desk.now(),
        "nonce": view.nonce,
        "idle": desk.idle,
        "warn": WARN_SECONDS,
        "title": page.title,
        "lead": page.lead,
    }
    text = environment().get_template(template).render({**around, **values})
    return text.encode()


def places_of(view: View) -> list[tuple[Place, Phrase, str]]:
    """Name the places that the reader has, and the first page of each."""
    found: dict[Place, str] = {}
    for page in view.desk.pages:
        if page.place is not None and is_offered(view, page):
            found.setdefault(page.place, page.target)
    return [(each, PLACES[each], found[each]) for each in Place if each in found]


def beside(view: View) -> list[Page]:
    """Name the pages of the place that is shown."""
    place = view.page.place
    return [
        page
        for page in view.desk.pages
        if place is not None and page.place is place and is_offered(view, page)
    ]


def is_offered(view: View, page: Page) -> bool:
    """Whether a menu offers a page to the reader."""
    if not page.listed or not opens(view, page):
        return False
    return page.matter is None or view.desk.reads(view.reader.role, page.matter)


def show_wrong(view: View, status: int, words: Phrase) -> web.StreamResponse:
    """Say that there is nothing to see, without a word of what there would be."""
    return replace(view, page=NO_PAGE).show("refused.html", status=status, words=words)
