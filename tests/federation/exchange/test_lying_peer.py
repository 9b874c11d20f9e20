# SPDX-License-Identifier: Apache-2.0
"""A member on loopback that answers with whatever could keep the asker busy."""

import asyncio
import gzip
import socket
import threading
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

import aiohttp
import msgspec
import pytest
import uvloop
from tests.support.members import NOW, fetched, key_of, signed_card, world

import fedsafe_federation.exchange.peer as peer_module
from fedsafe_federation.charter.charter import Member
from fedsafe_federation.errors import PeerError, PeerUnreachableError
from fedsafe_federation.exchange.peer import PeerClient, send_founding
from fedsafe_federation.exchange.transfer import MAX_REFUSAL, exchange, member_session
from fedsafe_federation.feed.batch import FeedRequest
from fedsafe_federation.wire import line
from fedsafe_federation.wire.line import MOST_FRAMING, MOST_INTERIM, ExcessError, Line
from fedsafe_federation.wire.wireformat import encode

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
Ask = Callable[[aiohttp.ClientSession, Member], Awaitable[object]]
Serve = Callable[[Answer], Awaitable[Member]]
MOST = 100_000
SECONDS = ("_FEED_SECONDS", "_POKE_SECONDS", "_EVALUATE_SECONDS")
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
    async with await member_session(any_socket) as session:
        yield session


def any_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    return socket.socket(address[0], address[1], address[2])


@pytest.fixture(autouse=True)
def bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the bounds small; the asker's deadline is only for what never ends."""
    for bound in ("_MAX_ANSWER", "_MAX_SAID", "_MAX_EVALUATED", "MAX_BATCH"):
        monkeypatch.setattr(peer_module, bound, MOST)
    for name in SECONDS:
        monkeypatch.setattr(peer_module, name, 10.0)


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
    for name in SECONDS:
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

    with pytest.raises(PeerError, match="around the answer"):
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

    with pytest.raises(PeerError, match=r"no HTTP|around the answer"):
        await ask(session, await serve(answer))
    await peer.gone.wait()


INTERIM = b"HTTP/1.1 102 A\r\n\r\n"
WHOLE = HEAD + b"content-length: 2\r\n\r\n{}"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
MANY = 2 * 1024 * 1024
"""So many bytes are far more than a line takes before it is hung up on."""


@every_ask
@pytest.mark.parametrize("status", [b"100 Continue", b"103 Early Hints"])
async def test_interim_answers_without_end_are_left_after_a_few(
    session: aiohttp.ClientSession, serve: Serve, peer: Peer, ask: Ask, status: bytes
) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        while True:
            await peer.write(writer, b"HTTP/1.1 %b\r\n\r\n" % status)
            await asyncio.sleep(0)

    with pytest.raises(PeerError, match="too many interim answers"):
        await ask(session, await serve(answer))
    await peer.gone.wait()


async def test_a_few_interim_answers_are_waited_through(
    session: aiohttp.ClientSession, serve: Serve, peer: Peer
) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        await peer.write(writer, INTERIM * MOST_INTERIM + WHOLE)

    assert await fetch(session, await serve(answer)) == b"{}"


@every_ask
@pytest.mark.parametrize(
    ("begin", "flood"),
    [
        (b"", b"\r\n"),
        (HEAD, b"a: " + b"x" * 2_000 + b"\r\n"),
        (CHUNKED + b"1;", b"a=b;"),
        (CHUNKED, b"0"),
        (CHUNKED + b"1\r\nx\r\n", b"1;" + b"a" * 2_000 + b"\r\nx\r\n"),
    ],
    ids=["empty lines", "headers", "extension", "zeros", "extensions"],
)
async def test_too_much_around_an_answer_is_left(  # noqa: PLR0913
    session: aiohttp.ClientSession,
    serve: Serve,
    peer: Peer,
    ask: Ask,
    begin: bytes,
    flood: bytes,
) -> None:
    many = flood * (8_192 // len(flood))

    async def answer(writer: asyncio.StreamWriter) -> None:
        await peer.write(writer, begin)
        while peer.written < MANY:
            await peer.write(writer, many)
            await asyncio.sleep(0)

    with pytest.raises(PeerError, match="around the answer"):
        await ask(session, await serve(answer))
    await peer.gone.wait()

    assert peer.written < MANY


async def test_a_little_around_an_answer_is_read_over(
    session: aiohttp.ClientSession, serve: Serve, peer: Peer
) -> None:
    crumbs = b"1;" + b"a" * 60 + b"\r\nx\r\n"
    count = MOST_FRAMING // len(crumbs) - 10

    async def answer(writer: asyncio.StreamWriter) -> None:
        await peer.write(writer, CHUNKED + crumbs * count + b"0\r\n\r\n")

    assert await fetch(session, await serve(answer)) == b"x" * count


@pytest.mark.parametrize("unasked", [WHOLE * 100, b"\r\n"], ids=["answers", "line"])
@pytest.mark.parametrize("together", [True, False])
async def test_who_says_what_nobody_asked_is_hung_up_on(
    session: aiohttp.ClientSession,
    serve: Serve,
    peer: Peer,
    unasked: bytes,
    *,
    together: bool,
) -> None:
    heard = asyncio.Event()

    async def answer(writer: asyncio.StreamWriter) -> None:
        await peer.write(writer, WHOLE + (unasked if together else b""))
        await heard.wait()
        while peer.written < MANY:
            await peer.write(writer, unasked)
            await asyncio.sleep(0)

    member = await serve(answer)
    assert await fetch(session, member) == b"{}"
    heard.set()
    async with asyncio.timeout(20):
        await peer.gone.wait()

    assert peer.written < MAX_REFUSAL


async def test_an_answer_to_nothing_answers_nothing_later(
    session: aiohttp.ClientSession,
) -> None:
    is_heard, lines = asyncio.Event(), 0

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        nonlocal lines
        lines += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(WHOLE[:-2])
        await is_heard.wait()
        writer.write(b"{}" + WHOLE)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    for _ in range(2):
        async with session.get(url) as response:
            is_heard.set()
            assert await response.read() == b"{}"
    server.close()

    assert lines == 2


async def test_a_line_serves_one_request_after_the_other(
    session: aiohttp.ClientSession,
) -> None:
    lines: list[asyncio.StreamWriter] = []

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        lines.append(writer)
        for _ in range(3):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(INTERIM * MOST_INTERIM + WHOLE)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    member = msgspec.structs.replace(
        world().charter.members[1], url=f"http://127.0.0.1:{port}"
    )
    for _ in range(3):
        assert await fetch(session, member) == b"{}"
    server.close()

    assert len(lines) == 1


@contextmanager
def talker(said: bytes) -> Iterator[str]:
    """Say all of that at once to whoever asks, in a thread of its own."""

    def talk() -> None:
        with suppress(OSError):
            line, _ = listening.accept()
            with line:
                line.recv(65_536)
                line.sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        talking = threading.Thread(target=talk)
        talking.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        talking.join()


LONG = CHUNKED + (b"1000\r\n" + b"x" * 4_096 + b"\r\n") * 48 + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("before", "flood", "answer"),
    [(b"", INTERIM, None), (WHOLE, WHOLE, 2), (LONG, INTERIM, 48 * 4_096)],
    ids=["interim", "answers", "behind a long answer"],
)
def test_what_comes_at_once_takes_no_time(
    before: bytes, flood: bytes, answer: int | None
) -> None:
    async def ask(url: str) -> tuple[int | None, float]:
        found: int | None = None
        async with await member_session(any_socket) as session:
            began = time.thread_time()
            with suppress(PeerError):
                data = await exchange(
                    session,
                    "b.example",
                    "GET",
                    url,
                    headers={},
                    body=None,
                    seconds=10,
                    most=MANY,
                )
                found = len(data)
            await asyncio.sleep(0.1)  # what else the line brings
        return found, time.thread_time() - began

    with talker(before + flood * (MANY // len(flood))) as url:
        found, spent = uvloop.run(ask(url))  # as a node does

    assert found == answer
    assert spent < 0.1


async def line_with(said: bytes) -> Line:
    """Let a line that waits for an answer get that in one piece."""
    made = Line(asyncio.get_running_loop())
    made.set_response_params(auto_decompress=False)
    made.data_received(said)
    return made


async def test_few_heads_are_parsed_at_once() -> None:
    began = time.thread_time()
    made = await line_with(INTERIM * 100_000)

    assert time.thread_time() - began < 0.1
    for _ in range(MOST_INTERIM):
        await made.read()
    with pytest.raises(ExcessError, match="too many interim answers"):
        await made.read()


MANY_CHUNKS = (b"200\r\n" + b"x" * 512 + b"\r\n") * 2_000


@pytest.mark.parametrize(
    ("answer", "is_closed"),
    [
        (CHUNKED + MANY_CHUNKS + b"0\r\n\r\n", False),
        (HEAD + b"content-length: 1024000\r\n\r\n" + b"x" * 1_024_000, True),
    ],
    ids=["in chunks", "closed behind it"],
)
async def test_a_reader_that_is_behind_gets_all_of_an_answer(
    answer: bytes, *, is_closed: bool
) -> None:
    made = await line_with(answer)
    if is_closed:
        made.connection_lost(None)
    _, body = await made.read()

    assert await body.read() == b"x" * 1_024_000


async def test_aiohttp_makes_its_lines_as_it_is_told(
    serve: Serve, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Line] = []

    class Counted(Line):
        def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
            super().__init__(loop)
            made.append(self)

    async def answer(writer: asyncio.StreamWriter) -> None:
        await peer.write(writer, WHOLE)

    monkeypatch.setattr(line, "Line", Counted)
    async with await member_session(any_socket) as session:
        await fetch(session, await serve(answer))

    assert made, "aiohttp has another name for what makes its lines: see line.guard"


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
