# SPDX-License-Identifier: Apache-2.0

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import key_of, keys_of, signed_card

from fedsafe_federation.charter.card import (
    CARD,
    NO_FEDERATION,
    Card,
    NodeUrl,
    fingerprint,
    open_card,
    sign_card,
)
from fedsafe_federation.errors import FederationError, MalformedError, UntrustedError
from fedsafe_federation.wire.signed import Signed, sign_payload, sign_statement

KEY = key_of("a.example", "statement")
VALID = signed_card("a.example")
LOW_ORDER = bytes.fromhex("01" + "00" * 31)


def card(**changes: Any) -> Card:  # noqa: ANN401 - a field of any type
    return msgspec.structs.replace(open_card(VALID), **changes)


def test_a_card_says_who_a_node_is() -> None:
    opened = open_card(VALID)

    assert opened.name == "a.example"
    assert opened.keys == keys_of("a.example")


@pytest.mark.parametrize("use", ["feed", "audit", "statement", "transport", "witness"])
@pytest.mark.parametrize("public", [LOW_ORDER, b"\xff" * 32, bytes(32)])
def test_keys_that_verify_anything_are_refused(use: str, public: bytes) -> None:
    keys = msgspec.structs.replace(keys_of("a.example"), **{use: public})
    statement = sign_card(card(keys=keys), KEY)

    with pytest.raises(UntrustedError, match="a key that may not sign"):
        open_card(statement)


def test_a_card_signed_by_another_key_is_refused() -> None:
    with pytest.raises(UntrustedError):
        open_card(sign_card(card(), key_of("b.example", "statement")))


def test_a_card_names_its_signer() -> None:
    statement = sign_statement(
        card(), type_=CARD, signer="b.example", key=KEY, federation=NO_FEDERATION
    )
    with pytest.raises(UntrustedError, match="the card names another node"):
        open_card(statement)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"phone/1": bytes(31)},
        {"phone": bytes(32)},
        {"Phone/1": bytes(32)},
        {"phone/1\n": bytes(32)},
        {f"phone/{number}": bytes(32) for number in range(33)},
    ],
    ids=["none", "short", "no version", "case", "newline", "many"],
)
def test_what_canonicalisers_answer_has_one_form(said: dict[str, bytes]) -> None:
    with pytest.raises(MalformedError):
        open_card(sign_card(card(canonicalisers=said), KEY))


@given(place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_one_changed_byte_is_refused(place: int, flip: int) -> None:
    for name in ("payload", "signature"):
        changed = bytearray(getattr(VALID, name))
        changed[place % len(changed)] ^= flip
        with pytest.raises(FederationError):
            open_card(msgspec.structs.replace(VALID, **{name: bytes(changed)}))


@given(payload=st.binary(max_size=200))
def test_junk_is_no_card(payload: bytes) -> None:
    statement = sign_payload(
        payload, type_=CARD, signer="a.example", key=KEY, federation=NO_FEDERATION
    )
    with pytest.raises(MalformedError):
        open_card(statement)


def test_a_fingerprint_can_be_read_aloud_and_tells_cards_apart() -> None:
    said = fingerprint(VALID)

    assert re.fullmatch(r"([0-9a-f]{4} ){7}[0-9a-f]{4}", said)
    assert said != fingerprint(sign_card(card(jurisdiction="AT"), KEY))
    assert said == fingerprint(Signed(CARD, "b.example", VALID.payload, bytes(64)))


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example",
        "https://a.example:8443",
        "http://127.0.0.1:8401",
        "http://localhost:8401",
        "http://[::1]:8401",
    ],
)
def test_addresses_of_nodes(url: str) -> None:
    assert msgspec.convert(url, NodeUrl) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example",
        "https://a.example/",
        "https://a.example\n",
        "https://user@a.example",
        "http://127.0.0.1.evil.example:80",
        "http://127.\u0660.\u0660.\u0661:80",
        "http://localhost",
        "http://localhost.evil.example:80",
        "https://" + "a" * 200,
        "file:///etc/passwd",
    ],
)
def test_no_addresses_of_nodes(url: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(url, NodeUrl)
