# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
from typing import Final

import pytest

from fedsafe_crypto.errors import OpenError, WrongLengthError
from fedsafe_crypto.seal.chunks import (
    CHUNK_BYTES,
    chunk_count,
    open_chunks,
    seal_chunks,
    sealed_length,
)
from fedsafe_crypto.seal.secretbox import NONCE_BYTES, TAG_BYTES, decrypt

KEY = bytes(range(32))
HEAD = b"a head"
SEALED: Final = CHUNK_BYTES + TAG_BYTES
TEXT = bytes(range(256)) * (2 * CHUNK_BYTES // 256) + b"the rest"


def sealed(text: bytes, key: bytes = KEY, head: bytes = HEAD) -> bytes:
    return b"".join(seal_chunks(key, head, memoryview(text)))


def opened(box: bytes, length: int, head: bytes = HEAD, key: bytes = KEY) -> bytes:
    out = bytearray(length)
    open_chunks(key, head, box, memoryview(out))
    return bytes(out)


@pytest.mark.parametrize("length", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, len(TEXT)])
def test_what_was_sealed_opens(length: int) -> None:
    text = TEXT[:length]
    box = sealed(text)

    assert len(box) == sealed_length(length)
    assert opened(box, length) == text


def test_a_chunk_is_a_box_of_the_standard_cipher() -> None:
    chunk = sealed(TEXT)[SEALED : 2 * SEALED]
    beside = HEAD + (1).to_bytes(8) + b"\0"

    found = decrypt(KEY, (1).to_bytes(NONCE_BYTES) + chunk, beside)

    assert found == TEXT[CHUNK_BYTES : 2 * CHUNK_BYTES]


def test_some_chunks_are_opened_before_the_others() -> None:
    box, out = sealed(TEXT), bytearray(len(TEXT))

    last = chunk_count(len(TEXT))
    for chunks in (range(1), range(1, last)):
        part = box[chunks.start * SEALED : chunks.stop * SEALED]
        room = memoryview(out)[chunks.start * CHUNK_BYTES : chunks.stop * CHUNK_BYTES]
        open_chunks(KEY, HEAD, part, room, length=len(TEXT), chunks=chunks)

    assert out == TEXT


@pytest.mark.parametrize(
    "change",
    [
        lambda box: box[:-SEALED],
        lambda box: box[: 2 * SEALED],
        lambda box: box[:SEALED] + box[:SEALED] + box[2 * SEALED :],
        lambda box: box[SEALED : 2 * SEALED] + box[:SEALED] + box[2 * SEALED :],
        lambda box: bytes([box[0] ^ 1]) + box[1:],
        lambda box: box[:-1] + bytes([box[-1] ^ 1]),
        lambda box: box + b"\0",
        lambda _box: b"",
    ],
    ids=["cut", "cut at a chunk", "twice", "swapped", "first", "last", "more", "none"],
)
def test_what_was_changed_is_refused(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(OpenError):
        opened(change(sealed(TEXT)), len(TEXT))


def test_what_was_cut_short_is_refused_at_its_new_length() -> None:
    box = sealed(TEXT)

    with pytest.raises(OpenError):
        opened(box[: 2 * SEALED], 2 * CHUNK_BYTES)


def test_another_head_or_key_is_refused() -> None:
    box = sealed(b"text")

    for head, key in ((b"other", KEY), (HEAD, bytes(32))):
        with pytest.raises(OpenError):
            opened(box, 4, head, key)
    with pytest.raises(WrongLengthError):
        opened(box, 4, HEAD, KEY[1:])
    with pytest.raises(WrongLengthError):
        sealed(b"text", KEY[1:])


def test_chunks_are_opened_into_room_of_their_length_alone() -> None:
    box, out = sealed(TEXT), bytearray(len(TEXT))

    for room in (len(TEXT), CHUNK_BYTES - 1, 0):
        with pytest.raises(WrongLengthError):
            open_chunks(
                *(KEY, HEAD, box[:SEALED], memoryview(out)[:room]),
                length=len(TEXT),
                chunks=range(1),
            )
    assert out == bytearray(len(TEXT))
