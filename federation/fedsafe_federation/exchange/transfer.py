# SPDX-License-Identifier: Apache-2.0
"""Send one request to a member and read its answer, whatever it is.

Answers are bounded in size and in time from the first byte to the last, and are judged
by their bytes, not by what their headers say. Nothing is unpacked, and redirects are
not followed: a member is where the charter says. What is said beside an answer, before
or behind it is bounded as well (`wire.line`). A large answer may be taken in pieces as
it comes, so that it is left at the first that does not fit. Members are asked over TLS
1.3, or in plain HTTP on loopback, and only where the node lets a connection lead.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Annotated, Final, NoReturn

import aiohttp
import msgspec
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from fedsafe_federation.errors import (
    FederationError,
    InnerNetworkError,
    MalformedError,
    PeerError,
    PeerRefusedError,
    PeerUnreachableError,
)
from fedsafe_federation.exchange.handshake import SPEAKS
from fedsafe_federation.wire.line import ExcessError, guard, is_interim
from fedsafe_federation.wire.tls import client_context
from fedsafe_federation.wire.wireformat import decode

PIECE: Final = 256 * 1024
"""So many bytes of an answer are taken at once."""
_FIRST_PIECE: Final = 4_096
MAX_REFUSAL: Final = 16 * 1024
"""So much of an answer that says no is read; a page of a proxy may be longer."""
_CONNECTIONS: Final = 256
_CONNECTIONS_TO_ONE: Final = 32  # a member that answers slowly holds up no other
_DAY_MS: Final = 24 * 60 * 60 * 1_000
_UNPACKED: Final = {"accept-encoding": "identity"}
_UNBOUNDED: Final = aiohttp.ClientTimeout()
_FAILED: Final = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)


class _ProblemSaid(msgspec.Struct):
    code: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,64}$(?!\n)")] = "unknown"
    retry_after_ms: Annotated[int, msgspec.Meta(ge=0, le=_DAY_MS)] | None = None


Take = Callable[[bytes], Awaitable[None]]
"""Takes the next piece of an answer, or raises what is wrong with it."""


class InnerAddressError(OSError):
    """A socket is asked for that may not lead where the address is."""

    def __init__(self) -> None:
        super().__init__("an inner network that is not named")


MakeSocket = Callable[[aiohttp.AddrInfoType], socket.socket]
"""Makes the socket for an address, or raises `InnerAddressError`."""


@cache
def member_tls() -> ssl.SSLContext:
    """Make what protects a connection to a member; reads the trusted authorities."""
    context = client_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


async def member_session(make_socket: MakeSocket) -> aiohttp.ClientSession:
    """Open a session that asks members; the caller closes it.

    *make_socket* is asked for each address, however that was found, as the last step
    before the connection: no name can lead elsewhere in between.
    """
    return aiohttp.ClientSession(
        connector=guard(
            aiohttp.TCPConnector(
                limit=_CONNECTIONS,
                limit_per_host=_CONNECTIONS_TO_ONE,
                ssl=await asyncio.to_thread(member_tls),
                socket_factory=make_socket,
            )
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=_UNBOUNDED,  # `_answered` bounds all of it by one clock
        trust_env=False,
    )


Heard = Callable[[str, str], None]
"""Is told what a member says of itself beside its answer."""


def deaf(peer: str, text: str) -> None:
    """Leave aside what a member says of itself."""
    del peer, text


async def exchange(  # noqa: PLR0913 - one exchange has so many parts
    session: aiohttp.ClientSession,
    peer: str,
    method: str,
    url: str,
    *,
    headers: dict[str, str],
    body: bytes | None,
    seconds: float,
    most: int,
    heard: Heard = deaf,
) -> bytes:
    """Send one request and read a bounded answer.

    Raises:
        PeerUnreachableError: no whole answer in time.
        PeerRefusedError: the answer is not 2xx.
        PeerError: the answer is too large, or packed.
    """
    status, data = await converse(
        session,
        peer,
        method,
        url,
        headers=headers,
        body=body,
        seconds=seconds,
        most=most,
        heard=heard,
    )
    if not _is_good(status):
        raise _refused(peer, status, data)
    return data


async def receive(  # noqa: PLR0913 - one exchange has so many parts
    session: aiohttp.ClientSession,
    peer: str,
    method: str,
    url: str,
    *,
    headers: dict[str, str],
    body: bytes | None,
    seconds: float,
    most: int,
    take: Take,
    heard: Heard = deaf,
) -> None:
    """Send one request, and let its bounded answer be taken in pieces as it comes.

    Whatever *take* raises ends the exchange.

    Raises:
        PeerUnreachableError: no whole answer in time.
        PeerRefusedError: the answer is not 2xx.
        PeerError: the answer is too large, or packed.
    """
    async with _answered(
        session, peer, method, url, headers=headers, body=body, seconds=seconds
    ) as response:
        if not _is_good(response.status):
            data = await _read_refusal(response)
            raise _refused(peer, response.status, data)
        await _hand_over(response, peer, most, take)
    if SPEAKS in response.headers:
        heard(peer, response.headers[SPEAKS])


async def converse(  # noqa: PLR0913 - one exchange has so many parts
    session: aiohttp.ClientSession,
    peer: str,
    method: str,
    url: str,
    *,
    headers: dict[str, str],
    body: bytes | None,
    seconds: float,
    most: int,
    heard: Heard = deaf,
) -> tuple[int, bytes]:
    """Send one request and give status and body of a bounded answer, whatever it says.

    Raises:
        InnerNetworkError: the session may not connect to where the address leads.
        PeerUnreachableError: no whole answer in time.
        PeerError: the answer is too large, or packed.
    """
    async with _answered(
        session, peer, method, url, headers=headers, body=body, seconds=seconds
    ) as response:
        if _is_good(response.status):
            data = await _read(response, peer, most)
        else:
            data = await _read_refusal(response)
    if SPEAKS in response.headers:
        heard(peer, response.headers[SPEAKS])
    return response.status, data


class Destination:
    """Where POST requests go again and again: what is the same in each of them."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        """Take the URL, and headers that each request has; needs the event loop."""
        self.request = aiohttp.ClientRequest(
            "POST",
            URL(url),
            headers={**headers, **_UNPACKED},
            loop=asyncio.get_running_loop(),
        )
        fields = [
            f"{name}: {value}"
            for name, value in self.request.headers.items()
            if name.lower() != "content-length"
        ]
        line = f"POST {self.request.url.raw_path_qs} HTTP/1.1"
        self._head = "\r\n".join([line, *fields, ""])

    def message(self, said: str | None, body: bytes) -> bytes:
        """Write a request with *body*, and what the node says of itself."""
        more = "" if said is None else f"{SPEAKS}: {said}\r\n"
        head = f"{self._head}{more}content-length: {len(body)}\r\n\r\n"
        return head.encode("ascii") + body


async def post(  # noqa: PLR0913 - one exchange has so many parts
    session: aiohttp.ClientSession,
    peer: str,
    to: Destination,
    body: bytes,
    *,
    said: str | None,
    seconds: float,
    most: int,
    heard: Heard,
) -> bytes:
    """Send one request and read a bounded answer, as `exchange` does, in fewer steps.

    Lookups wait for it, and make it more often than all others. The session's lines
    are the same, their bounds and TLS with them; only aiohttp's objects for a request
    and its answer are left out, which cost more than all that is in them.

    Raises:
        PeerUnreachableError: no whole answer in time.
        PeerRefusedError: the answer is not 2xx.
        PeerError: the answer is too large, or packed.
    """
    try:
        if session.connector is None:
            raise aiohttp.ClientConnectionError("the session is closed")
        async with asyncio.timeout(seconds):
            line = await session.connector.connect(to.request, [], _UNBOUNDED)
            try:
                request = to.message(said, body)
                status, data = await _swap(peer, line, request, most, heard)
            except BaseException:
                line.close()
                raise
            line.release()
    except _FAILED as error:
        raise _explained(peer, error) from None
    if not _is_good(status):
        raise _refused(peer, status, data)
    return data


async def _swap(
    peer: str, line: Connection, request: bytes, most: int, heard: Heard
) -> tuple[int, bytes]:
    protocol, transport = line.protocol, line.transport
    if protocol is None or transport is None or transport.is_closing():
        raise aiohttp.ClientConnectionError("the line is closed")
    protocol.set_response_params(read_until_eof=True, auto_decompress=False)
    transport.write(request)
    head, content = await protocol.read()
    while is_interim(head.code):  # a line takes few of them
        head, content = await protocol.read()
    status = head.code
    _refuse_packed(peer, head.headers)
    bound = most if _is_good(status) else MAX_REFUSAL
    data = bytearray()
    while not content.at_eof():
        data += await content.readany()
        if len(data) > bound:
            break
    if len(data) > bound and _is_good(status):
        raise PeerError(peer, "the answer is too large")
    if SPEAKS in head.headers:
        heard(peer, head.headers[SPEAKS])
    # Of what is no refusal of ours nothing is read on: the line ends with it.
    return status, b"" if len(data) > bound else bytes(data)


class _NotTakenError(Exception):
    """What took the answer has failed; its cause says how."""


@asynccontextmanager
async def _answered(  # noqa: PLR0913 - one exchange has so many parts
    session: aiohttp.ClientSession,
    peer: str,
    method: str,
    url: str,
    *,
    headers: dict[str, str],
    body: bytes | None,
    seconds: float,
) -> AsyncIterator[aiohttp.ClientResponse]:
    try:
        async with (
            asyncio.timeout(seconds),
            session.request(
                method,
                url,
                data=body,
                headers={**headers, **_UNPACKED},
                allow_redirects=False,
                auto_decompress=False,
            ) as response,
        ):
            _refuse_packed(peer, response.headers)
            yield response
    except _FAILED as error:
        raise _explained(peer, error) from None
    except _NotTakenError as error:
        _raise_cause(error)


def _refuse_packed(peer: str, headers: Mapping[str, str]) -> None:
    coding = headers.get("content-encoding", "identity")
    if coding.lower() != "identity":
        raise PeerError(peer, "the answer is packed")


def _explained(peer: str, error: Exception) -> PeerError:
    """Say in our own words why there is no usable answer."""
    if isinstance(error, TimeoutError):
        return PeerUnreachableError(peer, "no answer in time")
    if isinstance(error, ExcessError):
        return PeerError(peer, str(error))
    if isinstance(error, aiohttp.ClientResponseError | HttpProcessingError):
        return PeerError(peer, "the answer is no HTTP")
    if _is_inner(error):
        return InnerNetworkError(peer)
    return PeerUnreachableError(peer, type(error).__name__)


def _raise_cause(error: Exception) -> NoReturn:
    raise error.__cause__ or error


def _is_good(status: int) -> bool:
    return 200 <= status < 300  # noqa: PLR2004 - the class of success


def _is_inner(error: Exception) -> bool:
    """Whether no address was left that may be connected to."""
    if not isinstance(error, aiohttp.ClientConnectorError):
        return False
    return isinstance(error.os_error, InnerAddressError)


async def _read(response: aiohttp.ClientResponse, peer: str, most: int) -> bytes:
    pieces: list[bytes] = []

    async def keep(piece: bytes) -> None:
        pieces.append(piece)

    await _hand_over(response, peer, most, keep)
    return b"".join(pieces)


async def _read_refusal(response: aiohttp.ClientResponse) -> bytes:
    held = bytearray()
    async for part in response.content.iter_chunked(MAX_REFUSAL):
        held += part
        if len(held) > MAX_REFUSAL:
            return b""  # none of ours
    return bytes(held)


async def _hand_over(
    response: aiohttp.ClientResponse, peer: str, most: int, take: Take
) -> None:
    size, held = 0, bytearray()
    async for part in response.content.iter_any():
        size += len(part)
        if size > most:
            raise PeerError(peer, "the answer is too large")
        held += part
        # Little of it shows already what is no answer at all.
        if len(held) >= PIECE or len(held) == size >= _FIRST_PIECE:
            await _let(take, held)
    if held:
        await _let(take, held)


async def _let(take: Take, held: bytearray) -> None:
    piece = bytes(held)
    held.clear()
    try:
        await take(piece)
    except FederationError:
        raise
    except Exception as error:
        # Nothing that the line is to blame for, whatever kind it is of.
        raise _NotTakenError from error


def _refused(peer: str, status: int, data: bytes) -> PeerRefusedError:
    try:
        said = decode(data, _ProblemSaid)
    except MalformedError:
        said = _ProblemSaid()
    wait = said.retry_after_ms
    after = None if wait is None else wait / 1_000
    return PeerRefusedError(peer, status, said.code, retry_after=after)
