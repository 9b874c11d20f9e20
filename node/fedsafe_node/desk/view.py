# SPDX-License-Identifier: Apache-2.0
"""What a page of the desk is, and one request for it as its handler sees it.

A `Page` is a line of the desk's table, as a route is of the API's; a `View` is who
reads it, in which language, and what they sent.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import StrEnum, unique
from typing import Any, Final

import msgspec
from aiohttp import web

from fedsafe_node.acts.people import WhoAnswer
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.codes import Code
from fedsafe_node.api.endpoint import Line, Visit
from fedsafe_node.api.problems import RefusedError
from fedsafe_node.api.responses import Answer
from fedsafe_node.api.route import HTML, Route
from fedsafe_node.desk.forms import Zone
from fedsafe_node.desk.session import Cookies, form_token
from fedsafe_node.ground.clock import Clock
from fedsafe_node.people.entrance import Entrance
from fedsafe_node.people.vault import Vault
from fedsafe_node.rules.idempotency import KEY
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Matter, Role

ROOT: Final = "/desk"
WRITER: Final = "written_by"
"""The field that says for whom the page of a form was made, as a mark."""
_NO_MARK: Final = Phrase(
    "This form lacks the mark by which it acts once, or the mark was changed: nothing "
    "was done. Load the page anew and send it again."
)


@unique
class Place(StrEnum):
    """The places of the desk, in the order in which they stand on a page."""

    TODAY = "today"
    REVIEWS = "reviews"
    SIGNALS = "signals"
    PERSONS = "persons"
    CASES = "cases"
    LOG = "log"
    RULES = "rules"
    HOUSE = "house"


PLACES: Final = {
    Place.TODAY: Phrase.within("desk", "Today"),
    Place.REVIEWS: Phrase.within("desk", "Reviews"),
    Place.SIGNALS: Phrase.within("desk", "Signals"),
    Place.PERSONS: Phrase.within("desk", "Persons"),
    Place.CASES: Phrase.within("desk", "Cases"),
    Place.LOG: Phrase.within("desk", "Log"),
    Place.RULES: Phrase.within("desk", "Rules"),
    Place.HOUSE: Phrase.within("desk", "House"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One method on one path of the desk.

    Whoever may ask all of its `routes` may open it, and sees it in the menu of its
    place, if it is `listed` there and the policy lets their role read its `matter`. A
    page that is `open` is for people who have not logged in; one that is `abroad` is
    reached from another site, in a browser that has set out from here. `lead` says in a
    sentence what it is for.
    """

    name: str
    path: str
    handler: "Handler"
    title: Phrase
    method: str = "GET"
    place: Place | None = None
    routes: tuple[str, ...] = ()
    lead: Phrase | None = None
    matter: Matter | None = None
    listed: bool = False
    open: bool = False
    abroad: bool = False

    @property
    def target(self) -> str:
        """Its path from the root of the desk's origin."""
        return ROOT + self.path


def form_pages(page: Page, take: "Handler | None" = None) -> tuple[Page, Page]:
    """Give the page that shows a form, and the one that takes it.

    Without *take* one handler does both.
    """
    taking = replace(
        page,
        name=f"{page.name}.taken",
        method="POST",
        handler=take or page.handler,
        lead=None,
        listed=False,
    )
    return page, taking


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the pages of one node share.

    `routes` are the API's by name, `visits` asks one of them in this process; `render`
    writes a page by a template. `policy` names the policy by which the node decides
    now, and `reads` says whether it lets a role read a matter. Sessions end `idle`
    seconds after their last request. Who meets a barrier writes to `barriers`. `vault`
    seals what goes through the browser. People may log in at the `provider` of
    identities that is called so.
    """

    node: str
    origin: str
    pages: Sequence[Page]
    routes: Mapping[str, Route]
    visits: Callable[[str, Visit], Awaitable[Answer]]
    zone: Zone
    cookies: Cookies
    clock: Clock
    policy: Callable[[], str]
    reads: Callable[[Role, Matter], bool]
    render: "Callable[[View, str, Mapping[str, object]], bytes]"
    people: Entrance
    idle: int
    barriers: str
    vault: Vault
    provider: str | None

    @property
    def demonstration(self) -> bool:
        """Whether all people here are invented."""
        return self.people.demonstration

    def now(self) -> int:
        """Return the present second."""
        return int(self.clock.now().timestamp())


@dataclass(slots=True)
class View:
    """A page that somebody asks for.

    `path` are the parameters of its path, `posted` the fields of its form. `secret` is
    what the tokens of its forms are made of.
    """

    desk: Desk
    request: web.Request
    page: Page
    line: Line
    source: str
    language: str
    path: Mapping[str, str]
    token: str | None = field(default=None, repr=False)
    secret: str = field(default="", repr=False)
    who: WhoAnswer | None = None
    posted: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    nonce: str = ""

    @property
    def reader(self) -> WhoAnswer:
        """Who reads it, on a page for people who have logged in."""
        if self.who is None:
            raise TypeError("nobody has logged in")
        return self.who

    @property
    def query(self) -> dict[str, str]:
        """The parameters in the address: filters and places, never an account."""
        return dict(self.request.query)

    def text(self, name: str) -> str:
        """Return what was entered into one field of the form."""
        found = self.posted.get(name, ())
        return found[0].strip() if found else ""

    async def ask(
        self,
        name: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        acts: bool = False,
    ) -> Any:  # noqa: ANN401 - the type of the route's answer
        """Ask a route of the API as whoever reads this page.

        What *acts* happens once, however often the form is sent.

        Raises:
            RefusedError: it acts, and the form has no mark to tell it by.
            TurnedDownError: it refuses.
        """
        route = self.desk.routes[name]
        given = await self.taken(name, path=path, query=query, body=body, acts=acts)
        if route.answer is None:
            return given
        return msgspec.json.decode(given, type=route.answer)

    async def taken(
        self,
        name: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        acts: bool = False,
    ) -> bytes:
        """Ask a route whose answer is taken as it comes.

        Raises:
            TurnedDownError: it refuses.
        """
        once = self.text("once")
        if acts and not KEY.fullmatch(once):
            raise RefusedError(Code.INVALID_IDEMPOTENCY_KEY, _NO_MARK)
        visit = Visit(
            line=self.line,
            token=self.token,
            source=self.source,
            languages=self.language,
            path=path or {},
            query=query or {},
            body=msgspec.json.encode(body) if body is not None else b"",
            key=once if acts else None,
        )
        response = await self.desk.visits(name, visit)
        content = response.body
        if not isinstance(content, bytes):
            raise TypeError("the answer is no bytes")
        return content

    def may(self, name: str) -> bool:
        """Whether a route takes the role of whoever reads this."""
        return self.who is not None and may_ask(self.desk.routes[name], self.who.role)

    def say(self, phrase: Phrase) -> str:
        """Say it in the reader's language."""
        return phrase.said(self.language)

    def form_token(self, target: str) -> str:
        """Make the token of a form that goes to *target*."""
        return form_token(self.secret, target)

    def writer(self) -> str:
        """Make the mark of whoever reads this, which their forms bear."""
        return self.desk.vault.blind("form of the desk", self.reader.name)

    def once(self) -> str:
        """Make a key with which a form acts once, however often it is sent."""
        return secrets.token_urlsafe(24)

    def day(self, second: int) -> str:
        """Write a day of the node's zone as its readers do.

        A second that no calendar has stays a number: it keeps nobody from the rest.
        """
        moment = self._moment(second)
        return str(second) if moment is None else self.written_day(moment)

    def written_day(self, day: date) -> str:
        """Write a day of the calendar as its readers do."""
        if self.language == "de":
            return day.strftime("%d.%m.%Y")
        return f"{day.day} {day.strftime('%b %Y')}"

    def when(self, second: int) -> str:
        """Write a moment of the node's zone as its readers do."""
        moment, day = self._moment(second), self.day(second)
        return day if moment is None else f"{day}, {moment.strftime('%H:%M')}"

    def _moment(self, second: int) -> datetime | None:
        try:
            return datetime.fromtimestamp(second, UTC).astimezone(self.desk.zone.info)
        except (OSError, OverflowError, ValueError):  # it is before or after them all
            return None

    def show(
        self, template: str, *, status: int = 200, **values: object
    ) -> web.Response:
        """Answer with a page."""
        body = self.desk.render(self, template, values)
        return web.Response(body=body, status=status, headers={"Content-Type": HTML})

    def go(self, path: str) -> web.Response:
        """Lead to another page, once a form has been taken."""
        return web.Response(status=303, headers={"Location": ROOT + path})


Handler = Callable[[View], Awaitable[web.StreamResponse]]


def may_ask(route: Route, role: Role) -> bool:
    """Whether a route takes somebody of a role; those open to all take everybody."""
    return route.auth is Auth.OPEN or role in route.roles


def opens(view: View, page: Page) -> bool:
    """Whether the reader may open a page."""
    return all(view.may(name) for name in page.routes)
