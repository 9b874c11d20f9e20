# SPDX-License-Identifier: Apache-2.0
"""The PostgreSQL programs on this machine, and whom its server may run as."""

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

OLDEST: Final = 15
DEBIAN: Final = Path("/usr/lib/postgresql")
_PROGRAMS: Final = ("initdb", "postgres")
_ACCOUNTS: Final = ("postgres", "nobody")


class NoServerError(Exception):
    """No PostgreSQL server can be started here; the text says why."""


@dataclass(frozen=True, slots=True)
class Installation:
    """The programs of one major version."""

    major: int
    programs: Path


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody without rights: PostgreSQL refuses to be run by root."""

    uid: int
    gid: int


def installed(
    debian: Path = DEBIAN, search: str | None = None
) -> tuple[Installation, ...]:
    """List every major version that we support, the oldest first.

    Debian keeps the programs out of PATH, in a directory for each version; `search`
    is PATH, where the programs of another system are.
    """
    found = {one.major: one for one in _searched(search)}
    found |= {one.major: one for one in _debian(debian)}
    return tuple(found[major] for major in sorted(found) if major >= OLDEST)


def _debian(root: Path) -> Iterator[Installation]:
    for programs in root.glob("*/bin"):
        if programs.parent.name.isdecimal() and _complete(programs):
            yield Installation(int(programs.parent.name), programs)


def _searched(search: str | None) -> Iterator[Installation]:
    path = shutil.which("postgres", path=search)
    if path is None or not _complete(programs := Path(path).resolve().parent):
        return
    answer = subprocess.run(
        [path, "--version"], capture_output=True, text=True, check=False
    )
    if told := re.search(r"\(PostgreSQL\) (\d+)", answer.stdout):
        yield Installation(int(told[1]), programs)


def _complete(programs: Path) -> bool:
    return all(os.access(programs / name, os.X_OK) for name in _PROGRAMS)


def account(names: Iterable[str] = _ACCOUNTS) -> Account | None:
    """Choose whom a server runs as; None means ourselves.

    Raises:
        NoServerError: we are root, and there is nobody else.
    """
    if os.geteuid() != 0:
        return None
    for name in names:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise NoServerError("root may not run PostgreSQL, and there is no other account")
