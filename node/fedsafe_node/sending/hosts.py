# SPDX-License-Identifier: Apache-2.0
"""Where a channel may lead: to the Internet, and to networks that `node.toml` names.

Whoever enters a partner could else make the node knock at doors of its own network.
A name is resolved once and only what was checked is connected to, so that it cannot
lead elsewhere a moment later.
"""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

from fedsafe_node.sending.errors import Fault, SendingError

CONNECT: Final = 15.0
"""Seconds that a server may take to be found, or to take a connection."""
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address inside

_ASSIGNED: Final = ip_network("192.0.0.0/24")  # RFC 6890; clouds keep secrets there

Address = IPv4Address | IPv6Address


async def permitted(host: str, port: int, inside: Sequence[str]) -> list[str]:
    """Resolve *host*; return those of its addresses that may be connected to.

    Raises:
        SendingError: there are none, or all lie in networks that are not named.
    """
    try:
        async with asyncio.timeout(CONNECT):
            found = await asyncio.get_running_loop().getaddrinfo(
                host, port, type=socket.SOCK_STREAM
            )
    except (OSError, UnicodeError):
        raise SendingError(Fault.UNREACHABLE, "no address is known there") from None
    addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
    allowed = [each for each in addresses if _is_allowed(each, inside)]
    if not allowed:
        raise SendingError(
            Fault.MISCONFIGURED,
            "it leads into an inner network, and sending.inside does not name that",
        )
    return allowed


async def connect(host: str, port: int, inside: Sequence[str]) -> socket.socket:
    """Connect to the first permitted address that answers.

    Raises:
        SendingError: none is permitted, or none answers.
    """
    loop = asyncio.get_running_loop()
    for address in await permitted(host, port, inside):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        line = socket.socket(family, socket.SOCK_STREAM)
        line.settimeout(0)
        try:
            async with asyncio.timeout(CONNECT):
                await loop.sock_connect(line, (address, port))
        except OSError:
            line.close()
        except BaseException:
            line.close()
            raise
        else:
            return line
    raise SendingError(Fault.UNREACHABLE, "nothing answers there")


def _is_allowed(address: str, inside: Sequence[str]) -> bool:
    plain = _plain(ip_address(address.partition("%")[0]))
    if any(plain in ip_network(each) for each in inside):
        return True
    if plain in _ASSIGNED or (isinstance(plain, IPv6Address) and plain.is_site_local):
        return False
    return plain.is_global and not plain.is_multicast and not plain.is_reserved


def _plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return (
        address.ipv4_mapped
        or address.sixtofour
        or (None if teredo is None else teredo[1])
        or address
    )
