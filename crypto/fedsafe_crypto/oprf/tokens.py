# SPDX-License-Identifier: Apache-2.0
"""OPRF inputs and the tokens that indices hold (protocol 3.2 and 3.3).

`frame_input` gives x, what the OPRF is evaluated on. `origin_token` turns the OPRF
output y into the token of *one* origin and epoch: lists of two origins share no
token, and a token that somebody copies into another feed never matches. Tokens of
exact file digests hang on the media token key alone. Sixteen bytes each; a shorter
token would bring false positives.
"""

from functools import lru_cache
from typing import Final

from blake3 import blake3

from fedsafe_crypto.primitives.framing import check_length, lp, lp_text, uint

OUTPUT_BYTES: Final = 64
TOKEN_BYTES: Final = 16
TOKEN_KEY_BYTES: Final = 32

_DOMAIN: Final = b"fedsafe/v1"
_ORIGIN_TOKEN: Final = "fedsafe v1 origin token"  # noqa: S105 - a public context


def frame_input(federation_id: str, kind: int, canonicaliser: str, value: str) -> bytes:
    """Give the OPRF input of a canonical identifier.

    Raises:
        MalformedInputError: A text has no UTF-8 encoding, or the kind no byte.
        WrongLengthError: A text is longer than 65,535 bytes.
    """
    return _frame_head(federation_id, kind, canonicaliser) + lp_text(value)


@lru_cache(maxsize=256)  # few lists, kinds and rules, and none of it is a secret
def _frame_head(federation_id: str, kind: int, canonicaliser: str) -> bytes:
    return _DOMAIN + lp_text(federation_id) + uint(kind, 1) + lp_text(canonicaliser)


def origin_token(y: bytes, epoch: int, origin: str) -> bytes:
    """Give the token that `origin` lists for the identifier behind `y`.

    Raises:
        WrongLengthError: `y` is no OPRF output.
        MalformedInputError: The epoch or the origin cannot be framed.
    """
    check_length("OPRF output", y, OUTPUT_BYTES)
    material = y + _token_end(epoch, origin)
    return blake3(material, derive_key_context=_ORIGIN_TOKEN).digest(TOKEN_BYTES)


@lru_cache(maxsize=1_024)
def _token_end(epoch: int, origin: str) -> bytes:
    return uint(epoch, 4) + lp_text(origin)


def media_token(token_key: bytes, kind: int, digest: bytes) -> bytes:
    """Give the token of a file digest under the epoch's media token key.

    Raises:
        WrongLengthError: The key has not 32 bytes, or the digest is too long.
        MalformedInputError: The kind is no byte.
    """
    check_length("media token key", token_key, TOKEN_KEY_BYTES)
    hasher = _keyed(token_key).copy()
    hasher.update(uint(kind, 1) + lp(digest))
    return hasher.digest(TOKEN_BYTES)


@lru_cache(maxsize=16)  # one key an epoch; setting it up costs more than hashing
def _keyed(token_key: bytes) -> blake3:
    return blake3(key=token_key)
