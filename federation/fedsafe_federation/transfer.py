# SPDX-License-Identifier: Apache-2.0
"""Send one request to a member and read its answer, whatever it is.

Answers are bounded in size and in time from the first byte to the last, and are judged
by their bytes, not by what their headers say. Nothing is unpacked, and redirects are
not followed: a member is where the charter says. The headers of an answer are bounded
by aiohttp: 128, of 8,190 bytes each.
"""

import asyncio
from collections.abc import Callable
from typing import Annotated, Final

import aiohttp
import msgspec

from fedsafe_federation.errors import (
    MalformedError,
    PeerError,
    PeerRefusedError,
    PeerUnreachableError,
)
from fedsafe_federation.handshake import SPEAKS
from fedsafe_federation.wireformat import decode

_DAY_MS: Final = 24 * 60 * 60 * 1_000


class _ProblemSaid(msgspec.Struct):
    code: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,64}$(?!\n)")] = "unknown"
    retry_after_ms: Annotated[int, msgspec.Meta(ge=0, le=_DAY_MS)] | None = None


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
    if not 200 <= status < 300:  # noqa: PLR2004 - the class of success
        raise _refused(peer, status, data)
    return data


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
        PeerUnreachableError: no whole answer in time.
        PeerError: the answer is too large, or packed.
    """
    try:
        async with (
            asyncio.timeout(seconds),
            session.request(
                method,
                url,
                data=body,
                headers={**headers, "accept-encoding": "identity"},
                allow_redirects=False,
                auto_decompress=False,
            ) as response,
        ):
            data = await _read(response, peer, most)
    except TimeoutError:
        raise PeerUnreachableError(peer, "no answer in time") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise PeerUnreachableError(peer, type(error).__name__) from None
    if SPEAKS in response.headers:
        heard(peer, response.headers[SPEAKS])
    return response.status, data


async def _read(response: aiohttp.ClientResponse, peer: str, most: int) -> bytes:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise PeerError(peer, "the answer is packed")
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_chunked(65_536):
        size += len(part)
        if size > most:
            raise PeerError(peer, "the answer is too large")
        parts.append(part)
    return b"".join(parts)


def _refused(peer: str, status: int, data: bytes) -> PeerRefusedError:
    try:
        said = decode(data, _ProblemSaid)
    except MalformedError:
        said = _ProblemSaid()
    wait = said.retry_after_ms
    after = None if wait is None else wait / 1_000
    return PeerRefusedError(peer, status, said.code, retry_after=after)
