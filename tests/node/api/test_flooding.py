# SPDX-License-Identifier: Apache-2.0
"""Strangers who send much, or hold many connections, keep nobody out."""

import asyncio
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession, TraceConfig, UnixConnector
from tests.node.api.conftest import TOKENS, Api, FakePeople, Memory, make_services

from fedsafe_node.api import endpoint
from fedsafe_node.api import server as server_module
from fedsafe_node.api.endpoint import Gate
from fedsafe_node.api.problems import RefusedError
from fedsafe_node.api.route import Lane
from fedsafe_node.api.server import MOST_CONNECTIONS, ApiServer, connection_limit
from fedsafe_node.ground.errors import ForbiddenError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.telemetry import Metrics
from fedsafe_policies.vocabulary import Role

SIZE = 150_000
HEAD = (
    b"POST /v1/founding HTTP/1.1\r\nHost: node\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % SIZE
)
MOST = 4
CROWD = 48
MANY = 16
STATUS = b"GET /v1/status HTTP/1.1\r\nHost: node\r\nAuthorization: Bearer %s\r\n\r\n"
SIGNALS = STATUS.replace(b"status", b"signals")
PEER = (
    b"GET /v1/evaluate/tally?day=20000 HTTP/1.1\r\n"
    b"Host: chat.example.de\r\nSignature: sig=:good:\r\n\r\n"
)
LOGIN = {"name": "anna", "password": "a long password", "code": "123456"}
GET = b"GET %s HTTP/1.1\r\nHost: node\r\n\r\n"
PROOF = {"code": "123456"}
LOGIN_HEAD = (
    b"POST %s HTTP/1.1\r\nHost: node\r\n"
    b"Content-Type: application/json\r\nContent-Length: 90\r\n\r\n{"
)


class TestBodies:
    @pytest.fixture(autouse=True)
    def little_room(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(endpoint, "ROOM_BYTES", SIZE)

    async def test_of_unsigned_bodies_the_oldest_gives_way(self, api: Api) -> None:
        (reader, old), (other, new) = [await _connect(api.server.port) for _ in "ab"]
        for writer in (old, new):
            writer.write(HEAD + b"[" + b" " * (SIZE // 2))
            await writer.drain()
            await _served(api)
        new.write(b" " * (SIZE - SIZE // 2 - 2) + b"]")
        heads = [await each.readline() for each in (reader, other)]
        for writer in (old, new):
            writer.close()

        assert heads == [
            b"HTTP/1.1 408 Request Timeout\r\n",
            b"HTTP/1.1 409 Conflict\r\n",  # it was read
        ]

    async def test_room_is_free_again(self, api: Api) -> None:
        heads: list[bytes] = []
        for _ in range(3):
            reader, writer = await _connect(api.server.port)
            writer.write(HEAD + b"[" + b" " * (SIZE - 2) + b"]")
            heads.append(await reader.readline())
            writer.close()

        assert heads == [b"HTTP/1.1 409 Conflict\r\n"] * 3  # it was read


class TestLogins:
    @pytest.fixture
    def lanes(self) -> Mapping[Lane, int]:
        return dict.fromkeys(Lane, 1)

    @pytest.mark.parametrize("path", ["/v1/session", "/v1/account/setup"])
    async def test_bodies_that_never_end_take_no_place(
        self, api: Api, path: str
    ) -> None:
        held = [await _connect(api.server.port) for _ in range(3)]
        for _, writer in held:
            writer.write(LOGIN_HEAD % path.encode())
            await writer.drain()
            await _served(api)
        async with api.http.post("/v1/session", json=LOGIN) as response:
            status = response.status
        for _, writer in held:
            writer.close()

        assert status == 201

    async def test_the_socket_has_places_of_its_own(self, api: Api) -> None:
        api.memory.hold = asyncio.Event()
        first = asyncio.create_task(_log_in(api.http))
        await api.memory.arrived.wait()
        assert await _log_in(api.http) == 503
        api.memory.arrived.clear()
        local = asyncio.create_task(_log_in(api.local))
        waiting = asyncio.create_task(api.memory.arrived.wait())
        await asyncio.wait({local, waiting}, return_when=asyncio.FIRST_COMPLETED)
        api.memory.hold.set()

        assert (await first, await local) == (201, 201)
        waiting.cancel()

    async def test_waiting_for_a_provider_keeps_no_password_out(self, api: Api) -> None:
        api.memory.hold = asyncio.Event()
        first = asyncio.create_task(_post(api.http, "/v1/session/oidc", {}, {}))
        await api.memory.arrived.wait()
        api.memory.arrived.clear()
        login = asyncio.create_task(_log_in(api.http))
        waiting = asyncio.create_task(api.memory.arrived.wait())
        await asyncio.wait({login, waiting}, return_when=asyncio.FIRST_COMPLETED)
        api.memory.hold.set()

        assert (await first, await login) == (201, 201)
        waiting.cancel()

    async def test_logins_leave_room_for_proofs(self, api: Api) -> None:
        api.memory.hold = asyncio.Event()
        first = asyncio.create_task(_log_in(api.http))
        await api.memory.arrived.wait()
        assert await _log_in(api.http) == 503
        api.memory.arrived.clear()
        token = {"Authorization": f"Bearer {TOKENS[Role.OPERATOR]}"}
        proof = asyncio.create_task(
            _post(api.http, "/v1/session/step-up", PROOF, token)
        )
        waiting = asyncio.create_task(api.memory.arrived.wait())
        await asyncio.wait({proof, waiting}, return_when=asyncio.FIRST_COMPLETED)
        api.memory.hold.set()

        assert (await first, await proof) == (201, 200)
        waiting.cancel()


async def test_who_asks_is_asked_again_after_a_slow_body(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "SETTLED_SECONDS", 0.0)
    known = FakePeople.authenticate
    asked = asyncio.Event()

    async def authenticate(people: FakePeople, token: str) -> Principal:
        if asked.is_set():
            raise ForbiddenError("locked since", authenticated=False)
        asked.set()
        return await known(people, token)

    monkeypatch.setattr(FakePeople, "authenticate", authenticate)
    body = b'{"digest":"%s"}' % (b"0" * 64)
    reader, writer = await _connect(api.server.port)
    writer.write(
        b"POST /v1/acts/%s/approve HTTP/1.1\r\nHost: node\r\n"
        b"Authorization: Bearer %s\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n"
        % (b"0" * 32, TOKENS[Role.OPERATOR].encode(), len(body))
    )
    await asked.wait()
    writer.write(body)
    head = await reader.readline()
    writer.close()

    assert head == b"HTTP/1.1 401 Unauthorized\r\n"
    assert api.memory.calls == []


async def test_a_line_that_is_quiet_makes_room_for_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "node.sock"
    server = ApiServer(
        make_services(Memory()), metrics=Metrics(), most_connections=MOST
    )
    await server.start(host="127.0.0.1", socket_path=path)
    held = [await _connect(server.port) for _ in range(MOST)]
    reader, writer = await _connect(server.port)
    writer.write(GET % b"/v1/health")
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    assert await _ended(held[0][0])
    async with (
        ClientSession("http://node", connector=UnixConnector(str(path))) as local,
        local.get("/v1/health") as response,
    ):
        assert response.status == 200
    for _, other in [*held, (reader, writer)]:
        other.close()
    await server.stop()


@pytest.mark.parametrize("said", [b"", GET % b"/v1/card"])
async def test_strangers_lines_go_before_those_of_the_house(said: bytes) -> None:
    server = ApiServer(
        make_services(Memory()), metrics=Metrics(), most_connections=MOST
    )
    await server.start(host="127.0.0.1")
    token = {"Authorization": f"Bearer {TOKENS[Role.OPERATOR]}"}
    lost: list[bool] = []
    trace = TraceConfig()

    async def connected(*_: object) -> None:
        lost.append(True)

    trace.on_connection_create_end.append(connected)
    held: list[asyncio.StreamWriter] = []
    async with ClientSession(
        f"http://127.0.0.1:{server.port}", trace_configs=[trace]
    ) as house:
        for _ in range(3):
            async with house.get("/v1/status", headers=token) as response:
                assert response.status == 200
            for _ in range(MOST):
                reader, writer = await _connect(server.port)
                held.append(writer)
                writer.write(said)
                if said:
                    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    for writer in held:
        writer.close()
    await server.stop()

    assert lost == [True]  # one line, kept throughout


async def test_whoever_asked_first_behind_a_proxy_is_answered_first(api: Api) -> None:
    answered: list[int] = []
    heard = asyncio.Event()

    async def read(number: int, reader: asyncio.StreamReader) -> None:
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        answered.append(number)
        heard.set()

    lines = [await _connect(api.server.port) for _ in range(2 * CROWD)]
    reading: list[asyncio.Task[None]] = []
    for number, (reader, writer) in enumerate(lines):
        if number == CROWD:
            await heard.wait()  # the first ones have come in
        writer.write(GET % b"/v1/card")
        reading.append(asyncio.create_task(read(number, reader)))
    await asyncio.gather(*reading)
    for _, writer in lines:
        writer.close()

    assert max(map(answered.index, range(CROWD))) < 1.5 * CROWD


class TestProbes:
    @pytest.fixture(autouse=True)
    def few_turns(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(endpoint, "TURNS_PER_SECOND", 0.001)

    async def test_the_health_waits_for_no_crowd_elsewhere(self, api: Api) -> None:
        lines = [await _connect(api.server.port) for _ in range(CROWD)]
        for _, writer in lines:
            writer.write(GET % b"/v1/card")
        await lines[0][0].readline()  # the first ones have come in
        async with api.http.get("/v1/health") as response:
            status = response.status
        for _, writer in lines:
            writer.close()

        assert status == 200


class TestHolders:
    """Whoever has a credential holds more lines than there are."""

    @pytest.fixture
    async def port(self, memory: Memory) -> AsyncIterator[int]:
        server = ApiServer(
            make_services(memory), metrics=Metrics(), most_connections=MANY
        )
        await server.start(host="127.0.0.1")
        assert server.port is not None
        yield server.port
        await server.stop()

    @pytest.fixture
    def memory(self) -> Memory:
        return Memory()

    @pytest.mark.parametrize(
        ("said", "head"),
        [
            (SIGNALS % TOKENS[Role.SERVICE].encode(), b"HTTP/1.1 200 OK\r\n"),
            (PEER, b"HTTP/1.1 200 OK\r\n"),
            (STATUS % TOKENS[Role.SERVICE].encode(), b"HTTP/1.1 403 Forbidden\r\n"),
        ],
        ids=["a service", "a member", "refused"],
    )
    async def test_one_of_them_keeps_no_other_out(
        self, port: int, said: bytes, head: bytes
    ) -> None:
        held = [await _asked(port, said) for _ in range(MANY + 4)]
        others = [
            await _asked(port, STATUS % TOKENS[role].encode())
            for role in (Role.OPERATOR, Role.REVIEWER, Role.AUDITOR)
        ]
        again = [await _asked(port, said) for _ in range(MANY)]
        for line in others:
            line.writer.write(STATUS % TOKENS[Role.OPERATOR].encode())
        heads = [await _head(line.reader) for line in others]
        for line in (*held, *others, *again):
            line.writer.close()

        assert {line.head for line in (*held, *again)} == {head}
        assert [line.head for line in others] == [b"HTTP/1.1 200 OK\r\n"] * 3
        assert heads == [b"HTTP/1.1 200 OK\r\n"] * 3  # by the same lines

    async def test_who_is_refused_stays_a_stranger(self, port: int) -> None:
        said = STATUS % TOKENS[Role.SERVICE].encode()
        held = [await _asked(port, said) for _ in range(MANY // 2)]
        ended = await _ended(held[0].reader)
        for line in held:
            line.writer.close()

        assert ended

    async def test_a_line_that_is_asking_goes_last(
        self, port: int, memory: Memory
    ) -> None:
        memory.hold = asyncio.Event()
        reader, writer = await _connect(port)
        writer.write(PEER)
        await memory.arrived.wait()
        hold, memory.hold = memory.hold, None
        held = [await _asked(port, PEER) for _ in range(MANY)]
        hold.set()
        head = await _head(reader)
        for each in (writer, *(line.writer for line in held)):
            each.close()

        assert head == b"HTTP/1.1 200 OK\r\n"


async def test_who_says_nothing_is_hung_up_on(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "FIRST_SECONDS", 0.01)
    reader, writer = await _connect(api.server.port)

    assert await _ended(reader)
    writer.close()


def test_half_of_the_descriptors_stay_free() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)

    assert 1 <= connection_limit() <= MOST_CONNECTIONS
    assert soft == resource.RLIM_INFINITY or connection_limit() <= max(1, soft // 2)


@pytest.mark.parametrize(("hard", "connections"), [(100_000, 4_096), (3_000, 1_500)])
def test_a_node_takes_the_descriptors_that_it_may_have(
    hard: int, connections: int
) -> None:
    code = (
        "import resource as r\n"
        "hard = min(%d, r.getrlimit(r.RLIMIT_NOFILE)[1])\n"
        "r.setrlimit(r.RLIMIT_NOFILE, (1024, hard))\n"
        "from fedsafe_node.app.run import prepare\n"
        "from fedsafe_node.api.server import connection_limit\n"
        "prepare(); print(connection_limit())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code % hard], capture_output=True, text=True, check=True
    )
    _, own = resource.getrlimit(resource.RLIMIT_NOFILE)
    own = hard if own == resource.RLIM_INFINITY else own

    assert int(ran.stdout) == min(connections, own // 2)
    assert ("few descriptors" in ran.stderr) is (connections < MOST_CONNECTIONS)


async def _log_in(client: ClientSession) -> int:
    return await _post(client, "/v1/session", LOGIN, {})


async def _post(
    client: ClientSession, path: str, body: object, headers: Mapping[str, str]
) -> int:
    async with client.post(path, json=body, headers=headers) as response:
        return response.status


async def _served(api: Api) -> None:
    async with api.http.get("/v1/health") as response:
        assert response.status == 200


async def _connect(
    port: int | None,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port)


@dataclass
class Asked:
    """A line, and the head of what it was answered."""

    head: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


async def _asked(port: int, said: bytes) -> Asked:
    reader, writer = await _connect(port)
    writer.write(said)
    return Asked(await _head(reader), reader, writer)


async def _head(reader: asyncio.StreamReader) -> bytes:
    """Read a whole answer; give the line that it begins with."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].split(b"\r")[0]
        await reader.readexactly(int(length))
    except (ConnectionError, asyncio.IncompleteReadError):
        return b""
    return head.partition(b"\n")[0] + b"\n"


async def _ended(reader: asyncio.StreamReader) -> bool:
    """Wait until the other end has hung up without a word."""
    with suppress(ConnectionResetError):
        assert await reader.read() == b""
    return True


async def test_pages_wait_for_a_place_in_turn_and_programs_are_refused() -> None:
    gate, done = Gate(1), list[int]()
    leave = asyncio.Event()

    async def visit(number: int) -> None:
        async with gate.waited_for():
            done.append(number)
            if number == 0:
                await leave.wait()

    tasks = [asyncio.create_task(visit(number)) for number in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(RefusedError), gate:
        pass
    tasks[1].cancel()
    leave.set()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert (done, gate.inside) == ([0, 2], 0)
    with gate:
        assert gate.inside == 1


async def test_a_page_waits_only_so_long_and_so_many_only() -> None:
    gate = Gate(1)
    with gate:
        with pytest.raises(RefusedError):
            async with gate.waited_for(0.001):
                pass
        waiting = [
            asyncio.create_task(_wait_at(gate)) for _ in range(endpoint.MOST_WAITING)
        ]
        await asyncio.sleep(0)
        with pytest.raises(RefusedError):
            async with gate.waited_for():
                pass
    await asyncio.gather(*waiting)
    assert gate.inside == 0


async def _wait_at(gate: Gate) -> None:
    async with gate.waited_for():
        pass
