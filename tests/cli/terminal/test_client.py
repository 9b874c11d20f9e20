# SPDX-License-Identifier: Apache-2.0
import contextlib
import socket
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.cli.conftest import as_nobody

from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import (
    BrokenAnswerError,
    CliError,
    NodeUnreachableError,
    RefusedError,
)

Serve = Callable[[bytes], Client]


@pytest.fixture
def serve(short_path: Path) -> Serve:
    """Answer each next connection with these bytes, whatever it asks."""

    def start(reply: bytes) -> Client:
        path = short_path / "node.sock"
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        listener.listen(1)

        def answer() -> None:
            with listener, listener.accept()[0] as line, contextlib.suppress(OSError):
                line.recv(65_536)
                line.sendall(reply)

        Thread(target=answer, daemon=True).start()
        return Client(str(path), None, str(short_path))

    return start


def test_a_chunked_answer_is_put_together(serve: Serve) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    client = serve(head + b'3;x=1\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n')

    assert client.get("/") == {"a": 1}


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"", NodeUnreachableError),
        (b"HTTP/1.1 200 OK\r\nContent-", NodeUnreachableError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", NodeUnreachableError),
        (b"SSH-2.0-OpenSSH\r\n\r\n", BrokenAnswerError),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", BrokenAnswerError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", BrokenAnswerError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1e3\r\n\r\n", BrokenAnswerError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", BrokenAnswerError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{", BrokenAnswerError),
        (b"HTTP/1.1 500 No\r\nContent-Length: 1\r\n\r\n{", RefusedError),
        (b"HTTP/1.1 " + b"x" * 100_000, BrokenAnswerError),
    ],
)
def test_an_answer_that_is_none_has_its_error(
    serve: Serve, reply: bytes, error: type[CliError]
) -> None:
    client = serve(reply)

    with pytest.raises(error):
        client.get("/")


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.sampled_from(
        [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"]
    ),
    st.binary(max_size=200),
)
def test_junk_raises_only_our_own_error(serve: Serve, head: bytes, rest: bytes) -> None:
    client = serve(head + rest)

    with contextlib.suppress(CliError):
        client.get("/")


def test_a_node_that_hangs_is_given_up(short_path: Path) -> None:
    path = str(short_path / "node.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(1)
        client = Client(path, None, str(short_path))

        with pytest.raises(NodeUnreachableError, match=r"within 0\.05 s"):
            client.get("/", timeout=0.05)


def test_a_socket_that_nobody_listens_on_is_no_node(short_path: Path) -> None:
    path = str(short_path / "node.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(path)

    with pytest.raises(NodeUnreachableError, match="no node is running"):
        Client(path, None, str(short_path)).get("/")


def test_a_socket_of_somebody_else_is_said(short_path: Path) -> None:
    path = short_path / "node.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(1)
        path.chmod(0)
        with as_nobody(), pytest.raises(NodeUnreachableError, match="another user"):
            Client(str(path), None, str(short_path)).get("/")


def test_a_path_that_is_too_long_is_no_node() -> None:
    with pytest.raises(NodeUnreachableError, match="too long"):
        Client("/" + "x" * 200, None, "/").get("/")


def test_a_node_that_drips_is_given_up_as_a_whole(short_path: Path) -> None:
    path = str(short_path / "node.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(1)

        def drip() -> None:
            with listener.accept()[0] as line, contextlib.suppress(OSError):
                line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n")
                while True:
                    line.sendall(b"x")

        thread = Thread(target=drip)
        thread.start()
        with pytest.raises(NodeUnreachableError, match=r"within 0\.1 s"):
            Client(path, None, str(short_path)).get("/", timeout=0.1)
        thread.join()


def test_a_refusal_points_into_the_request(serve: Serve) -> None:
    body = b'{"code":"invalid_body","title":"no","pointer":"/about"}'
    head = b"HTTP/1.1 422 No\r\nContent-Length: %d\r\n\r\n" % len(body)

    with pytest.raises(RefusedError, match="invalid_body") as caught:
        serve(head + body).get("/")

    assert str(caught.value.hint) == "see /about of the request"


def test_a_refusal_carries_rule_and_policy(serve: Serve) -> None:
    body = (
        b'{"code":"four_eyes","detail":"P6","rule":"P6","policy":"strict@1",'
        b'"reason":{"de":"Zwei","en":"Two people"},"retry_after_ms":5}'
    )
    head = b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n" % len(body)

    with pytest.raises(RefusedError) as caught:
        serve(head + body).get("/")

    assert caught.value.diagnostics() == (
        "fedsafe: error: Two people (four_eyes)\n"
        "fedsafe: hint: rule P6 of policy strict@1 decides"
    )
    assert (caught.value.rule, caught.value.retry_after_ms) == ("P6", 5)


def test_the_credential_never_shows() -> None:
    assert "fs1_" not in repr(Client("/x", "fs1_secret", "/"))
