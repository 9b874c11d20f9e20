# SPDX-License-Identifier: Apache-2.0
"""Strangers who send much, or hold many connections, keep nobody out."""

import asyncio
import resource
from pathlib import Path

import pytest
from aiohttp import ClientSession, UnixConnector
from tests.node.api.conftest import Api, Memory, make_services

from fedsafe_node.api import endpoint
from fedsafe_node.api.server import MOST_CONNECTIONS, ApiServer, connection_limit
from fedsafe_node.telemetry import Metrics

SIZE = 150_000
HEAD = (
    b"POST /v1/founding HTTP/1.1\r\nHost: node\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % SIZE
)
MOST = 4


class TestBodies:
    @pytest.fixture(autouse=True)
    def little_room(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(endpoint, "ROOM_BYTES", SIZE)

    async def test_unsigned_bodies_share_a_bound(self, api: Api) -> None:
        (_, slow), (reader, second) = [await _connect(api.server.port) for _ in "ab"]
        for writer in (slow, second):
            writer.write(HEAD + b"[" + b" " * (SIZE // 2))
            await writer.drain()
            await _served(api)
        second.write(b" " * (SIZE // 2 - 10))
        head = await reader.readline()
        for writer in (slow, second):
            writer.close()

        assert head == b"HTTP/1.1 503 Service Unavailable\r\n"

    async def test_room_is_free_again(self, api: Api) -> None:
        heads: list[bytes] = []
        for _ in range(3):
            reader, writer = await _connect(api.server.port)
            writer.write(HEAD + b"[" + b" " * (SIZE - 2) + b"]")
            heads.append(await reader.readline())
            writer.close()

        assert heads == [b"HTTP/1.1 409 Conflict\r\n"] * 3  # it was read


async def test_tcp_connections_leave_room_for_the_socket(tmp_path: Path) -> None:
    path = tmp_path / "node.sock"
    server = ApiServer(
        make_services(Memory()), metrics=Metrics(), most_connections=MOST
    )
    await server.start(host="127.0.0.1", socket_path=path)
    held = [await _connect(server.port) for _ in range(MOST)]
    reader, writer = await _connect(server.port)
    assert await reader.read() == b""
    async with (
        ClientSession("http://node", connector=UnixConnector(str(path))) as local,
        local.get("/v1/health") as response,
    ):
        assert response.status == 200
    for _, other in [*held, (reader, writer)]:
        other.close()
    await server.stop()


def test_half_of_the_descriptors_stay_free() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)

    assert 1 <= connection_limit() <= MOST_CONNECTIONS
    assert soft == resource.RLIM_INFINITY or connection_limit() <= max(1, soft // 2)


async def _served(api: Api) -> None:
    async with api.http.get("/v1/health") as response:
        assert response.status == 200


async def _connect(
    port: int | None,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port)
