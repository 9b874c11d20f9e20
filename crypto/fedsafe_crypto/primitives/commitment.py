# SPDX-License-Identifier: Apache-2.0
r"""Salted commitments to what a log record must not show (protocol 3.5).

`SHA-256("fedsafe/commit/v1\n" ‖ lp(log origin) ‖ lp(group) ‖ salt ‖ payload)`. The
record in the log holds the commitment; salt and payload travel beside it and can be
erased, one field group at a time, and the log stays verifiable. Without its 32-byte
salt a commitment tells nothing, not even to somebody who guesses the payload.
"""

from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from fedsafe_crypto.errors import CommitmentError
from fedsafe_crypto.primitives.framing import check_length, lp_text

SALT_BYTES: Final = 32
COMMITMENT_BYTES: Final = 32

_DOMAIN: Final = b"fedsafe/commit/v1\n"


def commit(log_origin: str, group: str, salt: bytes, payload: bytes) -> bytes:
    """Commit to a payload, exactly as it is stored and sent.

    Raises:
        WrongLengthError: The salt has not 32 bytes, or a name is too long.
        MalformedInputError: A name has no UTF-8 encoding.
    """
    check_length("salt", salt, SALT_BYTES)
    return commit_begun(begin_commitment(log_origin, group) + salt + payload)


@lru_cache(maxsize=1024)  # few names, met again with every opening of a log
def begin_commitment(log_origin: str, group: str) -> bytes:
    """Give what is hashed before salt and payload.

    Raises:
        WrongLengthError: A name is too long.
        MalformedInputError: A name has no UTF-8 encoding.
    """
    return _DOMAIN + lp_text(log_origin) + lp_text(group)


def commit_begun(begun: bytes | memoryview) -> bytes:
    """Commit to salt and payload, in one piece behind what begins the commitment."""
    return sha256(begun).digest()


def verify_commitment(
    commitment: bytes, log_origin: str, group: str, salt: bytes, payload: bytes
) -> None:
    """Check that an opening is the one committed to.

    Raises:
        CommitmentError: It is another.
        WrongLengthError: The commitment or the salt has not 32 bytes.
    """
    check_length("commitment", commitment, COMMITMENT_BYTES)
    if not compare_digest(commitment, commit(log_origin, group, salt, payload)):
        raise CommitmentError("opening does not fit its commitment")
