# SPDX-License-Identifier: Apache-2.0
"""One-time codes of an authenticator (RFC 6238: SHA-1, 30 seconds, 6 digits).

These parameters are the ones that every authenticator knows. A code is taken for
its own step and one step beside it, and no step is taken twice: whoever keeps the
number of the last one refuses replays.
"""

from datetime import datetime
from secrets import token_bytes
from typing import Final

from cryptography.hazmat.primitives.constant_time import bytes_eq
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from cryptography.hazmat.primitives.twofactor.totp import TOTP

SECRET_BYTES: Final = 20  # RFC 4226 §4, R6
STEP_SECONDS: Final = 30
DIGITS: Final = 6
_BESIDE: Final = 1  # steps, for clocks that differ and fingers that are slow


def new_secret() -> bytes:
    """Make the secret that an authenticator shares with the node."""
    return token_bytes(SECRET_BYTES)


def step_of(moment: datetime) -> int:
    """Return the number of the step that a moment lies in."""
    return int(moment.timestamp()) // STEP_SECONDS


def code_at(secret: bytes, step: int) -> str:
    """Return the code of a step."""
    return _hotp(secret).generate(step).decode()


def accepted_step(secret: bytes, code: str, now: int, last: int) -> int | None:
    """Return the step that a code belongs to, if it is near *now* and after *last*.

    Steps are numbers as `step_of` gives them. All candidates are computed and
    compared, whatever the code is.
    """
    hotp, given = _hotp(secret), code.encode()
    found: int | None = None
    for step in range(now - _BESIDE, now + _BESIDE + 1):
        if bytes_eq(hotp.generate(step), given) and step > last:
            found = step
    return found


def enrolment_uri(secret: bytes, *, name: str, node: str) -> str:
    """Return the `otpauth:` address that an authenticator reads as a QR code."""
    totp = TOTP(secret, DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303 - RFC 6238's own
    return totp.get_provisioning_uri(name, node)


def _hotp(secret: bytes) -> HOTP:
    return HOTP(secret, DIGITS, SHA1())  # noqa: S303 - RFC 4226's own
