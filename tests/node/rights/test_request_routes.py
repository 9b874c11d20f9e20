# SPDX-License-Identifier: Apache-2.0
"""Who may do what about requests of persons over HTTP, on real nodes."""

from collections.abc import Mapping
from typing import Final

import pytest
from aiohttp import ClientSession
from tests.support.disputes import LEA
from tests.support.fleet import Fleet
from tests.support.house import sessions  # noqa: F401 - a fixture
from tests.support.vouched_requests import decide

from fedsafe_node.api.rights import RIGHTS_ROUTES
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.vocabulary import Role

OFFICERS: Final = {Role.REVIEWER, Role.LEGAL_ADVISER, Role.DPO}
NEW: Final = {
    "kind": "access",
    "about": {"kind": "email", "value": "nobody@mail.example"},
    "control": "identity_document",
    "checked": {"seen_on": "2026-11-20", "reference": "minute-7"},
}
SENT: Final[Mapping[str, object]] = {
    "openRequest": NEW,
    "extendRequest": {"reason": "note-1"},
    "grantRequest": {"reason": "decision-1"},
    "closeRequest": {"outcome": "answered", "reason": "letter-1"},
}
MAY: Final[Mapping[str, set[Role]]] = {
    "openRequest": OFFICERS,  # and a service whose scope is `rights`, and nothing else
    "grantRequest": {Role.DPO},
    **dict.fromkeys(
        (
            *("listRequests", "showRequest", "answerRequest"),
            *("checkRequest", "extendRequest", "closeRequest"),
        ),
        OFFICERS,
    ),
}


async def test_a_role_reaches_what_it_may_and_nothing_else(
    sessions: Mapping[str, ClientSession],  # noqa: F811 - the fixture
) -> None:
    async with sessions[Role.DPO].post("/v1/rights", json=NEW) as response:
        assert response.status == 201
        request = (await response.json())["request"]
    passed: dict[str, set[str]] = {}
    for caller, session in sessions.items():
        for route in RIGHTS_ROUTES:
            if route.name == "collectAnswer":
                continue
            response = await session.request(
                route.method,
                route.path.format(request=request),
                json=SENT.get(route.name),
            )
            async with response:
                assert response.status in {route.status, 401, 403, 409}
                if response.status not in {401, 403}:
                    passed.setdefault(route.name, set()).add(caller)

    assert passed == MAY


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (NEW | {"control": "officer"}, 422),
        (NEW | {"kind": "forget"}, 422),
        (NEW | {"name": "Anna"}, 422),
        (NEW | {"about": {"kind": "email", "value": "nobody"}}, 422),
        (NEW | {"about": {"kind": "sha256", "value": "00" * 32}}, 422),
    ],
)
async def test_what_does_not_fit_is_refused_without_its_value(
    trio: Fleet,
    sessions: Mapping[str, ClientSession],  # noqa: F811 - the fixture
    body: dict[str, object],
    status: int,
) -> None:
    async with sessions[Role.DPO].post("/v1/rights", json=body) as response:
        assert response.status == status
        text = await response.text()
    assert "nobody@" not in text
    assert await trio.audit("a.demo", "rights.opened") == []


async def test_anybody_may_come_for_an_answer_and_is_told_nothing_without_its_code(
    trio: Fleet,
) -> None:
    url = f"{trio['a.demo'].base.config.url}/v1/rights/collect"
    async with ClientSession() as session:
        answers = []
        for _ in range(22):
            asked = {"request": "0" * 32, "code": "A" * 22}
            async with session.post(url, json=asked) as response:
                answers.append(response.status)

    assert answers[:20] == [404] * 20
    assert answers[-1] == 429


async def test_who_has_the_code_gets_the_answer_once_and_is_told_so_again(
    trio: Fleet,
    sessions: Mapping[str, ClientSession],  # noqa: F811 - the fixture
) -> None:
    dpo, url = sessions[Role.DPO], f"{trio['a.demo'].base.config.url}/v1/rights/collect"
    async with dpo.post("/v1/rights", json=NEW) as response:
        opened = await response.json()
    found = await trio["a.demo"].services.requests.show(opened["request"], LEA)
    await decide(trio, "a.demo", found, Principal(found.opened_by, Role.DPO))
    async with dpo.post(f"/v1/rights/{opened['request']}/answer") as response:
        assert response.status == 200
    asked = {"request": opened["request"], "code": opened["collect"]}
    told: list[tuple[int, bool]] = []
    events: list[int] = []

    async def collect() -> None:
        async with ClientSession() as session, session.post(url, json=asked) as answer:
            text = (await answer.json(content_type=None)).get("text")
            told.append((answer.status, text is not None))
        events.append(len(await trio.audit("a.demo", "rights.collected")))

    await collect()
    await collect()

    assert told == [(200, True), (200, False)]
    assert events == [1, 1]
