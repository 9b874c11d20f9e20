# SPDX-License-Identifier: Apache-2.0
"""How this node reaches others: what protects a connection, and what bounds it.

Members are asked over TLS 1.3, or in plain HTTP on loopback. A provider of identities
is the operator's own choice and may speak TLS 1.2; so may partners, mail and SFTP
servers (`sending`), which are not of the federation.
"""

import asyncio
import ssl
from functools import cache
from typing import Final

import aiohttp

_CONNECTIONS: Final = 256
_CONNECTIONS_TO_ONE: Final = 32  # a member that answers slowly holds up no other


@cache
def member_tls() -> ssl.SSLContext:
    """Make what protects a connection to a member; reads the trusted authorities."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


async def member_session() -> aiohttp.ClientSession:
    """Open the session that asks members; the caller closes it."""
    connector = aiohttp.TCPConnector(
        limit=_CONNECTIONS,
        limit_per_host=_CONNECTIONS_TO_ONE,
        ssl=await asyncio.to_thread(member_tls),
    )
    return _session(connector)


def provider_session() -> aiohttp.ClientSession:
    """Open the session that asks the provider of identities; the caller closes it."""
    return _session(aiohttp.TCPConnector(limit_per_host=_CONNECTIONS_TO_ONE))


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
    )
