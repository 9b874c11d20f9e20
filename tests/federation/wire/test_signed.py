# SPDX-License-Identifier: Apache-2.0

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import FEDERATION, header, key_of

from fedsafe_federation.errors import MalformedError, UntrustedError
from fedsafe_federation.feed.signals import SignalHeader
from fedsafe_federation.wire.signed import (
    NodeName,
    Signed,
    open_payload,
    open_statement,
    sign_payload,
    sign_statement,
)
from fedsafe_federation.wire.wireformat import decode, encode

KEY = key_of("a.example", "statement")
STATEMENT = sign_statement(
    header(), type_="test", signer="a.example", key=KEY, federation=FEDERATION
)


def opened(
    statement: Signed,
    *,
    type_: str = "test",
    public: bytes = KEY.public,
    federation: str = FEDERATION,
) -> SignalHeader:
    return open_statement(
        statement, SignalHeader, type_=type_, public=public, federation=federation
    )


@given(payload=st.binary(max_size=300))
def test_any_payload_travels_unchanged(payload: bytes) -> None:
    statement = sign_payload(
        payload, type_="test", signer="a.example", key=KEY, federation=FEDERATION
    )
    arrived = decode(encode(statement), Signed)

    assert arrived == statement
    assert payload == open_payload(
        arrived, type_="test", public=KEY.public, federation=FEDERATION
    )


def test_a_statement_opens_to_its_value() -> None:
    assert opened(STATEMENT) == header()


@pytest.mark.parametrize(
    "change",
    [
        {"type_": "test.other"},
        {"public": key_of("b.example", "statement").public},
        {"public": bytes(32)},
        {"federation": "other.example#1"},
    ],
)
def test_another_type_key_or_federation_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(UntrustedError):
        opened(STATEMENT, **change)  # type: ignore[arg-type]


@given(place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_one_changed_byte_is_refused(place: int, flip: int) -> None:
    for name in ("payload", "signature"):
        changed = bytearray(getattr(STATEMENT, name))
        changed[place % len(changed)] ^= flip
        with pytest.raises(UntrustedError):
            opened(msgspec.structs.replace(STATEMENT, **{name: bytes(changed)}))


def test_a_statement_that_calls_itself_otherwise_is_refused() -> None:
    with pytest.raises(UntrustedError, match="of type test is needed"):
        opened(msgspec.structs.replace(STATEMENT, type="other"))


def test_a_type_that_nobody_defined_is_untrusted() -> None:
    statement = msgspec.structs.replace(STATEMENT, type="a" * 65)

    with pytest.raises(UntrustedError):
        opened(statement, type_="a" * 65)


def test_a_signed_payload_must_still_fit() -> None:
    statement = sign_payload(
        b"{}", type_="test", signer="a.example", key=KEY, federation=FEDERATION
    )
    with pytest.raises(MalformedError):
        opened(statement)


@pytest.mark.parametrize(
    "name",
    [
        "a.example\n",
        "a.example\\n",
        "A.example",
        "a",
        "a..example",
        "-a.example",
        "a-.example",
        "a.example/",
        "ä.example",
        ".".join(["a" * 62] * 5),
        "a" * 64 + ".example",
    ],
)
def test_no_name_of_a_node(name: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(name, NodeName)


@given(name=st.from_regex(r"[a-z0-9]{1,20}(\.[a-z0-9]{1,20}){1,3}", fullmatch=True))
def test_names_of_nodes(name: str) -> None:
    assert msgspec.convert(name, NodeName) == name
    assert re.fullmatch(r"[a-z0-9.-]+", name)
