# SPDX-License-Identifier: Apache-2.0
"""Where a channel leads: found, judged as members' addresses are, and connected to.

A name is resolved once and only what was checked (`ground.networks`) is connected to,
so that it cannot lead elsewhere a moment later.
"""

import asyncio
import socket
from collections.abc import Sequence
from typing import Final

from fedsafe_node.casework.transports.errors import Fault, SendingError
from fedsafe_node.ground.networks import is_allowed

CONNECT: Final = 15.0
"""Seconds that a server may take to be found, or to take a connection."""


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
    allowed = [each for each in addresses if is_allowed(each, inside)]
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
