# SPDX-License-Identifier: Apache-2.0
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import self_signed

from fedsafe_cli.terminal.client import MOST_BYTES
from fedsafe_cli.terminal.errors import (
    BrokenAnswerError,
    NodeUnreachableError,
    RefusedError,
)
from fedsafe_cli.terminal.remote import remote

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode

Serve = Callable[[bytes], str]


@pytest.fixture
def serve() -> Serve:
    """Answer the next connection on loopback with these bytes; return the URL."""

    def start(reply: bytes) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]

        def answer() -> None:
            with listener, listener.accept()[0] as line:
                line.recv(65_536)
                line.sendall(reply)

        Thread(target=answer, daemon=True).start()
        return f"http://127.0.0.1:{port}"

    return start


def test_a_node_on_loopback_is_asked(remote_node: "tuple[FakeNode, str]") -> None:
    node, url = remote_node
    node.always("GET /v1/card", {"type": "member.card"})

    assert remote(url).get("/v1/card") == {"type": "member.card"}
    assert node.tokens == [None]


def test_a_refusal_over_the_network_keeps_its_code(
    remote_node: "tuple[FakeNode, str]",
) -> None:
    node, url = remote_node
    node.always("POST /v1/founding", {"code": "founding_failed", "detail": "no"}, 409)

    with pytest.raises(RefusedError, match="founding_failed"):
        remote(url).post("/v1/founding", [])


def test_a_redirect_is_not_followed(serve: Serve) -> None:
    url = serve(
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
        b"Content-Length: 0\r\n\r\n"
    )

    with pytest.raises(BrokenAnswerError, match="status 302"):
        remote(url).get("/")


@pytest.mark.parametrize(
    "reply",
    [
        b"Content-Length: %d\r\n\r\n" % (MOST_BYTES + 1),
        b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n%x\r\n" % MOST_BYTES,
    ],
)
def test_an_answer_that_is_too_large_is_not_read(serve: Serve, reply: bytes) -> None:
    with pytest.raises(BrokenAnswerError, match="too large"):
        remote(serve(b"HTTP/1.1 200 OK\r\n" + reply)).get("/")


def test_a_port_that_nobody_listens_on_refuses() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"

        with pytest.raises(NodeUnreachableError, match=f"{url}: Connection refused"):
            remote(url).get("/")


def test_a_node_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        with pytest.raises(NodeUnreachableError, match=r"no answer within 0\.05 s"):
            remote(url).get("/", timeout=0.05)


def serve_tls(file: Path, newest: ssl.TLSVersion) -> tuple[str, Thread]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.maximum_version = newest
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with listener, listener.accept()[0] as line:
            try:
                with context.wrap_socket(line, server_side=True) as secure:
                    secure.recv(65_536)
                    secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            except OSError:
                return  # the client has refused us

    thread = Thread(target=answer)
    thread.start()
    return f"https://localhost:{listener.getsockname()[1]}", thread


@pytest.mark.parametrize("trusted", [True, False])
def test_a_node_elsewhere_needs_a_certificate_that_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, trusted: bool
) -> None:
    file = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file if trusted else tmp_path / "none"))
    url, thread = serve_tls(file, ssl.TLSVersion.TLSv1_3)
    try:
        if trusted:
            assert remote(url).get("/") == {}
        else:
            with pytest.raises(NodeUnreachableError, match="CERTIFICATE_VERIFY_FAILED"):
                remote(url).get("/")
    finally:
        thread.join()


def test_a_node_with_old_tls_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    url, thread = serve_tls(file, ssl.TLSVersion.TLSv1_2)
    with pytest.raises(NodeUnreachableError):
        remote(url).get("/")
    thread.join()
