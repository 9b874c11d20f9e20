# SPDX-License-Identifier: Apache-2.0
"""Who asks: a credential, a process of this machine, or a member of the federation.

A credential travels as `Authorization: Bearer fs1_…`, the session of somebody who
has logged in as `fs2_…`. Without one, whoever could
open the node's Unix socket is `local`, with the role of a service; the kernel's
word (SO_PEERCRED) must be that it runs as the node's own user or as root. Members
sign their requests (RFC 9421) or their statements. A member's signature is verified
against the target that was routed and the node's own address, never against the Host
header: that has to be well-formed and, in a member's request, to name the node.

Which roles' credentials a route takes is in the route table. What a policy decides
as well (a lookup's purpose, who writes a signal) is left to the service, which
writes its refusals into the audit log.
"""

import ipaddress
import os
import re
import socket
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from functools import lru_cache
from typing import Final, Protocol, cast

from aiohttp import HttpVersion11, web
from multidict import istr

from fedsafe_federation.exchange.signed_requests import is_plain
from fedsafe_node.api.codes import Code
from fedsafe_node.api.forwarded import Proxies
from fedsafe_node.api.problems import RefusedError
from fedsafe_node.ground.errors import AccountNeededError, words_of
from fedsafe_node.ground.principal import LOCAL, Principal
from fedsafe_node.ground.trace import recognised
from fedsafe_node.members.peering.service import PeeringService
from fedsafe_node.people.entrance import Entrance
from fedsafe_policies.ground.catalogue import Phrase, either
from fedsafe_policies.vocabulary import Role

PERSONS: Final[frozenset[Role]] = frozenset(Role) - {Role.SERVICE}
TOKEN: Final = re.compile(r"fs[12]_[A-Za-z0-9_-]{43}")
ROLES: Final[Mapping[Role, Phrase]] = {
    Role.SERVICE: Phrase.within("this takes", "a service"),
    Role.ANALYST: Phrase.within("this takes", "an analyst"),
    Role.REVIEWER: Phrase.within("this takes", "a reviewer"),
    Role.OPERATOR: Phrase.within("this takes", "an operator"),
    Role.AUDITOR: Phrase.within("this takes", "an auditor"),
    Role.ESCALATION_OFFICER: Phrase.within("this takes", "an escalation_officer"),
    Role.LEGAL_ADVISER: Phrase.within("this takes", "a legal_adviser"),
    Role.YOUTH_PROTECTION_OFFICER: Phrase.within(
        "this takes", "a youth_protection_officer"
    ),
    Role.DPO: Phrase.within("this takes", "a dpo"),
}
NEEDS_ACCOUNT: Final = words_of(AccountNeededError())
_ONCE: Final = tuple(
    map(
        istr,  # as headers are looked up
        (
            "Host",
            "Authorization",
            "Content-Type",
            "Content-Encoding",
            "Idempotency-Key",
            "Signature",
            "Signature-Input",
            "Content-Digest",
            "Fedsafe-Destination",
            "Fedsafe-Speaks",
        ),
    )
)
_BARE: Final = frozenset({None, "lookup", "publish"})
_HOST: Final = re.compile(
    r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII
)
_MOST_PORT: Final = 65_535
_WANT_HOST: Final = Phrase("Host is a name or an address, and perhaps a port")
_SCHEME: Final = "bearer "
_CREDENTIAL = struct.Struct("=iII")  # struct ucred: pid, uid, gid


@unique
class Auth(StrEnum):
    """How somebody may call a route at all.

    `CREDENTIAL` and `HOUSE` take a credential of one of the route's roles; `HOUSE`
    takes the node's own Unix socket without one as well.
    """

    OPEN = "open"
    HOUSE = "house"
    CREDENTIAL = "credential"
    PEER = "peer"
    STATEMENT = "statement"


def check_headers(request: web.Request) -> None:
    """Refuse a request that says a thing that counts twice, or names no host.

    Raises:
        RefusedError: such a header is there more than once, or Host is malformed.
    """
    headers = request.headers
    for name in _ONCE:
        if name in headers and len(headers.getall(name)) > 1:
            raise RefusedError(
                Code.DUPLICATE_HEADER, Phrase("{name} was sent twice").filled(name=name)
            )
    named_host(request)


def named_host(request: web.Request) -> str | None:
    """Return the host that a request names, in one spelling; None if it names none.

    Raises:
        RefusedError: the Host header is missing, though HTTP/1.1 wants one, or is no
            name or address with perhaps a port.
    """
    text = request.headers.get("Host")
    if text is None and request.version < HttpVersion11:
        return None
    return _host(text or "")


@lru_cache(maxsize=64)
def _host(text: str) -> str:
    found = _HOST.fullmatch(text)
    if found is None:
        raise RefusedError(Code.MALFORMED_REQUEST, _WANT_HOST)
    name, port = found[1].lower().removesuffix("."), found[2]
    if port is not None and int(port) > _MOST_PORT:
        raise RefusedError(Code.MALFORMED_REQUEST, _WANT_HOST)
    if name.startswith("["):
        try:
            name = f"[{ipaddress.IPv6Address(name[1:-1])}]"
        except ValueError:
            raise RefusedError(Code.MALFORMED_REQUEST, _WANT_HOST) from None
    return name if port is None else f"{name}:{int(port)}"


async def identify(
    request: web.Request, people: Entrance, auth: Auth, roles: Collection[Role]
) -> Principal:
    """Find out who asks, and whether that is somebody for this route.

    Raises:
        RefusedError: no credential, none of ours, or of none of the *roles*.
        ForbiddenError: the credential is unknown or expired.
    """
    header = request.headers.get("Authorization")
    if header is not None:
        return await identify_token(_token(header), people, auth, roles)
    if not is_local(request):
        raise RefusedError(Code.UNAUTHENTICATED)
    recognised(LOCAL.name, LOCAL.name)
    if auth is not Auth.HOUSE:
        raise await _none_of(LOCAL, people, auth, roles)
    return LOCAL


async def identify_token(
    token: str, people: Entrance, auth: Auth, roles: Collection[Role]
) -> Principal:
    """Find out whose credential or session it is, and whether they are for this route.

    Raises:
        RefusedError: it is of none of the *roles*.
        ForbiddenError: it is unknown or expired.
    """
    who = await people.authenticate(token)
    recognised("person" if who.is_person else "service", who.name)
    if who.role not in roles:
        raise await _none_of(who, people, auth, roles)
    return who


async def _none_of(
    who: Principal, people: Entrance, auth: Auth, roles: Collection[Role]
) -> RefusedError:
    lacking = await people.nearest(who, roles)
    return RefusedError(
        Code.FORBIDDEN,
        Phrase("this takes {who}").filled(who=describe(auth, lacking)),
        about=", ".join(role.value for role in Role if role in lacking),
    )


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a route takes: credentials of a scope, a fresh proof, bare credentials."""

    scope: str | None = None
    fresh: bool = False
    bare: bool = False


def check_bounds(who: Principal, bounds: Bounds, *, demonstration: bool) -> None:
    """Refuse a credential of another scope, or a person without the proof it takes.

    A service without a scope asks and records own bans, and nothing else. A person
    without an account looks up, reads and records own bans; what else people do takes
    an account, and where it says so a second factor that was proved just now. Invented
    people need neither.

    Raises:
        RefusedError: it is one.
    """
    scope = bounds.scope
    is_bare = who.role is Role.SERVICE and who.scope is None and who is not LOCAL
    if is_bare and scope not in _BARE:
        raise RefusedError(
            Code.FORBIDDEN,
            Phrase("this takes a credential for {scope}").filled(scope=scope),
        )
    if who.scope is not None and who.scope != scope:
        raise RefusedError(
            Code.FORBIDDEN,
            Phrase("this credential is good for {scope} only").filled(scope=who.scope),
        )
    if demonstration and who.session is None:
        return
    if who.bare and not bounds.bare:
        raise RefusedError(Code.ACCOUNT_NEEDED, NEEDS_ACCOUNT)
    if bounds.fresh and not who.fresh:
        raise RefusedError(Code.STEP_UP)


def source_of(request: web.Request, proxies: Proxies) -> str:
    """Return where a request comes from; empty for the node's own user.

    Behind one of the *proxies* that is the place of its client.
    An IPv6 address stands for its /64, in which one host has as many as it likes.
    """
    return "" if is_local(request) else place_of(proxies.client(request) or "unknown")


def place_of(address: str) -> str:
    """Return the place that an address belongs to."""
    try:
        found = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found), 64), strict=False))


def describe(auth: Auth, roles: Collection[Role]) -> Phrase:
    """Say in words who may call a route that takes credentials."""
    named = [ROLES[role] for role in Role if role in roles]
    if len(named) == len(Role):
        words = Phrase.within("this takes", "a credential")
    elif set(roles) == PERSONS:
        words = Phrase.within("this takes", "the credential of a person")
    else:
        words = Phrase("the credential of {roles}").filled(roles=either(named))
    if auth is Auth.HOUSE:
        return Phrase("{who}, or the node's Unix socket").filled(who=words)
    return words


def _token(header: str) -> str:
    token = header[len(_SCHEME) :].strip()
    if header[: len(_SCHEME)].lower() != _SCHEME or not TOKEN.fullmatch(token):
        raise RefusedError(
            Code.UNAUTHENTICATED, Phrase("this is no credential of a node")
        )
    return token


class _Line(Protocol):
    prefix: str


def is_local(request: web.Request) -> bool:
    """Whether the other end is a process of the node's own user, or of root.

    At a socket that other users may open nobody is, whoever it is.
    """
    sock = _unix_socket(request)
    if sock is None or cast("_Line", request.protocol).prefix:
        return False
    return user_of(sock) in (0, os.geteuid())


def user_of(sock: socket.socket) -> int:
    """Return as which user the other end of a Unix socket runs, by the kernel's word.

    Raises:
        OSError: the kernel does not say.
    """
    packed = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIAL.size)
    _, user, _ = _CREDENTIAL.unpack(packed)
    return int(user)


def _unix_socket(request: web.Request) -> socket.socket | None:
    transport = request.transport
    sock = transport.get_extra_info("socket") if transport else None
    return sock if sock is not None and sock.family == socket.AF_UNIX else None


def _bound_hosts(request: web.Request) -> tuple[str, ...]:
    """Give the names of the address that was connected to: a proxy may ask by them."""
    transport = request.transport
    bound = transport.get_extra_info("sockname") if transport else None
    if not isinstance(bound, tuple):
        return ()
    address, port = ipaddress.ip_address(str(bound[0]).partition("%")[0]), bound[1]
    if isinstance(address, ipaddress.IPv6Address):
        plain = address.ipv4_mapped
        name = f"[{address}]" if plain is None else str(plain)
    else:
        name = str(address)
    names = (name, "localhost") if address.is_loopback else (name,)
    return tuple(f"{each}:{port}" for each in names)


def _check_host(request: web.Request, peering: PeeringService) -> None:
    """Refuse a member's request that names another host than this node."""
    host = named_host(request)
    if (
        _unix_socket(request)
        or host in peering.hosts()
        or host in _bound_hosts(request)
    ):
        return
    raise RefusedError(
        Code.MISDIRECTED,
        Phrase(
            "members name this node by its public address; a proxy in front of it "
            "passes their Host header on as it came"
        ),
    )


def identify_peer(request: web.Request, peering: PeeringService, body: bytes) -> str:
    """Check a member's signature on the request and name the member.

    Raises:
        RefusedError: the request names another host, or its target is no plain path.
        UntrustedError: no valid signature of a member.
        StaleStatementError: replayed, or too old.
    """
    target = request.raw_path
    if not is_plain(target):
        raise RefusedError(
            Code.MALFORMED_REQUEST,
            Phrase(
                "the address of the request may only be a path and, after a ?, "
                "parameters"
            ),
        )
    _check_host(request, peering)
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        known = headers.get(name.lower())
        headers[name.lower()] = value if known is None else f"{known}, {value}"
    return peering.authenticate(
        method=request.method,
        target=target,
        headers=headers,
        body=body,
    )
