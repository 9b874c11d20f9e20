# SPDX-License-Identifier: Apache-2.0
"""Make a server in a directory of its own, or hold one that another process made.

Root's tests run it as somebody without rights, whose directory it is.
"""

import fcntl
import os
import secrets
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.postgresql import janitor
from tests.postgresql.databases import SUPERUSER, Databases
from tests.postgresql.installation import (
    Account,
    Installation,
    NoServerError,
    account,
)
from tests.postgresql.janitor import CLUSTER, USERS
from tests.postgresql.server import TIMEOUT, Server

from fedsafe_cli.demo.fleet import free_ports

_PREFIX: Final = "fedsafe-pg-"
# A Unix socket's path has 107 bytes at most; `mkdtemp` adds eight to the prefix.
_LONGEST_PLACE: Final = 107 - len(f"/{_PREFIX}12345678/.s.PGSQL.65535")
_QUICK: Final = {"fsync": "off", "full_page_writes": "off"}
_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@contextmanager
def serving(
    installation: Installation,
    *,
    durable: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run a server of one's own, and remove it at the end.

    Raises:
        NoServerError: none can be started here.
    """
    server = make(installation, durable=durable, settings=settings)
    try:
        server.start()
        yield server
    finally:
        server.close()


def make(
    installation: Installation,
    *,
    durable: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Server:
    """Make a server that `start` starts.

    Unless it is `durable` it doesn't wait for the disk: it survives its own death,
    not the machine's.

    Raises:
        NoServerError: none can be made here.
    """
    owner = account()
    place = _place(owner)
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place)).resolve()
    users = (directory / USERS).open("w+b")
    fcntl.flock(users, fcntl.LOCK_SH)
    server = Server(
        major=installation.major,
        directory=directory,
        port=free_ports(1)[0],
        password=secrets.token_hex(16),
        installation=installation,
        account=owner,
        users=users,
        janitor=_engage(directory),
    )
    try:
        if owner is not None:
            os.chown(directory, owner.uid, owner.gid)
        _initialise(server)
        speed = {} if durable else _QUICK
        _configure(server, {**_SETTINGS, **speed, **(settings or {})})
    except BaseException:
        server.close()
        raise
    return server


def attach(made: Databases, installation: Installation) -> Server | None:
    """Hold a server that another process has made; None if it is on its way out."""
    try:
        users = (made.directory / USERS).open("rb")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)
        gone = os.fstat(users.fileno()).st_nlink == 0
    except BlockingIOError:
        gone = True
    if gone:
        users.close()
        return None
    return Server(
        major=made.major,
        directory=made.directory,
        port=made.port,
        password=made.password,
        installation=installation,
        account=account(),
        users=users,
    )


def _place(owner: Account | None) -> Path:
    """Choose where directories of servers lie: short, and the owner gets there."""
    for place in map(Path, (tempfile.gettempdir(), "/tmp", "/var/tmp")):  # noqa: S108
        if not place.is_dir() or len(os.fsencode(place.resolve())) > _LONGEST_PLACE:
            continue
        ways = (place.resolve(), *place.resolve().parents)
        if owner is None or all(way.stat().st_mode & stat.S_IXOTH for way in ways):
            return place
    raise NoServerError("no temporary directory is short enough for a Unix socket")


def _engage(directory: Path) -> "subprocess.Popen[bytes]":
    """Start the janitor, apart from our terminal and of coverage's measuring."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", janitor.__file__, directory],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def _initialise(server: Server) -> None:
    owner, password = server.account, server.directory / "password"
    password.touch(mode=0o600)
    password.write_text(server.password, encoding="ascii")
    if owner is not None:
        os.chown(password, owner.uid, owner.gid)
    try:
        done = _run_initdb(server, password)
    except OSError as error:
        raise NoServerError(f"initdb cannot be run: {error}") from None
    finally:
        password.unlink()
    if done.returncode != 0:
        raise NoServerError(f"initdb failed: {done.stderr.strip()[-500:]}")


def _run_initdb(server: Server, password: Path) -> "subprocess.CompletedProcess[str]":
    owner = server.account
    return subprocess.run(
        [
            server.installation.programs / "initdb",
            f"--pgdata={server.directory / CLUSTER}",
            f"--username={SUPERUSER}",
            f"--pwfile={password}",
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions",
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
        cwd=server.directory,
        user=owner.uid if owner else None,
        group=owner.gid if owner else None,
        extra_groups=[] if owner else None,
    )


def _configure(server: Server, settings: Mapping[str, str]) -> None:
    places = {
        "port": str(server.port),
        "unix_socket_directories": str(server.directory),
    }
    with (server.directory / CLUSTER / "postgresql.conf").open("a") as file:
        for name, value in {**settings, **places}.items():
            quoted = value.replace("'", "''")
            file.write(f"{name} = '{quoted}'\n")
