# SPDX-License-Identifier: Apache-2.0
"""`doctor` looks at the provider of identities and at the socket for lookups."""

import grp
import json
import os
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tests.support.fleet import config_of
from tests.support.lookup_socket import open_directory

from fedsafe_cli.demo.fleet import free_ports
from fedsafe_cli.doctor.diagnosis import Finding, Level
from fedsafe_cli.doctor.doors import identities, lookup_socket
from fedsafe_cli.doctor.texts import said
from fedsafe_node.ground.config import render_config

GROUP = grp.getgrgid(os.getegid()).gr_name
ENDS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
DESK = """
[desk]
origin = "https://desk.example.de"
listen = { host = "127.0.0.1", port = 8460 }
"""


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """Give a node's directory in which somebody has written settings."""
    (tmp_path / "node.toml").write_text(render_config(config_of("a.demo", 8470)))
    return tmp_path


def written(node: Path, more: str) -> None:
    path = node / "node.toml"
    path.write_text(f"{path.read_text()}\n{more}\n")


class Answering(BaseHTTPRequestHandler):
    told: bytes = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.told)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def provider() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def tell(issuer: str, change: dict[str, object]) -> None:
    document: dict[str, Any] = {each: f"{issuer}/{each}" for each in ENDS}
    document |= {"issuer": issuer, "code_challenge_methods_supported": ["S256"]}
    Answering.told = json.dumps(document | change).encode()


def oidc(issuer: str) -> str:
    return (
        f'[oidc]\nissuer = "{issuer}"\nclient_id = "fedsafe"\n'
        'redirect = "http://127.0.0.1:9/callback"\n'
    )


def words(findings: Iterator[Finding]) -> list[tuple[Level, str]]:
    return [(each.level, str(each.found)) for each in findings]


def test_a_provider_that_answers_is_told_with_what_is_registered_there(
    node: Path, provider: str
) -> None:
    tell(provider, {})
    written(node, oidc(provider))
    (alone,) = identities(node)
    written(node, DESK)
    (found,) = identities(node)

    assert (alone.level, found.level) == (Level.OK, Level.OK)
    assert "http://127.0.0.1:9/callback" in str(alone.found)
    assert "/desk/" not in str(alone.found)
    assert "https://desk.example.de/desk/login/provider/back" in str(found.found)
    assert "leitet dorthin zurück" in said(found.found, language="de")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"issuer": "https://other.example"}, "another name"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE"),
        ({"authorization_endpoint": "http://id.example/x"}, "not https"),
        ({"token_endpoint": 3}, "no discovery document"),
    ],
)
def test_what_a_provider_says_and_does_not_fit_is_named(
    node: Path, provider: str, change: dict[str, object], why: str
) -> None:
    tell(provider, change)
    written(node, oidc(provider))

    (found,) = identities(node)

    assert found.level is Level.FAIL
    assert why in str(found.found)
    assert "oidc.issuer" in str(found.way_out)


def test_a_provider_that_is_away_is_named(node: Path) -> None:
    (port,) = free_ports(1)
    written(node, oidc(f"http://127.0.0.1:{port}"))

    assert words(identities(node)) == [(Level.FAIL, "it cannot be reached from here")]


def test_without_provider_and_socket_nothing_is_said(node: Path) -> None:
    assert [*identities(node), *lookup_socket(node)] == []
    written(node, "[oidc]\nissuer = 3\n")  # said by the check of the settings
    assert [*identities(node), *lookup_socket(node)] == []


@pytest.fixture
def place(node: Path) -> Iterator[Path]:
    """Give where the socket for lookups is to be, and name it in the settings."""
    with open_directory() as directory:
        path = directory / "in/lookup.sock"
        path.parent.mkdir(0o755)
        named = f'[lookup.socket]\npath = "{path}"\ngroup = "{GROUP}"'
        written(node, named)
        yield path


def made(path: Path, mode: int = 0o660) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
    path.chmod(mode)


def test_a_socket_that_its_group_can_open_is_well(node: Path, place: Path) -> None:
    before = words(lookup_socket(node))
    made(place)

    can_open = f"members of {GROUP} can open {place}"
    assert before == [(Level.OK, f"{can_open} once the node runs")]
    assert words(lookup_socket(node)) == [(Level.OK, can_open)]


@pytest.mark.parametrize(
    "wrong", ["mode", "file", "way", "written", "gone", "group of the socket"]
)
def test_what_keeps_the_group_from_the_socket_is_named(
    node: Path, place: Path, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(place, 0o666 if wrong == "mode" else 0o660)
    directory = place.parent
    if wrong == "file":
        place.unlink()
        place.touch()
        named = f"{place} is no socket"
    elif wrong == "way":
        directory.chmod(0o700)
        named = f"members of {GROUP} cannot enter {directory}"
    elif wrong == "written":
        directory.chmod(0o775)
        named = f"others than the node's user may write in {directory}"
    elif wrong == "gone":
        place.unlink()
        directory.rmdir()
        named = f"there is no directory {directory}, or it cannot be read"
    elif wrong == "mode":
        named = f"{place} has the mode 0666, not 0660"
    else:
        other = grp.struct_group((GROUP, "x", os.getegid() + 1, []))
        monkeypatch.setattr("fedsafe_cli.doctor.doors.grp.getgrnam", lambda _: other)
        monkeypatch.setattr(
            "fedsafe_cli.doctor.doors._groups_of", lambda _: {other.gr_gid}
        )
        named = f"{place} is not of the group {GROUP}"

    found = list(lookup_socket(node))

    assert (Level.FAIL, named) in words(iter(found))
    assert all("integrate.md" in str(each.way_out) for each in found)


def test_a_group_that_is_not_there_or_without_the_node_is_named(
    node: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = node / "node.toml"
    text = path.read_text()
    path.write_text(text.replace(f'"{GROUP}"', '"no-such-group"'))
    (missing,) = lookup_socket(node)
    path.write_text(text)
    monkeypatch.setattr("fedsafe_cli.doctor.doors._groups_of", lambda _: set())
    monkeypatch.setattr("fedsafe_cli.doctor.doors._owner_of", lambda _: 4_321)

    found = words(lookup_socket(node))

    assert str(missing.found) == "this machine has no group no-such-group"
    assert (Level.FAIL, f"the node's user is not in the group {GROUP}") in found
    assert place.parent.exists()
