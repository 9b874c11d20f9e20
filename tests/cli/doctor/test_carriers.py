# SPDX-License-Identifier: Apache-2.0
"""`doctor` looks at the files by which case packages leave the node."""

import asyncio
import json
import shlex
import ssl
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Final

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from tests.support.fleet import config_of, make
from tests.support.phone_hooks import documented_hook, write_secret

from fedsafe_cli.demo.fleet import free_ports
from fedsafe_cli.doctor.carriers import mail, phone, sending
from fedsafe_cli.doctor.diagnosis import Finding, Level
from fedsafe_cli.doctor.texts import said
from fedsafe_node.ground.config import render_config

if TYPE_CHECKING:
    from tests.cli.conftest import Run

NOW: Final = datetime(2027, 3, 1, tzinfo=UTC)
KEY: Final = Ed25519PrivateKey.generate()
SETTINGS: Final = """
[sending.mail]
host = "mail.chat.example"
sender = "cases@chat.example"
ca = "mail-ca.pem"
user = "cases"
password_file = "mail.password"

[sending.sftp]
key = "sftp"

[sending.webhook]
certificate = "client.pem"
key = "client.key"
"""


def written(
    key: Ed25519PrivateKey | X25519PrivateKey, lock: bytes | None = None
) -> bytes:
    how = NoEncryption() if lock is None else BestAvailableEncryption(lock)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def certificate(days: int, since: int = -90) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(7)
        .not_valid_before(NOW + timedelta(days=since))
        .not_valid_after(NOW + timedelta(days=days))
        .sign(KEY, None)
    )
    return made.public_bytes(Encoding.PEM)


def of_version_8(pem: bytes) -> bytes:
    der = ssl.PEM_cert_to_DER_cert(pem.decode())
    version = bytes.fromhex("a003020102")  # [0] { INTEGER 2 }
    return ssl.DER_cert_to_PEM_cert(
        der.replace(version, version[:-1] + b"\x07", 1)
    ).encode()


@pytest.fixture
def directory(short_path: Path) -> Path:
    asyncio.run(make(short_path, "a.demo"))
    found = short_path / "a.demo"
    with (found / "node.toml").open("a") as file:
        file.write(SETTINGS)
    ssh = KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    for name, content in (
        ("mail-ca.pem", certificate(-1) + certificate(900)),
        ("mail.password", b"secret\n"),
        ("sftp", ssh),
        ("client.pem", certificate(90)),
        ("client.key", written(KEY)),
    ):
        (found / name).write_bytes(content)
        (found / name).chmod(0o600)
    return found


def examined(directory: Path) -> dict[str, Finding]:
    return {each.check: each for each in sending(directory, NOW.timestamp())}


def test_files_that_can_be_used_are_well(directory: Path) -> None:
    (directory / "client.pem").chmod(0o644)
    found = examined(directory)

    assert {each.level for each in found.values()} == {Level.OK}
    assert sorted(found) == [
        "sending.mail.ca",
        "sending.mail.password_file",
        "sending.sftp.key",
        "sending.webhook.certificate",
        "sending.webhook.key",
    ]
    assert str(found["sending.webhook.certificate"].found) == "counts until 2027-05-30"


def gone(path: Path) -> None:
    path.unlink()


def open_to_others(path: Path) -> None:
    path.chmod(0o640)


def no_file(path: Path) -> None:
    path.unlink()
    path.mkdir()


def holding(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


@pytest.mark.parametrize(
    ("file", "setting", "change", "level", "says"),
    [
        ("mail-ca.pem", "mail.ca", gone, Level.FAIL, "there is no file"),
        ("mail.password", "mail.password_file", gone, Level.FAIL, "there is no file"),
        ("sftp", "sftp.key", no_file, Level.FAIL, "is no file"),
        ("sftp", "sftp.key", open_to_others, Level.FAIL, "open to others"),
        ("client.key", "webhook.key", open_to_others, Level.FAIL, "open to others"),
        (
            "mail.password",
            "mail.password_file",
            open_to_others,
            Level.FAIL,
            "open to others",
        ),
        (
            "mail.password",
            "mail.password_file",
            holding(b"\n"),
            Level.FAIL,
            "no password",
        ),
        ("sftp", "sftp.key", holding(b"junk"), Level.FAIL, "no private key"),
        (
            "client.key",
            "webhook.key",
            holding(written(KEY, b"lock")),
            Level.FAIL,
            "no private key without a password",
        ),
        (
            "client.key",
            "webhook",
            holding(written(Ed25519PrivateKey.generate())),
            Level.FAIL,
            "do not belong together",
        ),
        (
            "client.key",
            "webhook.key",
            holding(
                KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
            ),
            Level.FAIL,
            "form of OpenSSH",
        ),
        (
            "client.key",
            "webhook.key",
            holding(written(X25519PrivateKey.generate())),
            Level.FAIL,
            "cannot sign",
        ),
        (
            "sftp",
            "sftp.key",
            holding(written(X25519PrivateKey.generate())),
            Level.FAIL,
            "cannot sign",
        ),
        (
            "client.pem",
            "webhook.certificate",
            holding(of_version_8(certificate(90))),
            Level.FAIL,
            "of a version that does not exist",
        ),
        (
            "mail-ca.pem",
            "mail.ca",
            holding(certificate(900) + of_version_8(certificate(90))),
            Level.FAIL,
            "of a version that does not exist",
        ),
        (
            "client.pem",
            "webhook.certificate",
            holding(b"junk"),
            Level.FAIL,
            "no certificate",
        ),
        (
            "client.pem",
            "webhook.certificate",
            holding(certificate(-1)),
            Level.FAIL,
            "has expired on 2027-02-28",
        ),
        (
            "client.pem",
            "webhook.certificate",
            holding(certificate(90, since=1)),
            Level.FAIL,
            "counts from 2027-03-02 only",
        ),
        (
            "client.pem",
            "webhook.certificate",
            holding(certificate(29)),
            Level.WARN,
            "expires on 2027-03-30",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_way_out(  # noqa: PLR0913
    directory: Path,
    file: str,
    setting: str,
    change: Callable[[Path], object],
    level: Level,
    says: str,
) -> None:
    change(directory / file)
    found = examined(directory)[f"sending.{setting}"]

    assert found.level is level
    assert says in str(found.found)
    assert found.way_out
    assert said(found.found, language="de") != str(found.found)
    if not str(found.way_out).startswith("chmod"):
        assert said(found.way_out, language="de") != found.way_out


def test_a_file_that_the_node_cannot_read_says_so(directory: Path) -> None:
    (directory / "client.pem").unlink()
    (directory / "client.pem").symlink_to("client.pem")
    found = examined(directory)["sending.webhook.certificate"]

    assert found.level is Level.FAIL
    assert "cannot be read" in str(found.found)


def test_the_command_says_it_and_fails(run: "Run", directory: Path) -> None:
    (directory / "sftp").unlink()
    outcome = run("doctor", "--lang", "de", "--config", str(directory))

    assert outcome.status == 1
    assert f"es gibt keine Datei {directory}/sftp" in outcome.out


def test_what_is_to_be_typed_has_quoted_paths(directory: Path) -> None:
    with (directory / "node.toml").open() as file:
        text = file.read().replace('"sftp"', '"the key"')
    (directory / "node.toml").write_text(text)
    (directory / "sftp").rename(directory / "the key")
    (directory / "the key").chmod(0o644)
    way_out = str(examined(directory)["sending.sftp.key"].way_out)

    assert shlex.split(way_out) == ["chmod", "go=", f"{directory}/the key"]


def test_no_password_is_asked_for_at_the_terminal(directory: Path) -> None:
    (directory / "client.key").write_bytes(written(KEY, b"phrase"))
    script = (
        "import sys; from pathlib import Path\n"
        "from fedsafe_cli.doctor.carriers import _Kind, _Named, _pair\n"
        "named = [_Named('sending.webhook.certificate', Path('client.pem'), "
        "_Kind.CERTIFICATE), _Named('sending.webhook.key', Path('client.key'), "
        "_Kind.TLS_KEY)]\n"
        "print([str(each.found) for each in _pair(named)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=b"phrase\n",  # OpenSSL reads it from here, without a terminal
        cwd=directory,
        capture_output=True,
        start_new_session=True,
        timeout=50,
        check=True,
    )

    assert done.stdout == b"['certificate and key do not belong together']\n"
    assert done.stderr == b""


class Careless(BaseHTTPRequestHandler):
    """A hook that looks at no signature."""

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        asked = json.loads(self.rfile.read(size))
        assert "to" not in asked
        answer = {"request": asked["request"], "outcome": "accepted"}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_the_mail_server_for_codes_is_tried_without_a_letter(tmp_path: Path) -> None:
    node, (port,) = tmp_path / "node.toml", free_ports(1)
    password, sent = tmp_path / "mail.password", list[bytes]()
    plain = render_config(config_of("chat.anbieter.de", 8401, policy="strict"))

    class Box:
        async def handle_DATA(  # noqa: N802 - the server's name for it
            self, server: object, session: object, envelope: Envelope
        ) -> str:
            del self, server, session
            sent.append(envelope.content or b"")  # type: ignore[arg-type]
            return "250 taken"

    def findings(tls: str = "none") -> dict[str, Finding]:
        node.write_text(
            f'{plain}\n[mail]\nhost = "127.0.0.1"\nport = {port}\ntls = "{tls}"\n'
            'sender = "safety@chat.anbieter.de"\nuser = "codes"\n'
            'password_file = "mail.password"\n'
        )
        found = {each.check: each for each in mail(tmp_path, NOW.timestamp())}
        for each in found.values():
            for text in (each.found, each.way_out):
                if text is not None:
                    assert said(text, language="de") != str(text)
                    assert "hunter2" not in str(text)
        return found

    def log_in(*asked: object) -> AuthResult:
        given = asked[-1]
        assert isinstance(given, LoginPassword)
        right = given.password == b"hunter2"
        return AuthResult(success=right, handled=right)

    node.write_text(plain)
    assert list(mail(tmp_path, NOW.timestamp())) == []
    assert "there is no file" in str(findings()["mail.password_file"].found)
    password.write_text("hunter2\n")
    password.chmod(0o600)
    assert "does not answer" in str(findings()["mail"].found)
    server = Controller(
        Box(),
        hostname="127.0.0.1",
        port=port,
        authenticator=log_in,
        auth_require_tls=False,
    )
    server.start()
    try:
        well = findings()
        assert {each.level for each in well.values()} == {Level.OK}
        assert "does not offer" in str(findings("starttls")["mail"].found)
        assert "speaks no TLS" in str(findings("tls")["mail"].found)
        password.write_text("other\n")
        refused = findings()["mail"]
    finally:
        server.stop()
    assert (refused.level, sent) == (Level.FAIL, [])
    assert "user and password" in str(refused.found)


def test_the_hook_for_codes_is_asked_without_a_number(tmp_path: Path) -> None:
    node, keys = tmp_path / "node.toml", tmp_path / "keys"
    keys.mkdir()
    plain = render_config(config_of("chat.anbieter.de", 8401, policy="strict"))

    def findings(url: str) -> dict[str, Finding]:
        more = f'\n[phone]\nurl = "{url}"\nsecret_file = "keys/phone-hook"\n'
        node.write_text(plain + more)
        found = {each.check: each for each in phone(tmp_path, NOW.timestamp())}
        for each in found.values():
            for text in (each.found, each.way_out):
                if text is not None and not str(text).startswith(("chmod", "docs/")):
                    assert said(text, language="de") != str(text)
        return found

    node.write_text(plain)
    assert list(phone(tmp_path, NOW.timestamp())) == []
    careless = HTTPServer(("127.0.0.1", 0), Careless)
    Thread(target=careless.serve_forever, daemon=True).start()
    taken = f"http://127.0.0.1:{careless.server_port}/code"
    assert findings(taken)["phone.secret_file"].level is Level.FAIL
    write_secret(tmp_path, "short")
    assert "too short" in str(findings(taken)["phone.secret_file"].found)
    write_secret(tmp_path)
    assert "nobody has signed" in str(findings(taken)["phone"].found)
    careless.shutdown()
    careless.server_close()
    assert "does not answer" in str(findings(taken)["phone"].found)
    with documented_hook(tmp_path, "http://127.0.0.1:9/none") as (url, _):
        while "does not answer" in str((found := findings(url)["phone"]).found):
            pass
        assert found.level is Level.OK
        write_secret(tmp_path, "another secret of thirty-two signs")
        found = findings(url)["phone"]
    assert found.level is Level.FAIL
    assert "signature" in str(found.found)
