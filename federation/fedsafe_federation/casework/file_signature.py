# SPDX-License-Identifier: Apache-2.0
r"""The signature beside a sealed file: over every byte of it, checked before it opens.

    openssl x509 -in provider.pem -noout -pubkey > provider.pub
    openssl dgst -sha256 -verify provider.pub -signature case.p7m.sig case.p7m

OpenSSL and GnuPG read over a few bytes of the envelopes that they open, and OpenPGP
leaves open who has sealed. This says both, with OpenSSL alone: ECDSA over SHA-256, as
DER, by the P-256 key of the provider's certificate. It follows from key and file, so
the same file has the same signature wherever and whenever it leaves.

That key signs two other things, and none can be taken for another by its first bytes:
a sealed file begins with the type of an envelope (30 .. 06) or an OpenPGP packet (C1),
the certificate's own facts with a version (30 .. A0), and what is signed inside an
S/MIME message with a set (31). Hence nothing else is signed here.
"""

import re
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import Certificate

from fedsafe_crypto.errors import SignatureError
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.casework.certificates import signing_key
from fedsafe_federation.casework.container import MAGIC
from fedsafe_federation.casework.errors import SealedFault
from fedsafe_federation.casework.statement import LONGEST, refuse

ENDING: Final = ".sig"
"""What the signature's file is called, behind the name of the sealed one."""

_ENVELOPE: Final = bytes.fromhex("060b2a864886f70d0109100117")
"""The type that a sealed ContentInfo names first: AuthEnvelopedData."""
_LENGTH: Final = rb"(?:[\x00-\x7f]|\x81.|\x82..|\x83...)"
_SEALED: Final = re.compile(rb"\xc1|\x30" + _LENGTH + re.escape(_ENVELOPE), re.DOTALL)


def sign_file(signer: SigningKey, sealed: bytes) -> bytes | None:
    """Sign a sealed package; None if HPKE seals it: of that no byte is read over.

    A fault in a signature that repeats would give the key away: it is verified first.

    Raises:
        SealedPackageError: it is no sealed package, or too long.
        SignatureError: it came out wrong.
    """
    if len(sealed) > LONGEST:
        refuse(SealedFault.TOO_LONG)
    if sealed.startswith(MAGIC):
        return None
    if _SEALED.match(sealed) is None:
        refuse(SealedFault.NO_PACKAGE)
    key = signing_key(signer)
    algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    signature = key.sign(sealed, algorithm)
    _verify(key.public_key(), sealed, signature)
    return signature


def verify_file(certificate: Certificate, sealed: bytes, signature: bytes) -> None:
    """Check that a provider has signed a sealed file, by the provider's certificate.

    Raises:
        SignatureError: it has not, or a byte of file or signature was changed.
    """
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SignatureError("that certificate is no provider's")
    _verify(key, sealed, signature)


def _verify(key: ec.EllipticCurvePublicKey, sealed: bytes, signature: bytes) -> None:
    try:
        key.verify(signature, sealed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise SignatureError("signature does not verify") from None
