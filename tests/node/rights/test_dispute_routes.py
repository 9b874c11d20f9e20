# SPDX-License-Identifier: Apache-2.0
"""Who may do what about disputes over HTTP, on real nodes."""

from collections.abc import Mapping
from typing import Final

import pytest
from aiohttp import ClientSession
from tests.support.fleet import Fleet
from tests.support.house import LOCAL, sessions  # noqa: F401 - a fixture

from fedsafe_node.api.appeals import APPEAL_ROUTES
from fedsafe_node.api.disputes import DISPUTE_ROUTES
from fedsafe_policies.vocabulary import Role

WHO: Final = "person@mail.example"
OFFICERS: Final = {Role.REVIEWER, Role.LEGAL_ADVISER, Role.DPO}
READERS: Final = set(Role) - {Role.SERVICE, Role.OPERATOR}
MAY: Final[Mapping[str, set[Role]]] = {
    "openDispute": OFFICERS,
    "listDisputes": READERS,
    "showDispute": READERS,
    "ruleDispute": OFFICERS - {Role.DPO},
}


MAY_APPEAL: Final[Mapping[str, set[Role]]] = {
    "fileAppeal": OFFICERS,
    "listAppeals": READERS,
    "showAppeal": READERS,
    "ruleAppeal": OFFICERS - {Role.DPO},
}


async def test_a_role_reaches_of_appeals_what_it_may(
    sessions: Mapping[str, ClientSession],  # noqa: F811 - the fixture
) -> None:
    sent = {
        "fileAppeal": {"reason": "ticket-12"},
        "ruleAppeal": {"ends": True, "reason": "ruling-3"},
    }
    passed: dict[str, set[str]] = {}
    for caller, session in sessions.items():
        for route in APPEAL_ROUTES:
            path = route.path.format(dispute="0" * 64, appeal="0" * 64)
            body = sent.get(route.name)
            async with session.request(route.method, path, json=body) as response:
                assert response.status in {200, 401, 403, 404}
                if response.status in {200, 404}:  # there is no such one
                    passed.setdefault(route.name, set()).add(caller)

    assert passed == MAY_APPEAL


async def test_a_role_reaches_what_it_may_and_nothing_else(
    trio: Fleet,
    sessions: Mapping[str, ClientSession],  # noqa: F811 - the fixture
) -> None:
    signal = await trio.publish(WHO)
    body = {"signal": signal, "contention": "conduct_denied"}
    async with sessions[Role.DPO].post("/v1/disputes", json=body) as response:
        assert response.status == 201
        dispute = (await response.json())["dispute"]
    sent = {"openDispute": body, "ruleDispute": {"stands": True, "reason": "r-1"}}
    passed: dict[str, set[str]] = {}
    for caller, session in sessions.items():
        for route in (each for each in DISPUTE_ROUTES if each.roles):
            response = await session.request(
                route.method,
                route.path.format(dispute=dispute),
                json=sent.get(route.name),
            )
            async with response:
                assert response.status in {route.status, 401, 403, 409}
                code = (await response.json()).get("code")
                # Whoever has disputed it may rule, but not on this one.
                if response.status not in {401, 403} or code == "not_independent":
                    passed.setdefault(route.name, set()).add(caller)

    assert passed == MAY
    assert LOCAL in sessions


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/disputes", {"signal": "x", "contention": "minor"}, 422),
        ("POST", "/v1/disputes", {"contention": "minor"}, 422),
        ("POST", "/v1/disputes/zz/ruling", {"stands": True, "reason": "r"}, 404),
        ("GET", f"/v1/disputes/{'0' * 64}", None, 404),
        ("GET", "/v1/disputes?state=all", None, 422),
        ("POST", f"/v1/disputes/{'0' * 64}/ruling", {"stands": 1, "reason": "r"}, 422),
        (
            "POST",
            f"/v1/disputes/{'0' * 64}/ruling",
            {"stands": True, "reason": "he said that he never did it"},
            422,
        ),
    ],
)
async def test_what_does_not_fit_is_refused_by_name(  # noqa: PLR0913 - a table
    trio: Fleet,
    sessions: Mapping[str, ClientSession],  # noqa: F811 - the fixture
    method: str,
    path: str,
    body: dict[str, object] | None,
    status: int,
) -> None:
    async with sessions[Role.REVIEWER].request(method, path, json=body) as response:
        assert response.status == status
        assert (await response.json())["code"]
    assert await trio.audit("a.demo", "rights.disputed") == []
