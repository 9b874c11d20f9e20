# SPDX-License-Identifier: Apache-2.0
"""XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) by libsodium.

A box is `nonce(24) ‖ ciphertext ‖ tag(16)`. The nonce is random unless the caller
gives one; under one key a nonce never seals two values.
"""

import ctypes
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


@lru_cache(maxsize=1024)
def _buffer(size: int) -> type[ctypes.Array[ctypes.c_char]]:
    # Making the type costs more than sealing; few sizes come again and again.
    return ctypes.c_char * size
