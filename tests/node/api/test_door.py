# SPDX-License-Identifier: Apache-2.0
"""Whatever the border refuses is an event, of nobody more than has to be known."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession
from tests.node.api.conftest import MEMBER, STAFF_TOKEN, TOKENS, Api
from tests.support.fleet import FEDERATION, Fleet

from fedsafe_federation.charter.invitation import Invitation, sign_joining
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.audit import AuditEvent
from fedsafe_node.acts.charter import KnockRequest
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.refusal_events import Refused
from fedsafe_node.api.route import Lane
from fedsafe_node.api.routes import ROUTES
from fedsafe_node.audit.event_search import Stretch, Wanted
from fedsafe_node.ground.errors import (
    ForbiddenError,
    StoreFailedError,
    TooManyTriesError,
)
from fedsafe_node.ground.principal import LOCAL
from fedsafe_node.rights.page_texts import TEXTS
from fedsafe_policies.vocabulary import Purpose, Role

PREFIX = "127.0.0.0/24"
WRONG = {"Authorization": "Bearer fs1_" + "x" * 43}
SEARCH = "/v1/audit/search"
LOGIN = {"name": "anna", "password": "a long password", "code": "123456"}
STATEMENT: dict[str, Any] = {
    "type": "joining",
    "signer": "a.demo",
    "payload": "",
    "signature": "A" * 86 + "==",
}


def keyless(route: str, reason: str, prefix: str = PREFIX) -> Refused:
    return Refused("keyless", "", prefix, route, reason)


def person(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_no_stranger_chooses_the_trace_of_a_refusal(api: Api) -> None:
    given = "a" * 32
    heads = {"traceparent": f"00-{given}-{'b' * 16}-01"}
    async with api.http.get(SEARCH, headers={**heads, **WRONG}) as response:
        refused = await response.json()
    async with api.http.get(SEARCH, headers=heads) as response:
        known = await response.json()

    assert refused["trace"] != given
    assert known["trace"] == given


@pytest.mark.parametrize("language", ["de", "en"])
async def test_a_bad_host_is_no_mistake_in_the_form(api: Api, language: str) -> None:
    heads = {"Host": "a b", "Accept-Language": language}
    async with api.http.get("/rights", headers=heads) as response:
        status, page = response.status, await response.text()

    assert status == 400
    assert TEXTS["bad_form"].said(language) not in page
    assert TEXTS["bad_request"].said(language) in page


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        (WRONG, keyless("searchAudit", "unauthenticated")),
        (
            {"Authorization": "Bearer nonsense"},
            keyless("searchAudit", "unauthenticated"),
        ),
        ({}, Refused("service", "shop-backend", "", "searchAudit", "forbidden")),
        (
            person(TOKENS[Role.ANALYST]),
            Refused("person", "analyst", "", "searchAudit", "forbidden"),
        ),
    ],
    ids=["unknown", "malformed", "a service", "another role"],
)
async def test_a_denied_search_is_told(
    api: Api, headers: Mapping[str, str], refused: Refused
) -> None:
    async with api.http.get(SEARCH, headers=headers) as response:
        assert response.status in {401, 403}

    assert api.memory.refused == [refused]


async def test_the_nodes_own_user_is_named_as_such(api: Api) -> None:
    async with api.local.get(SEARCH, headers=WRONG) as response:
        assert response.status == 401
    async with api.local.post("/v1/acts/" + "0" * 32 + "/withdraw") as response:
        assert response.status == 403

    assert [(each.who, each.prefix) for each in api.memory.refused] == [
        ("local", ""),
        ("local", ""),
    ]


async def test_a_bad_signature_is_nobodys(api: Api) -> None:
    target = "/v1/feed/chat.example.de/records"
    async with api.http.get(target, headers={"Signature": "sig=:bad:"}) as response:
        assert response.status == 403

    assert api.memory.refused == [keyless("feed", "untrusted")]


async def test_a_member_is_named(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    target = "/v1/feed/chat.example.de/records"

    async def denied(*_: object) -> bytes:
        raise ForbiddenError("not for you", authenticated=True)

    monkeypatch.setattr(type(api.services.peering), "feed", denied)
    async with api.http.get(target, headers=MEMBER) as response:
        assert response.status == 403

    assert api.memory.refused == [
        Refused("member", "games.example.fr", "", "feed", "forbidden")
    ]


@pytest.mark.parametrize("joining", [{}, STATEMENT])
async def test_a_knock_without_a_key_is_told(
    api: Api, joining: Mapping[str, object]
) -> None:
    body = {"joining": joining, "version": 0}
    async with api.http.post("/v1/charter/joining", json=body) as response:
        assert response.status == 422

    assert api.memory.refused == [keyless("knock", "invalid_body")]


async def test_what_a_service_has_told_is_not_told_again(api: Api) -> None:
    api.memory.failure = ForbiddenError("the policy says no", authenticated=True)
    async with api.http.get(SEARCH, headers=person(STAFF_TOKEN)) as response:
        assert response.status == 403

    assert api.memory.refused == []


async def test_a_login_is_told_whether_its_name_is_somebodys_or_not(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise TooManyTriesError(1_000)

    kind = type(api.services.staff.sessions)
    monkeypatch.setattr(kind, "begin", refuse, raising=False)
    async with api.http.post("/v1/session", json=LOGIN) as response:
        assert response.status == 429

    assert api.memory.refused == [keyless("logIn", "too_many_tries")]


@pytest.mark.parametrize(
    "path", ["/v1/health", "/v1/nowhere", "/v1/audit/search?what=else"]
)
async def test_what_is_no_refusal_is_not_told(api: Api, path: str) -> None:
    async with api.http.get(path, headers=person(STAFF_TOKEN)) as response:
        assert response.status in {200, 404, 422}

    assert api.memory.refused == []


async def test_who_is_listed_leaves_no_address(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise TooManyTriesError(1_000)

    monkeypatch.setattr(type(api.services.proofs), "send_code", refuse)
    body = {"email": "p@mail.example"}
    async with api.http.post("/v1/rights/code", json=body) as response:
        assert response.status == 429, await response.text()

    assert api.memory.refused == [keyless("sendCode", "too_many_tries", "")]


async def test_who_hangs_up_first_is_told_of_as_well(api: Api) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", api.server.port)
    del reader
    head = f"GET {SEARCH} HTTP/1.1\r\nHost: node\r\n\r\n"
    writer.write(head.encode())
    writer.transport.abort()
    for _ in range(1_000):
        async with api.http.get("/v1/health"):
            if api.memory.refused:
                break

    assert api.memory.refused == [keyless("searchAudit", "unauthenticated")]


async def test_nothing_is_answered_that_cannot_be_told(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def note(_: Refused) -> None:
        raise StoreFailedError("disk full")

    monkeypatch.setattr(api.services.refusals, "note", note)
    async with api.http.get(SEARCH) as response:
        assert response.status == 503
        assert (await response.json())["code"] == "audit_unavailable"


def test_the_forms_of_people_have_lanes_of_their_own() -> None:
    forms = ("/rights", "/v1/rights", "/v1/help")
    open_ = [route for route in ROUTES if route.auth is Auth.OPEN]
    of_people = {route.name for route in open_ if route.path.startswith(forms)}

    assert of_people == {e.name for e in ROUTES if e.lane in {Lane.PUBLIC, Lane.MAILS}}


# --- a real node: what the audit log has, and who finds it


async def found(fleet: Fleet, **wanted: str) -> list[AuditEvent]:
    audits = fleet["a.demo"].services.audits
    search = msgspec.convert({"events": "door.refused", **wanted}, Wanted)
    return (await audits.search(search, Stretch(), LOCAL, Purpose.AUDIT_REVIEW)).events


async def test_a_search_finds_a_knock_a_credential_and_a_denied_search(
    trio: Fleet,
) -> None:
    node = trio["a.demo"]
    card = await trio["b.demo"].services.foundings.card()
    invitation = Invitation(FEDERATION, (), bytes(32), 0, bytes(32))
    knock = KnockRequest(
        joining=sign_joining(invitation, card), version=0, signatures=[]
    )
    async with ClientSession(node.base.config.url) as session:
        for path in (SEARCH, SEARCH, "/v1/status"):
            async with session.get(path, headers=WRONG) as response:
                assert response.status == 401
        async with session.post(
            "/v1/charter/joining",
            data=encode(knock),
            headers={"Content-Type": "application/json"},
        ) as response:
            assert response.status == 403, await response.text()
    await node._made.refusals.sum_up(ends=True)  # noqa: SLF001 - as it stops
    told = [
        (each.outcome, (each.detail or {}).get("route"), each.source)
        for each in await found(trio, who="keyless")
    ]

    assert told == [
        ("unauthenticated", "searchAudit", PREFIX),
        ("unauthenticated", "status", PREFIX),
        ("forbidden", "knock", PREFIX),
        ("unauthenticated", "searchAudit", PREFIX),  # the sum
    ]
    assert len(await found(trio, route="knock")) == 1
    assert await found(trio, who="member") == []


async def test_where_a_stranger_came_from_is_gone_within_a_week(alone: Fleet) -> None:
    node = alone["a.demo"]
    async with (
        ClientSession(node.base.config.url) as session,
        session.get(SEARCH, headers=WRONG) as response,
    ):
        assert response.status == 401
    before = await found(alone)
    alone.clock.advance(timedelta(days=6, hours=1))
    await node.keeper.jobs()["audit-retention"].work()
    after = await found(alone)

    assert [each.source for each in before] == [PREFIX]
    assert [each.source for each in after] == [None]
    assert [each.detail for each in after] == [each.detail for each in before]
    assert (await node.services.audits.verify(LOCAL)).ok


async def test_the_sums_are_there_after_a_stop(alone: Fleet) -> None:
    async with ClientSession(alone["a.demo"].base.config.url) as session:
        for _ in range(3):
            async with session.get(SEARCH, headers=WRONG) as response:
                assert response.status == 401
    await alone.stop("a.demo")
    await alone.start("a.demo")
    counts = [(each.detail or {}).get("count") for each in await found(alone)]

    assert counts == [None, 2]
