# SPDX-License-Identifier: Apache-2.0
"""The API over real sockets: every route, every kind of asker, every border."""

import asyncio
import json
import socket
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from tests.node.api.conftest import (
    MEMBER,
    OPERATOR_TOKEN,
    STAFF_TOKEN,
    Api,
    authorised,
)
from tests.node.api.requests import BODIES, SIGNAL, UNKNOWN, concrete
from tests.node.api.rights import RIGHTS_FORMS

from fedsafe_cli.demo.fleet import free_ports
from fedsafe_node.acts.lookup import LookupRequest
from fedsafe_node.api.openapi import build
from fedsafe_node.api.ports import bind_socket
from fedsafe_node.api.route import Lane, Route
from fedsafe_node.api.routes import ROUTES
from fedsafe_node.api.server import ApiServer
from fedsafe_node.ground.errors import ConfigError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.telemetry import Metrics
from fedsafe_policies.vocabulary import Role

QUERIES = {"tally": {"day": "20781"}, "renderCase": {"form": "package"}}
STAFF = {"Authorization": f"Bearer {STAFF_TOKEN}"}
OPERATOR = {"Authorization": f"Bearer {OPERATOR_TOKEN}"}
DOCUMENT = build()


def fits(schema: object, value: object) -> bool:
    whole = {"allOf": [schema], "components": DOCUMENT["components"]}
    return bool(Draft202012Validator(whole).is_valid(value))


def sent(route: Route, headers: dict[str, str]) -> dict[str, Any]:
    """What a request to a route carries."""
    if route.body is bytes:
        typed = {**headers, "Content-Type": route.takes}
        return {"data": RIGHTS_FORMS.get(route.name, b"old 0"), "headers": typed}
    query = QUERIES.get(route.name)
    return {"json": BODIES.get(route.name), "params": query, "headers": headers}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
async def test_every_route_answers_as_its_schema_says(api: Api, route: Route) -> None:
    await api.http.post("/v1/signals", json=SIGNAL)
    api.services.foundings.document = b"{}"  # type: ignore[attr-defined]

    response = await api.http.request(
        route.method,
        concrete(route),
        **sent(route, dict(authorised(route))),
    )

    assert response.status == route.status
    documented = DOCUMENT["paths"][route.path][route.method.lower()]["responses"]
    content = documented[str(route.status)].get("content", {})
    assert response.headers.get("Content-Type", "") == next(iter(content), "")
    if route.answer is not None:
        assert fits(content["application/json"]["schema"], await response.json())
    kept = f"public, max-age={route.max_age}" if route.max_age else "no-store"
    assert response.headers["Cache-Control"] == kept
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Server" not in response.headers


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
async def test_whoever_is_not_meant_is_turned_away(api: Api, route: Route) -> None:
    response = await api.http.request(
        route.method,
        concrete(route),
        **sent(route, {"Authorization": "Bearer fs1_" + "x" * 43}),
    )

    expected = {"open": {200, 201, 202, 404}, "peer": {403}, "statement": {200, 204}}
    assert response.status in expected.get(route.auth.value, {401})
    assert response.status != 401 or response.headers["WWW-Authenticate"] == "Bearer"


async def test_a_credential_names_who_asks(api: Api) -> None:
    await api.http.post("/v1/lookup", json=BODIES["lookup"])

    [(request, who)] = api.memory.calls
    assert isinstance(request, LookupRequest)
    assert who == Principal("shop-backend", Role.SERVICE)


async def test_the_socket_needs_no_credential_but_is_a_service(api: Api) -> None:
    response = await api.local.post("/v1/lookup", json=BODIES["lookup"])
    approval = await api.local.post(
        "/v1/signals/approve", json=BODIES["approveSignals"]
    )

    assert response.status == 200
    assert api.memory.calls[0][1] == Principal("local", Role.SERVICE)
    assert approval.status == 403
    assert stat.S_IMODE(api.socket_path.stat().st_mode) == 0o600


async def test_a_credential_counts_on_the_socket_as_well(api: Api) -> None:
    response = await api.local.post(
        "/v1/signals/approve", json=BODIES["approveSignals"], headers=STAFF
    )

    assert await response.json() == {
        "approved": [],
        "problems": [
            {
                "position": position,
                "code": "not_found",
                "detail": "no such signal",
                "question": None,
                "pointer": None,
            }
            for position in (0, 1)
        ],
    }


async def test_founding_messages_are_told_apart_by_listener(api: Api) -> None:
    await api.http.post("/v1/founding", json=BODIES["founding"])
    await api.local.post("/v1/founding", json=BODIES["founding"])

    assert [local for _, local in api.memory.calls] == [False, True]


async def test_tcp_without_a_credential_is_nobody(api: Api) -> None:
    answer = await api.raw(
        b"GET /v1/status HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    )

    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_a_member_is_known_by_target_and_body(api: Api) -> None:
    response = await api.http.get(
        "/v1/feed/games.example.fr/records?since=4&limit=9", headers=MEMBER
    )

    assert (response.status, await response.read()) == (200, b"{}\n")
    (method, target, body), (request, peer) = api.memory.calls
    assert (method, body, peer) == ("GET", b"", "games.example.fr")
    assert target == "/v1/feed/games.example.fr/records?since=4&limit=9"
    assert (request.origin, request.since, request.limit) == (
        "games.example.fr",
        4,
        9,
    )


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ({"Accept": "application/vnd.fedsafe.bulk"}, "application/vnd.fedsafe.bulk"),
        ({"Accept": "*/*"}, "application/x-ndjson"),
        ({}, "application/x-ndjson"),
    ],
    ids=["bulk", "anything", "nothing"],
)
async def test_a_member_gets_a_feed_in_the_form_that_it_takes(
    api: Api, accept: dict[str, str], media: str
) -> None:
    path = "/v1/feed/games.example.fr/records"
    response = await api.http.get(
        path, headers=MEMBER | accept, skip_auto_headers={"Accept"}
    )

    assert response.headers["Content-Type"] == media


async def test_metrics_count_by_route(api: Api) -> None:
    await api.http.post("/v1/lookup", json=BODIES["lookup"])
    page = await (await api.http.get("/v1/metrics", headers=OPERATOR)).text()

    assert 'fedsafe_requests_total{route="lookup",status="200"} 1.0' in page
    assert 'fedsafe_node_entries{what="signals"} 7.0' in page
    assert 'fedsafe_node_entries{what="requests_waiting"} 2.0' in page
    assert "fedsafe_rights_longest_wait_seconds 610.0" in page
    assert "fedsafe_store_failing 0.0" in page
    assert "fedsafe_disk_bytes{" not in page  # nobody knows of its disk


async def test_a_charter_is_not_found_before_there_is_one(api: Api) -> None:
    response = await api.http.get("/v1/charter")

    assert (response.status, (await response.json())["code"]) == (404, "not_found")


async def test_the_log_names_route_and_request(api: Api) -> None:
    response = await api.http.get(f"/v1/signals/{UNKNOWN}?a=b")

    line = json.loads(api.log.getvalue().splitlines()[-1])
    assert line["event"] == "answered"
    assert line["route"] == "/v1/signals/{id}"
    assert line["status"] == 422
    assert line["request"] == response.headers["X-Request-Id"]
    assert UNKNOWN not in api.log.getvalue()


class TestBusy:
    @pytest.fixture
    def lanes(self) -> Mapping[Lane, int]:
        return dict.fromkeys(Lane, 1)

    async def test_one_too_many_is_told_to_wait(self, api: Api) -> None:
        api.memory.hold = asyncio.Event()
        first = asyncio.create_task(api.http.post("/v1/lookup", json=BODIES["lookup"]))
        await api.memory.arrived.wait()
        second = await api.http.post("/v1/lookup", json=BODIES["lookup"])
        health = await api.http.get("/v1/card")
        api.memory.hold.set()

        assert (second.status, (await second.json())["code"]) == (503, "busy")
        assert second.headers["Retry-After"] == "1"
        assert health.status == 200
        assert (await first).status == 200

    async def test_the_place_is_free_again(self, api: Api) -> None:
        for _ in range(3):
            response = await api.http.post("/v1/lookup", json=BODIES["lookup"])

            assert response.status == 200


async def test_a_stop_finishes_what_is_under_way(api: Api) -> None:
    api.memory.hold = asyncio.Event()
    first = asyncio.create_task(api.http.post("/v1/lookup", json=BODIES["lookup"]))
    await api.memory.arrived.wait()
    stopping = asyncio.create_task(api.server.stop())
    await asyncio.sleep(0)
    api.memory.hold.set()
    await stopping

    assert (await first).status == 200
    assert not api.socket_path.exists()


async def test_a_socket_in_use_is_left_alone(api: Api) -> None:
    second = ApiServer(api.services, metrics=Metrics())
    with pytest.raises(ConfigError, match="another process answers"):
        await second.start(socket_path=api.socket_path)

    assert (await api.local.get("/v1/health")).status == 200


async def test_a_port_in_use_is_named_before_a_socket_is_there(
    api: Api, tmp_path: Path
) -> None:
    second, path = ApiServer(api.services, metrics=Metrics()), tmp_path / "second.sock"
    with pytest.raises(
        ConfigError, match=r"choose another port .*\[listen\]"
    ) as caught:
        await second.start(
            host="127.0.0.1", port=api.server.port or 0, socket_path=path
        )

    assert str(caught.value).startswith(f"127.0.0.1:{api.server.port}: in use")
    assert not path.exists()


async def test_nothing_answers_before_all_is_bound(api: Api, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("in the way")
    second, port = ApiServer(api.services, metrics=Metrics()), free_ports(1)[0]
    with pytest.raises(ConfigError, match="is no socket"):
        await second.start(host="127.0.0.1", port=port, socket_path=tmp_path / "mine")

    with socket.socket() as free:  # the port is free again, and nobody was served
        free.bind(("127.0.0.1", port))
    assert "listening" not in api.log.getvalue().split("\n", 2)[2]


async def test_a_name_with_several_addresses_has_one_port(api: Api) -> None:
    second = ApiServer(api.services, metrics=Metrics())
    await second.start(host="localhost")
    health = f"http://localhost:{second.port}/v1/health"
    async with ClientSession() as session, session.get(health) as response:
        status = response.status

    assert status == 200
    await second.stop()


async def test_an_address_of_another_machine_is_named(api: Api) -> None:
    second = ApiServer(api.services, metrics=Metrics())
    with pytest.raises(ConfigError, match=r"^192\.0\.2\.1:80: .*\[listen\]"):
        await second.start(host="192.0.2.1", port=80)


def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "node.sock"
    bind_socket(path).close()
    before = path.stat().st_ino
    with bind_socket(path) as sock:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert sock.family == socket.AF_UNIX
    assert path.exists()
    assert before


def test_a_file_in_the_way_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "node.sock"
    path.write_text("mine")

    with pytest.raises(ConfigError, match="is no socket"):
        bind_socket(path)
    assert path.read_text() == "mine"


async def test_a_pack_is_sent_in_pieces_and_its_query_read(api: Api) -> None:
    target = f"/v1/audit/export?first=1&last=3&act={'0' * 32}"
    response = await api.http.get(target, headers=STAFF)

    assert response.headers["Transfer-Encoding"] == "chunked"
    assert await response.read() == b"PK..."
    [(request, who, act, anchors)] = api.memory.calls
    assert (request.first, request.last) == (1, 3)
    assert (act, anchors) == ("0" * 32, None)
    assert who.role is Role.REVIEWER
