# SPDX-License-Identifier: Apache-2.0
"""What a browser says of a passkey, as bytes and as base64url without padding."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec


class NotTakenError(Exception):
    """A passkey's answer is refused; `why` is a word for the audit log."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class ClientData(msgspec.Struct, frozen=True, rename="camel"):
    """What the browser says that it was asked, by which origin."""

    type: str
    challenge: str
    origin: str
    cross_origin: bool = False


def to_text(data: bytes) -> str:
    """Write bytes as base64url."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def from_text(text: str) -> bytes:
    """Read base64url.

    Raises:
        NotTakenError: it is none.
    """
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise NotTakenError("malformed") from None


def client_data_in(text: str) -> ClientData:
    """Read what the browser says that it was asked.

    Raises:
        NotTakenError: it says nothing of the kind.
    """
    try:
        return msgspec.json.decode(from_text(text), type=ClientData)
    except msgspec.MsgspecError:
        raise NotTakenError("malformed") from None


def challenge_in(text: str) -> bytes:
    """Return the challenge in what the browser says; errors as for the whole."""
    return from_text(client_data_in(text).challenge)
