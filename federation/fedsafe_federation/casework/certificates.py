# SPDX-License-Identifier: Apache-2.0
"""X.509 certificates of the case plane: those of partners, and the provider's own.

The provider's follows from its package key, and from the name that it bears since it
was first made, so its fingerprint stays the same: who knows it once, knows it for good.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final

from blake3 import blake3
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.casework.errors import PartnerKeyError
from fedsafe_federation.casework.keys import key_fingerprint, refuse_private
from fedsafe_policies.ground.catalogue import Phrase

LEAST_RSA_BITS: Final = 3_000
"""BSI TR-02102-1 asks for this from 2024 on: 3072 bits in practice."""

_SIGNER: Final = "fedsafe v1 case package S/MIME key"
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_LONGEST_NAME: Final = 64  # RFC 5280: ub-organization-name
_BEGINS: Final = datetime(2026, 1, 1, tzinfo=UTC)
_ENDS: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)  # RFC 5280: never
_MARK: Final = "-----BEGIN CERTIFICATE-----"
_MAIL: Final = ExtendedKeyUsageOID.EMAIL_PROTECTION
_ANY: Final = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE


def read_certificate(text: str, at: datetime) -> x509.Certificate:
    """Read a partner's certificate, to which packages can be sealed at that moment.

    Raises:
        PartnerKeyError: it is none, expired, too weak, or for another use; it says
            which, and quotes nothing.
    """
    found = parse_certificate(text)
    try:
        key, usable = found.public_key(), _usable(found)
    except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm):
        raise PartnerKeyError(Phrase("want one X.509 certificate as PEM")) from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise PartnerKeyError(
            Phrase("the certificate has no RSA key: no other is sealed to")
        )
    if key.key_size < LEAST_RSA_BITS:
        raise PartnerKeyError(
            Phrase(
                "the certificate's key has {bits} bits; BSI TR-02102-1 wants "
                "{least} or more"
            ).filled(bits=key.key_size, least=LEAST_RSA_BITS)
        )
    if not usable:
        raise PartnerKeyError(Phrase("the certificate is not for encrypted e-mail"))
    if at < found.not_valid_before_utc:
        raise PartnerKeyError(
            Phrase("the certificate begins {on}").filled(on=_day(found, begins=True))
        )
    if at >= found.not_valid_after_utc:
        raise PartnerKeyError(
            Phrase("the certificate expired {on}").filled(on=_day(found, begins=False))
        )
    return found


def parse_certificate(text: str) -> x509.Certificate:
    """Read one certificate, whatever may be sealed to it.

    Raises:
        PartnerKeyError: it is none, or a private key.
    """
    refuse_private(text)
    if text.count(_MARK) != 1:
        raise PartnerKeyError(Phrase("want one X.509 certificate as PEM"))
    try:
        return x509.load_pem_x509_certificate(text.encode())
    except (ValueError, x509.InvalidVersion):
        raise PartnerKeyError(Phrase("want one X.509 certificate as PEM")) from None


@dataclass(frozen=True, slots=True)
class CertifiedKey:
    """A partner's private RSA key with its certificate."""

    private: rsa.RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate


def read_certified_key(
    key: bytes, certificate: bytes, password: str | None = None
) -> CertifiedKey:
    """Read a partner's own private key and certificate, both as PEM.

    It may have expired: what was sealed to it before still opens.

    Raises:
        PartnerKeyError: they are none, do not fit, or another password unlocks it.
    """
    secret = None if password is None else password.encode()
    try:
        private = load_pem_private_key(key, secret)
        found = x509.load_pem_x509_certificate(certificate)
        fits = private.public_key() == found.public_key()
    except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm):
        raise PartnerKeyError(Phrase("no private key with its certificate")) from None
    if not fits or not isinstance(private, rsa.RSAPrivateKey):
        raise PartnerKeyError(Phrase("want an RSA key with its own certificate"))
    return CertifiedKey(private, found)


def certificate_der(certificate: x509.Certificate) -> bytes:
    """Give the bytes that a fingerprint and a statement are about."""
    return certificate.public_bytes(Encoding.DER)


def certificate_pem(certificate: x509.Certificate) -> str:
    """Write a certificate as partners take it."""
    return certificate.public_bytes(Encoding.PEM).decode()


def certificate_fingerprint(certificate: x509.Certificate) -> str:
    """Give the first 32 digits of `openssl x509 -fingerprint -sha256`."""
    return key_fingerprint(certificate_der(certificate))


@lru_cache(maxsize=4)
def _scalar(seed: bytes) -> int:
    wide = blake3(seed, derive_key_context=_SIGNER).digest(length=48)
    return int.from_bytes(wide) % (_P256_ORDER - 1) + 1


def signing_key(signer: SigningKey) -> ec.EllipticCurvePrivateKey:
    """Return the P-256 key that goes with a package key, and follows from it."""
    return ec.derive_private_key(_scalar(signer.to_bytes()), ec.SECP256R1())


def signing_certificate(
    signer: SigningKey, provider: str | None = None
) -> x509.Certificate:
    """Return the self-signed certificate of `signing_key`, the same for the same name.

    It names the *provider* as its organisation; None is one from before that was so.
    """
    key = signing_key(signer)
    number = sha256(signer.public).digest()[:16]
    own = f"FedSafe case packages {number[:4].hex()}"
    name = x509.Name(
        [*_organisation(provider), x509.NameAttribute(NameOID.COMMON_NAME, own)]
    )
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(number) >> 1 | 1)
        .not_valid_before(_BEGINS)
        .not_valid_after(_ENDS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([_MAIL]), critical=False)
    )
    return builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True)


def _organisation(provider: str | None) -> list[x509.NameAttribute[str]]:
    """Name the provider; of a name that is too long the domain above it."""
    while provider is not None and len(provider) > _LONGEST_NAME:
        provider = provider.partition(".")[2]
    if not provider:
        return []
    return [x509.NameAttribute(NameOID.ORGANIZATION_NAME, provider)]


def _usable(certificate: x509.Certificate) -> bool:
    """Tell whether keys may be encrypted to it, for mail; it may say nothing of it."""
    for extension in certificate.extensions:
        value = extension.value
        if isinstance(value, x509.KeyUsage) and not value.key_encipherment:
            return False
        if isinstance(value, x509.ExtendedKeyUsage) and not {_MAIL, _ANY} & {*value}:
            return False
    return True


def _day(certificate: x509.Certificate, *, begins: bool) -> str:
    moment = (
        certificate.not_valid_before_utc if begins else certificate.not_valid_after_utc
    )
    return f"{moment:%Y-%m-%d}"
