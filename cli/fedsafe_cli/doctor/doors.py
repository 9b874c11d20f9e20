# SPDX-License-Identifier: Apache-2.0
"""`fedsafe doctor`: the doors by which people and back-ends come to the node.

A provider of identities that is away shows only to whoever wants to log in, and a
socket that its group cannot reach only to the back-end that asks there. `fedsafe_node`
is imported inside the functions: it is slow to load.
"""

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fedsafe_cli.doctor.diagnosis import Finding, Level
from fedsafe_cli.terminal.settings import printable
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from fedsafe_node.ground.config import Config, LookupSocket, Oidc

_SOCKET: Final = "lookup.socket"
_OIDC: Final = "oidc"
_MODE: Final = 0o660
_WRITABLE: Final = 0o022  # by others than a directory's owner
_ENTERED_BY_ALL: Final = 0o001
_ENTERED_BY_GROUP: Final = 0o010
_GUIDE: Final = Phrase(
    "docs/howto/integrate.md, another user of the same machine, then start the node "
    "again"
)
_WHY: Final = {
    "address": Phrase("it names an address that is not https"),
    "unreachable": Phrase("it cannot be reached from here"),
    "answer": Phrase("it answers no discovery document"),
    "discovery": Phrase("what it answers is no discovery document"),
    "issuer": Phrase("it calls itself by another name than oidc.issuer says"),
    "pkce": Phrase("it knows no PKCE with S256"),
}
_ASK_IT: Final = Phrase(
    "compare oidc.issuer with what the provider says of itself under "
    "/.well-known/openid-configuration: docs/howto/desk.md, log in with a provider of "
    "identities"
)


def identities(directory: Path) -> Iterator[Finding]:
    """Say whether the provider of identities answers, and what is registered there."""
    import asyncio  # noqa: PLC0415 - slow to load

    from fedsafe_node.ground.errors import IdentityError  # noqa: PLC0415
    from fedsafe_node.people.identity_provider import BACK  # noqa: PLC0415

    config = _config(directory)
    if config is None or config.oidc is None:
        return
    try:
        asyncio.run(_discovered(config.oidc))
    except IdentityError as error:
        yield Finding(_OIDC, Level.FAIL, _WHY.get(error.why, error.why), _ASK_IT)
        return
    ends = [config.oidc.redirect]
    if config.desk is not None:
        ends.insert(0, f"{config.desk.origin}{BACK}")
    found = Phrase("{name} answers; it leads back to what is registered there: {ends}")
    named = found.filled(name=config.oidc.called, ends=", ".join(ends))
    yield Finding(_OIDC, Level.OK, named)


async def _discovered(oidc: "Oidc") -> None:
    from fedsafe_node.people.identity_web import (  # noqa: PLC0415
        ProviderWeb,
        discover,
        provider_session,
    )

    async with provider_session() as session:
        await discover(ProviderWeb(session), oidc.issuer)


def lookup_socket(directory: Path) -> Iterator[Finding]:
    """Say whether the group of the socket for lookups can come to it, and nobody else.

    The node makes the socket when it starts; what is around it anybody may change.
    """
    config = _config(directory)
    settings = None if config is None else config.lookup.socket
    if settings is None:
        return
    try:
        group = grp.getgrnam(settings.group)
    except (KeyError, ValueError):
        found = Phrase("this machine has no group {group}").filled(group=settings.group)
        yield Finding(_SOCKET, Level.FAIL, found, _GUIDE)
        return
    faults = list(_faults(settings, group.gr_gid, directory))
    for found in faults:
        yield Finding(_SOCKET, Level.FAIL, found, _GUIDE)
    if faults:
        return
    path = printable(settings.path)
    words = (
        Phrase("members of {group} can open {path}")
        if Path(settings.path).exists()
        else Phrase("members of {group} can open {path} once the node runs")
    )
    found = words.filled(group=settings.group, path=path)
    yield Finding(_SOCKET, Level.OK, found)


def _faults(settings: "LookupSocket", group: int, directory: Path) -> Iterator[Phrase]:
    path = Path(settings.path)
    owner = _owner_of(directory)
    if owner and group not in _groups_of(owner):
        yield Phrase("the node's user is not in the group {group}").filled(
            group=settings.group
        )
    try:
        found = path.parent.stat()
    except OSError:
        yield Phrase("there is no directory {path}, or it cannot be read").filled(
            path=printable(str(path.parent))
        )
        return
    if found.st_uid not in {0, owner} or found.st_mode & _WRITABLE:
        yield Phrase("others than the node's user may write in {path}").filled(
            path=printable(str(path.parent))
        )
    for each in path.parents:
        if not _is_entered(each.stat(), group):
            yield Phrase("members of {group} cannot enter {path}").filled(
                group=settings.group, path=printable(str(each))
            )
    yield from _faults_of_file(path, settings.group, group)


def _faults_of_file(path: Path, name: str, group: int) -> Iterator[Phrase]:
    try:
        made = path.lstat()
    except OSError:
        return  # the node makes it
    shown = printable(str(path))
    if not stat.S_ISSOCK(made.st_mode):
        yield Phrase("{path} is no socket").filled(path=shown)
        return
    if made.st_gid != group:
        yield Phrase("{path} is not of the group {group}").filled(
            path=shown, group=name
        )
    if stat.S_IMODE(made.st_mode) != _MODE:
        mode = f"{stat.S_IMODE(made.st_mode):04o}"
        yield Phrase("{path} has the mode {mode}, not 0660").filled(
            path=shown, mode=mode
        )


def _is_entered(found: os.stat_result, group: int) -> bool:
    # Who is in the directory's group is held to that group's right alone.
    if found.st_gid == group:
        return bool(found.st_mode & _ENTERED_BY_GROUP)
    return bool(found.st_mode & _ENTERED_BY_ALL)


def _owner_of(directory: Path) -> int:
    return directory.stat().st_uid


def _groups_of(user: int) -> set[int]:
    try:
        entry = pwd.getpwuid(user)
    except KeyError:
        return set()
    return set(os.getgrouplist(entry.pw_name, entry.pw_gid))


def _config(directory: Path) -> "Config | None":
    from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415
    from fedsafe_node.ground.errors import ConfigError  # noqa: PLC0415

    try:
        return load_config(Place(directory))
    except ConfigError:
        return None  # said elsewhere
