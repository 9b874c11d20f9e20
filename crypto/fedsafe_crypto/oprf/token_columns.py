# SPDX-License-Identifier: Apache-2.0
"""Tokens of many file digests at once: `media_token`, column by column.

A digest, its kind and length fit one block of BLAKE3, so the token of each is one
compression (BLAKE3 paper, 2.2). The library has no call for many short messages: one
by one costs two and a half times as much, with the interpreter locked. numpy takes the
same steps for thousands of them together, and lets others run meanwhile (decision 11).

The library decides what is right. The first column is preceded by a self-test, and the
first and last token of every piece are compared: if one differs, that column and all
later ones of the process are computed by the library.

Only batches load this module.
"""

import logging
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fedsafe_crypto.oprf.tokens import TOKEN_KEY_BYTES, media_token
from fedsafe_crypto.primitives.framing import check_length, uint

Words = NDArray[np.uint32]

_BLOCK: Final = 64
_HEAD: Final = 3  # the kind, and the digest's length in two bytes
LONGEST: Final = _BLOCK - _HEAD
_LITTLE: Final = np.dtype("<u4")
_AT_ONCE: Final = 8_192  # what a step reads and writes stays in the cache
_IV: Final = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A)
_FLAGS: Final = 1 | 2 | 8 | 16  # CHUNK_START, CHUNK_END, ROOT, KEYED_HASH
_ROUNDS: Final = 7
_ORDER: Final = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
_ROTATIONS: Final = ((16, 12), (8, 7))
_LOG: Final = logging.getLogger("fedsafe.tokens")


def media_tokens(token_key: bytes, kind: int, digests: bytes, *, width: int) -> bytes:
    """Give the tokens of digests that stand behind each other, *width* bytes each.

    They are those of `media_token`, in the same order.

    Raises:
        WrongLengthError: The key has not 32 bytes.
        MalformedInputError: The kind is no byte.
        ValueError: The digests do not divide by *width*, or one fills no block.
    """
    check_length("media token key", token_key, TOKEN_KEY_BYTES)
    if not 0 < width <= LONGEST or len(digests) % width:
        raise ValueError(f"want digests of {width} bytes, at most {LONGEST}")
    head = uint(kind, 1) + width.to_bytes(2)
    if _SOUND.all:
        found: list[bytes] = []
        for start in range(0, len(digests), _AT_ONCE * width):
            part = digests[start : start + _AT_ONCE * width]
            found.append(_tokens(token_key, head, part, width))
            if not _agrees(token_key, kind, part, width, found[-1]):
                _SOUND.lose()
                break
        else:
            return b"".join(found)
    return b"".join(
        media_token(token_key, kind, digests[at : at + width])
        for at in range(0, len(digests), width)
    )


def _tokens(key: bytes, head: bytes, digests: bytes, width: int) -> bytes:
    """Hash *head* and each digest under a key; give the first half of each hash."""
    rows = np.frombuffer(digests, np.uint8).reshape(-1, width)
    length = len(head) + width
    padded = np.zeros((len(rows), _BLOCK), np.uint8)
    padded[:, : len(head)] = np.frombuffer(head, np.uint8)
    padded[:, len(head) : length] = rows
    blocks = np.ascontiguousarray(padded.view(_LITTLE).T, np.uint32)
    words = np.frombuffer(key, _LITTLE).astype(np.uint32)
    tokens = _compress(words, blocks, length)
    return np.ascontiguousarray(tokens.T, _LITTLE).tobytes()


def _agrees(key: bytes, kind: int, digests: bytes, width: int, found: bytes) -> bool:
    first, last = digests[:width], digests[-width:]
    return found.startswith(media_token(key, kind, first)) and found.endswith(
        media_token(key, kind, last)
    )


class _Soundness:
    """Whether numpy computes what the library does, in this process."""

    def __init__(self) -> None:
        self._found: bool | None = None

    @property
    def all(self) -> bool:
        """Whether nothing has differed so far; the first time it is tried."""
        if self._found is None:
            self._found = _is_sound()
            if not self._found:
                self.lose()
        return self._found

    def lose(self) -> None:
        """Know that something has differed."""
        self._found = False
        _LOG.error("token columns unsound; the library computes them one by one")


def _is_sound() -> bool:
    # Both ends of a block, and every width that digests have.
    key = bytes(range(TOKEN_KEY_BYTES))
    for width in (1, 16, 20, 32, LONGEST):
        digests = bytes(each * 37 % 251 for each in range(3 * width))
        head = uint(width, 1) + width.to_bytes(2)
        wanted = [
            media_token(key, width, digests[at : at + width])
            for at in range(0, len(digests), width)
        ]
        if _tokens(key, head, digests, width) != b"".join(wanted):
            return False
    return True


_SOUND: Final = _Soundness()


def _compress(key: Words, blocks: Words, length: int) -> Words:
    """Hash messages of one block each; give the first four words of each."""
    count = blocks.shape[1]
    state = np.empty((4, 4, count), np.uint32)
    state[0], state[1] = key[:4, None], key[4:, None]
    state[2] = np.array(_IV, np.uint32)[:, None]
    state[3] = np.array((0, 0, length, _FLAGS), np.uint32)[:, None]
    spare = np.empty((4, count), np.uint32)
    order = list(range(16))
    for _ in range(_ROUNDS):
        _mix(state, blocks, order[:8], spare)
        _turn(state, spare, (1, 2, 3))
        _mix(state, blocks, order[8:], spare)
        _turn(state, spare, (3, 2, 1))
        order = [order[place] for place in _ORDER]
    tokens: Words = state[0] ^ state[2]
    return tokens


def _mix(state: Words, blocks: Words, order: list[int], spare: Words) -> None:
    """Mix the four columns of the state, each with two words of the block."""
    one, two, three, four = state
    for first, (wide, narrow) in enumerate(_ROTATIONS):
        one += two
        for column in range(4):
            one[column] += blocks[order[2 * column + first]]
        four ^= one
        _rotate(four, wide, spare)
        three += four
        two ^= three
        _rotate(two, narrow, spare)


def _rotate(words: Words, bits: int, spare: Words) -> None:
    np.left_shift(words, np.uint32(32 - bits), out=spare)
    np.right_shift(words, np.uint32(bits), out=words)
    words |= spare


def _turn(state: Words, spare: Words, by: tuple[int, int, int]) -> None:
    """Turn the rows of the state against each other: columns become diagonals."""
    for row, steps in enumerate(by, 1):
        spare[: 4 - steps], spare[4 - steps :] = state[row, steps:], state[row, :steps]
        state[row] = spare
