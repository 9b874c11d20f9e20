# SPDX-License-Identifier: Apache-2.0
"""A member on loopback that answers with whatever could keep the asker busy."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import msgspec
import pytest
from tests.federation.conftest import NOW, fetched, key_of, signed_card, world

import fedsafe_federation.peer as peer_module
from fedsafe_federation.charter import Member
from fedsafe_federation.errors import PeerError, PeerUnreachableError
from fedsafe_federation.feed import FeedRequest
from fedsafe_federation.peer import PeerClient, send_founding
from fedsafe_federation.wireformat import encode

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
Ask = Callable[[aiohttp.ClientSession, Member], Awaitable[object]]
Serve = Callable[[Answer], Awaitable[Member]]
MOST = 100_000
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNK = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"
STATEMENT = signed_card("a.example")


class Peer:
    """Answers every request with the same bytes, and counts those that leave."""

    def __init__(self) -> None:
        self.written = 0
        self.asked = b""
        self.gone = asyncio.Event()

    async def start(self, answer: Answer) -> asyncio.Server:
        async def handle(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            self.asked = await reader.readuntil(b"\r\n\r\n")
            try:
                await answer(writer)
            except ConnectionError:
                self.gone.set()
            finally:
                writer.transport.abort()

        return await asyncio.start_server(handle, "127.0.0.1", 0)

    async def write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(data)
        await writer.drain()
        self.written += len(data)


@pytest.fixture
def peer() -> Peer:
    return Peer()


@pytest.fixture
async def serve(peer: Peer) -> AsyncIterator[Serve]:
    servers: list[asyncio.Server] = []

    async def start(answer: Answer) -> Member:
        server = await peer.start(answer)
        servers.append(server)
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        return msgspec.structs.replace(world().charter.members[1], url=url)

    yield start
    for server in servers:
        server.close()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture(autouse=True)
def bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the bounds small; the asker's deadline is only for what never ends."""
    for bound in ("_MAX_ANSWER", "_MAX_SAID", "_MAX_EVALUATED", "MAX_BATCH"):
        monkeypatch.setattr(peer_module, bound, MOST)


def client(session: aiohttp.ClientSession) -> PeerClient:
    key = key_of("a.example", "transport")
    return PeerClient(session, name="a.example", key=key, now=lambda: NOW)


async def fetch(session: aiohttp.ClientSession, member: Member) -> object:
    return await fetched(client(session), member, FeedRequest("b.example", 0, 0, 0))


async def evaluate(session: aiohttp.ClientSession, member: Member) -> object:
    return await client(session).evaluate(member, STATEMENT)


async def poke(session: aiohttp.ClientSession, member: Member) -> object:
    await client(session).poke(member, 1)
    return None


async def found(session: aiohttp.ClientSession, member: Member) -> object:
    return await send_founding(session, member.url, [])


every_ask = pytest.mark.parametrize("ask", [fetch, evaluate, poke, found])


@every_ask
async def test_a_body_that_never_ends_is_left_at_the_bound(
    session: aiohttp.ClientSession, serve: Serve, peer: Peer, ask: Ask
) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        await peer.write(writer, HEAD + b"transfer-encoding: chunked\r\n\r\n")
        while True:
            await peer.write(writer, CHUNK)

    with pytest.raises(PeerError, match="too large"):
        await ask(session, await serve(answer))
    await peer.gone.wait()


@every_ask
@pytest.mark.parametrize(
    ("status", "why"),
    [
        (b"200 OK", "too large"),
        (b"503 Busy", "refused with 503 unknown"),
        (b"307 There", "refused with 307 unknown"),
    ],
)
async def test_a_huge_body_is_not_read_to_its_end(  # noqa: PLR0913
    session: aiohttp.ClientSession,
    serve: Serve,
    peer: Peer,
    ask: Ask,
    status: bytes,
    why: str,
) -> None:
    size = 64 * 1024 * 1024

    async def answer(writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 %b\r\nlocation: /\r\ncontent-length: %d\r\n\r\n"
        await peer.write(writer, head % (status, size))
        for _ in range(size // MOST):
            await peer.write(writer, b"x" * MOST)

    with pytest.raises(PeerError, match=why):
        await ask(session, await serve(answer))
    await peer.gone.wait()

    assert peer.written < size / 2  # the sockets' buffers take a part


@every_ask
async def test_a_slow_drip_ends_with_the_deadline(
    session: aiohttp.ClientSession,
    serve: Serve,
    peer: Peer,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("_FEED_SECONDS", "_POKE_SECONDS", "_EVALUATE_SECONDS"):
        monkeypatch.setattr(peer_module, name, 0.1)

    async def answer(writer: asyncio.StreamWriter) -> None:
        await peer.write(writer, HEAD + b"content-length: 90000\r\n\r\n")
        while True:
            await peer.write(writer, b"x")
            await asyncio.sleep(0.001)  # this is what the peer does

    with pytest.raises(PeerUnreachableError, match="no answer in time"):
        await ask(session, await serve(answer))
    await peer.gone.wait()


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "deflate", "gzip, gzip", "br"])
async def test_nothing_is_unpacked(
    session: aiohttp.ClientSession, serve: Serve, peer: Peer, coding: str
) -> None:
    zeros = bytes(64 * 1024 * 1024)
    bomb = zlib.compress(zeros) if coding == "deflate" else gzip.compress(zeros)
    assert len(bomb) < MOST

    async def answer(writer: asyncio.StreamWriter) -> None:
        head = HEAD + b"content-encoding: %b\r\ncontent-length: %d\r\n\r\n"
        await peer.write(writer, head % (coding.encode(), len(bomb)))
        await peer.write(writer, bomb)

    with pytest.raises(PeerError, match="packed"):
        await fetch(session, await serve(answer))


async def test_nothing_packed_is_asked_for(
    session: aiohttp.ClientSession, serve: Serve, peer: Peer
) -> None:
    body = gzip.compress(b"x")

    async def answer(writer: asyncio.StreamWriter) -> None:
        head = HEAD + b"content-encoding: identity\r\ncontent-length: %d\r\n\r\n"
        await peer.write(writer, head % len(body) + body)

    assert await fetch(session, await serve(answer)) == body
    assert b"accept-encoding: identity\r\n" in peer.asked.lower()


def one_long_header() -> bytes:
    return b"x-long: " + b"x" * 1_000_000 + b"\r\n"


def many_headers() -> bytes:
    return b"".join(b"x-%d: %b\r\n" % (n, b"x" * 1_000) for n in range(10_000))


@every_ask
async def test_an_answer_in_crumbs_is_left_after_a_few_of_them(
    session: aiohttp.ClientSession, serve: Serve, peer: Peer, ask: Ask
) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        await peer.write(writer, HEAD + b"transfer-encoding: chunked\r\n\r\n")
        while True:
            await peer.write(writer, b"1\r\nx\r\n" * 100)

    with pytest.raises(PeerError, match="crumbs"):
        await ask(session, await serve(answer))
    await peer.gone.wait()


@every_ask
@pytest.mark.parametrize("flood", [one_long_header, many_headers])
async def test_a_flood_of_headers_is_no_answer(
    session: aiohttp.ClientSession,
    serve: Serve,
    peer: Peer,
    ask: Ask,
    flood: Callable[[], bytes],
) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        await peer.write(writer, HEAD)
        while True:
            await peer.write(writer, flood())

    with pytest.raises(PeerUnreachableError, match="ClientResponseError"):
        await ask(session, await serve(answer))
    await peer.gone.wait()


@pytest.mark.parametrize("status", [b"100 Continue", b"103 Early Hints"])
async def test_interim_answers_without_end_end_with_the_deadline(
    session: aiohttp.ClientSession,
    serve: Serve,
    peer: Peer,
    monkeypatch: pytest.MonkeyPatch,
    status: bytes,
) -> None:
    monkeypatch.setattr(peer_module, "_POKE_SECONDS", 0.1)

    async def answer(writer: asyncio.StreamWriter) -> None:
        while True:
            await peer.write(writer, b"HTTP/1.1 %b\r\n\r\n" % status)
            await asyncio.sleep(0)

    with pytest.raises(PeerUnreachableError):
        await poke(session, await serve(answer))
    await peer.gone.wait()


@pytest.mark.parametrize("kind", [b"text/html", b"", b"application/json"])
async def test_an_answer_is_judged_by_its_bytes_whatever_it_says_it_is(
    session: aiohttp.ClientSession, serve: Serve, peer: Peer, kind: bytes
) -> None:
    good = encode(STATEMENT)
    bodies = [b"<html>sign in</html>", good]

    async def answer(writer: asyncio.StreamWriter) -> None:
        body = bodies.pop(0)
        head = (
            HEAD
            + b"connection: close\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n"
        )
        await peer.write(writer, head % (kind, len(body)) + body)

    member = await serve(answer)
    with pytest.raises(PeerError):
        await evaluate(session, member)
    assert await evaluate(session, member) == STATEMENT
