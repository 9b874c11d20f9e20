# SPDX-License-Identifier: Apache-2.0
"""The socket of a group: lookups alone, with a credential, asked by another user."""

import asyncio
import errno
import grp
import json
import os
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import ClientSession, UnixConnector
from tests.node.api.conftest import (
    OPERATOR_TOKEN,
    SERVICE_TOKEN,
    STAFF_TOKEN,
    Api,
    read_whole,
)
from tests.node.api.requests import BODIES, concrete
from tests.support.lookup_socket import open_directory

from fedsafe_node.api.auth import Auth
from fedsafe_node.api.ports import bind_group_socket
from fedsafe_node.api.routes import ROUTES
from fedsafe_node.api.server import LOOKUP_ROUTES, AppServer, make_lookup_app
from fedsafe_node.ground.errors import ConfigError
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.vocabulary import Role

MOST: Final = 4
OTHER: Final = 65_534  # nobody
ROOT: Final = 0
GROUP: Final = grp.getgrgid(OTHER if os.geteuid() == ROOT else os.getegid()).gr_name
ASK: Final = """
import os, socket, sys
os.setgroups([])
os.setgid(int(sys.argv[4]))
os.setuid(int(sys.argv[5]))
line = socket.socket(socket.AF_UNIX)
try:
    line.connect(sys.argv[1])
except PermissionError:
    sys.exit("no way in")
body = sys.argv[3].encode()
head = "POST /v1/lookup HTTP/1.1\\r\\nHost: node\\r\\nConnection: close\\r\\n"
head += "Content-Type: application/json\\r\\n" + sys.argv[2]
head += "Content-Length: %d\\r\\n\\r\\n" % len(body)
line.sendall(head.encode() + body)
print(line.recv(65536).split(b"\\r\\n")[0].decode())
"""
"""What root runs as another user, who need not be able to read this project."""
SERVICE: Final = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
GET: Final = b"GET /v1/lookup HTTP/1.1\r\nHost: node\r\n\r\n"

other_user = pytest.mark.skipif(
    os.geteuid() != ROOT, reason="only root becomes another user"
)


@dataclass
class Lookups:
    """The socket of a group beside the node's own listeners."""

    path: Path
    http: ClientSession


@pytest.fixture
def directory() -> Iterator[Path]:
    """Make a directory that other users can enter."""
    with open_directory() as made:
        yield made


@pytest.fixture
async def lookups(api: Api, directory: Path) -> AsyncIterator[Lookups]:
    path = directory / "lookup.sock"
    server = AppServer(make_lookup_app(api.server.border), MOST)
    await server.start(socket_path=path, group=GROUP)
    async with ClientSession(
        "http://node", connector=UnixConnector(str(path)), middlewares=(read_whole,)
    ) as http:
        yield Lookups(path, http)
    await server.stop()
    assert not path.exists()


async def ask_as(path: Path, *, group: int, token: str = "") -> str:
    """Ask as another user; give the first line of the answer, or why there is none."""
    header = f"Authorization: Bearer {token}\r\n" if token else ""
    body = json.dumps(BODIES["lookup"])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", "-c", ASK),
        *(str(path), header, body, str(group), str(OTHER)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return (out or err).decode().strip()


def test_it_takes_what_a_credential_for_lookups_is_good_for() -> None:
    assert {route.name for route in LOOKUP_ROUTES} == {"lookup", "lookupBatch", "match"}
    assert {route.auth for route in LOOKUP_ROUTES} == {Auth.CREDENTIAL}


async def test_the_file_is_the_groups_and_nobody_elses(lookups: Lookups) -> None:
    found = lookups.path.stat()

    assert stat.S_IMODE(found.st_mode) == 0o660
    assert found.st_gid == grp.getgrnam(GROUP).gr_gid
    assert found.st_uid == os.geteuid()


@other_user
async def test_another_user_of_the_group_looks_up(api: Api, lookups: Lookups) -> None:
    assert await ask_as(lookups.path, group=OTHER, token=SERVICE_TOKEN) == (
        "HTTP/1.1 200 OK"
    )
    [(_, who)] = api.memory.calls
    assert who == Principal("shop-backend", Role.SERVICE)


@other_user
async def test_a_user_who_is_not_in_the_group_has_no_way_in(lookups: Lookups) -> None:
    assert await ask_as(lookups.path, group=12_345, token=SERVICE_TOKEN) == "no way in"


@other_user
async def test_the_refusal_of_another_user_is_counted_as_that_users(
    api: Api, lookups: Lookups
) -> None:
    assert await ask_as(lookups.path, group=OTHER) == "HTTP/1.1 401 Unauthorized"
    [refused] = api.memory.refused
    assert refused.prefix == f"user {OTHER}"


async def test_nobody_is_the_node_there(api: Api, lookups: Lookups) -> None:
    async with lookups.http.post("/v1/lookup", json=BODIES["lookup"]) as response:
        told = await response.json()

    assert (response.status, told["code"]) == (401, "unauthenticated")
    assert api.memory.calls == []
    assert api.memory.refused[0].prefix == f"user {os.geteuid()}"


@pytest.mark.parametrize("token", [STAFF_TOKEN, OPERATOR_TOKEN])
async def test_people_do_not_ask_there(api: Api, lookups: Lookups, token: str) -> None:
    person = {"Authorization": f"Bearer {token}"}
    async with lookups.http.post(
        "/v1/lookup", json=BODIES["lookup"], headers=person
    ) as response:
        told = await response.json()

    assert (response.status, told["code"]) == (403, "forbidden")
    assert told["about"] == "service"
    assert api.memory.calls == []


async def test_nothing_but_lookups_is_there(api: Api, lookups: Lookups) -> None:
    served = {route.path for route in LOOKUP_ROUTES}
    refused: dict[str, Any] = {}
    for route in ROUTES:
        if route.path not in served:
            async with lookups.http.request(
                route.method, concrete(route), headers=SERVICE
            ) as response:
                refused[route.name] = (response.status, await response.json())

    assert {status for status, _ in refused.values()} == {404}
    assert {told["detail"] for _, told in refused.values()} == {
        "this socket takes lookups alone, and nothing else"
    }
    assert api.memory.calls == []


async def test_its_callers_share_its_connections_and_take_none_of_others(
    api: Api, lookups: Lookups
) -> None:
    held = [await asyncio.open_unix_connection(lookups.path) for _ in range(MOST)]
    reader, writer = await asyncio.open_unix_connection(lookups.path)
    writer.write(GET)
    answered = await reader.readline()
    async with asyncio.timeout(5):
        ended = await held[0][0].read()

    assert answered == b"HTTP/1.1 405 Method Not Allowed\r\n"
    assert ended == b""
    assert (await api.local.get("/v1/health")).status == 200
    for _, each in [*held, (reader, writer)]:
        each.close()


def test_a_group_that_is_not_there_is_named(directory: Path) -> None:
    with pytest.raises(ConfigError, match="this machine has no group nix-da"):
        bind_group_socket(directory / "lookup.sock", "nix-da")
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
def test_a_directory_in_which_others_write_is_refused(
    directory: Path, mode: int
) -> None:
    directory.chmod(mode)

    with pytest.raises(ConfigError, match=f"^{directory}: others may write here"):
        bind_group_socket(directory / "lookup.sock", GROUP)
    assert list(directory.iterdir()) == []


@other_user
def test_a_directory_of_another_user_is_refused(directory: Path) -> None:
    os.chown(directory, OTHER, OTHER)

    with pytest.raises(ConfigError, match="others may write here"):
        bind_group_socket(directory / "lookup.sock", GROUP)


def test_a_directory_that_is_missing_is_named(directory: Path) -> None:
    with pytest.raises(ConfigError, match="runtime: No such file"):
        bind_group_socket(directory / "runtime" / "lookup.sock", GROUP)


def test_a_group_of_others_is_given_nothing(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse)

    with pytest.raises(ConfigError, match="add the node's user to the group"):
        bind_group_socket(directory / "lookup.sock", GROUP)
    assert list(directory.iterdir()) == []


def test_what_lies_there_and_is_no_socket_is_left(directory: Path) -> None:
    (directory / "lookup.sock").write_text("a file")

    with pytest.raises(ConfigError, match="is no socket"):
        bind_group_socket(directory / "lookup.sock", GROUP)
    assert (directory / "lookup.sock").read_text() == "a file"
