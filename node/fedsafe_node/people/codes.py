# SPDX-License-Identifier: Apache-2.0
"""Secrets that are shown once: set-up codes, recovery codes, session tokens.

They are random and long, so a plain SHA-256 hides them; there is nothing to guess.
"""

import base64
import hashlib
from secrets import token_bytes
from typing import Final

SESSION_PREFIX: Final = "fs2_"
RECOVERY_CODES: Final = 10
_CODE_BYTES: Final = 10  # 80 bits: 16 letters in groups of four
_TOKEN_BYTES: Final = 32
_GROUP: Final = 4


def new_code() -> str:
    """Make a code that a person can type, such as `ABCD-EFGH-2345-WXYZ`."""
    text = base64.b32encode(token_bytes(_CODE_BYTES)).decode()
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def hash_code(code: str) -> bytes:
    """Hash a code as it was typed: small letters, blanks and dashes don't count."""
    plain = "".join(letter for letter in code.upper() if letter.isalnum())
    return hashlib.sha256(plain.encode()).digest()


def new_session_token() -> str:
    """Make the bearer token of a session."""
    secret = base64.urlsafe_b64encode(token_bytes(_TOKEN_BYTES)).rstrip(b"=")
    return SESSION_PREFIX + secret.decode()


def hash_token(token: str) -> bytes:
    """Hash a bearer token."""
    return hashlib.sha256(token.encode()).digest()
