# SPDX-License-Identifier: Apache-2.0
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import ClientSession, UnixConnector
from tests.node.api.conftest import Memory, authorised, make_services

from fedsafe_node.api.route import Lane, Route
from fedsafe_node.api.routes import ROUTES
from fedsafe_node.api.server import ApiServer
from fedsafe_node.ground.errors import UnavailableError
from fedsafe_node.ground.telemetry import Metrics

PLAIN = [
    route
    for route in ROUTES
    if route.method == "GET" and not route.path_types and route.query is None
]


class Behind:
    """A process that cannot take up what another one has changed."""

    async def fresh(self) -> None:
        raise UnavailableError("unavailable", "it is behind", retry_after_ms=1_000)


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
async def http(tmp_path: Path, memory: Memory) -> AsyncIterator[ClientSession]:
    services = replace(make_services(memory), following=Behind())
    server = ApiServer(services, metrics=Metrics())
    path = tmp_path / "node.sock"
    await server.start(socket_path=path)
    async with ClientSession("http://node", connector=UnixConnector(str(path))) as http:
        yield http
    await server.stop()


@pytest.mark.parametrize("route", PLAIN, ids=lambda route: route.name)
async def test_a_process_that_is_behind_answers_only_for_itself(
    http: ClientSession, memory: Memory, route: Route
) -> None:
    async with http.get(route.path, headers=authorised(route)) as answer:
        status = answer.status

    if route.lane in {Lane.HEALTH, Lane.METRICS}:
        assert status != 503
    else:
        assert status == 503
        assert memory.calls == []
