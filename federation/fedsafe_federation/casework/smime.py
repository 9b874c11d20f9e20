# SPDX-License-Identifier: Apache-2.0
r"""Packages as S/MIME 4 (RFC 8551): signed, then sealed to an X.509 certificate.

    openssl cms -decrypt -inform DER -in case.p7m -inkey own.key -recip own.pem -out a
    openssl cms -verify -in a -CAfile provider.pem -out case.eml

Inside the envelope is a signed message, inside that the MIME message of `multipart`
with the statement that HPKE packages have. The CMS signature is for programs that know
nothing of us; `open_smime` verifies both.
"""

from collections.abc import Sequence
from typing import Final

from cryptography import x509

from fedsafe_crypto.errors import (
    MalformedInputError,
    MalformedKeyError,
    OpenError,
    SignatureError,
)
from fedsafe_crypto.seal.cms import (
    open_cms,
    seal_cms,
    sign_cms,
    verify_cms,
)
from fedsafe_federation.casework.certificates import (
    CertifiedKey,
    certificate_der,
    signing_certificate,
    signing_key,
)
from fedsafe_federation.casework.errors import SealedFault
from fedsafe_federation.casework.multipart import (
    decode_base64,
    encode_base64,
    read_multipart,
    write_multipart,
)
from fedsafe_federation.casework.statement import (
    LONGEST,
    Document,
    Opened,
    Sealing,
    refuse,
    sign_package,
)
from fedsafe_policies.escalation.package import CasePackage

_HEAD: Final = (
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\n"
    b"Content-Transfer-Encoding: base64\r\n"
    b"Content-Disposition: attachment; filename=smime.p7m\r\n\r\n"
)


def seal_smime(
    package: CasePackage,
    sealing: Sealing,
    recipient: x509.Certificate,
    renderings: Sequence[Document] = (),
) -> bytes:
    """Sign a package with its renderings, and seal it to a partner's certificate.

    Raises:
        CasePackageError: media bytes are in it.
        SealedPackageError: it is too long, or its documents do not fit.
    """
    content = write_multipart(sign_package(package, sealing, renderings))
    certificate = signing_certificate(sealing.signer, sealing.provider)
    at = sealing.at.replace(microsecond=0)
    signed = sign_cms(content, signing_key(sealing.signer), certificate, at)
    sealed = seal_cms(_HEAD + encode_base64(signed), recipient)
    if len(sealed) > LONGEST:
        refuse(SealedFault.TOO_LONG)
    return sealed


def open_smime(sealed: bytes, key: CertifiedKey) -> Opened:
    """Open what `seal_smime` sealed, and verify all that is in it.

    Raises:
        SealedPackageError: it is none, is sealed to somebody else, was changed, or
            its parts do not fit each other; `fault` says which.
    """
    if len(sealed) > LONGEST:
        refuse(SealedFault.TOO_LONG)
    try:
        entity = open_cms(sealed, key.private, key.certificate)
    except MalformedKeyError:
        refuse(SealedFault.OTHER_KEY)
    except (MalformedInputError, OpenError):
        refuse(SealedFault.CHANGED)
    signed = decode_base64(entity.removeprefix(_HEAD))
    if signed is None or _HEAD + encode_base64(signed) != entity:
        refuse(SealedFault.CHANGED)
    try:
        verified = verify_cms(signed)
    except (MalformedInputError, SignatureError):
        refuse(SealedFault.SIGNATURE)
    return read_multipart(verified.content, certificate_der(key.certificate))
