# SPDX-License-Identifier: Apache-2.0
"""For whom a proxy asks: the address of a client behind one that the node trusts.

Anybody can write a header, so it counts only on a connection from a listed proxy, and
only the one header that this proxy is known to write: another one passes through it as
the client wrote it. Each hop appends the address that it was asked from, so the list is
read from its end: listed proxies are passed over, and the first other address is the
client. What stands before that one is the client's own word and is not looked at.

What cannot be read ends the search at the nearest hop that is known. So whoever hides
is counted together with all that come by that proxy, and never as somebody else.
"""

import re
from collections.abc import Iterator, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

from aiohttp import web

from fedsafe_node.ground.config import Listen

_RFC_7239: Final = "Forwarded"
MOST_HOPS: Final = 16
_PORT: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?")
_PAIR: Final = re.compile(
    r"""\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)=(?:"([^"\\]*)"|([^\s";,]+))\s*"""
)
_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network


class Proxies:
    """The proxies in front of a listener, and the header in which they name clients."""

    __slots__ = ("_header", "_networks")

    def __init__(self, listen: Listen | None = None) -> None:
        texts: Sequence[str] = () if listen is None else listen.proxies
        self._networks = tuple(_network(each) for each in texts)
        self._header = "" if listen is None else listen.forwarded

    def client(self, request: web.Request) -> str | None:
        """Return the address of whoever asks; None if a proxy names nobody.

        It is the other end's own, unless that is a listed proxy.
        """
        peer = request.remote
        if not self._networks or peer is None:
            return peer
        nearest = _address(peer)
        if nearest is None or not self._trusts(nearest):
            return peer
        for text in self._hops(request):
            found = _address(text)
            if found is None:
                break
            nearest = found
            if not self._trusts(found):
                break
        return str(nearest)

    def speaks_for(self, request: web.Request) -> bool:
        """Whether the other end is a listed proxy."""
        if not self._networks or request.remote is None:
            return False
        found = _address(request.remote)
        return found is not None and self._trusts(found)

    def _trusts(self, address: _Address) -> bool:
        return any(address in network for network in self._networks)

    def _hops(self, request: web.Request) -> Iterator[str]:
        """Yield what hops were asked from, the nearest first."""
        # No address holds a comma. So what a client opened a quotation mark for cannot
        # swallow what the proxy has appended.
        parts = ",".join(request.headers.getall(self._header, ())).split(",")
        for part in parts[: -MOST_HOPS - 1 : -1]:
            yield _for_in(part) if self._header == _RFC_7239 else part.strip()


def _for_in(element: str) -> str:
    """Return what an element of RFC 7239 says after `for=`; "" if it is malformed."""
    said = ""
    for pair in element.split(";"):
        found = _PAIR.fullmatch(pair)
        if found is None:
            return ""
        if found[1].lower() == "for":
            if said:
                return ""
            said = found[2] or found[3] or ""
    return said


def _address(text: str) -> _Address | None:
    """Read an address, perhaps with a port; None if it is none."""
    found = _PORT.fullmatch(text)
    bare = text if found is None else found[1] or found[2]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def _network(text: str) -> _Network:
    return ip_network(text, strict=True)
