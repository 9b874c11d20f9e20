# SPDX-License-Identifier: Apache-2.0
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.programs import program

from fedsafe_policies.escalation.channels import (
    Channel,
    MailChannel,
    SftpChannel,
    WebhookChannel,
    read_host_key,
)


def key(kind: str = "ssh-ed25519", inner: str | None = None) -> str:
    named = (inner or kind).encode()
    raw = len(named).to_bytes(4, "big") + named + bytes([0, 0, 0, 32]) + bytes(32)
    return f"{kind} {b64encode(raw).decode()}"


SFTP: Final[dict[str, Any]] = {
    "by": "sftp",
    "host": "sftp.office.example",
    "user": "fedsafe",
    "host_key": key(),
}


def read(value: object) -> Channel:
    return msgspec.convert(value, Channel)  # type: ignore[no-any-return]


def test_channels_are_told_apart_by_how_they_carry() -> None:
    assert read({"by": "mail", "address": "a.b+c@office.example"}) == MailChannel(
        address="a.b+c@office.example"
    )
    assert read({"by": "webhook", "url": "https://[2001:db8::1]:8443/in"}) == (
        WebhookChannel(url="https://[2001:db8::1]:8443/in")
    )
    server = read(SFTP)
    assert isinstance(server, SftpChannel)
    assert (server.port, server.directory) == (22, ".")


@pytest.mark.parametrize(
    "address",
    [
        "a@b@c.example",
        "a b@office.example",
        "a@office.example\nBcc: x@y.example",
        "<a@office.example>",
        "a@",
        "a@office..example",
        "a@-office.example",
        "@office.example",
        "ä@office.example",
        "a@127.0.0.1",
        "a" * 65 + "@office.example",
    ],
)
def test_a_mailbox_is_a_plain_address(address: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        read({"by": "mail", "address": address})


@pytest.mark.parametrize(
    "url",
    [
        "http://office.example/cases",
        "http://192.0.2.1/cases",
        "https://user:secret@office.example/",
        "https://office.example/?token=secret",
        "https://office.example/#part",
        "https://office.example:0/",
        "https://office.example:99999/",
        "https://office.example/a b",
        "https://office.example/\r\nX: y",
        "https://Office.example/",
        "https:///cases",
        "https://2130706433/",
        "https://127.1/",
        "https://[::1",
        "ftp://office.example/",
        "file:///etc/passwd",
    ],
)
def test_a_webhook_is_https_and_holds_no_secret(url: str) -> None:
    with pytest.raises(msgspec.ValidationError) as found:
        read({"by": "webhook", "url": url})
    assert "secret" not in str(found.value)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "[::1]:80", "localhost"])
def test_a_plain_webhook_is_on_this_machine(host: str) -> None:
    url = f"http://{host}/in"

    assert read({"by": "webhook", "url": url}) == WebhookChannel(url=url)


@pytest.mark.parametrize(
    "change",
    [
        {"host": "sftp office"},
        {"host": "user@sftp.office.example"},
        {"host": ""},
        {"port": 0},
        {"user": "-oProxyCommand"},
        {"user": "a b"},
        {"directory": "in/../../etc"},
        {"directory": "in\nbox"},
        {"host_key": "ssh-ed25519 AAAA"},
        {"host_key": key() + " comment"},
        {"host_key": key("ssh-ed25519", "ssh-rsa")},
        {"host_key": key("ssh-dss")},
        {"host_key": f"{key()}\n{key('ssh-rsa')}"},
        {"password": "no"},
    ],
)
def test_a_server_has_a_host_and_one_public_host_key(change: dict[str, Any]) -> None:
    assert isinstance(read(SFTP), SftpChannel)
    with pytest.raises(msgspec.ValidationError):
        read(SFTP | change)


def test_a_host_key_is_read_as_openssh_writes_it(tmp_path: Path) -> None:
    keygen = program("ssh-keygen", "openssh-client")
    made = tmp_path / "host"
    command = [keygen, "-q", "-t", "ed25519", "-N", "", "-C", "a b", "-f", str(made)]
    subprocess.run(command, check=True)
    text = (tmp_path / "host.pub").read_text()
    told = subprocess.run(
        [keygen, "-l", "-f", str(tmp_path / "host.pub")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    server = read(SFTP | {"host_key": read_host_key(text)})

    assert isinstance(server, SftpChannel)
    assert server.fingerprint in told.split()
    scanned = f"# sftp.office.example:22 SSH-2.0\n[sftp.office.example]:22 {text}"
    assert read_host_key(scanned) == server.host_key
    with pytest.raises(ValueError, match="private"):
        read_host_key(made.read_text())


@given(st.text())
def test_whatever_is_said_to_be_a_host_key_is_one_or_refused(text: str) -> None:
    with pytest.raises(ValueError, match="host key"):
        read_host_key(text)
