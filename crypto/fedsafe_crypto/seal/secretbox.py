# SPDX-License-Identifier: Apache-2.0
"""XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) by libsodium.

A box is `nonce(24) ‖ ciphertext ‖ tag(16)`. The nonce is random unless the caller
gives one; under one key a nonce never seals two values.
"""

import ctypes
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from fedsafe_crypto.errors import OpenError
from fedsafe_crypto.primitives.framing import check_length
from fedsafe_crypto.primitives.sodium import draw, load

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 24
TAG_BYTES: Final = 16
OVERHEAD_BYTES: Final = NONCE_BYTES + TAG_BYTES
_USUAL_BYTES: Final = 4_096


def encrypt(
    key: bytes, plaintext: bytes, aad: bytes, *, nonce: bytes | None = None
) -> bytes:
    """Encrypt, and authenticate `aad` beside the plaintext.

    Raises:
        WrongLengthError: The key has not 32 bytes or the nonce not 24.
    """
    check_length("encryption key", key, KEY_BYTES)
    if nonce is None:
        nonce = draw(NONCE_BYTES)
    else:
        check_length("nonce", nonce, NONCE_BYTES)
    if not type(key) is type(plaintext) is type(aad) is type(nonce) is bytes:
        raise TypeError("key, text, what is beside it and nonce are bytes")
    size, beside = _length(len(plaintext)), _length(len(aad))
    out = _buffer(len(plaintext) + TAG_BYTES)()
    load().seal(out, None, plaintext, size, aad, beside, None, nonce, key)
    return nonce + out.raw


def decrypt(key: bytes, box: bytes, aad: bytes) -> bytes:
    """Open what `encrypt` made under this key and `aad`.

    Raises:
        OpenError: Another key or `aad`, or a changed box.
        WrongLengthError: The key has not 32 bytes.
    """
    check_length("encryption key", key, KEY_BYTES)
    if len(box) < OVERHEAD_BYTES:
        raise OpenError("box does not open")
    sealed, nonce = _bytes(box)[NONCE_BYTES:], box[:NONCE_BYTES]
    size = len(sealed)
    out = _buffer(size - TAG_BYTES)()
    rest = (_length(size), aad, _length(len(aad)), nonce, key)
    if load().unseal(out, None, None, sealed, *rest):
        raise OpenError("box does not open")
    return out.raw


def opener(
    key: bytes, aad: bytearray, before: bytes = b""
) -> Callable[[bytes], memoryview]:
    """Return what opens boxes under one key, for those who open very many.

    It does what `decrypt` does, and raises OpenError, but makes the room for what it
    opens only once: that holds `before` and behind it what was in the box, until the
    next one. Between two boxes `aad` may be changed in place. No two threads may use
    it at a time.

    Raises:
        WrongLengthError: The key has not 32 bytes.
    """
    check_length("encryption key", key, KEY_BYTES)
    unseal, begin = load().unseal, len(before)
    room = bytearray(before + bytes(_USUAL_BYTES))
    view, end = memoryview(room), begin - OVERHEAD_BYTES
    out = ctypes.byref(_buffer(len(room)).from_buffer(room), begin)
    place = ctypes.byref(_buffer(len(aad)).from_buffer(aad))
    place_size = _length(len(aad))

    def open_box(box: bytes) -> memoryview:
        size = len(box) - NONCE_BYTES
        if not TAG_BYTES <= size <= _USUAL_BYTES:
            return memoryview(before + decrypt(key, box, bytes(aad)))
        sealed, length = _bytes(box)[NONCE_BYTES:], _length(size)
        # The box begins with its nonce; no more of it is read there.
        if unseal(out, None, None, sealed, length, place, place_size, box, key):
            raise OpenError("box does not open")
        return view[: end + len(box)]

    return open_box


def _bytes(box: bytes) -> bytes:
    # A text out of a damaged database would be taken for its characters' memory.
    if type(box) is not bytes:
        raise TypeError("a box is bytes")
    return box


@lru_cache(maxsize=1024)
def _buffer(size: int) -> type[ctypes.Array[ctypes.c_char]]:
    # Making the type costs more than sealing; few sizes come again and again.
    return ctypes.c_char * size


@lru_cache(maxsize=1024)
def _length(size: int) -> ctypes.c_ulonglong:
    return ctypes.c_ulonglong(size)
