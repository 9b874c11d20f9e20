# SPDX-License-Identifier: Apache-2.0

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsafe_crypto.errors import (
    CommitmentError,
    CryptoError,
    MalformedInputError,
    WrongLengthError,
)
from fedsafe_crypto.primitives.commitment import SALT_BYTES, commit, verify_commitment

VECTORS = json.loads(
    (Path(__file__).parent.parent / "vectors" / "commitment.json").read_text()
)
ORIGIN, GROUP, PAYLOAD = "a.example/feed", "signal", b'{"header":{},"sealed":""}'
SALT = bytes(range(32))
COMMITMENT = commit(ORIGIN, GROUP, SALT, PAYLOAD)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["comment"])
def test_the_pinned_commitment_comes_out(case: dict[str, str]) -> None:
    salt, payload = bytes.fromhex(case["salt"]), bytes.fromhex(case["payload"])

    commitment = commit(case["log_origin"], case["group"], salt, payload)

    assert commitment.hex() == case["commitment"]


@given(st.text(st.characters(codec="utf-8"), max_size=9), st.binary(max_size=99))
def test_an_opening_fits_its_commitment(group: str, payload: bytes) -> None:
    commitment = commit(ORIGIN, group, SALT, payload)

    verify_commitment(commitment, ORIGIN, group, SALT, payload)


@settings(max_examples=150)
@given(
    st.sampled_from([0, 1, 2]), st.integers(0, len(PAYLOAD) - 1), st.integers(1, 255)
)
def test_any_changed_byte_is_refused(part: int, place: int, change: int) -> None:
    parts = [bytearray(COMMITMENT), bytearray(SALT), bytearray(PAYLOAD)]
    parts[part][place] ^= change
    commitment, salt, payload = map(bytes, parts)

    with pytest.raises(CommitmentError):
        verify_commitment(commitment, ORIGIN, GROUP, salt, payload)


@pytest.mark.parametrize(
    ("origin", "group"),
    [
        ("b.example/feed", GROUP),
        (ORIGIN, "actor"),
        (ORIGIN + "s", "ignal"),
        ("", ORIGIN + GROUP),
    ],
)
def test_a_commitment_is_bound_to_its_log_and_group(origin: str, group: str) -> None:
    with pytest.raises(CommitmentError):
        verify_commitment(COMMITMENT, origin, group, SALT, PAYLOAD)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_other_lengths_are_refused(length: int) -> None:
    with pytest.raises(WrongLengthError):
        commit(ORIGIN, GROUP, bytes(length), PAYLOAD)
    with pytest.raises(WrongLengthError):
        verify_commitment(bytes(length), ORIGIN, GROUP, SALT, PAYLOAD)


@given(st.binary(max_size=64), st.binary(max_size=64), st.binary(max_size=64))
def test_junk_raises_only_our_errors(
    commitment: bytes, salt: bytes, payload: bytes
) -> None:
    with pytest.raises(CryptoError):
        verify_commitment(commitment, ORIGIN, GROUP, salt, payload)


def test_a_name_without_an_encoding_is_refused() -> None:
    with pytest.raises(MalformedInputError):
        commit("\ud800", GROUP, bytes(SALT_BYTES), b"")
