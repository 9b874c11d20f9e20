# SPDX-License-Identifier: Apache-2.0
import os
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_crypto.errors import (
    MalformedInputError,
    SelfTestError,
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


def test_what_differs_from_the_library_is_never_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def wrong(key: object, blocks: Words, length: int) -> Words:
        del key, length
        return np.zeros((4, blocks.shape[1]), np.uint32)

    monkeypatch.setattr(token_columns, "_compress", wrong)

    with pytest.raises(SelfTestError):
        media_tokens(KEY, 1, bytes(64), width=32)


@pytest.mark.parametrize(("size", "width"), [(31, 32), (1, 0), (0, LONGEST + 1)])
def test_digests_that_do_not_divide_are_refused(size: int, width: int) -> None:
    with pytest.raises(ValueError, match="digests of"):
        media_tokens(KEY, 1, bytes(size), width=width)


def test_a_key_or_kind_that_does_not_fit_is_refused() -> None:
    with pytest.raises(WrongLengthError):
        media_tokens(KEY[1:], 1, bytes(32), width=32)
    with pytest.raises(MalformedInputError):
        media_tokens(KEY, 256, bytes(32), width=32)
