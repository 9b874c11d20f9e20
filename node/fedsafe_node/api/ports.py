# SPDX-License-Identifier: Apache-2.0
"""Where a node listens: its Unix sockets, and ports, of one process or of several.

Linux lets all processes of a user share a port once they ask for it, those of another
node as well: each would get some of the other's calls, and no one an error. So whoever
shares a port claims it first.
"""

import asyncio
import errno
import grp
import os
import socket
import stat
import sys
from pathlib import Path
from typing import Final

from fedsafe_node.ground.errors import ConfigError
from fedsafe_policies.ground.catalogue import Phrase

_CLAIM: Final = "fedsafe port"
_UNIX_SOCKETS: Final = Path("/proc/self/net/unix")
_WRITABLE: Final = 0o022  # by others than a directory's owner


async def claim_port(host: str, port: int) -> list[socket.socket]:
    """Bind a port for the processes of this node, and keep other nodes from it.

    As long as the sockets are open, nobody else claims the same address, nor all
    addresses beside it: each has a name among the abstract Unix sockets, which are of
    the same network namespace as its ports are. Whoever listens there without a claim
    is found by trying to have the port alone.

    Raises:
        ConfigError: an address is taken or claimed, or cannot be bound.
    """
    for alone in await bind_port(host, port):
        alone.close()
    sockets = await bind_port(host, port, shared=True)
    claims: list[socket.socket] = []
    try:
        if sys.platform == "linux":
            await asyncio.to_thread(_claim, sockets, claims)
    except OSError as error:
        for sock in (*claims, *sockets):
            sock.close()
        raise _unclaimed(f"{host}:{port}", error) from None
    return [*claims, *sockets]


def _claim(bound: list[socket.socket], claims: list[socket.socket]) -> None:
    """Take the names of addresses; whoever comes at the same time sees them as well.

    Each first takes its own and then looks at those of others, so that of two that
    meet at least one is refused.
    """
    names = {_name(sock) for sock in bound}
    for name in names:
        claims.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        claims[-1].bind("\0" + name)
    for line in _UNIX_SOCKETS.read_text("utf-8", "replace").splitlines():
        other = line.partition("@")[2]
        if other not in names and any(_meet(name, other) for name in names):
            raise OSError(errno.EADDRINUSE, other)


def _name(bound: socket.socket) -> str:
    address, port, *_ = bound.getsockname()
    return f"{_CLAIM} {address} {port}"


def _meet(name: str, other: str) -> bool:
    """Tell whether one of two names is of all the addresses that the other's is of."""
    mine, theirs = (each.removeprefix(_CLAIM).split() for each in (name, other))
    if not other.startswith(_CLAIM) or mine[1:] != theirs[1:]:
        return False
    everywhere = "::" if ":" in mine[0] else "0.0.0.0"  # noqa: S104 - is compared
    is_kin = (":" in mine[0]) is (":" in theirs[0])
    return is_kin and everywhere in (mine[0], theirs[0])


def _unclaimed(address: str, error: OSError) -> ConfigError:
    if error.errno != errno.EADDRINUSE:
        return unusable(address, error)
    return ConfigError(
        address,
        Phrase(
            "in use: another node or program of this machine has claimed the "
            "port, here or at all addresses: stop it, or choose another port "
            "under [listen] in node.toml"
        ),
    )


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
    return ConfigError(
        address, Phrase("{why} under [listen] in node.toml").filled(why=why)
    )


def bind_socket(path: Path) -> socket.socket:
    """Bind a Unix socket that only the node's own user can open.

    Raises:
        ConfigError: a process answers there, or what lies there is no socket.
    """
    _clear(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    former = os.umask(0o177)
    try:
        sock.bind(str(path))
    except OSError as error:
        sock.close()
        raise ConfigError(path, error.strerror or Phrase("cannot be bound")) from None
    finally:
        os.umask(former)
    sock.settimeout(0)
    return sock


def bind_group_socket(path: Path, group: str) -> socket.socket:
    """Bind a Unix socket that the node's own user and those of a *group* can open.

    Nobody but the node's user and root may write in its directory: else somebody could
    put a socket of their own in its place, and be told what the node is asked.

    Raises:
        ConfigError: there is no such group, or the node's user is not in it; the
            directory is missing or others may write in it; or as for `bind_socket`.
    """
    try:
        number = grp.getgrnam(group).gr_gid
    except (KeyError, ValueError):
        raise ConfigError(
            path,
            Phrase(
                "this machine has no group {group}: make it, or name another one "
                "under [lookup.socket] in node.toml"
            ).filled(group=group),
        ) from None
    _check_directory(path.parent)
    sock = bind_socket(path)
    try:
        os.chown(path, -1, number, follow_symlinks=False)
        path.chmod(0o660)
    except OSError as error:
        sock.close()
        path.unlink(missing_ok=True)
        if error.errno != errno.EPERM:
            raise ConfigError(
                path, error.strerror or Phrase("cannot be bound")
            ) from None
        raise ConfigError(
            path,
            Phrase(
                "only a member gives it to the group {group}: add the node's user to "
                "the group"
            ).filled(group=group),
        ) from None
    return sock


def _check_directory(directory: Path) -> None:
    try:
        found = directory.stat()
    except OSError as error:
        raise ConfigError(
            directory, error.strerror or Phrase("cannot be read")
        ) from None
    if found.st_uid not in {0, os.geteuid()} or found.st_mode & _WRITABLE:
        raise ConfigError(
            directory,
            Phrase(
                "others may write here, and could put a socket of theirs in the "
                "node's place: name a directory of the node's user, with mode 0755"
            ),
        )


def _clear(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ConfigError(path, Phrase("is no socket; it is left as it is"))
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.settimeout(0)
    try:
        probe.connect(str(path))
    except ConnectionRefusedError:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(path, error.strerror or Phrase("cannot be tried")) from None
    else:
        raise ConfigError(path, Phrase("another process answers on this socket"))
    finally:
        probe.close()
