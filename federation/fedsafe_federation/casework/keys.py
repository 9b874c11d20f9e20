# SPDX-License-Identifier: Apache-2.0
r"""The key pair of a partner that opens packages itself, as two small text files.

    fedsafe-partner-key-v1          fedsafe-partner-public-v1
    <32 bytes in base64>            <1216 bytes in base64, in lines of 76>

Public keys come from strangers and by mail, so people compare the fingerprint of what
arrived on the telephone: 128 bits of SHA-256 in groups of four digits.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from hashlib import sha256
from typing import Final

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.seal.hpke import RecipientKey, check_recipient
from fedsafe_federation.casework.errors import PartnerKeyError
from fedsafe_policies.ground.catalogue import Phrase

_PRIVATE: Final = "fedsafe-partner-key-v1"
_PUBLIC: Final = "fedsafe-partner-public-v1"
_WIDTH: Final = 76
LONGEST: Final = 4_096
"""How many bytes either file has at most."""


def write_private(key: RecipientKey) -> bytes:
    """Write a private key, for a file that nobody else can read."""
    return f"{_PRIVATE}\n{b64encode(key.to_bytes()).decode()}\n".encode()


def read_private(data: bytes) -> RecipientKey:
    """Read what `write_private` wrote.

    Raises:
        PartnerKeyError: it is no private key of a partner.
    """
    try:
        return RecipientKey.from_bytes(_body(data, _PRIVATE))
    except CryptoError:
        raise PartnerKeyError(Phrase("the private key has a wrong length")) from None


def write_public(public: bytes) -> str:
    """Write a public key, to be handed to providers."""
    text = b64encode(public).decode()
    lines = [text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)]
    return "\n".join((_PUBLIC, *lines)) + "\n"


def read_public(data: bytes) -> bytes:
    """Read what `write_public` wrote.

    Raises:
        PartnerKeyError: it is no public key that something can be sealed to.
    """
    public = _body(data, _PUBLIC)
    try:
        check_recipient(public)
    except CryptoError:
        raise PartnerKeyError(
            Phrase("nothing can be sealed to that public key")
        ) from None
    return public


def refuse_private(text: str) -> None:
    """Refuse a private key where a public one belongs; nothing of it is kept.

    Raises:
        PartnerKeyError: there is one.
    """
    if "PRIVATE KEY" in text or _PRIVATE in text:
        raise PartnerKeyError(
            Phrase("that is a private key: give nobody this file, but its public half")
        )


def key_fingerprint(public: bytes) -> str:
    """Give what two people compare on the telephone: 32 digits in groups of four."""
    digits = sha256(public).hexdigest()[:32]
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def same_fingerprint(one: str, other: str) -> bool:
    """Tell whether two fingerprints are one, however they were written down."""
    return _digits(one) == _digits(other)


def _digits(fingerprint: str) -> str:
    return "".join(fingerprint.replace(":", " ").split()).lower()


def _body(data: bytes, kind: str) -> bytes:
    if len(data) > LONGEST:
        raise PartnerKeyError(
            Phrase("a key file has at most {most} bytes").filled(most=LONGEST)
        )
    try:
        first, *rest = data.decode("ascii").split()
        if first == kind:
            return b64decode("".join(rest), validate=True)
    except (ValueError, Base64Error):
        pass
    raise PartnerKeyError(
        Phrase("want a file that begins with {kind}").filled(kind=kind)
    )
