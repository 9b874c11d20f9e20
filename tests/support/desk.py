# SPDX-License-Identifier: Apache-2.0
"""A node with a desk and people who have accounts, and somebody who reads its pages.

`Reader` is a browser without scripts: it keeps cookies, follows what it is led to, and
sends the forms that a page has, as they stand there.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlencode

import aiohttp
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from multidict import CIMultiDict, CIMultiDictProxy
from tests.support.fleet import Fleet, StandingClock
from yarl import URL

from fedsafe_cli.demo.fleet import free_ports
from fedsafe_node.acts.people import (
    EnrolmentAnswer,
    NewAccountRequest,
    RoleRequest,
    SetUpRequest,
    TrainingRequest,
)
from fedsafe_node.app.lifecycle import RunningNode
from fedsafe_node.ground.principal import Principal
from fedsafe_node.people.role_grants import give
from fedsafe_node.people.totp import code_at, step_of
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Module, Role

PASSWORD: Final = "korrekt pferd batterie"
COOKIE: Final = "__Host-fedsafe-a-demo"
"""The cookie of a session at the node `a.demo`."""
SETUP: Final = Principal("setup", Role.OPERATOR)
STAFF: Final = {
    "olaf": Role.OPERATOR,
    "otto": Role.OPERATOR,
    "rita": Role.REVIEWER,
    "ruth": Role.REVIEWER,
    "anna": Role.ANALYST,
    "dora": Role.DPO,
    "arno": Role.AUDITOR,
    "lena": Role.LEGAL_ADVISER,
    "erik": Role.ESCALATION_OFFICER,
    "yara": Role.YOUTH_PROTECTION_OFFICER,
}


def with_desk(fleet: Fleet, name: str, proxies: Sequence[str] = ()) -> str:
    """Turn the desk of a node on that does not run; give its origin.

    It and the API take the word of *proxies* in front of them.
    """
    (port,) = free_ports(1)
    origin = f"http://localhost:{port}"
    path: Path = fleet.place(name).config
    named = json.dumps(list(proxies))
    listen = f'{{ host = "127.0.0.1", port = {port}, proxies = {named} }}'
    text = path.read_text()
    if proxies:
        text = text.replace("proxies = []", f"proxies = {named}", 1)
    path.write_text(f'{text}\n[desk]\norigin = "{origin}"\nlisten = {listen}\n')
    return origin


@dataclass
class Staff:
    """People of a node, with their authenticators."""

    node: RunningNode
    clock: StandingClock
    secrets: dict[str, EnrolmentAnswer] = field(default_factory=dict)

    async def hire(self, **roles: Role) -> None:
        """Give people an account, trained for a role."""
        office = self.node.base.office
        cheap = PasswordHasher.from_parameters(CHEAPEST)
        office.passwords._hasher = cheap  # noqa: SLF001 - the real one takes 100 ms
        accounts = self.node.services.staff.accounts
        now = office.now()
        for name, role in roles.items():
            added = await accounts.add(
                NewAccountRequest(
                    name=name,
                    display=name.title(),
                    external=role in {Role.AUDITOR, Role.LEGAL_ADVISER},
                ),
                SETUP,
            )
            request = SetUpRequest(name=name, code=added.code, password=PASSWORD)
            self.secrets[name] = await accounts.set_up(request, "")
            for module in Module:
                await self.node.services.staff.training.add(
                    TrainingRequest(
                        name=name,
                        module=module,
                        organisation="Fachberatungsstelle",
                        since=now,
                        until=now + 180 * 24 * 60 * 60,
                    ),
                    SETUP,
                )
            is_external = role in {Role.AUDITOR, Role.LEGAL_ADVISER}
            until = now + 90 * 24 * 60 * 60 if is_external else None
            await self._give(RoleRequest(name=name, role=role, until=until))

    async def _give(self, wanted: RoleRequest) -> None:
        office = self.node.base.office

        async def act(tx: Transaction) -> None:
            await give(office, tx, wanted, by="setup")

        await office.store.write(act)

    def code(self, name: str) -> str:
        """Return what an authenticator shows; a fresh one each time."""
        self.clock.advance(timedelta(seconds=30))
        secret = base64.b32decode(self.secrets[name].secret)
        return code_at(secret, step_of(self.clock.now()))


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.hidden = 0
        self._select: str | None = None
        self._area: str | None = None

    def handle_starttag(  # noqa: C901 - one line a tag
        self, tag: str, attrs: Sequence[tuple[str, str | None]]
    ) -> None:
        given = {name: value or "" for name, value in attrs}
        form = self.forms[-1] if self.forms else None
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get")))
        elif tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag in {"script", "style"}:
            self.hidden += 1
        elif form is None:
            return
        elif tag == "input" and "name" in given:
            kind = given.get("type", "text")
            form.names.add(given["name"])
            form.kinds[given["name"]] = kind
            if kind in {"radio", "checkbox"}:
                form.choices.setdefault(given["name"], []).append(given["value"])
            if kind not in {"radio", "checkbox"} or "checked" in given:
                form.values.append((given["name"], given.get("value", "")))
        elif tag == "select":
            self._select = given["name"]
            form.names.add(given["name"])
        elif tag == "option" and self._select:
            value = given.get("value", "")
            form.choices.setdefault(self._select, []).append(value)
            if "selected" in given:
                form.values.append((self._select, value))
        elif tag == "textarea":
            self._area = given["name"]
            form.names.add(given["name"])
            form.kinds[given["name"]] = "text"
        elif tag == "button" and "name" in given:
            form.buttons.append((given["name"], given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self.hidden -= 1
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area and self.forms:
            self.forms[-1].values.append((self._area, data))
        elif not self.hidden and data.strip():
            self.words.append(data.strip())


@dataclass
class Form:
    """A form of a page: where it goes, and what it sends as it stands."""

    action: str
    method: str
    values: list[tuple[str, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    """What kind of input a field is; `text` for several lines too."""
    choices: dict[str, list[str]] = field(default_factory=dict)
    """What can be chosen in a field."""


@dataclass
class Shown:
    """A page as it came."""

    status: int
    path: str
    html: str
    headers: CIMultiDictProxy[str]
    body: bytes = b""

    @cached_property
    def _parsed(self) -> _Parser:
        parser = _Parser()
        parser.feed(self.html)
        return parser

    @property
    def forms(self) -> list[Form]:
        """Its forms, in order."""
        return self._parsed.forms

    @property
    def links(self) -> list[str]:
        """Where it leads to."""
        return self._parsed.links

    @property
    def text(self) -> str:
        """Its words."""
        return " ".join(self._parsed.words)

    def form(self, action: str) -> Form:
        """Find the form that goes somewhere."""
        return next(each for each in self.forms if each.action == action)


def sealed(page: Shown, action: str, **given: str) -> str:
    """Write what a form of a page sends, with what is entered."""
    form = page.form(action)
    kept = [(name, value) for name, value in form.values if name not in given]
    return urlencode([*kept, *given.items()])


class Reader:
    """Somebody at a browser without scripts, at one desk."""

    def __init__(self, origin: str, language: str = "en") -> None:
        self.origin = origin
        self.page = Shown(0, "", "", CIMultiDictProxy(CIMultiDict()))
        port = URL(origin).port
        self._base = URL(f"http://127.0.0.1:{port}")
        self._host = f"localhost:{port}"
        self._jar: dict[str, str] = {}
        self._language = language
        self.seen: list[Shown] = []
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that this browser keeps."""
        return self._jar

    async def open(self, path: str, **headers: str) -> Shown:
        """Open a page."""
        return await self._ask("GET", path, headers=headers)

    async def send(
        self,
        action: str,
        given: Mapping[str, str | Sequence[str]] | None = None,
        *,
        page: Shown | None = None,
        button: tuple[str, str] | None = None,
        **headers: str,
    ) -> Shown:
        """Send a form of the page, with what is entered in place of what stands."""
        form = (page or self.page).form(action)
        entered = dict(given or {})
        unknown = entered.keys() - form.names
        assert not unknown, f"the form has no {unknown}"
        pairs = [(name, value) for name, value in form.values if name not in entered]
        for name, value in entered.items():
            values = [value] if isinstance(value, str) else value
            pairs += [(name, each) for each in values]
        if button is not None:
            pairs.append(button)
        if form.method.lower() == "get":
            return await self.open(f"{action}?{urlencode(pairs)}")
        return await self._ask("POST", action, body=urlencode(pairs), headers=headers)

    async def post(self, path: str, body: str, **headers: str) -> Shown:
        """Post something that stands in no form."""
        return await self._ask("POST", path, body=body, headers=headers)

    async def log_in(self, staff: Staff, name: str) -> Shown:
        """Log in as one of the staff."""
        await self.open("/desk/login")
        return await self.send(
            "/desk/login",
            {"name": name, "password": PASSWORD, "code": staff.code(name)},
        )

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        body: str | None = None,
        headers: Mapping[str, str],
    ) -> Shown:
        assert self._session is not None
        said = {
            "Host": self._host,
            "Accept-Language": self._language,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self._jar.items()),
        }
        if method == "POST":
            said["Origin"] = self.origin
            said["Content-Type"] = "application/x-www-form-urlencoded"
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._session.request(
            method,
            self._base.join(URL(path, encoded=True)),
            data=body,
            headers=said,
            allow_redirects=False,
        ) as answer:
            content = await answer.read()
            for name, cookie in answer.cookies.items():
                if cookie["max-age"] == "0":
                    self._jar.pop(name, None)
                else:
                    self._jar[name] = cookie.value
            if answer.status == 303:
                return await self._ask("GET", answer.headers["Location"], headers={})
            is_html = answer.headers.get("Content-Type", "").startswith("text/html")
            html = content.decode() if is_html else ""
            shown = Shown(answer.status, path, html, answer.headers, content)
        self.page = shown
        self.seen.append(shown)
        return shown
