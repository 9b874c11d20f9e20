# SPDX-License-Identifier: Apache-2.0
r"""Sealing to a recipient's public key: HPKE (RFC 9180), base mode, single shot.

The suite is fixed: KEM X-Wing (ML-KEM-768 with X25519, HPKE identifier 0x647a), KDF
HKDF-SHA256, AEAD ChaCha20-Poly1305. A sealed value is `enc ‖ ciphertext`. Both `info`
and `aad` enter HPKE's *info*, as `"fedsafe/v1/seal\n" ‖ lp(info) ‖ aad`: RFC 9180
§8.1 puts the context of a single-shot message there.

A private key is X-Wing's 32-byte seed; a public key is `ML-KEM-768 ‖ X25519`, 1216
bytes. HPKE does not say who sealed: messages that need an author are signed as well.

    key = RecipientKey.generate()
    sealed = seal(key.public, b"share", info=b"fedsafe/v1/dkg share")
    assert open_sealed(key, sealed, info=b"fedsafe/v1/dkg share") == b"share"
"""

from dataclasses import dataclass, field
from functools import cache, lru_cache
from hashlib import shake_256
from secrets import token_bytes
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import (
    MLKEM768PrivateKey,
    MLKEM768PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from fedsafe_crypto.errors import MalformedKeyError, OpenError, WrongLengthError

PRIVATE_KEY_BYTES: Final = 32
MLKEM_PUBLIC_BYTES: Final = 1184
PUBLIC_KEY_BYTES: Final = MLKEM_PUBLIC_BYTES + 32
ENCAPSULATION_BYTES: Final = 1088 + 32
TAG_BYTES: Final = 16
OVERHEAD_BYTES: Final = ENCAPSULATION_BYTES + TAG_BYTES
MAX_INFO_BYTES: Final = 0xFFFF

_DOMAIN: Final = b"fedsafe/v1/seal\n"
_MLKEM_SEED_BYTES: Final = 64


@cache
def _suite() -> Suite:
    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


def _context(info: bytes, aad: bytes) -> bytes:
    if len(info) > MAX_INFO_BYTES:
        raise WrongLengthError("sealing info", len(info), MAX_INFO_BYTES)
    return _DOMAIN + len(info).to_bytes(2) + info + aad


@dataclass(frozen=True, slots=True, repr=False)
class RecipientKey:
    """A private key that sealed values are opened with."""

    public: bytes
    _seed: bytes
    _private: MLKEM768X25519PrivateKey = field(compare=False)

    def __repr__(self) -> str:
        """Show the start of the public key only."""
        return f"RecipientKey(public={self.public[:8].hex()}…)"

    @classmethod
    def generate(cls) -> Self:
        """Make a fresh key."""
        return cls.from_bytes(token_bytes(PRIVATE_KEY_BYTES))

    @classmethod
    def from_bytes(cls, seed: bytes) -> Self:
        """Read a key that `to_bytes` wrote.

        Raises:
            MalformedKeyError: The seed has not 32 bytes.
        """
        if len(seed) != PRIVATE_KEY_BYTES:
            raise MalformedKeyError(f"sealing key: {len(seed)} bytes, 32 wanted")
        expanded = shake_256(seed).digest(_MLKEM_SEED_BYTES + 32)
        mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_BYTES])
        x25519 = X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_BYTES:])
        public = (
            mlkem.public_key().public_bytes_raw()
            + x25519.public_key().public_bytes_raw()
        )
        return cls(public, bytes(seed), MLKEM768X25519PrivateKey(mlkem, x25519))

    def to_bytes(self) -> bytes:
        """Give the 32-byte seed, to be stored as carefully as the key."""
        return self._seed

    def decrypt(self, sealed: bytes, context: bytes) -> bytes:
        """Open under a complete HPKE info; callers use `open_sealed`.

        Raises:
            InvalidTag: The value does not open.
        """
        return _suite().decrypt(sealed, self._private, info=context)


@lru_cache(maxsize=64)  # an import seals thousands of values to one key
def _public_key(public: bytes) -> MLKEM768X25519PublicKey:
    if len(public) != PUBLIC_KEY_BYTES:
        raise MalformedKeyError(
            f"public sealing key: {len(public)} bytes, {PUBLIC_KEY_BYTES} wanted"
        )
    try:
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public[:MLKEM_PUBLIC_BYTES]),
            X25519PublicKey.from_public_bytes(public[MLKEM_PUBLIC_BYTES:]),
        )
    except ValueError:
        raise MalformedKeyError("no usable public sealing key") from None


def check_recipient(public: bytes) -> None:
    """Refuse a public key that nothing can be sealed to.

    Raises:
        MalformedKeyError: Wrong length, unreduced, or of low order.
    """
    seal(public, b"", info=b"")


def seal(public: bytes, plaintext: bytes, *, info: bytes, aad: bytes = b"") -> bytes:
    """Seal to a public key, bound to what it is for and to its context.

    Raises:
        MalformedKeyError: The public key is not usable.
        WrongLengthError: `info` is longer than 65,535 bytes.
    """
    context = _context(info, aad)
    try:
        return _suite().encrypt(plaintext, _public_key(public), info=context)
    except ValueError:  # X25519 refuses a point of low order only here
        raise MalformedKeyError("no usable public sealing key") from None


def open_sealed(
    key: RecipientKey, sealed: bytes, *, info: bytes, aad: bytes = b""
) -> bytes:
    """Open what `seal` made for this key, purpose and context.

    Raises:
        OpenError: Another key, purpose or context, or a changed value.
        WrongLengthError: `info` is longer than 65,535 bytes.
    """
    context = _context(info, aad)
    try:
        return key.decrypt(sealed, context)
    except (InvalidTag, ValueError):
        raise OpenError("sealed value does not open") from None
