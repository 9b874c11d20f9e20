# SPDX-License-Identifier: Apache-2.0
"""A long text in chunks, each sealed: opened piece by piece, and whole or not at all.

The STREAM construction (Hoang, Reyhanitabar, Rogaway and Vizár, 2015) with
XChaCha20-Poly1305: chunk number n is sealed under the nonce n(24), with
`head ‖ n(8) ‖ last(1)` beside it, where `last` is 1 for the last chunk and else 0. So
chunks cannot be changed, left out, put in another place or under another head, and the
text cannot be cut short. A key seals one text only: whoever uses this derives it anew
for each.

Chunks have `CHUNK_BYTES` of text, the last one has the rest; each is `TAG_BYTES` longer
when it is sealed. They are opened into memory that the caller gives, and other threads
go on meanwhile.
"""

import ctypes
from collections.abc import Iterator
from typing import Final

from fedsafe_crypto.errors import OpenError
from fedsafe_crypto.primitives.framing import check_length
from fedsafe_crypto.primitives.sodium import load
from fedsafe_crypto.seal.secretbox import KEY_BYTES, NONCE_BYTES, TAG_BYTES

CHUNK_BYTES: Final = 1 << 20
_SEALED_BYTES: Final = CHUNK_BYTES + TAG_BYTES


def sealed_length(length: int) -> int:
    """Say how long a text of so many bytes is when it is sealed."""
    return length + chunk_count(length) * TAG_BYTES


def seal_chunks(key: bytes, head: bytes, text: memoryview) -> Iterator[bytes]:
    """Seal a text under a key that seals no other; give one chunk after the other.

    Raises:
        WrongLengthError: The key has not 32 bytes.
    """
    check_length("encryption key", key, KEY_BYTES)
    count = chunk_count(text.nbytes)
    for number in range(count):
        start = number * CHUNK_BYTES
        # A copy, which is cheap beside sealing: a text may lie in mapped memory.
        part = bytes(text[start : start + CHUNK_BYTES])
        out = ctypes.create_string_buffer(len(part) + TAG_BYTES)
        beside = _beside(head, number, is_last=number == count - 1)
        load().seal_long(
            ctypes.addressof(out),
            None,
            _address(part),
            len(part),
            beside,
            len(beside),
            None,
            _nonce(number),
            key,
        )
        yield out.raw


def open_chunks(  # noqa: PLR0913 - what a chunk is sealed under, and where it goes
    key: bytes,
    head: bytes,
    sealed: bytes | memoryview,
    out: memoryview,
    *,
    length: int | None = None,
    chunks: range | None = None,
) -> None:
    """Open a text, or chunks of it, into *out*, which they fill.

    *length* is that of the whole text, if *out* has not room for all of it. *sealed*
    holds the wanted *chunks*, which are next to each other, and no others; a view is of
    memory that can be written to.

    Raises:
        OpenError: Another key or head, a changed, missing or misplaced chunk; what was
            opened of it must not be used.
        WrongLengthError: The key has not 32 bytes, or *out* another length.
    """
    check_length("encryption key", key, KEY_BYTES)
    length = out.nbytes if length is None else length
    count = chunk_count(length)
    wanted = range(count) if chunks is None else chunks
    bounds = [min(length, at * CHUNK_BYTES) for at in (wanted.start, wanted.stop)]
    if len(sealed) != bounds[1] - bounds[0] + len(wanted) * TAG_BYTES:
        raise OpenError("chunks are missing")
    check_length("room", out, bounds[1] - bounds[0])
    room = out if out.nbytes else memoryview(bytearray(1))
    target = ctypes.addressof(ctypes.c_char.from_buffer(room))
    source = (
        _address(sealed)
        if isinstance(sealed, bytes)
        else ctypes.addressof(ctypes.c_char.from_buffer(sealed))
    )
    for number in wanted:
        size = min(CHUNK_BYTES, length - number * CHUNK_BYTES)
        beside = _beside(head, number, is_last=number == count - 1)
        if load().unseal_long(
            target + (number - wanted.start) * CHUNK_BYTES,
            None,
            None,
            source + (number - wanted.start) * _SEALED_BYTES,
            size + TAG_BYTES,
            beside,
            len(beside),
            _nonce(number),
            key,
        ):
            raise OpenError("chunk does not open")


def chunk_count(length: int) -> int:
    """Say in how many chunks a text of so many bytes is sealed."""
    # A text of nothing has one, so that its end is sealed as well.
    return max(1, -(-length // CHUNK_BYTES))


def _address(text: bytes) -> int:
    return ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p).value or 0


def _nonce(number: int) -> bytes:
    return number.to_bytes(NONCE_BYTES)


def _beside(head: bytes, number: int, *, is_last: bool) -> bytes:
    return head + number.to_bytes(8) + bytes([is_last])
