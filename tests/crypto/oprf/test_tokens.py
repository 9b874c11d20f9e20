# SPDX-License-Identifier: Apache-2.0

import json
from hashlib import sha512
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_crypto.errors import MalformedInputError, WrongLengthError
from fedsafe_crypto.oprf.tokens import (
    TOKEN_BYTES,
    frame_input,
    media_token,
    origin_token,
)

VECTORS = json.loads(
    (Path(__file__).parent.parent / "vectors" / "tokens.json").read_text()
)
Y = sha512(b"an OPRF output").digest()
NAMES = st.text(st.characters(codec="utf-8"), max_size=12)


@pytest.mark.parametrize(
    "case", VECTORS["blake3"]["cases"], ids=lambda case: str(case["input_len"])
)
def test_the_library_gives_the_published_digests(case: dict[str, object]) -> None:
    length = case["input_len"]
    assert isinstance(length, int)
    data = bytes(place % 251 for place in range(length))
    context, key = VECTORS["blake3"]["context_string"], VECTORS["blake3"]["key"]

    derived = blake3(data, derive_key_context=context).hexdigest()
    keyed = blake3(data, key=key.encode()).hexdigest()

    assert derived == str(case["derive_key"])[:64]
    assert keyed == str(case["keyed_hash"])[:64]


@pytest.mark.parametrize("case", VECTORS["inputs"], ids=lambda case: case["comment"])
def test_our_input_frame_is_pinned(case: dict[str, str]) -> None:
    x = frame_input(
        case["federation"], int(case["kind"]), case["canonicaliser"], case["value"]
    )

    assert x.hex() == case["x"]


@pytest.mark.parametrize("case", VECTORS["origins"], ids=lambda case: case["comment"])
def test_our_origin_token_is_pinned(case: dict[str, str]) -> None:
    token = origin_token(bytes.fromhex(case["y"]), int(case["epoch"]), case["origin"])

    assert token.hex() == case["token"]


@pytest.mark.parametrize("case", VECTORS["media"], ids=lambda case: case["comment"])
def test_our_media_token_is_pinned(case: dict[str, str]) -> None:
    token = media_token(
        bytes.fromhex(case["key"]), int(case["kind"]), bytes.fromhex(case["digest"])
    )

    assert token.hex() == case["token"]


Framed = tuple[str, int, str, str]
FRAMED = st.tuples(NAMES, st.integers(0, 255), NAMES, NAMES)


@given(FRAMED, FRAMED)
def test_different_identifiers_never_share_an_input(
    first: Framed, second: Framed
) -> None:
    assert (frame_input(*first) == frame_input(*second)) == (first == second)


Bound = tuple[int, str]
BOUND = st.tuples(st.integers(0, 2**32 - 1), NAMES)


@given(BOUND, BOUND)
def test_a_token_belongs_to_one_origin_and_epoch(first: Bound, second: Bound) -> None:
    same = origin_token(Y, *first) == origin_token(Y, *second)

    assert same == (first == second)


def test_tokens_are_never_shortened() -> None:
    assert len(origin_token(Y, 1, "a.example")) == TOKEN_BYTES
    assert len(media_token(bytes(32), 1, bytes(32))) == TOKEN_BYTES


def test_media_tokens_of_two_keys_or_kinds_differ() -> None:
    tokens = {
        media_token(key, kind, bytes(32))
        for key in (bytes(32), bytes(range(32)))
        for kind in (1, 4)
    }

    assert len(tokens) == 4


@pytest.mark.parametrize("length", [0, 16, 63, 65])
def test_an_output_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(WrongLengthError):
        origin_token(bytes(length), 1, "a.example")


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(WrongLengthError):
        media_token(bytes(length), 1, bytes(32))


def test_what_no_frame_can_hold_is_refused() -> None:
    with pytest.raises(MalformedInputError):
        frame_input("example", 256, "email/1", "anna@example.de")
    with pytest.raises(MalformedInputError):
        frame_input("example", 1, "email/1", "\ud800@example.de")
    with pytest.raises(MalformedInputError):
        origin_token(Y, -1, "a.example")
    with pytest.raises(MalformedInputError):
        origin_token(Y, 2**32, "a.example")
    with pytest.raises(WrongLengthError):
        frame_input("example", 1, "email/1", "x" * 65_536)
