# SPDX-License-Identifier: Apache-2.0
"""Hand codes to the provider's hook, which delivers them to phone numbers.

The hook is a small HTTP service of the provider in front of its gateway for short
messages. Each request is signed (RFC 9421, hmac-sha256, tag `fedsafe-code-v1`) with a
secret that both keep in a file, and names what it is by a nonce that all its attempts
share; the answer repeats the nonce. Nothing else that an answer says is read: no
redirect is followed, and no number, text or answer is logged, kept or shown.
"""

import asyncio
import secrets
import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum, auto, unique
from pathlib import Path
from typing import Final, Literal

import aiohttp
import msgspec
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver
from http_message_signatures.algorithms import HMAC_SHA256

from fedsafe_federation.exchange.signed_requests import Request
from fedsafe_federation.wire.line import guard
from fedsafe_federation.wire.tls import client_context
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import ConfigError
from fedsafe_node.ground.mail_settings import Phone
from fedsafe_policies.ground.catalogue import Phrase

TAG: Final = "fedsafe-code-v1"
"""The tag of these signatures: none of them is another request's."""
COVERED: Final = ("@method", "@path", "content-type", "content-digest")
KEPT: Final = timedelta(minutes=5)
"""For so long the hook may still deliver what it has accepted."""
SHORTEST_SECRET: Final = 32
WITHIN: Final = 15.0
"""Seconds that one code may take in all."""
ATTEMPT: Final = 5.0
ATTEMPTS: Final = 3
UNDER_WAY: Final = 8
_PAUSE: Final = 0.4  # seconds before the second attempt, and twice that before a third
_CONNECT: Final = 3.0
_MOST_ANSWER: Final = 1_024
_MOST_HEADERS: Final = 8_190
_MOST_SECRET: Final = 1_024
_OK: Final = 200
_REFUSES_SIGNATURE: Final = frozenset({401, 403})
_BUSY: Final = frozenset({425, 429, *range(500, 600)})


@unique
class Outcome(StrEnum):
    """What became of a code, as the hook says it, or as its silence is taken.

    `refused` is said of a number that the gateway does not serve; `unsigned` says that
    the hook does not take the signature; `unclear` is every answer that is none.
    """

    ACCEPTED = auto()
    REFUSED = auto()
    BUSY = auto()
    UNREACHABLE = auto()
    UNTRUSTED = auto()
    UNSIGNED = auto()
    UNCLEAR = auto()


_AGAIN: Final = frozenset({Outcome.BUSY, Outcome.UNREACHABLE})


@dataclass(frozen=True, slots=True)
class ShortMessage:
    """A text to a number in E.164; neither is shown."""

    to: str = field(repr=False)
    text: str = field(repr=False)


class _Asked(msgspec.Struct, omit_defaults=True):
    """What the hook is asked; a `ping` has neither number nor text."""

    act: Literal["send", "ping"]
    request: str
    expires_at: str
    to: str | None = None
    text: str | None = None


class _Answer(msgspec.Struct):
    """What the hook answers; what else stands in it is left aside."""

    request: str
    outcome: Literal["accepted", "refused", "busy"]


class _Secret(HTTPSignatureKeyResolver):
    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def resolve_private_key(self, key_id: str) -> bytes:
        del key_id
        return self._secret


class Hook:
    """Asks the provider's hook. Owned by the event loop."""

    def __init__(
        self, settings: Phone, directory: Path, node: str, clock: Clock
    ) -> None:
        self.settings = settings
        self._directory = directory
        self._node = node
        self._clock = clock
        self._attempt = ATTEMPT
        self._under_way = 0

    async def send(self, message: ShortMessage) -> Outcome:
        """Hand a code to the hook, in at most `ATTEMPTS` attempts under one nonce.

        Raises:
            ConfigError: the secret or the file of authorities cannot be used.
        """
        asked = self._asked("send")
        asked.to, asked.text = message.to, message.text
        return await self._ask(asked)

    async def ping(self, secret: bytes | None = None) -> Outcome:
        """Ask without number or text whether the hook is there and takes the signature.

        With a *secret* that is not the shared one, the hook has to refuse it.

        Raises:
            ConfigError: the secret or the file of authorities cannot be used.
        """
        return await self._ask(self._asked("ping"), secret)

    def _asked(self, act: Literal["send", "ping"]) -> _Asked:
        ends = (self._clock.now() + KEPT).isoformat(timespec="seconds")
        return _Asked(act, secrets.token_urlsafe(16), ends)

    async def _ask(self, asked: _Asked, secret: bytes | None = None) -> Outcome:
        if self._under_way >= UNDER_WAY:  # one that hangs holds up nothing else
            return Outcome.BUSY
        self._under_way += 1
        found = Outcome.UNREACHABLE
        try:
            own, context = await asyncio.to_thread(self._files)
            body, key = msgspec.json.encode(asked), own if secret is None else secret
            async with asyncio.timeout(WITHIN), _session(context) as session:
                for number in range(ATTEMPTS):
                    if number:
                        await asyncio.sleep(
                            _PAUSE * number * (1 + secrets.randbelow(2))
                        )
                    found = await self._tried(session, asked.request, body, key)
                    if found not in _AGAIN:
                        break
        except TimeoutError:
            return found
        finally:
            self._under_way -= 1
        return found

    async def _tried(
        self, session: aiohttp.ClientSession, name: str, body: bytes, secret: bytes
    ) -> Outcome:
        """Ask once. What an error says may hold what was sent: it goes nowhere."""
        url = self.settings.url
        headers = self._headers(name, body, secret)
        try:
            async with (
                asyncio.timeout(self._attempt),
                session.post(
                    url, data=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                return await _judged(response, name)
        except (
            aiohttp.ClientConnectorCertificateError,
            aiohttp.ClientConnectorSSLError,
        ):
            return Outcome.UNTRUSTED
        except (OSError, aiohttp.ClientError):  # TimeoutError is an OSError
            return Outcome.UNREACHABLE
        except ValueError:
            return Outcome.UNCLEAR

    def _headers(self, name: str, body: bytes, secret: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        request = Request("POST", self.settings.url, headers)
        now = self._clock.now()
        HTTPMessageSigner(
            signature_algorithm=HMAC_SHA256, key_resolver=_Secret(secret)
        ).sign(
            request,
            key_id=self._node,
            created=now,
            expires=now + KEPT,
            nonce=name,
            tag=TAG,
            label="fedsafe",
            covered_component_ids=COVERED[:-1],
            body=body,
        )
        return headers

    def _files(self) -> tuple[bytes, ssl.SSLContext | None]:
        """Read the secret and whom to trust; it blocks. A new secret counts at once."""
        settings, at = self.settings, self._directory
        secret = read_secret(at / settings.secret_file)
        if settings.url.startswith("http://"):
            return secret, None
        try:
            authorities = None if settings.ca is None else at / settings.ca
            return secret, client_context(authorities)
        except (OSError, ValueError):
            path = at / (settings.ca or "")
            raise ConfigError(path, Phrase("it holds no certificates")) from None


def read_secret(path: Path) -> bytes:
    """Read the secret that signs requests to the hook; it blocks.

    Raises:
        ConfigError: the file cannot be read, or what it holds is too short.
    """
    try:
        with path.open("rb") as file:
            secret = file.read(_MOST_SECRET).strip()
    except OSError:
        raise ConfigError(
            path,
            Phrase("the secret of the hook that sends codes to phones cannot be read"),
        ) from None
    if len(secret) < SHORTEST_SECRET:
        raise ConfigError(
            path,
            Phrase(
                "the secret must have at least {least} characters: make one "
                "with openssl rand -hex 32"
            ).filled(least=SHORTEST_SECRET),
        )
    return secret


def _session(context: ssl.SSLContext | None) -> aiohttp.ClientSession:
    connector = guard(aiohttp.TCPConnector(ssl=True if context is None else context))
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT),
        trust_env=False,
        auto_decompress=False,
        max_line_size=_MOST_HEADERS,
        max_field_size=_MOST_HEADERS,
    )


async def _judged(response: aiohttp.ClientResponse, name: str) -> Outcome:
    status = response.status
    if status in _REFUSES_SIGNATURE:
        return Outcome.UNSIGNED
    if status in _BUSY:
        return Outcome.BUSY
    if status != _OK:  # a redirect too: nobody else gets a number
        return Outcome.UNCLEAR
    read = bytearray()
    async for chunk in response.content.iter_any():
        read += chunk
        if len(read) > _MOST_ANSWER:
            return Outcome.UNCLEAR
    try:
        answer = msgspec.json.decode(read, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Outcome.UNCLEAR
    # Who answers without having read the question is no hook: a proxy's page, a cache.
    return Outcome(answer.outcome) if answer.request == name else Outcome.UNCLEAR
