# SPDX-License-Identifier: Apache-2.0
"""A small package about invented people, and keys to seal it to."""

from datetime import UTC, datetime
from functools import cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tests.support.maximal import AT, MAXIMAL, PACKAGE_ID

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.casework.certificates import CertifiedKey
from fedsafe_federation.casework.statement import Document
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.package import CaseIdentity, CasePackage, Elements
from fedsafe_policies.escalation.projection import make_package, project
from fedsafe_policies.escalation.vocabulary import PartnerClass

NOW: Final = datetime(2026, 11, 27, 12, tzinfo=UTC)
SIGNER: Final = SigningKey.generate()
SHEET: Final = Document("sheet.html", "text/html", b"<!doctype html><p>Sachverhalt</p>")


def full_package() -> CasePackage:
    """All that an authority receives."""
    found = project(MAXIMAL, {}, PartnerClass.LAW_ENFORCEMENT, shipped_matrix())
    return make_package(found, package_id=PACKAGE_ID, made_at=AT, test=False)


def small_package() -> CasePackage:
    """As little as a package can be."""
    case = MAXIMAL.case
    assert isinstance(case, CaseIdentity)
    return CasePackage(
        format="fedsafe-case-package-v1",
        package_id=PACKAGE_ID,
        made_at=AT,
        test=True,
        partner_class=PartnerClass.LAW_ENFORCEMENT,
        matrix=shipped_matrix().reference,
        elements=Elements(case=case),
    )


@cache
def rsa_key(bits: int = 3072) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, bits)


def certify(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    *,
    ends: datetime = datetime(2036, 1, 1, tzinfo=UTC),
    begins: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    enciphers: bool = True,
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.EMAIL_PROTECTION,
) -> x509.Certificate:
    """Make a certificate as a partner has it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Erfundene Stelle")])
    usage = x509.KeyUsage(True, False, enciphers, *([False] * 6))  # noqa: FBT003
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(71)
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .sign(key, hashes.SHA256())
    )


@cache
def partner() -> CertifiedKey:
    return CertifiedKey(rsa_key(), certify(rsa_key()))


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def private_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
