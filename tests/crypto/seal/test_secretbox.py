# SPDX-License-Identifier: Apache-2.0

import json
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsafe_crypto.errors import OpenError, WrongLengthError
from fedsafe_crypto.seal.secretbox import OVERHEAD_BYTES, decrypt, encrypt, opener

VECTORS = json.loads(
    (Path(__file__).parent.parent / "vectors" / "secretbox.json").read_text()
)
KEY = bytes(range(32))
BOX = encrypt(KEY, b"an opening", b"record 7")


def test_the_published_vector_comes_out() -> None:
    case = {name: bytes.fromhex(text) for name, text in VECTORS["xchacha_a3_1"].items()}

    box = encrypt(case["key"], case["plaintext"], case["aad"], nonce=case["nonce"])

    assert box == case["nonce"] + case["ciphertext"] + case["tag"]
    assert decrypt(case["key"], box, case["aad"]) == case["plaintext"]


@given(st.binary(max_size=200), st.binary(max_size=60))
def test_what_was_encrypted_opens(plaintext: bytes, aad: bytes) -> None:
    box = encrypt(KEY, plaintext, aad)

    assert decrypt(KEY, box, aad) == plaintext
    assert len(box) == len(plaintext) + OVERHEAD_BYTES


@given(st.lists(st.binary(max_size=5_000), min_size=1, max_size=4))
def test_an_opener_opens_one_after_the_other_as_decrypt_does(
    plaintexts: list[bytes],
) -> None:
    aad = bytearray(b"box 0")
    open_box = opener(KEY, aad, b"before ")

    for number, plaintext in enumerate(plaintexts):
        box = encrypt(KEY, plaintext, b"box %d" % number)
        aad[-1:] = b"%d" % number

        assert open_box(box) == b"before " + plaintext


@given(st.integers(0, len(BOX) - 1), st.integers(1, 255))
def test_an_opener_refuses_what_decrypt_refuses(place: int, change: int) -> None:
    changed = bytearray(BOX)
    changed[place] ^= change
    for box, aad in ((bytes(changed), b"record 7"), (BOX, b"record 8"), (b"", b"")):
        with pytest.raises(OpenError):
            opener(KEY, bytearray(aad))(box)
    with pytest.raises(WrongLengthError):
        opener(KEY[1:], bytearray())


def test_a_box_that_is_a_text_is_refused() -> None:
    text = cast("bytes", "x" * 60)

    with pytest.raises(TypeError):
        decrypt(KEY, text, b"")
    with pytest.raises(TypeError):
        opener(KEY, bytearray())(text)


@pytest.mark.parametrize("place", range(4))
def test_nothing_that_is_a_text_is_encrypted_or_encrypted_with(place: int) -> None:
    given = [KEY, b"text", b"aad", bytes(24)]
    given[place] = cast("bytes", "x" * len(given[place]))
    key, plaintext, aad, nonce = given

    with pytest.raises(TypeError):
        encrypt(key, plaintext, aad, nonce=nonce)


def test_encrypting_twice_gives_two_boxes() -> None:
    assert encrypt(KEY, b"x", b"") != encrypt(KEY, b"x", b"")


@settings(max_examples=150)
@given(st.integers(0, len(BOX) - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused(place: int, change: int) -> None:
    changed = bytearray(BOX)
    changed[place] ^= change

    with pytest.raises(OpenError):
        decrypt(KEY, bytes(changed), b"record 7")


def test_another_aad_or_key_does_not_open() -> None:
    with pytest.raises(OpenError):
        decrypt(KEY, BOX, b"record 8")
    with pytest.raises(OpenError):
        decrypt(bytes(32), BOX, b"record 7")


@given(st.binary(max_size=100))
def test_junk_does_not_open(junk: bytes) -> None:
    with pytest.raises(OpenError):
        decrypt(KEY, junk, b"record 7")


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(WrongLengthError):
        encrypt(bytes(length), b"", b"")
    with pytest.raises(WrongLengthError):
        decrypt(bytes(length), BOX, b"record 7")


def test_a_nonce_of_another_length_is_refused() -> None:
    with pytest.raises(WrongLengthError):
        encrypt(KEY, b"", b"", nonce=bytes(12))
