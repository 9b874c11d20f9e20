# SPDX-License-Identifier: Apache-2.0
"""IP addresses (`ip/1`).

An IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64) is taken out;
IPv6 is cut to its /64, the smallest block that names a line. Whatever IANA's
special-purpose registries call not globally reachable is refused, for it means
another machine in every network. The ranges are pinned here because the
standard library's idea of "global" changed between patch releases.
"""

from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
)
from typing import Final
from unicodedata import normalize

from fedsafe_federation.errors import IdentifierError, IdentifierFault
from fedsafe_federation.identifiers.unicode import admit
from fedsafe_policies.vocabulary import IdentifierKind

CANONICALISER: Final = "ip/1"

NOT_GLOBAL_V4: Final = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
"""IANA's IPv4 Special-Purpose Address Registry, multicast and class E."""

GLOBAL_V6: Final = IPv6Network("2000::/3")
NOT_GLOBAL_V6: Final = tuple(
    IPv6Network(block) for block in ("2001::/23", "2001:db8::/32", "3fff::/20")
)
"""What IANA's IPv6 registry takes out of the global unicast space."""

_NAT64: Final = IPv6Network("64:ff9b::/96")
_SUBSCRIBER_PREFIX: Final = 64
_LOW_64: Final = (1 << 64) - 1
_LOW_32: Final = (1 << 32) - 1


def canonical_ip(raw: str) -> str:
    """Return an IPv4 address, or the /64 of an IPv6 address.

    Raises:
        IdentifierError: It is no address, or not one that is globally reachable.
    """
    text = normalize("NFKC", admit(IdentifierKind.IP, raw))
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    if not text.isascii() or "%" in text:
        raise IdentifierError(IdentifierKind.IP, IdentifierFault.MALFORMED)
    try:
        if ":" not in text:
            return _canonical_v4(IPv4Address(text))
        return _canonical_v6(_v6_of(text))
    except AddressValueError:
        raise IdentifierError(IdentifierKind.IP, IdentifierFault.MALFORMED) from None


def embedded_v4(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address carries."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    return IPv4Address(int(address) & _LOW_32) if address in _NAT64 else None


def is_global_v4(address: IPv4Address) -> bool:
    """Tell whether an IPv4 address means the same host everywhere."""
    return not any(address in block for block in NOT_GLOBAL_V4)


def is_global_v6(address: IPv6Address) -> bool:
    """Tell whether an IPv6 address means the same host everywhere."""
    inner = embedded_v4(address)
    if inner is not None:
        return is_global_v4(inner)
    return address in GLOBAL_V6 and not any(address in block for block in NOT_GLOBAL_V6)


def _v6_of(text: str) -> IPv6Address:
    """Read an address, or the canonical form of a block."""
    written, slash, prefix = text.partition("/")
    address = IPv6Address(written)
    if slash and (prefix != str(_SUBSCRIBER_PREFIX) or int(address) & _LOW_64):
        raise IdentifierError(IdentifierKind.IP, IdentifierFault.MALFORMED)
    return address


def _canonical_v4(address: IPv4Address) -> str:
    if not is_global_v4(address):
        raise IdentifierError(IdentifierKind.IP, IdentifierFault.NOT_GLOBAL)
    return str(address)


def _canonical_v6(address: IPv6Address) -> str:
    inner = embedded_v4(address)
    if inner is not None:
        return _canonical_v4(inner)
    if not is_global_v6(address):
        raise IdentifierError(IdentifierKind.IP, IdentifierFault.NOT_GLOBAL)
    return f"{IPv6Address(int(address) & ~_LOW_64)}/{_SUBSCRIBER_PREFIX}"
