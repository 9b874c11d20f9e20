# SPDX-License-Identifier: Apache-2.0
"""The way to a provider of identities: HTTPS, bounded, without redirects."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from fedsafe_federation.wire.line import guard
from fedsafe_node.ground.errors import IdentityError
from fedsafe_node.people.id_tokens import Provider, read_provider

_MOST_BYTES: Final = 256 * 1024
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
_OK: Final = 200
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def is_safe(url: str) -> bool:
    """Whether a request to it is private: https, or http that stays on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in _LOOPBACK
    )


def provider_session() -> aiohttp.ClientSession:
    """Open the session that asks the provider; the caller closes it.

    Where the provider is, and whether it speaks TLS 1.3, is the operator's choice.
    """
    return aiohttp.ClientSession(
        connector=guard(aiohttp.TCPConnector()),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


class ProviderWeb:
    """Asks a provider of identities, over a session of their own."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def get(self, url: str) -> bytes:
        """Get a document.

        Raises:
            IdentityError: no safe address, no answer in time, or none that fits.
        """
        return await self._ask("GET", url, None)

    async def post(self, url: str, form: Mapping[str, str]) -> bytes:
        """Post a form and return the answer; errors as for `get`."""
        return await self._ask("POST", url, form)

    async def _ask(
        self, method: str, url: str, form: Mapping[str, str] | None
    ) -> bytes:
        if not is_safe(url):
            raise IdentityError("address")
        try:
            async with self._session.request(
                method, url, data=form, timeout=_TIMEOUT, allow_redirects=False
            ) as response:
                body = await response.content.read(_MOST_BYTES + 1)
                while len(body) <= _MOST_BYTES and not response.content.at_eof():
                    body += await response.content.read(_MOST_BYTES + 1 - len(body))
        except (aiohttp.ClientError, TimeoutError, ValueError):
            raise IdentityError("unreachable") from None
        if response.status != _OK or len(body) > _MOST_BYTES:
            raise IdentityError("answer")
        return body


async def discover(web: ProviderWeb, issuer: str) -> Provider:
    """Ask a provider what it says of itself.

    Raises:
        IdentityError: it does not answer, or what it says cannot be used; `why` is
            `unreachable`, `answer`, `discovery`, `issuer`, `pkce` or `address`.
    """
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    provider = read_provider(await web.get(url), issuer)
    ends = (provider.authorization_endpoint, provider.token_endpoint, provider.jwks_uri)
    if not all(map(is_safe, ends)):
        raise IdentityError("address")
    return provider
