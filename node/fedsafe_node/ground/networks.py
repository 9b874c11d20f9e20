# SPDX-License-Identifier: Apache-2.0
"""Where a connection of this node may lead, whoever named the address.

A member's address comes from its card, a partner's from whoever enters it: either could
else make the node knock at doors of its own network. So both lead to the Internet, and
to inner networks that `node.toml` names (`peering.inside`, `sending.inside`). The
address that is connected to is judged, whatever name, number or redirect led there, and
no name can lead elsewhere a moment later. A demonstration's members are all on one
machine: a node whose name ends in `.demo` may reach them on loopback.

Witnesses are asked as members are. What the operator enters in `node.toml` leads where
it says: mail servers, a database, a provider of identities.
"""

import socket
from collections.abc import Callable, Sequence
from ipaddress import (
    IPv4Address,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import msgspec

from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.gate import DEMO_SUFFIX

if TYPE_CHECKING:
    from aiohttp import AddrInfoType

WANT_NETWORKS: Final = Phrase("want networks such as 10.1.2.0/24")
_IPV4: Final = 4
LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address inside
_TRANSLATED_INSIDE: Final = IPv6Network("64:ff9b:1::/48")  # RFC 8215: a house's own
_ASSIGNED: Final = ip_network("192.0.0.0/24")  # RFC 6890; clouds keep secrets there

Address = IPv4Address | IPv6Address
Networks = Annotated[tuple[str, ...], msgspec.Meta(max_length=32)]


class Peering(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where members may be met.

    `inside` are the only networks of this house, its loopback included, to which
    members' addresses may lead.
    """

    inside: Networks = ()


def are_networks(texts: Sequence[str]) -> bool:
    """Whether each text is a network such as 10.1.2.0/24."""
    try:
        return all(ip_network(each) is not None for each in texts)
    except ValueError:
        return False


def is_broad(text: str) -> bool:
    """Whether a network is so wide that naming it permits nearly every address.

    The widest that a house has are 10.0.0.0/8 and fc00::/7.
    """
    network = ip_network(text)
    return network.prefixlen < (8 if network.version == _IPV4 else 7)


def has_port(url: str) -> bool:
    """Whether a URL names no port, or one that there is."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def member_networks(name: str, peering: Peering) -> tuple[str, ...]:
    """Give the inner networks in which a node may meet members."""
    return (*peering.inside, *(LOOPBACK if name.endswith(DEMO_SUFFIX) else ()))


def is_allowed(address: str, inside: Sequence[str]) -> bool:
    """Whether an address is of the Internet, or in a network that is named."""
    plain = _plain(ip_address(address.partition("%")[0]))
    if any(plain in ip_network(each) for each in inside):
        return True
    if isinstance(plain, IPv6Address) and (
        plain.is_site_local or plain in _TRANSLATED_INSIDE
    ):
        return False
    if plain in _ASSIGNED:
        return False
    return plain.is_global and not plain.is_multicast and not plain.is_reserved


def leads_inside(url: str, inside: Sequence[str]) -> bool:
    """Whether a URL says by itself that it leads into a network that is not named.

    Another name is judged only when it is resolved, each time it is connected to.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host.rpartition(".")[2] == "localhost":  # RFC 6761: it is loopback, always
        return not any(is_allowed(each, inside) for each in ("127.0.0.1", "::1"))
    try:
        # Numbers as every resolver reads them: 127.1, 0x7f000001, 2130706433.
        address = host if ":" in host else socket.inet_ntoa(socket.inet_aton(host))
        return not is_allowed(address, inside)
    except (OSError, ValueError):
        return False


def is_inside(url: str, inside: Sequence[str]) -> bool:
    """Whether a URL leads, as its name is resolved now, to no permitted address.

    It waits for the resolver. Of a name that has no address nothing is known.
    """
    parts = urlsplit(url)
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError):
        return False
    return not any(is_allowed(str(entry[4][0]), inside) for entry in found)


def permitted_sockets(
    inside: Sequence[str],
) -> Callable[["AddrInfoType"], socket.socket]:
    """Make the sockets of sessions that connect to permitted addresses only."""
    # Slow to load, and the settings above are read by programs that ask nobody.
    from fedsafe_federation.exchange.transfer import InnerAddressError  # noqa: PLC0415

    def make(found: "AddrInfoType") -> socket.socket:
        family, type_, proto, _, address = found
        if not is_allowed(str(address[0]), inside):
            raise InnerAddressError
        return socket.socket(family, type_, proto)

    return make


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
