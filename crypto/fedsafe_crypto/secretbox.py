# SPDX-License-Identifier: Apache-2.0
"""XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) by libsodium, through PyNaCl.

A box is `nonce(24) ‖ ciphertext ‖ tag(16)`. The nonce is random unless the caller
gives one; under one key a nonce never seals two values.
"""

from secrets import token_bytes
from typing import Final

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError as SodiumError

from fedsafe_crypto.errors import OpenError
from fedsafe_crypto.framing import check_length

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
    return nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(
        plaintext, aad, nonce, key
    )


def decrypt(key: bytes, box: bytes, aad: bytes) -> bytes:
    """Open what `encrypt` made under this key and `aad`.

    Raises:
        OpenError: Another key or `aad`, or a changed box.
        WrongLengthError: The key has not 32 bytes.
    """
    check_length("encryption key", key, KEY_BYTES)
    if len(box) < OVERHEAD_BYTES:
        raise OpenError("box does not open")
    try:
        return crypto_aead_xchacha20poly1305_ietf_decrypt(
            box[NONCE_BYTES:], aad, box[:NONCE_BYTES], key
        )
    except SodiumError:
        raise OpenError("box does not open") from None
