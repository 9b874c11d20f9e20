# SPDX-License-Identifier: Apache-2.0
"""XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) by libsodium.

A box is `nonce(24) ‖ ciphertext ‖ tag(16)`. The nonce is random unless the caller
gives one; under one key a nonce never seals two values.
"""

import ctypes
from collections.abc import Callable
from functools import lru_cache
from secrets import token_bytes
from typing import Final

from fedsafe_crypto.errors import OpenError
from fedsafe_crypto.framing import check_length
from fedsafe_crypto.sodium import load

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
        nonce = token_bytes(NONCE_BYTES)
    check_length("nonce", nonce, NONCE_BYTES)
    size = len(plaintext)
    out = _buffer(size + TAG_BYTES)()
    load().seal(out, None, plaintext, size, aad, len(aad), None, nonce, key)
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
    sealed, nonce = box[NONCE_BYTES:], box[:NONCE_BYTES]
    size = len(sealed)
    out = _buffer(size - TAG_BYTES)()
    if load().unseal(out, None, None, sealed, size, aad, len(aad), nonce, key):
        raise OpenError("box does not open")
    return out.raw


def opener(key: bytes) -> Callable[[bytes, bytes], bytes]:
    """Return what opens boxes under one key, for those who open very many.

    It does what `decrypt` does, and raises OpenError, but looks at the key and makes
    the room for what it opens only once: no two threads may use it at a time.

    Raises:
        WrongLengthError: The key has not 32 bytes.
    """
    check_length("encryption key", key, KEY_BYTES)
    unseal, room = load().unseal, _buffer(_USUAL_BYTES)()

    def open_box(box: bytes, aad: bytes) -> bytes:
        size = len(box) - NONCE_BYTES
        if not TAG_BYTES <= size <= _USUAL_BYTES:
            return decrypt(key, box, aad)
        sealed = box[NONCE_BYTES:]
        # The box begins with its nonce; no more of it is read there.
        if unseal(room, None, None, sealed, size, aad, len(aad), box, key):
            raise OpenError("box does not open")
        return room[: size - TAG_BYTES]  # type: ignore[return-value]  # characters

    return open_box


@lru_cache(maxsize=1024)
def _buffer(size: int) -> type[ctypes.Array[ctypes.c_char]]:
    # Making the type costs more than sealing; few sizes come again and again.
    return ctypes.c_char * size
