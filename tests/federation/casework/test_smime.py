# SPDX-License-Identifier: Apache-2.0
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.programs import program
from tests.support.openssl_desk import unread
from tests.support.sealed_package import (
    NOW,
    SHEET,
    SIGNER,
    certify,
    full_package,
    partner,
    pem,
    private_pem,
    rsa_key,
    small_package,
)

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.seal.cms import open_cms, seal_cms, sign_cms
from fedsafe_federation.casework.certificates import (
    CertifiedKey,
    certificate_der,
    certificate_fingerprint,
    read_certificate,
    signing_certificate,
    signing_key,
)
from fedsafe_federation.casework.errors import (
    PartnerKeyError,
    SealedFault,
    SealedPackageError,
)
from fedsafe_federation.casework.keys import key_fingerprint
from fedsafe_federation.casework.multipart import encode_base64
from fedsafe_federation.casework.smime import open_smime, seal_smime
from fedsafe_federation.casework.statement import Sealing
from fedsafe_policies.escalation.package import encode_package

LATER: Final = NOW + timedelta(days=1)
STEP: Final = 181


def sealing(signer: SigningKey = SIGNER) -> Sealing:
    recipient = certificate_der(partner().certificate)
    return Sealing(recipient=recipient, signer=signer, dispatch="0d" * 32, at=NOW)


@cache
def small() -> bytes:
    return seal_smime(small_package(), sealing(), partner().certificate)


@cache
def full() -> bytes:
    return seal_smime(full_package(), sealing(), partner().certificate, (SHEET,))


def entity() -> bytes:
    return open_cms(small(), partner().private, partner().certificate)


def fault_of(sealed: bytes, key: CertifiedKey | None = None) -> SealedFault:
    with pytest.raises(SealedPackageError) as caught:
        open_smime(sealed, key or partner())
    return caught.value.fault


def test_the_partner_opens_what_was_sealed_to_its_certificate() -> None:
    opened = open_smime(full(), partner())

    assert opened.package == full_package()
    assert opened.documents[1] == SHEET
    assert opened.fingerprint == key_fingerprint(SIGNER.public)


def test_every_flipped_byte_of_a_package_is_refused() -> None:
    for place in range(len(small())):
        changed = bytearray(small())
        changed[place] ^= 0xFF
        with pytest.raises(SealedPackageError):
            open_smime(bytes(changed), partner())


def test_every_byte_flipped_inside_the_envelope_is_refused() -> None:
    whole = entity()
    for place in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[place] ^= 1
        with pytest.raises(SealedPackageError):
            open_smime(seal_cms(bytes(changed), partner().certificate), partner())


def test_nobody_else_opens_it() -> None:
    other = rsa_key(3073)
    renewed = certify(rsa_key(), begins=datetime(2026, 2, 1, tzinfo=UTC))
    same_name = CertifiedKey(other, certify(other))
    own = CertifiedKey(rsa_key(), renewed)

    assert fault_of(small(), same_name) is SealedFault.CHANGED
    assert fault_of(small(), own) is SealedFault.RECIPIENT


def test_what_a_partner_seals_anew_for_another_is_refused_there() -> None:
    other = rsa_key(3073)
    certificate = certify(other)
    anew = seal_cms(entity(), certificate)

    assert fault_of(anew, CertifiedKey(other, certificate)) is SealedFault.RECIPIENT


def test_a_statement_of_one_that_another_has_signed_as_mail_is_still_of_the_first() -> (
    None
):
    other = SigningKey.generate()
    foreign = sign_cms(b"x", signing_key(other), signing_certificate(other), NOW)
    head = entity()[: entity().index(b"\r\n\r\n") + 4]
    anew = seal_cms(head + encode_base64(foreign), partner().certificate)

    assert fault_of(anew) is SealedFault.STATEMENT


def test_the_signing_certificate_follows_from_the_package_key_alone() -> None:
    same = SigningKey.from_bytes(SIGNER.to_bytes())
    other = SigningKey.generate()

    assert signing_certificate(same) == signing_certificate(SIGNER)
    assert signing_certificate(other).public_key() != signing_key(SIGNER).public_key()


OLD: Final = SigningKey.from_bytes(bytes(range(32)))
OLD_DIGITS: Final = "f9f5 742c fbc9 938d 0b2b 7fb6 d79a 844b"


def test_a_certificate_that_partners_know_stays_as_it_is() -> None:
    known = signing_certificate(OLD)
    named = signing_certificate(OLD, "chat.example.de")

    assert certificate_fingerprint(known) == OLD_DIGITS
    assert certificate_fingerprint(named) != OLD_DIGITS
    assert named.public_key() == known.public_key()


def test_a_certificate_names_the_provider() -> None:
    named = signing_certificate(SIGNER, "chat.example.de").subject.rfc4514_string()
    label = "a" * 63
    long = signing_certificate(SIGNER, f"{label}.chat.example.de").subject

    assert "O=chat.example.de" in named
    assert "CN=FedSafe case packages " in named
    assert "O=chat.example.de," in f"{long.rfc4514_string()},"
    assert "O=" not in signing_certificate(SIGNER).subject.rfc4514_string()


def test_openssl_verifies_by_the_certificate_with_the_name(folder: Path) -> None:
    name = "chat.example.de"
    about = replace(sealing(), provider=name)
    sealed = seal_smime(small_package(), about, partner().certificate)
    (folder / "provider.pem").write_text(pem(signing_certificate(SIGNER, name)))
    named = openssl(folder, sealed)
    (folder / "provider.pem").write_text(pem(signing_certificate(SIGNER)))

    assert named is not None
    assert openssl(folder, sealed) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (lambda: pem(certify(rsa_key(), ends=NOW)), "expired 2026-11-27"),
        (
            lambda: pem(certify(rsa_key(), begins=NOW + timedelta(1))),
            "begins 2026-11-28",
        ),
        (lambda: pem(certify(rsa_key(), enciphers=False)), "not for encrypted e-mail"),
        (
            lambda: pem(certify(rsa_key(), purpose=ExtendedKeyUsageOID.SERVER_AUTH)),
            "not for encrypted e-mail",
        ),
        (lambda: pem(certify(rsa_key(2048))), "has 2048 bits"),
        (lambda: pem(certify(ec.generate_private_key(ec.SECP256R1()))), "no RSA key"),
        (lambda: private_pem(rsa_key()).decode(), "private key"),
        (lambda: pem(partner().certificate) * 2, "want one X.509"),
        (lambda: "fedsafe-partner-public-v1\nAAAA\n", "want one X.509"),
        (lambda: pem(partner().certificate).replace("A", "é"), "want one X.509"),
    ],
    ids=range(10),
)
def test_a_certificate_that_cannot_be_sealed_to_is_refused(
    text: Callable[[], str], says: str
) -> None:
    with pytest.raises(PartnerKeyError, match=says):
        read_certificate(text(), NOW)


def test_a_usable_certificate_is_read() -> None:
    assert read_certificate(pem(partner().certificate), NOW) == partner().certificate


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    program("openssl", "openssl")
    (tmp_path / "own.key").write_bytes(private_pem(partner().private))
    (tmp_path / "own.pem").write_text(pem(partner().certificate))
    (tmp_path / "provider.pem").write_text(pem(signing_certificate(SIGNER)))
    return tmp_path


def openssl(folder: Path, sealed: bytes) -> bytes | None:
    """Decrypt, then verify; None if one of them refuses."""
    (folder / "in").write_bytes(sealed)
    own = ("-inkey", "own.key", "-recip", "own.pem")
    first = ("openssl", "cms", "-decrypt", "-inform", "DER", "-in", "in", *own)
    verify = ("openssl", "cms", "-verify", "-in", "mid", "-CAfile", "provider.pem")
    for command in ((*first, "-out", "mid"), (*verify, "-out", "out")):
        done = subprocess.run(
            command, cwd=folder, capture_output=True, timeout=20, check=False
        )
        if done.returncode:
            return None
    return (folder / "out").read_bytes()


def test_openssl_decrypts_verifies_and_finds_the_documents(folder: Path) -> None:
    found = openssl(folder, full())
    assert found is not None
    message = message_from_bytes(found, policy=policy.default)
    parts = {part.get_filename(): part.get_content() for part in message.iter_parts()}

    assert parts["package.json"] == encode_package(full_package())
    assert parts["sheet.html"].encode() == SHEET.content


def test_openssl_refuses_another_signer_and_flipped_bytes(folder: Path) -> None:
    stranger = seal_smime(
        small_package(), sealing(SigningKey.generate()), partner().certificate
    )
    whole = openssl(folder, small())
    outcomes = {}
    for place in range(3, len(small()), STEP):
        changed = bytearray(small())
        changed[place] ^= 1
        outcomes[place] = openssl(folder, bytes(changed))
    accepted = {place for place, found in outcomes.items() if found is not None}

    assert whole is not None
    assert openssl(folder, stranger) is None
    assert all(outcomes[place] == whole for place in accepted)
    assert accepted <= unread(small())


def test_what_openssl_takes_changed_is_what_was_signed(folder: Path) -> None:
    whole = openssl(folder, small())
    for place in sorted(unread(small())):
        changed = bytearray(small())
        changed[place] ^= 1
        found = openssl(folder, bytes(changed))

        assert found in {None, whole}
