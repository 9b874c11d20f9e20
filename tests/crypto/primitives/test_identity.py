# SPDX-License-Identifier: Apache-2.0

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsafe_crypto.errors import (
    CryptoError,
    MalformedInputError,
    MalformedKeyError,
    SignatureError,
)
from fedsafe_crypto.primitives.identity import (
    SigningKey,
    check_public_key,
    sign,
    verify,
    verify_exactly,
)

VECTORS = json.loads(
    (Path(__file__).parent.parent / "vectors" / "identity.json").read_text()
)
KEY = SigningKey.from_bytes(bytes(range(32)))
DATA = b'{"size": 7}'
SIGNATURE = sign(KEY, "feed.trailer", "example", DATA)
P = 2**255 - 19
ORDER_8_Y = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    "little",
)


def encoded(y: int, sign_bit: int) -> bytes:
    return (y | sign_bit << 255).to_bytes(32, "little")


@pytest.mark.parametrize("case", VECTORS["rfc8032"], ids=lambda case: case["comment"])
def test_the_rfc_8032_vector_comes_out(case: dict[str, str]) -> None:
    key = SigningKey.from_bytes(bytes.fromhex(case["seed"]))
    message = bytes.fromhex(case["message"])

    assert key.public.hex() == case["public"]
    assert key.sign_exactly(message).hex() == case["signature"]
    verify_exactly(key.public, message, bytes.fromhex(case["signature"]))


@pytest.mark.parametrize("case", VECTORS["framed"], ids=lambda case: case["comment"])
def test_our_frame_is_pinned(case: dict[str, str]) -> None:
    key = SigningKey.from_bytes(bytes.fromhex(case["seed"]))
    data = bytes.fromhex(case["data"])

    signature = sign(key, case["type"], case["federation"], data)

    assert signature.hex() == case["signature"]
    verify_exactly(key.public, bytes.fromhex(case["message"]), signature)


@given(st.binary(max_size=200), st.text(st.characters(codec="utf-8"), max_size=20))
def test_what_was_signed_verifies(data: bytes, federation: str) -> None:
    verify(
        KEY.public, "record", federation, data, sign(KEY, "record", federation, data)
    )


@pytest.mark.parametrize(
    ("statement_type", "federation", "data"),
    [
        ("feed.trailer", "example", DATA + b"\0"),
        ("feed.trailer", "other", DATA),
        ("feed.traile", "example", DATA),
        ("feed.trailer", "exampl", b"e" + DATA),
    ],
)
def test_a_signature_is_bound_to_its_context(
    statement_type: str, federation: str, data: bytes
) -> None:
    with pytest.raises(SignatureError):
        verify(KEY.public, statement_type, federation, data, SIGNATURE)


@settings(max_examples=150)
@given(st.integers(0, 63), st.integers(1, 255))
def test_any_changed_byte_of_a_signature_is_refused(place: int, change: int) -> None:
    changed = bytearray(SIGNATURE)
    changed[place] ^= change

    with pytest.raises(SignatureError):
        verify(KEY.public, "feed.trailer", "example", DATA, bytes(changed))


def test_another_key_does_not_verify() -> None:
    with pytest.raises(SignatureError):
        verify(SigningKey.generate().public, "feed.trailer", "example", DATA, SIGNATURE)


@given(st.binary(max_size=70), st.binary(max_size=70))
def test_junk_raises_only_our_errors(public: bytes, signature: bytes) -> None:
    with pytest.raises(CryptoError):
        verify(public, "record", "example", b"", signature)
    with pytest.raises(SignatureError):
        verify(KEY.public, "record", "example", b"", signature)


@pytest.mark.parametrize("sign_bit", [0, 1])
@pytest.mark.parametrize(
    "y",
    [0, 1, P - 1, ORDER_8_Y, P - ORDER_8_Y],
    ids=["order 4", "order 1", "order 2", "order 8", "order 8, other"],
)
def test_keys_of_low_order_are_refused(y: int, sign_bit: int) -> None:
    with pytest.raises(MalformedKeyError):
        check_public_key(encoded(y, sign_bit))


@pytest.mark.parametrize("sign_bit", [0, 1])
@pytest.mark.parametrize("excess", range(19))
def test_keys_that_are_not_canonical_are_refused(excess: int, sign_bit: int) -> None:
    with pytest.raises(MalformedKeyError):
        check_public_key(encoded(P + excess, sign_bit))


def test_a_key_off_the_curve_is_refused() -> None:
    with pytest.raises(MalformedKeyError):
        check_public_key(encoded(2, 0))


def test_a_low_order_key_cannot_vouch_for_everything() -> None:
    anything = encoded(1, 0) + bytes(32)

    with pytest.raises(MalformedKeyError):
        verify(encoded(1, 0), "record", "example", b"forged", anything)


def test_an_honest_key_passes_and_round_trips() -> None:
    key = SigningKey.generate()

    check_public_key(key.public)
    assert SigningKey.from_bytes(key.to_bytes()) == key


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_keys_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(MalformedKeyError):
        SigningKey.from_bytes(bytes(length))
    with pytest.raises(MalformedKeyError):
        check_public_key(bytes(length))


@pytest.mark.parametrize(
    "statement_type", ["", "Feed", "a\nb", "a b", "a\n", "1a", "a" * 65]
)
def test_a_type_that_would_break_the_frame_is_refused(statement_type: str) -> None:
    with pytest.raises(MalformedInputError):
        sign(KEY, statement_type, "example", b"")


def test_a_federation_id_without_an_encoding_is_refused() -> None:
    with pytest.raises(MalformedInputError):
        verify(KEY.public, "record", "\udfff", b"", bytes(64))


def test_the_repr_keeps_the_secret() -> None:
    assert repr(KEY) == f"SigningKey(public={KEY.public.hex()})"
