# SPDX-License-Identifier: Apache-2.0
"""Envelopes: the sealed bodies of signals (protocol 3.2 and 3.3).

An **actor envelope** opens only with the OPRF output y of the identifier, so reading
a signal takes the identifier and a metered evaluation. Its associated data are the
header's exact bytes. A **media opening** is sealed under the group key of members
with the media role and bound to its signal and key generation.

Both are boxes of `secretbox` over `lp(body) ‖ zeros`, padded to one fixed size: all
envelopes look alike.
"""

from functools import lru_cache
from typing import Final

from blake3 import blake3

from fedsafe_crypto.errors import OpenError, WrongLengthError
from fedsafe_crypto.oprf.tokens import OUTPUT_BYTES
from fedsafe_crypto.primitives.framing import check_length, lp, lp_text, uint
from fedsafe_crypto.seal.secretbox import KEY_BYTES, OVERHEAD_BYTES, decrypt, encrypt

SIGNAL_ID_BYTES: Final = 16
GROUP_KEY_BYTES: Final = KEY_BYTES
PADDED_BODY_BYTES: Final = 512
MAX_BODY_BYTES: Final = PADDED_BODY_BYTES - 2
ENVELOPE_BYTES: Final = PADDED_BODY_BYTES + OVERHEAD_BYTES

_ENVELOPE_KEY: Final = "fedsafe v1 envelope"


def _pad(body: bytes) -> bytes:
    if len(body) > MAX_BODY_BYTES:
        raise WrongLengthError("signal body", len(body), MAX_BODY_BYTES)
    return lp(body).ljust(PADDED_BODY_BYTES, b"\0")


def _unpad(padded: bytes) -> bytes:
    if len(padded) != PADDED_BODY_BYTES:
        raise OpenError("envelope does not open")
    body = padded[2 : 2 + int.from_bytes(padded[:2])]
    # An author who seals other padding could hide bytes there: one form only.
    if lp(body).ljust(PADDED_BODY_BYTES, b"\0") != padded:
        raise OpenError("envelope does not open")
    return body


def _envelope_key(y: bytes, epoch: int, origin: str, signal_id: bytes) -> bytes:
    check_length("OPRF output", y, OUTPUT_BYTES)
    check_length("signal id", signal_id, SIGNAL_ID_BYTES)
    material = y + uint(epoch, 4) + lp_text(origin) + lp(signal_id)
    return blake3(material, derive_key_context=_ENVELOPE_KEY).digest(KEY_BYTES)


def seal_envelope(  # noqa: PLR0913 - the context of protocol 3.2 has so many parts
    y: bytes,
    *,
    epoch: int,
    origin: str,
    signal_id: bytes,
    header: bytes,
    body: bytes,
    nonce: bytes | None = None,
) -> bytes:
    """Seal a body to whoever knows the identifier and is granted an evaluation.

    Raises:
        WrongLengthError: `y`, the signal id or the nonce has another length than
            its format says, or the body is longer than 510 bytes.
        MalformedInputError: The epoch or the origin cannot be framed.
    """
    key = _envelope_key(y, epoch, origin, signal_id)
    return encrypt(key, _pad(body), header, nonce=nonce)


def open_envelope(  # noqa: PLR0913 - as above
    y: bytes,
    *,
    epoch: int,
    origin: str,
    signal_id: bytes,
    header: bytes,
    envelope: bytes,
) -> bytes:
    """Open an envelope; `header` is the exact bytes that travelled with it.

    Raises:
        OpenError: Another identifier, context or header, or a changed envelope.
        WrongLengthError: `y` or the signal id has another length than fixed.
        MalformedInputError: The epoch or the origin cannot be framed.
    """
    key = _envelope_key(y, epoch, origin, signal_id)
    return _unpad(decrypt(key, envelope, header))


def _media_context(
    federation_id: str, origin: str, signal_id: bytes, epoch: int, generation: int
) -> bytes:
    check_length("signal id", signal_id, SIGNAL_ID_BYTES)
    before, behind = _media_frame(federation_id, origin, epoch, generation)
    return before + lp(signal_id) + behind


@lru_cache(maxsize=1024)  # few lists and generations, met again with every signal
def _media_frame(
    federation_id: str, origin: str, epoch: int, generation: int
) -> tuple[bytes, bytes]:
    before = lp_text(federation_id) + lp_text(origin)
    return before, uint(epoch, 4) + uint(generation, 4)


def seal_media(  # noqa: PLR0913 - the context of protocol 3.3 has so many parts
    group_key: bytes,
    *,
    federation_id: str,
    origin: str,
    signal_id: bytes,
    epoch: int,
    generation: int,
    body: bytes,
    nonce: bytes | None = None,
) -> bytes:
    """Seal the body of a media signal under a generation's group key.

    Raises:
        WrongLengthError: The key, the signal id or the nonce has another length
            than its format says, or the body is longer than 510 bytes.
        MalformedInputError: Epoch, generation or a name cannot be framed.
    """
    context = _media_context(federation_id, origin, signal_id, epoch, generation)
    return encrypt(group_key, _pad(body), context, nonce=nonce)


def open_media(  # noqa: PLR0913 - as above
    group_key: bytes,
    *,
    federation_id: str,
    origin: str,
    signal_id: bytes,
    epoch: int,
    generation: int,
    sealed: bytes,
) -> bytes:
    """Open what `seal_media` made under the same key and context.

    Raises:
        OpenError: Another key or context, or a changed value.
        WrongLengthError: The key or the signal id has another length than fixed.
        MalformedInputError: Epoch, generation or a name cannot be framed.
    """
    context = _media_context(federation_id, origin, signal_id, epoch, generation)
    return _unpad(decrypt(group_key, sealed, context))
