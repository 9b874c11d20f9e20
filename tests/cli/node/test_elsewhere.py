# SPDX-License-Identifier: Apache-2.0
"""A node that is named by its address, from another host or user."""

import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import as_nobody, self_signed

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

    Elsewhere = tuple[FakeNode, str]

TOKEN = "fs2_" + "s" * 43
SERVICE = "fs1_" + "c" * 43
BEARER = f"Bearer {TOKEN}"
SESSION = {"name": "anna", "role": "analyst", "ends_at": 4_102_444_800}


@pytest.fixture
def elsewhere(remote_node: "Elsewhere") -> "Elsewhere":
    node, url = remote_node
    node.always("POST /v1/session", SESSION | {"token": TOKEN})
    node.always("GET /v1/sessions", {"sessions": []})
    node.always("POST /v1/session/end", {"name": "anna"})
    return node, url


def sessions_in(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "state").rglob("*.session"))


def test_a_person_logs_in_works_and_logs_out_at_an_address(
    run: "Run", elsewhere: "Elsewhere", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, url = elsewhere
    begun = run("login", f"{url}/", "anna", stdin=b"pass word\n123456\n")

    assert begun.status == 0
    assert f"export FEDSAFE_URL={url}" in begun.err
    (kept,) = sessions_in(tmp_path)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert TOKEN not in begun.out + begun.err

    monkeypatch.setenv("FEDSAFE_URL", url)
    assert run("session", "list").status == 0
    assert run("logout").status == 0
    assert node.tokens == [None, BEARER, BEARER]
    assert sessions_in(tmp_path) == []


def test_a_session_goes_to_no_other_node(
    run: "Run",
    elsewhere: "Elsewhere",
    node: "FakeNode",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, url = elsewhere
    node.always("GET /v1/sessions", {"sessions": []})
    assert run("login", url, "anna", stdin=b"pass word\n123456\n").status == 0
    monkeypatch.setenv("FEDSAFE_URL", url)  # --config wins over it

    assert run("session", "list", "--config", str(node.directory)).status == 0
    assert node.tokens == [None]


def test_a_back_end_looks_up_from_elsewhere_by_its_credential(
    run: "Run", elsewhere: "Elsewhere", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, url = elsewhere
    node.knows()
    monkeypatch.setenv("FEDSAFE_URL", url)
    file = tmp_path / "service.key"
    file.write_text(SERVICE)
    file.chmod(0o600)
    asked = ("lookup", "--kind", "email", "-")

    assert run(*asked, "--credential", str(file), stdin=b"a@example.de\n").status == 0
    assert node.tokens == [f"Bearer {SERVICE}"]
    assert run("login", url, "anna", stdin=b"pass word\n123456\n").status == 0
    assert run(*asked, stdin=b"a@example.de\n").status == 0
    assert node.tokens[-1] is None  # a session is a person's, and no service's


def test_a_back_end_looks_up_at_a_socket(
    run: "Run", node: "FakeNode", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.knows()
    monkeypatch.setenv("FEDSAFE_URL", f"unix:{node.directory / 'node.sock'}")
    file = tmp_path / "service.key"
    file.write_text(SERVICE)
    file.chmod(0o600)
    asked = ("lookup", "--kind", "email", "-", "--credential", str(file))

    assert run(*asked, stdin=b"a@example.de\n").status == 0
    assert node.tokens == [f"Bearer {SERVICE}"]


def test_a_socket_that_does_not_answer_is_told_with_a_way_out(
    run: "Run", short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = short_path / "lookup.sock"
    monkeypatch.setenv("FEDSAFE_URL", f"unix:{path}")
    asked = ("lookup", "--kind", "email", "-")
    missing = run(*asked, stdin=b"a@example.de\n")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        path.chmod(0o000)
        short_path.chmod(0o755)
        with as_nobody():
            shut = run(*asked, stdin=b"a@example.de\n")

    assert (missing.status, shut.status) == (4, 4)
    assert f"no node answers at the socket {path}" in missing.err
    assert "which path [lookup.socket] in its node.toml names" in missing.err
    assert f"the socket {path} is open to its group alone" in shut.err


@pytest.mark.parametrize("url", ["unix:lookup.sock", "unix:"])
def test_a_socket_is_named_by_its_whole_path(
    run: "Run", monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("FEDSAFE_URL", url)
    outcome = run("lookup", "--kind", "email", "-", stdin=b"a@example.de\n")

    assert outcome.status == 2
    assert "a socket is named like unix:/run/fedsafe/lookup.sock" in outcome.err


def test_what_takes_a_directory_does_nothing_to_another_one(
    run: "Run", elsewhere: "Elsewhere", monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    node, url = elsewhere
    (tmp_path / "node.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FEDSAFE_URL", url)
    outcome = run("node", "run")

    assert outcome.status == 2
    assert "this takes the node's directory" in outcome.err
    assert node.asked == []


def test_two_names_of_a_node_are_one_too_many(
    run: "Run",
    elsewhere: "Elsewhere",
    node: "FakeNode",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    far, url = elsewhere
    monkeypatch.setenv("FEDSAFE_URL", url)
    monkeypatch.setenv("FEDSAFE_CONFIG", str(node.directory))
    both = run("session", "list")
    typed = run("login", url, "anna", "--config", str(node.directory))

    assert (both.status, typed.status) == (2, 2)
    assert "both FEDSAFE_URL and FEDSAFE_CONFIG name a node" in both.err
    assert "not by both" in typed.err
    assert far.asked == node.asked == []


@pytest.mark.parametrize(
    "url", ["http://node.example:80", "https://anna:pw@node.example", "https://n.e/v1"]
)
def test_an_address_that_is_none_is_refused_before_anything_is_typed(
    run: "Run", url: str
) -> None:
    outcome = run("login", url, "anna", stdin=b"pass word\n123456\n")

    assert outcome.status == 2
    assert "a node's URL is https://name[:port]" in outcome.err
    assert "pw@" not in outcome.err


def test_a_certificate_that_is_not_trusted_gets_no_password(
    run: "Run", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ssl  # noqa: PLC0415
    from threading import Thread  # noqa: PLC0415

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    listener, heard = socket.create_server(("127.0.0.1", 0)), []

    def answer() -> None:
        with listener, listener.accept()[0] as line:
            try:
                with context.wrap_socket(line, server_side=True) as secure:
                    heard.append(secure.recv(65_536))
            except OSError:
                return  # the client has refused us

    thread = Thread(target=answer)
    thread.start()
    url = f"https://localhost:{listener.getsockname()[1]}"
    outcome = run("login", url, "anna", stdin=b"pass word\n123456\n")
    thread.join()

    assert outcome.status == 4
    assert "CERTIFICATE_VERIFY_FAILED" in outcome.err
    assert [each for each in heard if each] == []
