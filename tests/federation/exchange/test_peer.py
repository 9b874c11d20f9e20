# SPDX-License-Identifier: Apache-2.0
"""A client asks a server on loopback that answers well, badly or not at all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.support.members import NOW, fetched, key_of, signed_card, world

import fedsafe_federation.exchange.peer as peer_module
from fedsafe_federation.charter.charter import Member
from fedsafe_federation.errors import (
    PeerError,
    PeerRefusedError,
    PeerUnreachableError,
)
from fedsafe_federation.exchange.peer import PeerClient, send_founding
from fedsafe_federation.exchange.signed_requests import Request, verify_request
from fedsafe_federation.exchange.transfer import exchange
from fedsafe_federation.feed.batch import FeedRequest
from fedsafe_federation.wire.freshness import SeenNonces
from fedsafe_federation.wire.wireformat import decode, encode

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CHARTER = world().charter
STATEMENT = signed_card("a.example")


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Handler], Awaitable[Member]]]:
    servers: list[TestServer] = []

    async def start(handler: Handler) -> Member:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", handler)
        server = TestServer(app)
        servers.append(server)
        await server.start_server()
        url = f"http://127.0.0.1:{server.port}"
        return msgspec.structs.replace(CHARTER.members[1], url=url)

    yield start
    for server in servers:
        await server.close()


Serve = Callable[[Handler], Awaitable[Member]]


def client(session: aiohttp.ClientSession) -> PeerClient:
    return PeerClient(
        session,
        name="a.example",
        key=key_of("a.example", "transport"),
        now=lambda: NOW,
    )


def answering(body: bytes, status: int = 200) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        del request
        return web.Response(body=body, status=status)

    return handler


def authenticated(
    request: web.Request, body: bytes, seen: SeenNonces | None = None
) -> str:
    return verify_request(
        Request(
            request.method,
            f"http://{request.host}{request.rel_url}",
            {name.lower(): value for name, value in request.headers.items()},
        ),
        body=body,
        me="b.example",
        charter=CHARTER,
        seen=seen or SeenNonces(began=NOW - timedelta(hours=1)),
        now=NOW,
    )


async def test_a_feed_request_is_signed(
    session: aiohttp.ClientSession, serve: Serve
) -> None:
    async def handler(request: web.Request) -> web.Response:
        sender = authenticated(request, await request.read())
        return web.Response(text=f"{sender} {request.rel_url}")

    member = await serve(handler)
    data = await fetched(client(session), member, FeedRequest("b.example", 1, 2, 3, 4))

    path = "/v1/feed/b.example/records?since=1&known=2&restrictions=3&limit=4"
    assert data.decode() == f"a.example {path}"


async def test_a_request_that_is_made_again_is_signed_anew(
    session: aiohttp.ClientSession, serve: Serve
) -> None:
    seen = SeenNonces(began=NOW - timedelta(hours=1))

    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=authenticated(request, await request.read(), seen))

    member = await serve(handler)
    for _ in range(2):
        data = await fetched(client(session), member, FeedRequest("b.example", 1, 2, 3))
        assert data == b"a.example"


async def test_a_poke_is_signed_with_its_body(
    session: aiohttp.ClientSession, serve: Serve
) -> None:
    heard: list[tuple[str, bytes]] = []

    async def handler(request: web.Request) -> web.Response:
        body = await request.read()
        heard.append((authenticated(request, body), body))
        return web.Response(status=204)

    await client(session).poke(await serve(handler), 7)

    assert heard == [("a.example", b'{"origin":"a.example","size":7}')]


async def test_an_evaluation_travels_as_a_statement(
    session: aiohttp.ClientSession, serve: Serve
) -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.path == "/v1/evaluate"
        return web.Response(body=await request.read())

    assert await client(session).evaluate(await serve(handler), STATEMENT) == STATEMENT


async def test_founding_messages_travel_as_a_list(
    session: aiohttp.ClientSession, serve: Serve
) -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.path == "/v1/founding"
        return web.Response(body=encode(decode(await request.read(), list) * 2))

    member = await serve(handler)
    assert await send_founding(session, member.url, [STATEMENT]) == [STATEMENT] * 2


@pytest.mark.parametrize("body", [b"", b"junk", b"[" * 90_000, b"\xff", b"[{}]"])
async def test_junk_is_no_answer(
    session: aiohttp.ClientSession, serve: Serve, body: bytes
) -> None:
    member = await serve(answering(body))

    with pytest.raises(PeerError):
        await client(session).evaluate(member, STATEMENT)
    with pytest.raises(PeerError):
        await send_founding(session, member.url, [])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"code":"stale_statement","title":"x"}', "stale_statement"),
        (
            b'{"code":"wrong_state","detail":"as an older member says it"}',
            "wrong_state",
        ),
        (
            b'{"code":"no_room","template":"{a}","params":{"a":{"template":"b"}}}',
            "no_room",
        ),
        (b'{"code":"Anna Example"}', "unknown"),
        (b'{"code":"' + b"x" * 65 + b'"}', "unknown"),
        (b'{"code":"a\\n"}', "unknown"),
        (b'{"code":7}', "unknown"),
        (b'{"x":' + b"[" * 90_000, "unknown"),
        (b"\xff", "unknown"),
        (b"", "unknown"),
    ],
)
async def test_a_refusal_carries_status_and_a_word(
    session: aiohttp.ClientSession, serve: Serve, body: bytes, code: str
) -> None:
    member = await serve(answering(body, 409))

    with pytest.raises(PeerRefusedError) as caught:
        await client(session).poke(member, 1)
    assert (caught.value.status, caught.value.code) == (409, code)
    assert str(caught.value) == f"b.example: refused with 409 {code}"


async def test_redirects_are_not_followed(
    session: aiohttp.ClientSession, serve: Serve
) -> None:
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=307, headers={"location": "/elsewhere"})

    with pytest.raises(PeerRefusedError):
        await client(session).poke(await serve(handler), 1)
    assert asked == ["/v1/feed/poke"]


async def test_answers_are_bounded(
    session: aiohttp.ClientSession, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_module, "_MAX_SAID", 1_000)
    member = await serve(answering(b"x" * 1_001))

    with pytest.raises(PeerError, match="too large"):
        await client(session).poke(member, 1)
    await client(session).poke(await serve(answering(b"x" * 1_000)), 1)


async def test_no_answer_in_time(
    session: aiohttp.ClientSession, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = asyncio.Event()
    monkeypatch.setattr(peer_module, "_POKE_SECONDS", 0.05)

    async def handler(request: web.Request) -> web.Response:
        del request
        await done.wait()
        return web.Response()

    with pytest.raises(PeerUnreachableError, match="no answer in time"):
        await client(session).poke(await serve(handler), 1)
    done.set()


async def test_an_answer_that_breaks_off(
    session: aiohttp.ClientSession, serve: Serve
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return response

    with pytest.raises(PeerUnreachableError):
        await client(session).poke(await serve(handler), 1)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "https://a.example:99999", "https://..", "https://-"]
)
async def test_nobody_at_the_address(session: aiohttp.ClientSession, url: str) -> None:
    with pytest.raises(PeerUnreachableError):
        await exchange(
            session,
            "b.example",
            "GET",
            url,
            headers={},
            body=None,
            seconds=5,
            most=100,
        )
