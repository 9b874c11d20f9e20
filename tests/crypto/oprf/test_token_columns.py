# SPDX-License-Identifier: Apache-2.0
import os
from typing import Final

import numpy as np
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_crypto.errors import (
    MalformedInputError,
    WrongLengthError,
)
from fedsafe_crypto.oprf import token_columns
from fedsafe_crypto.oprf.token_columns import LONGEST, Words, media_tokens
from fedsafe_crypto.oprf.tokens import media_token

KEY: Final = bytes(range(32))


def one_by_one(key: bytes, kind: int, digests: bytes, width: int) -> bytes:
    starts = range(0, len(digests), width)
    return b"".join(media_token(key, kind, digests[at : at + width]) for at in starts)


@given(
    key=st.binary(min_size=32, max_size=32),
    kind=st.integers(0, 255),
    width=st.integers(1, LONGEST),
    data=st.data(),
)
def test_a_column_has_the_tokens_of_its_digests(
    key: bytes, kind: int, width: int, data: st.DataObject
) -> None:
    count = data.draw(st.integers(0, 5))
    digests = data.draw(st.binary(min_size=count * width, max_size=count * width))

    tokens = media_tokens(key, kind, digests, width=width)

    assert tokens == one_by_one(key, kind, digests, width)


@pytest.mark.parametrize("width", [16, 20, 32])
def test_so_has_one_that_is_taken_in_pieces(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_columns, "_AT_ONCE", 7)
    digests = os.urandom(30 * width)

    tokens = media_tokens(KEY, 3, digests, width=width)

    assert tokens == one_by_one(KEY, 3, digests, width)


@pytest.mark.parametrize("width", [16, 20, 32])
def test_ten_thousand_drawn_digests_have_the_tokens_of_the_library(width: int) -> None:
    key, digests = os.urandom(32), os.urandom(10_000 * width)

    tokens = media_tokens(key, 255, digests, width=width)

    assert tokens == one_by_one(key, 255, digests, width)


# The official vectors that fit one block (BLAKE3-team/BLAKE3, test_vectors.json): the
# first half of `keyed_hash`, of nothing and of a byte of zeros.
OFFICIAL_KEY: Final = b"whats the Elvish word for friend"
OFFICIAL: Final = [
    (b"", "92b2b75604ed3c761f9d6f62392c8a92"),
    (b"\0", "6d7878dfff2f485635d39013278ae14f"),
]


@pytest.mark.parametrize(("message", "wanted"), OFFICIAL)
def test_the_official_vectors_come_out(message: bytes, wanted: str) -> None:
    key = np.frombuffer(OFFICIAL_KEY, "<u4").astype(np.uint32)
    blocks = np.frombuffer(message.ljust(64, b"\0"), "<u4").astype(np.uint32)

    words = token_columns._compress(key, blocks.reshape(16, 1), len(message))  # noqa: SLF001

    assert words.astype("<u4").tobytes().hex() == wanted
    assert blake3(message, key=OFFICIAL_KEY).hexdigest()[:32] == wanted


def wrong(key: object, blocks: Words, length: int) -> Words:
    del key, length
    return np.zeros((4, blocks.shape[1]), np.uint32)


def wrong_at_the_end(key: Words, blocks: Words, length: int) -> Words:
    words = compress(key, blocks, length)
    words[:, -1] ^= 1
    return words


compress = token_columns._compress  # noqa: SLF001


@pytest.mark.parametrize("tested", [False, True])
@pytest.mark.parametrize("broken", [wrong, wrong_at_the_end])
def test_where_numpy_differs_the_library_computes_from_then_on(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    broken: object,
    *,
    tested: bool,
) -> None:
    sound = token_columns._Soundness()  # noqa: SLF001
    monkeypatch.setattr(token_columns, "_SOUND", sound)
    assert not tested or sound.all
    digests = os.urandom(20 * 32)
    monkeypatch.setattr(token_columns, "_compress", broken)

    tokens = media_tokens(KEY, 1, digests, width=32)

    assert tokens == one_by_one(KEY, 1, digests, 32)
    assert not sound.all
    assert len(caplog.records) == 1
    assert media_tokens(KEY, 1, digests, width=32) == tokens
    assert len(caplog.records) == 1


@pytest.mark.parametrize(("size", "width"), [(31, 32), (1, 0), (0, LONGEST + 1)])
def test_digests_that_do_not_divide_are_refused(size: int, width: int) -> None:
    with pytest.raises(ValueError, match="digests of"):
        media_tokens(KEY, 1, bytes(size), width=width)


def test_a_key_or_kind_that_does_not_fit_is_refused() -> None:
    with pytest.raises(WrongLengthError):
        media_tokens(KEY[1:], 1, bytes(32), width=32)
    with pytest.raises(MalformedInputError):
        media_tokens(KEY, 256, bytes(32), width=32)
