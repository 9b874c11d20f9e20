# SPDX-License-Identifier: Apache-2.0
"""Certificates of an authority of our own, for servers on loopback."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.support.openssl_desk import signature

from fedsafe_federation.casework.container import MAGIC
from fedsafe_node.casework.transports.parcels import Parcel, Sealing
from fedsafe_node.ground.clock import SystemClock

INSIDE: Final = ("127.0.0.0/8",)
PARCEL: Final = Parcel(
    dispatch="0123456789abcdef" * 2,
    sealing=Sealing.HPKE,
    data=MAGIC + bytes(range(256)) * 40,
    test=True,
    reply_token="Reply-token_0123456789",
)


def sealed_as(sealing: Sealing, data: bytes) -> Parcel:
    """The same parcel with something else in it, and its signature."""
    return replace(PARCEL, sealing=sealing, data=data, signature=signature(data))


@dataclass(frozen=True)
class Papers:
    """What servers and clients on loopback show each other, as files."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def other_ca(self) -> Path:
        return self.folder / "other-ca.pem"

    def certificate(self, name: str) -> Path:
        return self.folder / f"{name}.pem"

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    def server(self, *, asks: bool = False) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate("server"), self.key("server"))
        if asks:
            context.load_verify_locations(self.ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


@pytest.fixture(scope="package")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return issue_papers(tmp_path_factory.mktemp("papers"))


def issue_papers(
    folder: Path, *, without: str = "", days: tuple[int, int] = (-1, 1)
) -> Papers:
    """Make all papers; those of `ca` and `server` may lack something."""
    ca = _issue(folder, "ca", None, without=without)
    _issue(folder, "other-ca", None)
    places = ["127.0.0.1", "::1"]
    _issue(folder, "server", ca, places, without=without, days=days)
    _issue(folder, "client", ca)
    _issue(folder, "stranger", None)
    return Papers(folder)


def _issue(  # noqa: PLR0913
    folder: Path,
    name: str,
    by: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None,
    addresses: Sequence[str] = (),
    *,
    without: str = "",
    days: tuple[int, int] = (-1, 1),
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = SystemClock().now()
    issuer = key if by is None else by[1]
    identified = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if by is None else by[0].subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(
            x509.BasicConstraints(by is None, None),
            critical=without != "critical basic constraints",
        )
    )
    if without != "subject key identifier":
        named = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(named, critical=False)
    if without != "authority key identifier":
        builder = builder.add_extension(identified, critical=False)
    if by is None and without != "key usage":
        signs = x509.KeyUsage(
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
        builder = builder.add_extension(signs, critical=True)
    if addresses:
        names = [x509.IPAddress(ip_address(each)) for each in addresses]
        builder = builder.add_extension(
            x509.SubjectAlternativeName([*names, x509.DNSName("localhost")]),
            critical=False,
        )
    certificate = builder.sign(issuer, hashes.SHA256())
    pem = serialization.Encoding.PEM
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(pem))
    file = folder / f"{name}.key"
    file.write_bytes(
        key.private_bytes(
            pem,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    file.chmod(0o600)
    return certificate, key
