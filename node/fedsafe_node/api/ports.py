# SPDX-License-Identifier: Apache-2.0
"""Ports at which a node listens: of one process, or shared by the processes of a node.

Linux lets all processes of a user share a port once they ask for it, those of another
node as well: each would get some of the other's calls, and no one an error. So whoever
shares a port claims it first.
"""

import asyncio
import errno
import socket
import sys

from fedsafe_node.errors import ConfigError


async def claim_port(host: str, port: int) -> list[socket.socket]:
    """Bind a port for the processes of this node, and keep other nodes from it.

    As long as the sockets are open, nobody else claims the same address: each has a
    name among the abstract Unix sockets, which are of the same network namespace as
    its ports are. Whoever listens there without a claim, at all addresses for one, is
    found by trying to have the port alone.

    Raises:
        ConfigError: an address is taken, or cannot be bound.
    """
    for alone in await bind_port(host, port):
        alone.close()
    sockets = await bind_port(host, port, shared=True)
    try:
        claims = [_claim(sock) for sock in sockets]
    except OSError as error:
        for sock in sockets:
            sock.close()
        raise unusable(f"{host}:{port}", error) from None
    return [*claims, *sockets]


def _claim(bound: socket.socket) -> socket.socket:
    address, port, *_ = bound.getsockname()
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if sys.platform == "linux":
            claim.bind(f"\0fedsafe port {address} {port}")
    except OSError:
        claim.close()
        raise
    return claim


async def bind_port(
    host: str, port: int, *, shared: bool = False
) -> list[socket.socket]:
    """Bind a port at all addresses that a host's name has.

    Where it is *shared*, other processes of this user may bind and listen as well: the
    system then deals connections out among those that listen (`claim_port`).

    Raises:
        ConfigError: an address is taken, or cannot be bound.
    """
    address = f"{host}:{port}"
    sockets: list[socket.socket] = []
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, kind, protocol, _, place in dict.fromkeys(found):
            sock = socket.socket(family, kind, protocol)
            sockets.append(sock)
            sock.settimeout(0)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            # A name with several addresses has one port, even if we may choose it.
            number = port if len(sockets) == 1 else sockets[0].getsockname()[1]
            sock.bind((place[0], number, *place[2:]))
    except OSError as error:
        for sock in sockets:
            sock.close()
        raise unusable(address, error) from None
    return sockets


def unusable(address: object, error: OSError) -> ConfigError:
    """Say why an address cannot be listened on."""
    if error.errno == errno.EADDRINUSE:
        why = "in use: stop what listens there, or choose another port"
    else:
        why = f"{error.strerror or 'cannot be listened on'}: choose another address"
    return ConfigError(address, f"{why} under [listen] in node.toml")
