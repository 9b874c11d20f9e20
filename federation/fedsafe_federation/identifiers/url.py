# SPDX-License-Identifier: Apache-2.0
"""Web addresses (`url/1`): the WHATWG URL standard by ada-url, and a few rules.

Dropped are fragment, user name, password, an empty query, and the dot that ends
a full domain name. Escapes of unreserved characters are undone and the others
written in capitals (RFC 3986 section 6.2.2). The scheme stays: http and https
may be two sites. Hosts that mean something else in every network are refused.
"""

from ipaddress import IPv4Address, IPv6Address
from re import IGNORECASE, Match
from re import compile as compile_pattern
from typing import Final

from fedsafe_federation.errors import IdentifierError, IdentifierFault
from fedsafe_federation.identifiers.ip import is_global_v4, is_global_v6
from fedsafe_federation.identifiers.unicode import JOINERS, VARIATION_SELECTORS, admit
from fedsafe_policies.vocabulary import IdentifierKind

CANONICALISER: Final = "url/1"

LOCAL_DOMAINS: Final = frozenset({"home.arpa", "internal", "local", "localhost"})
"""Domains that every network fills by itself (RFC 6761, 6762, 8375)."""

_WEB: Final = compile_pattern(r"https?:", IGNORECASE)
# A port after a host looks like a scheme: the digits tell them apart.
_SCHEME: Final = compile_pattern(r"[a-z][a-z0-9+-]*:(?![0-9])", IGNORECASE)
_PERCENT: Final = compile_pattern(r"%([0-9A-Fa-f]{2})?")
_UNRESERVED: Final = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
)
_PARTS: Final = ("protocol", "hostname", "port", "pathname", "search", "host_type")
_IPV4: Final = 1
_IPV6: Final = 2
_MAX_HOST: Final = 253
_MAX_LABEL: Final = 63


def canonical_url(raw: str) -> str:
    """Return a web address in its canonical form.

    Raises:
        IdentifierError: It is no http or https address of a global host.
    """
    text = admit(IdentifierKind.URL, raw, tolerated=JOINERS | VARIATION_SELECTORS)
    if not _WEB.match(text):
        written = _SCHEME.match(text)
        raise IdentifierError(
            IdentifierKind.URL,
            IdentifierFault.SCHEME_REFUSED
            if written
            else IdentifierFault.SCHEME_MISSING,
        )
    from ada_url import parse_url  # noqa: PLC0415 - loads a shared library

    try:
        parts = parse_url(text, _PARTS)
    except ValueError:
        raise IdentifierError(IdentifierKind.URL, IdentifierFault.MALFORMED) from None
    host = _checked_host(parts["hostname"], int(parts["host_type"]))
    port = f":{parts['port']}" if parts["port"] else ""
    path = _PERCENT.sub(_plain_escape, parts["pathname"])
    search = _PERCENT.sub(_plain_escape, parts["search"])
    return f"{parts['protocol']}//{host}{port}{path}{'' if search == '?' else search}"


def _plain_escape(match: Match[str]) -> str:
    if match[1] is None:
        return "%25"  # a percent sign that escapes nothing
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()


def _checked_host(host: str, host_type: int) -> str:
    if host_type == _IPV4:
        is_global = is_global_v4(IPv4Address(host))
    elif host_type == _IPV6:
        is_global = is_global_v6(IPv6Address(host[1:-1]))
    else:
        host = host.removesuffix(".")
        labels = host.split(".")
        _check_labels(host, labels)
        local = {labels[-1], ".".join(labels[-2:])} & LOCAL_DOMAINS
        is_global = len(labels) > 1 and not local
    if not is_global:
        raise IdentifierError(IdentifierKind.URL, IdentifierFault.NOT_GLOBAL)
    return host


def _check_labels(host: str, labels: list[str]) -> None:
    bad = len(host) > _MAX_HOST or not all(
        0 < len(label) <= _MAX_LABEL for label in labels
    )
    if bad or not all(map(_is_sound_label, labels)):
        raise IdentifierError(IdentifierKind.URL, IdentifierFault.BAD_DOMAIN)


def _is_sound_label(label: str) -> bool:
    """Tell whether an A-label decodes to what it must be written as."""
    if not label.startswith("xn--"):
        return True
    from ada_url import idna  # noqa: PLC0415 - loads a shared library

    try:
        decoded = label[4:].encode("ascii").decode("punycode")
        encoded = idna.encode(decoded)
    except ValueError:
        return False
    # An A-label can hide a character that the written form may not hold.
    admit(IdentifierKind.URL, decoded, tolerated=JOINERS)
    return not decoded.isascii() and encoded == label.encode("ascii")
