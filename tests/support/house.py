# SPDX-License-Identifier: Apache-2.0
"""A node with its real people, their sessions and roles."""

import base64
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import ClientSession, UnixConnector
from argon2.profiles import CHEAPEST
from tests.support.fleet import Fleet, make

from fedsafe_node.api.acts import ACT_ROUTES
from fedsafe_node.api.appeals import APPEAL_ROUTES
from fedsafe_node.api.breaches import BREACH_ROUTES
from fedsafe_node.api.cases import CASE_ROUTES
from fedsafe_node.api.credentials import CREDENTIAL_ROUTES as SERVICE_ROUTES
from fedsafe_node.api.dispatches import DISPATCH_ROUTES, SENDING_ROUTES
from fedsafe_node.api.disputes import DISPUTE_ROUTES
from fedsafe_node.api.governing import GOVERNING_ROUTES
from fedsafe_node.api.keeping import KEEPING_ROUTES
from fedsafe_node.api.logins import LOGIN_ROUTES
from fedsafe_node.api.orders import ORDER_ROUTES
from fedsafe_node.api.partners import PARTNER_ROUTES
from fedsafe_node.api.passkeys import PASSKEY_ROUTES
from fedsafe_node.api.people import PEOPLE_ROUTES
from fedsafe_node.api.rights import RIGHTS_ROUTES
from fedsafe_node.api.rounds import ROUND_ROUTES
from fedsafe_node.people.credentials import People
from fedsafe_node.people.first_administrator import add_first
from fedsafe_node.people.passwords import Passwords
from fedsafe_node.people.totp import code_at, step_of
from fedsafe_policies.vocabulary import Module, Role

PASSWORD: Final = "korrekt pferd batterie"
HALF_A_YEAR: Final = 180 * 24 * 60 * 60
Answer = tuple[int, Any]


@dataclass
class House:
    """A node on the `germany` policy, and its people as clients of its API."""

    fleet: Fleet
    http: ClientSession
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def now(self) -> int:
        return int(self.fleet.clock.now().timestamp())

    async def call(
        self, method: str, path: str, body: object = None, *, token: str | None = None
    ) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        response = await self.http.request(method, path, json=body, headers=headers)
        return response.status, await response.json()

    async def done(self, method: str, path: str, body: object, token: str) -> Any:  # noqa: ANN401 - JSON
        status, answer = await self.call(method, path, body, token=token)
        assert status in {200, 201}, answer
        return answer

    def code(self, name: str) -> str:
        self.fleet.clock.advance(timedelta(seconds=30))
        secret = base64.b32decode(self.secrets[name])
        return code_at(secret, step_of(self.fleet.clock.now()))

    async def set_up(self, name: str, code: str, **more: object) -> None:
        body = {"name": name, "code": code, "password": PASSWORD, **more}
        status, answer = await self.call("POST", "/v1/account/setup", body)
        assert status == 201, answer
        self.secrets[name] = answer["secret"]

    async def log_in(self, name: str, role: str | None = None) -> str:
        body = {"name": name, "password": PASSWORD, "code": self.code(name)}
        if role is not None:
            body["role"] = role
        status, answer = await self.call("POST", "/v1/session", body)
        assert status == 201, answer
        return str(answer["token"])

    async def found(self) -> str:
        """Make the first administrator `olaf`; return his session's token."""
        base = self.fleet["a.demo"].base
        first = await add_first(base.store, base.trail, base.clock, "olaf")
        training = {"organisation": "Fachstelle", "until": self.now + HALF_A_YEAR}
        await self.set_up("olaf", first.code, training=training)
        return await self.log_in("olaf")

    async def hire(self, by: str, name: str) -> None:
        """Add a trained person without a role."""
        body = {"name": name, "display": name.title()}
        added = await self.done("POST", "/v1/accounts", body, by)
        await self.set_up(name, added["code"])
        await self.train(by, name)

    async def train(self, by: str, name: str) -> None:
        for module in Module:
            training = {
                "name": name,
                "module": module.value,
                "organisation": "Fachstelle",
                "since": self.now,
                "until": self.now + HALF_A_YEAR,
            }
            await self.done("POST", "/v1/training", training, by)

    async def ask_for(self, by: str, name: str, role: str) -> dict[str, Any]:
        body = {"name": name, "role": role}
        answer = await self.done("POST", "/v1/roles", body, by)
        return dict(answer)

    async def approve(self, act: dict[str, Any], token: str) -> Answer:
        path = f"/v1/acts/{act['act']}/approve"
        return await self.call("POST", path, {"digest": act["digest"]}, token=token)


@pytest.fixture
async def house(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    monkeypatch.setattr(
        "fedsafe_node.app.container.Passwords", lambda: Passwords(CHEAPEST)
    )
    fleet = await make(tmp_path / "one", "a.demo", policy="germany", staff=())
    await fleet.start("a.demo")
    async with ClientSession(fleet["a.demo"].base.config.url) as http:
        yield House(fleet, http)
    await fleet.close()


LOCAL: Final = "local"
OFFICE: Final = (
    *PASSKEY_ROUTES,
    *(*LOGIN_ROUTES, *PEOPLE_ROUTES, *ACT_ROUTES, *SERVICE_ROUTES),
    *BREACH_ROUTES,
    *ROUND_ROUTES,
    *CASE_ROUTES,
    *ORDER_ROUTES,
    *PARTNER_ROUTES,
    *DISPATCH_ROUTES,
    *SENDING_ROUTES,
    *GOVERNING_ROUTES,
    *DISPUTE_ROUTES,
    *APPEAL_ROUTES,
    *RIGHTS_ROUTES,
    *KEEPING_ROUTES,
)
"""What is about people, rights or the charter; `test_people.py`, `rights/`,
`cases/` and `governing/` try it."""


@pytest.fixture
async def sessions(trio: Fleet) -> AsyncIterator[Mapping[str, ClientSession]]:
    node = trio["a.demo"]
    base = node.base
    people = People(base.store, base.trail, base.clock)
    found: dict[str, ClientSession] = {}
    for role in Role:
        token = await people.add(role.value.replace("_", "-"), role, by="setup")
        headers = {"Authorization": f"Bearer {token}"}
        found[role] = ClientSession(node.base.config.url, headers=headers)
    line = UnixConnector(str(node.base.place.socket))
    found[LOCAL] = ClientSession("http://node", connector=line)
    yield found
    for session in found.values():
        await session.close()
