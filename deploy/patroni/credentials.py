# SPDX-License-Identifier: Apache-2.0
"""Certificates and passwords of a database cluster, made once and kept.

One certificate authority for this cluster alone: whoever has a certificate of it may
decide who leads. Nodes get none; they prove themselves by a password (SCRAM).
"""

import base64
import hashlib
import hmac
import ipaddress
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ROLES: Final = ("replicator", "rewinder", "fedsafe_owner", "fedsafe_node")
_CA_LASTS: Final = timedelta(days=3650)
_HOST_LASTS: Final = timedelta(days=730)
_CLOCKS_DIFFER: Final = timedelta(hours=1)
_SCRAM_ROUNDS: Final = 4096


@dataclass(frozen=True, slots=True)
class Password:
    """A role's password, and what servers keep of it."""

    plain: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Authority:
    """Who signs the certificates of the hosts."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    def pem(self) -> bytes:
        """Give the certificate that everybody checks the others with."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, names: Iterable[str], *, at: datetime) -> tuple[bytes, bytes]:
        """Make a key for a host of these names, and return certificate and key."""
        key = ec.generate_private_key(ec.SECP256R1())
        called = [_general(name) for name in names]
        title = called[0].value
        uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        signed = (
            _begun(str(title), self.certificate.subject, key, at, _HOST_LASTS)
            .add_extension(x509.SubjectAlternativeName(called), critical=False)
            .add_extension(  # Python 3.13 verifies no certificate without it
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    self.key.public_key()
                ),
                critical=False,
            )
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)  # noqa: FBT003
            .sign(self.key, hashes.SHA256())
        )
        return signed.public_bytes(serialization.Encoding.PEM), _pem(key)


def keep(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file that never had a wider mode than `mode`, and never is half there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(draft, flags, mode), "wb") as file:
        file.write(content)
        os.fchmod(file.fileno(), mode)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def authority(directory: Path, cluster: str, *, at: datetime) -> Authority:
    """Load the authority in a directory, or make it."""
    certificate, key = directory / "ca.crt", directory / "ca.key"
    if key.exists():
        loaded = serialization.load_pem_private_key(key.read_bytes(), password=None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{key} is no key of an elliptic curve")
        known = x509.load_pem_x509_certificate(certificate.read_bytes())
        return Authority(known, loaded)
    made = ec.generate_private_key(ec.SECP256R1())
    title = f"{cluster} database"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
    signed = (
        _begun(title, subject, made, at, _CA_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_SIGNS, critical=True)
        .sign(made, hashes.SHA256())
    )
    # The key last: whoever finds it finds its certificate.
    keep(certificate, signed.public_bytes(serialization.Encoding.PEM))
    keep(key, _pem(made), mode=0o600)
    return Authority(signed, made)


def passwords(directory: Path) -> dict[str, Password]:
    """Load the passwords in a directory, or make them."""
    path = directory / "passwords.json"
    if not path.exists():
        made = {role: secrets.token_urlsafe(32) for role in ROLES}
        kept = {role: [plain, verifier(plain)] for role, plain in made.items()}
        keep(path, json.dumps(kept).encode(), mode=0o600)
    stored = json.loads(path.read_text())
    return {role: Password(*stored[role]) for role in ROLES}


def verifier(password: str, salt: bytes | None = None) -> str:
    """Compute what PostgreSQL and PgBouncer keep of a password (RFC 5802 §3)."""
    salt = secrets.token_bytes(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _SCRAM_ROUNDS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored = hashlib.sha256(client).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${_SCRAM_ROUNDS}:{parts[0]}${parts[1]}:{parts[2]}"


_SIGNS: Final = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _general(name: str) -> x509.DNSName | x509.IPAddress:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _begun(
    name: str,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    at: datetime,
    lasts: timedelta,
) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - _CLOCKS_DIFFER)
        .not_valid_after(at + lasts)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(public), critical=False
        )
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
