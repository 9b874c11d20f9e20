# SPDX-License-Identifier: Apache-2.0
import base64
from pathlib import Path

import msgspec
import pytest
from tests.node.signals.conftest import Node

from fedsafe_crypto.errors import OpenError
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_federation.identifiers import canonicalise
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import ConfigError, KeyFileExistsError
from fedsafe_node.ground.key_files import read_secret
from fedsafe_node.signals.custody import (
    Custody,
    create_custody_key,
    load_custody,
    open_custody,
)
from fedsafe_policies.vocabulary import IdentifierKind

SIGNAL = bytes(range(16))


def test_only_the_custody_key_opens_what_was_sealed() -> None:
    key = RecipientKey.generate()
    email = canonicalise(IdentifierKind.EMAIL, "Person@Mail.example")

    sealed = Custody("a.demo", key.public).seal(SIGNAL, email)

    assert b"mail.example" not in sealed
    opened = open_custody(key, node="a.demo", signal_id=SIGNAL, sealed=sealed)
    assert opened == email
    for other, node, signal in (
        (RecipientKey.generate(), "a.demo", SIGNAL),
        (key, "b.demo", SIGNAL),
        (key, "a.demo", bytes(16)),
    ):
        with pytest.raises(OpenError):
            open_custody(other, node=node, signal_id=signal, sealed=sealed)


def test_a_new_key_serves_a_node_that_holds_the_public_half(
    tmp_path: Path, node: Node
) -> None:
    place = Place(tmp_path / "node")
    private, public = tmp_path / "custody.key", place.directory / "custody.pub"
    email = canonicalise(IdentifierKind.EMAIL, "person@mail.example")

    create_custody_key(place, private=private, public=public)
    custody = load_custody(place, node.desk.situation.config)

    key = RecipientKey.from_bytes(read_secret(private))
    sealed = custody.seal(SIGNAL, email)
    assert open_custody(key, node="a.demo", signal_id=SIGNAL, sealed=sealed) == email
    with pytest.raises(KeyFileExistsError):
        create_custody_key(place, private=private, public=public)


def test_the_private_half_is_not_put_into_the_node(tmp_path: Path) -> None:
    place = Place(tmp_path)

    with pytest.raises(ConfigError, match="outside"):
        create_custody_key(
            place, private=tmp_path / "keys" / "c.key", public=tmp_path / "c.pub"
        )

    assert not list(tmp_path.rglob("c.*"))


@pytest.mark.parametrize(
    "content", [None, b"", b"not base64!", base64.b64encode(bytes(32))]
)
def test_a_file_that_is_no_custody_key_is_refused(
    tmp_path: Path, node: Node, content: bytes | None
) -> None:
    config = msgspec.structs.replace(node.desk.situation.config, custody_key="x.pub")
    if content is not None:
        (tmp_path / "x.pub").write_bytes(content)

    with pytest.raises(ConfigError, match=r"x\.pub"):
        load_custody(Place(tmp_path), config)
