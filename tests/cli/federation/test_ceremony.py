# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedsafe_cli.federation.ceremony import Folder
from fedsafe_cli.terminal.errors import BadInputError, SettingsError
from fedsafe_cli.terminal.remote import remote


def message(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    found = {"type": "member.card", "signer": "a.demo", "payload": "", "signature": ""}
    return found | changes


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    messages = [message(), message(type="founding.deal")]

    assert folder.add(messages) == [
        "member.card-a.demo.json",
        "founding.deal-a.demo.json",
    ]
    assert sorted(folder.read(), key=str) == sorted(messages, key=str)


def test_a_message_is_written_once_and_never_replaced(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.add([message()])

    assert folder.add([message()]) == []
    with pytest.raises(BadInputError, match="another message"):
        folder.add([message(payload="x")])
    assert folder.read() == [message()]


@pytest.mark.parametrize(
    "document",
    [
        message(signer="../../etc/passwd"),
        message(signer=".hidden"),
        message(type="a/b"),
        message(signer=""),
        message(payload=None),
        message(extra="x"),
        [],
        None,
    ],
)
def test_what_is_no_message_is_refused(tmp_path: Path, document: object) -> None:
    (tmp_path / "x.json").write_text(json.dumps(document))

    with pytest.raises(BadInputError, match="no signed message"):
        Folder(tmp_path).read()


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=50))
def test_a_file_of_junk_is_bad_input(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "x.json").write_bytes(junk)

    with pytest.raises(BadInputError):
        Folder(tmp_path).read()


def test_a_directory_in_a_message_s_place_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "x.json").mkdir()

    with pytest.raises(BadInputError, match="Is a directory"):
        Folder(tmp_path).read()


def test_a_folder_that_is_missing_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        Folder(tmp_path / "none").read()


@pytest.mark.parametrize(
    "url",
    ["http://example.de", "http://10.0.0.1:80", "ftp://a.de", "", "https://a.de/x"],
)
def test_plain_http_stays_on_this_machine(url: str) -> None:
    with pytest.raises(SettingsError):
        remote(url)


@pytest.mark.parametrize(
    ("url", "address", "port", "secure"),
    [
        ("https://fedsafe.a.example", "fedsafe.a.example", 443, True),
        ("https://fedsafe.a.example:8443", "fedsafe.a.example", 8443, True),
        ("http://127.0.0.1:8470", "127.0.0.1", 8470, False),
        ("http://[::1]:8470", "[::1]", 8470, False),
    ],
)
def test_an_address_is_read(url: str, address: str, port: int, *, secure: bool) -> None:
    client = remote(url)

    assert (client.address, client.port, client.secure) == (address, port, secure)
