# SPDX-License-Identifier: Apache-2.0

import json
from pathlib import Path

import pytest
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    Suite,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsafe_crypto.errors import (
    CryptoError,
    MalformedKeyError,
    OpenError,
    WrongLengthError,
)
from fedsafe_crypto.seal.hpke import (
    MAX_INFO_BYTES,
    MLKEM_PUBLIC_BYTES,
    OVERHEAD_BYTES,
    PUBLIC_KEY_BYTES,
    RecipientKey,
    _suite,
    check_recipient,
    open_sealed,
    seal,
)

VECTORS = json.loads(
    (Path(__file__).parent.parent / "vectors" / "seal.json").read_text()
)
KEY = RecipientKey.from_bytes(bytes(range(32)))
Private = X25519PrivateKey | MLKEM768X25519PrivateKey
SEALED = seal(KEY.public, b"a sub-share", info=b"dkg", aad=b"dealer 2")


def opened_by_library(suite: Suite, key: Private, case: dict[str, str]) -> str:
    sealed, info, aad = (
        bytes.fromhex(text)
        for text in (case["enc"] + case["ct"], case["info"], case["aad"])
    )
    decrypt = openssl.hpke._decrypt_with_aad  # noqa: SLF001
    return decrypt(suite, sealed, key, info, aad).hex()


def test_the_library_opens_the_rfc_9180_vector() -> None:
    case = VECTORS["rfc9180_a2_1"]
    key = X25519PrivateKey.from_private_bytes(bytes.fromhex(case["skRm"]))
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)

    assert opened_by_library(suite, key, case) == case["pt"]


def test_our_key_and_suite_open_the_hybrid_draft_vector() -> None:
    case = VECTORS["hpke_pq_xwing"]
    key = RecipientKey.from_bytes(bytes.fromhex(case["skRm"]))

    assert key.public.hex() == case["pkRm"]
    assert opened_by_library(_suite(), key._private, case) == case["pt"]  # noqa: SLF001


def test_our_pinned_sealed_value_opens() -> None:
    case = VECTORS["fedsafe_v1"]
    key = RecipientKey.from_bytes(bytes.fromhex(case["seed"]))
    info, aad = bytes.fromhex(case["info"]), bytes.fromhex(case["aad"])

    opened = open_sealed(key, bytes.fromhex(case["sealed"]), info=info, aad=aad)

    assert opened.hex() == case["plaintext"]


@settings(max_examples=30)
@given(st.binary(max_size=300), st.binary(max_size=60), st.binary(max_size=60))
def test_what_was_sealed_opens(plaintext: bytes, info: bytes, aad: bytes) -> None:
    sealed = seal(KEY.public, plaintext, info=info, aad=aad)

    assert open_sealed(KEY, sealed, info=info, aad=aad) == plaintext
    assert len(sealed) == len(plaintext) + OVERHEAD_BYTES


def test_sealing_twice_gives_two_values() -> None:
    assert seal(KEY.public, b"x", info=b"") != seal(KEY.public, b"x", info=b"")


@settings(max_examples=120)
@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused(place: int, change: int) -> None:
    changed = bytearray(SEALED)
    changed[place] ^= change

    with pytest.raises(OpenError):
        open_sealed(KEY, bytes(changed), info=b"dkg", aad=b"dealer 2")


@pytest.mark.parametrize(
    ("info", "aad"),
    [
        (b"dkg", b"dealer 1"),
        (b"dkG", b"dealer 2"),
        (b"dkgd", b"ealer 2"),
        (b"dkgdealer 2", b""),
        (b"", b"dkgdealer 2"),
    ],
)
def test_another_context_does_not_open(info: bytes, aad: bytes) -> None:
    with pytest.raises(OpenError):
        open_sealed(KEY, SEALED, info=info, aad=aad)


def test_another_key_does_not_open() -> None:
    with pytest.raises(OpenError):
        open_sealed(RecipientKey.generate(), SEALED, info=b"dkg", aad=b"dealer 2")


@settings(max_examples=50)
@given(st.binary(max_size=1300))
def test_junk_raises_only_our_errors(junk: bytes) -> None:
    with pytest.raises(OpenError):
        open_sealed(KEY, junk, info=b"dkg")
    with pytest.raises(CryptoError):
        seal(junk, b"", info=b"")


def test_a_key_round_trips() -> None:
    key = RecipientKey.generate()

    assert RecipientKey.from_bytes(key.to_bytes()) == key
    assert len(key.public) == PUBLIC_KEY_BYTES


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_seed_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(MalformedKeyError):
        RecipientKey.from_bytes(bytes(length))


@pytest.mark.parametrize(
    "public",
    [
        b"",
        KEY.public[:-1],
        KEY.public + b"\0",
        b"\xff" * PUBLIC_KEY_BYTES,
        KEY.public[:MLKEM_PUBLIC_BYTES] + bytes(32),
        KEY.public[:MLKEM_PUBLIC_BYTES] + b"\1" + bytes(31),
    ],
    ids=["empty", "short", "long", "unreduced", "order 4", "order 1"],
)
def test_an_unusable_public_key_is_refused(public: bytes) -> None:
    with pytest.raises(MalformedKeyError):
        seal(public, b"x", info=b"")
    with pytest.raises(MalformedKeyError):
        check_recipient(public)


def test_a_good_recipient_passes() -> None:
    check_recipient(KEY.public)


def test_info_is_bounded() -> None:
    long = bytes(MAX_INFO_BYTES + 1)

    with pytest.raises(WrongLengthError):
        seal(KEY.public, b"", info=long)
    with pytest.raises(WrongLengthError):
        open_sealed(KEY, SEALED, info=long)


def test_the_repr_keeps_the_secret() -> None:
    shown = repr(KEY)

    assert KEY.to_bytes().hex() not in shown
    assert repr(KEY.to_bytes()) not in shown
    assert "_seed" not in shown
