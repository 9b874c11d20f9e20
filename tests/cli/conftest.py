# SPDX-License-Identifier: Apache-2.0
"""A node in a thread that answers as it is told, and the command in this process."""

import io
import json
import os
import shutil
import sys
import tempfile
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn, UnixStreamServer
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fedsafe_cli.main import main

NOBODY = 65_534
Answering = Callable[[dict[str, Any]], tuple[int, Any]]

MATCH = {
    "question": 0,
    "signal": "01a20e5e-7e0b-7dca-b773-0d06d4879060",
    "origin": "a.demo",
    "own": False,
    "plane": "actor",
    "kind": "email",
    "phenomenon": "grooming",
    "surface": "public_content",
    "grade": "confirmed_conduct",
    "provenance": "own_finding",
    "rule": "tos-4.2",
    "removed_on": "2026-11-20",
    "published_on": "2026-11-24",
    "match_until": "2027-11-18",
    "contact": "trust@a.demo",
    "distance": None,
    "policy_rule": "P1",
    "policy": "germany@1a2b3c4d",
    "appeal": {
        "form": "https://b.example/rights",
        "contact": "safety@b.example",
        "origin_form": "https://a.example/rights",
    },
}


def answer(result: str) -> dict[str, Any]:
    matches = [MATCH] if result == "review" else []
    found: dict[str, Any] = {"result": result, "matches": matches, "not_covered": []}
    if matches:
        found["corroboration"] = [
            {"question": 0, "origins": 1, "others": 0, "enough": False}
        ]
    return found


@dataclass
class FakeNode:
    """Speaks the API over a Unix socket; what it answers is up to the test."""

    directory: Path
    answers: dict[str, Answering] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    kept: dict[str, tuple[int, Any]] = field(default_factory=dict)
    drops: int = 0
    """So many answers get lost, after the act."""
    dropped: str = ""
    """Of which target; of any, if it is empty."""

    def on(self, target: str, answering: Answering) -> None:
        self.answers[target] = answering

    def always(self, target: str, body: object, status: int = 200) -> None:
        self.answers[target] = lambda _: (status, body)

    def asked_of(self, target: str) -> list[Any]:
        """Give the bodies of what was asked of one target."""
        return [body for asked, body in self.asked if asked == target]

    def act(self, target: str, body: Any, key: str | None) -> tuple[int, Any]:  # noqa: ANN401
        """Answer a request; one that was done under its key is not done again."""
        if key is not None and key in self.kept:
            return self.kept[key]
        answering = self.answers.get(target, _nowhere)
        status, document = answering(body)
        if key is not None and status in range(200, 300):
            self.kept[key] = status, document
        return status, document

    def knows(self, *listed: str, bad: tuple[str, ...] = ()) -> None:
        """Answer lookups by value: listed ones match, bad ones are problems."""

        def judge(lookup: dict[str, Any]) -> dict[str, Any]:
            values = {question["value"] for question in lookup["questions"]}
            return answer("review" if values & set(listed) else "none")

        def single(body: dict[str, Any]) -> tuple[int, Any]:
            if body["questions"][0]["value"] in bad:
                return 422, {"code": "identifier_malformed", "detail": "out of form"}
            return 200, judge(body)

        def batch(body: dict[str, Any]) -> tuple[int, Any]:
            answers: list[Any] = []
            problems: list[Any] = []
            for position, lookup in enumerate(body["lookups"]):
                if lookup["questions"][0]["value"] in bad:
                    answers.append(None)
                    problem = {"code": "identifier_malformed", "detail": "out of form"}
                    problems.append(problem | {"position": position})
                else:
                    answers.append(judge(lookup))
            return 200, {"answers": answers, "problems": problems}

        def match(body: dict[str, Any]) -> tuple[int, Any]:
            told: list[Any] = []
            for column in body["columns"]:
                values = digests_of(column)
                at = [n for n, value in enumerate(values) if {*value} & {*listed}]
                found = {"questions": len(values), "review": len(at), "at": at}
                told.append(found | {"answers": [answer("review") for _ in at]})
            document = {"rest": "none", "not_covered": [], "gate_closed": False}
            return 200, document | {"columns": told}

        self.on("POST /v1/match", match)
        self.on("POST /v1/lookup", single)
        self.on("POST /v1/lookup/batch", batch)


def digests_of(column: dict[str, Any]) -> list[list[str]]:
    """Give the digests of each question of a column, as hexadecimal digits."""
    width = {"sha1": 20, "md5": 16}.get(column["kind"], 32)
    data, turned = b64decode(column["digests"]), column["orientations"]
    each = [data[at : at + width].hex() for at in range(0, len(data), width)]
    return [each[at : at + turned] for at in range(0, len(each), turned)]


def _nowhere(_body: dict[str, Any]) -> tuple[int, Any]:
    return 404, {"code": "not_found", "detail": "There is no such thing"}


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    node: FakeNode

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent when a client goes away."""


class _TcpServer(ThreadingMixIn, TCPServer):
    daemon_threads = True
    node: FakeNode


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server | _TcpServer

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent."""

    def _serve(self) -> None:
        node = self.server.node
        size = int(self.headers.get("Content-Length", 0))
        raw = self.rfile.read(size)
        body: Any = json.loads(raw) if raw else None
        target = f"{self.command} {self.path}"
        node.asked.append((target, body))
        node.tokens.append(self.headers.get("Authorization"))
        node.keys.append(self.headers.get("Idempotency-Key"))
        status, document = node.act(target, body, node.keys[-1])
        if node.drops and node.dropped in {"", target}:
            node.drops -= 1
            self.close_connection = True
            return
        if isinstance(document, bytes):
            self._send_pieces(status, document)
            return
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _send_pieces(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for start in range(0, len(content), 1_000):
            piece = content[start : start + 1_000]
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    do_GET = _serve  # noqa: N815 (the base class calls it so)
    do_POST = _serve  # noqa: N815


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose path is short enough for a Unix socket."""
    path = Path(tempfile.mkdtemp(prefix="fs-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def node(short_path: Path) -> Iterator[FakeNode]:
    (short_path / "node.toml").touch()
    fake = FakeNode(short_path)
    with _Server(str(short_path / "node.sock"), _Handler) as server:
        server.node = fake
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield fake
        server.shutdown()
        thread.join()


@pytest.fixture
def remote_node(short_path: Path) -> Iterator[tuple[FakeNode, str]]:
    """A fake node on loopback, and its URL."""
    fake = FakeNode(short_path)
    with _TcpServer(("127.0.0.1", 0), _Handler) as server:
        server.node = fake
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield fake, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401 (JSON)
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(text) for text in self.out.splitlines()]


Run = Callable[..., Outcome]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Give up root's rights for a while; whoever is not root keeps theirs."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Run:
    """Run the command in this process, with English and no settings around."""
    for name in ("CONFIG", "URL", "CREDENTIAL_FILE"):
        monkeypatch.delenv(f"FEDSAFE_{name}", raising=False)
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def run_command(*arguments: str, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["fedsafe", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        status = main()
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return run_command


@pytest.fixture
def ask(run: Run, node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command against the fake node."""
    monkeypatch.setenv("FEDSAFE_CONFIG", str(node.directory))
    return run


def self_signed(folder: Path) -> Path:
    """Write the key and certificate of a server at localhost; give the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)  # noqa: TID251 (a certificate is valid now)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "node.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file
