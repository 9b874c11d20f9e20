# SPDX-License-Identifier: Apache-2.0
"""Post sealed packages to a partner's https address, signed.

The signature (RFC 9421) is by the key that signs packages, whose fingerprint the
partner has from the telephone; it covers the body, the host it is meant for and the
idempotency key. No redirect is followed, and of an answer only the beginning is read.
"""

import asyncio
import secrets
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.casework.keys import key_fingerprint
from fedsafe_federation.exchange.signed_requests import Request, sign_request
from fedsafe_federation.wire.line import guard
from fedsafe_federation.wire.tls import client_context, flaw
from fedsafe_node.casework.transports.errors import Fault, SendingError
from fedsafe_node.casework.transports.hosts import CONNECT, permitted
from fedsafe_node.casework.transports.parcels import (
    MEDIA_TYPES,
    Handed,
    Parcel,
    name_of,
    proof_of,
)
from fedsafe_node.ground.carrier_settings import WebhookSending
from fedsafe_node.ground.clock import Clock
from fedsafe_policies.escalation.channels import WebhookChannel

TAG: Final = "fedsafe-case-v1"
"""The tag of these signatures: none of them is one of a member's request."""
COVERED: Final = ("idempotency-key", "content-type")
WITHIN: Final = 60.0
"""Seconds that one package may take in all."""
_ANSWER_WITHIN: Final = 5.0
_MOST_ANSWER: Final = 2_048
_MOST_HEADERS: Final = 8_190
_TAKEN: Final = range(200, 300)
_ELSEWHERE: Final = range(300, 400)
_LATER: Final = frozenset({408, 425, 429, *range(500, 600)})


class WebhookCarrier:
    """Posts packages. Owned by the event loop."""

    def __init__(  # noqa: PLR0913 - what a test sets otherwise
        self,
        settings: WebhookSending,
        directory: Path,
        inside: tuple[str, ...],
        clock: Clock,
        signer: Callable[[], SigningKey],
        *,
        within: float = WITHIN,
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._inside = inside
        self._clock = clock
        self._signer = signer
        self._within = within

    async def carry(self, parcel: Parcel, channel: WebhookChannel) -> Handed:
        """Post a package; only an answer of 2xx is a hand-over.

        Raises:
            SendingError: it was not taken, or nobody knows.
        """
        url = URL(channel.url)
        host, port = url.host or "", url.port or 0
        addresses = await permitted(host, port, self._inside)
        context = None if url.scheme == "http" else await asyncio.to_thread(self._tls)
        course = _Course()
        try:
            async with (
                asyncio.timeout(self._within),
                _session(addresses, context, course) as session,
                session.post(
                    url,
                    data=parcel.data,
                    headers=self._headers(parcel, url),
                    allow_redirects=False,
                ) as response,
            ):
                return await _judged(response, name_of(parcel))
        except (OSError, aiohttp.ClientError, ValueError) as error:
            raise _told(error, course) from None

    def _headers(self, parcel: Parcel, url: URL) -> dict[str, str]:
        key = self._signer()
        headers = {
            "Content-Type": MEDIA_TYPES[parcel.sealing],
            "Idempotency-Key": f'"{parcel.dispatch}"',
        }
        return dict(
            sign_request(
                Request("POST", str(url), headers),
                body=parcel.data,
                signer=key_fingerprint(key.public),
                destination=url.host or "",
                key=key,
                now=self._clock.now(),
                nonce=secrets.token_urlsafe(16),
                tag=TAG,
                also=COVERED,
            )
        )

    def _tls(self) -> ssl.SSLContext:
        settings, at = self._settings, self._directory
        try:
            context = client_context(None if settings.ca is None else at / settings.ca)
            if settings.certificate is not None and settings.key is not None:
                # Without a password OpenSSL would ask for one, at the terminal.
                context.load_cert_chain(
                    at / settings.certificate, at / settings.key, password=""
                )
        except (OSError, ValueError):
            raise SendingError(
                Fault.MISCONFIGURED, "certificate, key or ca cannot be used"
            ) from None
        return context


class _Course:
    """How far a request came."""

    def __init__(self) -> None:
        self.is_given = False

    def trace(self) -> aiohttp.TraceConfig:
        """Learn of the first byte of the body that goes."""

        async def sent(
            _session: aiohttp.ClientSession,
            _context: SimpleNamespace,
            _params: aiohttp.TraceRequestChunkSentParams,
        ) -> None:
            self.is_given = True

        traced = aiohttp.TraceConfig()
        traced.on_request_chunk_sent.append(sent)
        return traced


class _Pinned(AbstractResolver):
    """Knows the addresses that were checked, and no others."""

    def __init__(self, addresses: list[str]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: int = 0
    ) -> list[ResolveResult]:
        """Return them."""
        del family
        return [
            ResolveResult(
                hostname=host, host=each, port=port, family=0, proto=0, flags=0
            )
            for each in self._addresses
        ]

    async def close(self) -> None:
        """Hold nothing."""


def _session(
    addresses: list[str], context: ssl.SSLContext | None, course: _Course
) -> aiohttp.ClientSession:
    connector = guard(
        aiohttp.TCPConnector(
            resolver=_Pinned(addresses), ssl=True if context is None else context
        )
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
        trust_env=False,
        auto_decompress=False,
        max_line_size=_MOST_HEADERS,
        max_field_size=_MOST_HEADERS,
        trace_configs=[course.trace()],
    )


async def _judged(response: aiohttp.ClientResponse, name: str) -> Handed:
    """Take an answer by its status; what else it says is read as far as it is short."""
    status = response.status
    if status in _TAKEN:
        return Handed(proof_of(f"{status} {await _beginning(response)}"), name)
    if status in _ELSEWHERE:
        raise SendingError(Fault.REFUSED, f"{status}: it sends elsewhere")
    raise SendingError(Fault.REFUSED, f"it answers {status}", retry=status in _LATER)


async def _beginning(response: aiohttp.ClientResponse) -> str:
    try:
        async with asyncio.timeout(_ANSWER_WITHIN):
            read = await response.content.read(_MOST_ANSWER)
    except (OSError, aiohttp.ClientError):
        return ""
    return read.decode("ascii", "replace")


def _told(error: Exception, course: _Course) -> SendingError:
    """Say what went wrong by how far the request came."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return SendingError(Fault.UNTRUSTED, flaw(error.certificate_error))
    if any(_is_alert(each) for each in _chain(error)):
        return SendingError(Fault.REFUSED, "it refuses this node's certificate")
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return SendingError(Fault.UNTRUSTED, "it speaks no TLS that can be trusted")
    if course.is_given:
        return SendingError(Fault.IN_DOUBT, "no answer came after the package went")
    return SendingError(Fault.UNREACHABLE, "it does not answer, or not in time")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Give an error and those that led to it."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def _is_alert(error: BaseException) -> bool:
    """Whether the other side ended TLS; under 1.3 it shows at the first read."""
    reason = error.reason if type(error) is ssl.SSLError else None
    return "ALERT" in (reason or "").upper()
