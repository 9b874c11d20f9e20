# SPDX-License-Identifier: Apache-2.0
"""In a made-up German no page says a word that no catalogue has."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from tests.catalogue import read
from tests.node.desk.conftest import Readers
from tests.support.desk import STAFF
from tests.support.desk_house import NODE, House, house
from tests.support.pseudo import DATA, EXEMPT, marked, unmarked, words_of_data

from fedsafe_node import notices
from fedsafe_node.audit import compliance
from fedsafe_node.audit.event_view import read_log_events
from fedsafe_node.desk.forms import is_moment
from fedsafe_node.desk.labels import LABELS
from fedsafe_node.store.reader import Reader as StoreReader
from fedsafe_node.words import acts, fields
from fedsafe_policies.escalation.urgency import before_form
from fedsafe_policies.escalation.vocabulary import Urgency
from fedsafe_policies.ground import catalogue

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
