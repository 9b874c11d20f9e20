# SPDX-License-Identifier: Apache-2.0
r"""Ed25519 identities (RFC 8032) and the frame of every signature of ours.

A signature covers `"fedsafe/v1/" ‖ type ‖ "\n" ‖ lp(federation id) ‖ data` (protocol
3.7): one of another type, federation or protocol version never verifies. Formats
that bring a frame of their own (C2SP notes) use `sign_exactly`, `verify_exactly`.

Only `cryptography` signs and verifies, so that all nodes agree on edge cases. A
public key passes only if it is canonical, on the curve, of no low order and in the
prime-order group; libsodium decides that, once for each key.

    key = SigningKey.generate()
    signature = sign(key, "feed.trailer", "example", b"data")
    verify(key.public, "feed.trailer", "example", b"data", signature)
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from secrets import token_bytes
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from nacl.bindings import crypto_core_ed25519_is_valid_point

from fedsafe_crypto.errors import (
    MalformedInputError,
    MalformedKeyError,
    SignatureError,
)
from fedsafe_crypto.primitives.framing import lp_text

PRIVATE_KEY_BYTES: Final = 32
PUBLIC_KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64

_DOMAIN: Final = "fedsafe/v1/"
_TYPE: Final = re.compile(r"[a-z][a-z0-9._/-]{0,63}")
_LOADED_KEYS: Final = 4096
_LOADED_FRAMES: Final = 256


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private Ed25519 key."""

    public: bytes
    _seed: bytes
    _private: Ed25519PrivateKey = field(compare=False)

    def __repr__(self) -> str:
        """Show the public key only."""
        return f"SigningKey(public={self.public.hex()})"

    @classmethod
    def generate(cls) -> Self:
        """Make a fresh key."""
        return cls.from_bytes(token_bytes(PRIVATE_KEY_BYTES))

    @classmethod
    def from_bytes(cls, seed: bytes) -> Self:
        """Read the 32-byte seed that `to_bytes` wrote.

        Raises:
            MalformedKeyError: The seed has not 32 bytes.
        """
        if len(seed) != PRIVATE_KEY_BYTES:
            raise MalformedKeyError(f"signing key: {len(seed)} bytes, 32 wanted")
        private = Ed25519PrivateKey.from_private_bytes(seed)
        return cls(private.public_key().public_bytes_raw(), bytes(seed), private)

    def to_bytes(self) -> bytes:
        """Give the seed, to be stored as carefully as the key."""
        return self._seed

    def sign_exactly(self, message: bytes) -> bytes:
        """Sign bytes that carry a frame of their own."""
        return self._private.sign(message)


@lru_cache(maxsize=_LOADED_KEYS)
def _load(public: bytes) -> Ed25519PublicKey:
    if len(public) != PUBLIC_KEY_BYTES:
        raise MalformedKeyError(f"public key: {len(public)} bytes, 32 wanted")
    if not crypto_core_ed25519_is_valid_point(public):
        raise MalformedKeyError("no canonical public key of prime order")
    return Ed25519PublicKey.from_public_bytes(public)


@lru_cache(maxsize=_LOADED_FRAMES)
def _frame(statement_type: str, federation_id: str) -> bytes:
    if not _TYPE.fullmatch(statement_type):
        raise MalformedInputError("no type of statement")
    return f"{_DOMAIN}{statement_type}\n".encode() + lp_text(federation_id)


def check_public_key(public: bytes) -> None:
    """Refuse a key at enrolment that `verify` would refuse.

    Raises:
        MalformedKeyError: Wrong length, not canonical, or not of prime order.
    """
    _load(public)


def sign(
    key: SigningKey, statement_type: str, federation_id: str, data: bytes
) -> bytes:
    """Sign data as a statement of one type in one federation.

    Raises:
        MalformedInputError: The type or the federation id cannot be framed.
    """
    return key.sign_exactly(_frame(statement_type, federation_id) + data)


def verify(
    public: bytes,
    statement_type: str,
    federation_id: str,
    data: bytes,
    signature: bytes,
) -> None:
    """Check a signature that `sign` made.

    Raises:
        SignatureError: It does not verify.
        MalformedKeyError: The public key is not acceptable.
        MalformedInputError: The type or the federation id cannot be framed.
    """
    verify_exactly(public, _frame(statement_type, federation_id) + data, signature)


def verify_exactly(public: bytes, message: bytes, signature: bytes) -> None:
    """Check a signature over bytes that carry a frame of their own.

    Raises:
        SignatureError: It does not verify.
        MalformedKeyError: The public key is not acceptable.
    """
    key = _load(public)
    try:
        key.verify(signature, message)
    except InvalidSignature:
        raise SignatureError("signature does not verify") from None
