# SPDX-License-Identifier: Apache-2.0
"""The signature beside a sealed file: whoever checks it first, is misled by no byte."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from tests.support.gnupg import GnuPG, gnupg
from tests.support.openssl_desk import (
    CMS,
    FROM_HEADER,
    OPENS,
    PUBLIC,
    VERIFY,
    equip,
    openpgp,
    run,
    sealed_for_gpg,
    sealing,
    signature,
    smime,
    unread,
)
from tests.support.sealed_package import (
    SIGNER,
    partner,
    small_package,
)

from fedsafe_crypto.errors import SignatureError
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.seal.cms import open_cms
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_federation.casework.certificates import (
    certificate_der,
    signing_certificate,
    signing_key,
)
from fedsafe_federation.casework.container import seal_package
from fedsafe_federation.casework.errors import SealedPackageError
from fedsafe_federation.casework.file_signature import sign_file, verify_file

OTHER: Final = SigningKey.generate()


@cache
def certificate_of(signer: SigningKey) -> x509.Certificate:
    return signing_certificate(signer)


def flipped(data: bytes) -> Iterator[bytes]:
    for place in range(len(data)):
        yield flip(data, place)
        yield flip(data, place, 0xFF)


def flip(data: bytes, place: int, bits: int = 1) -> bytes:
    changed = bytearray(data)
    changed[place] ^= bits
    return bytes(changed)


def refused(sealed: bytes, by: bytes, signer: SigningKey = SIGNER) -> bool:
    try:
        verify_file(certificate_of(signer), sealed, by)
    except SignatureError:
        return True
    return False


@pytest.mark.parametrize("make", [smime, openpgp])
def test_no_byte_of_file_or_signature_is_free(make: Callable[[], bytes]) -> None:
    sealed = make()
    by = signature(sealed)

    assert not refused(sealed, by)
    assert all(refused(changed, by) for changed in flipped(sealed))
    assert all(refused(sealed, changed) for changed in flipped(by))
    for changed in (sealed + b"\0", sealed[:-1]):
        assert refused(changed, by)
    for changed in (by + b"\0", by[:-1], b""):
        assert refused(sealed, changed)


def test_the_same_file_has_the_same_signature_by_its_provider_alone() -> None:
    again = SigningKey.from_bytes(SIGNER.to_bytes())
    other = sign_file(OTHER, smime())

    assert sign_file(again, smime()) == signature(smime())
    assert other is not None
    assert refused(smime(), other)
    assert refused(smime(), signature(smime()), OTHER)
    assert refused(smime(), signature(openpgp()))
    assert refused(openpgp(), signature(smime()))
    with pytest.raises(SignatureError, match="no provider"):
        verify_file(partner().certificate, smime(), signature(smime()))


def test_what_only_fedsafe_opens_has_no_signature() -> None:
    key = RecipientKey.generate()

    assert sign_file(SIGNER, seal_package(small_package(), sealing(key.public))) is None


def test_what_is_no_sealed_package_is_not_signed() -> None:
    facts = signing_certificate(OTHER).tbs_certificate_bytes
    signed = open_cms(smime(), partner().private, partner().certificate)
    certificate = certificate_der(signing_certificate(OTHER))
    attributes = b"\x31" + facts[1:]
    armored = b"-----BEGIN PGP MESSAGE-----\n\n"
    other_type = smime().replace(
        bytes.fromhex("0109100117"), bytes.fromhex("0109100102")
    )
    for data in (
        *(b"", b"\x30", facts, certificate, attributes, signed, armored),
        *(other_type, b"\x80" + openpgp()[1:], b"\xa3", smime() + bytes(8 << 20)),
    ):
        with pytest.raises(SealedPackageError):
            sign_file(SIGNER, data)


def test_a_fault_while_signing_gives_no_signature_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Faulty:
        def sign(self, data: bytes, _algorithm: object) -> bytes:
            algorithm = ec.ECDSA(hashes.SHA256())
            return signing_key(SIGNER).sign(flip(data, 9), algorithm)

        def public_key(self) -> ec.EllipticCurvePublicKey:
            return signing_key(SIGNER).public_key()

    name = "fedsafe_federation.casework.file_signature.signing_key"
    monkeypatch.setattr(name, lambda _: Faulty())
    with pytest.raises(SignatureError):
        sign_file(SIGNER, smime())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return equip(tmp_path)


class Desk:
    """A partner that checks the signature first, and then opens."""

    def __init__(
        self, folder: Path, name: str, sealed: bytes, home: Path | None = None
    ) -> None:
        self.folder, self.name, self.home = folder, name, home
        self.sealed, self.by = sealed, signature(sealed)

    def put(self, sealed: bytes | None = None, by: bytes | None = None) -> None:
        file = self.folder / self.name
        file.write_bytes(self.sealed if sealed is None else sealed)
        file.with_name(f"{self.name}.sig").write_bytes(self.by if by is None else by)
        (self.folder / "case.eml").unlink(missing_ok=True)

    def takes(self, sealed: bytes | None = None, by: bytes | None = None) -> bool:
        """Run both commands, joined as it is documented."""
        self.put(sealed, by)
        line = f"{VERIFY.format(self.name)} && {OPENS[self.name]}"
        done = run(self.folder, line, self.home)
        assert done is (self.folder / "case.eml").exists()
        return done

    def opens(self, sealed: bytes) -> bool:
        """Open without the first step."""
        self.put(sealed)
        return run(self.folder, OPENS[self.name], self.home)

    def verifies(self, sealed: bytes | None = None, by: bytes | None = None) -> bool:
        self.put(sealed, by)
        return run(self.folder, VERIFY.format(self.name))


def test_openssl_refuses_every_byte_that_it_reads_over_in_an_envelope(
    folder: Path,
) -> None:
    desk = Desk(folder, "case.p7m", smime())
    places = sorted(unread(smime()))
    changed = [flip(smime(), place) for place in places]

    assert desk.takes()
    assert any(desk.opens(each) for each in changed)  # else nothing is shown here
    assert not any(desk.takes(each) for each in changed)


@pytest.mark.parametrize(("name", "make"), [("case.p7m", smime), ("case.pgp", openpgp)])
def test_openssl_refuses_changed_files_and_signatures(
    folder: Path, name: str, make: Callable[[], bytes]
) -> None:
    desk = Desk(folder, name, make())
    places = [*range(20), *range(20, len(desk.sealed), 97), len(desk.sealed) - 1]

    assert desk.verifies()
    assert not any(desk.verifies(flip(desk.sealed, place)) for place in places)
    assert not any(
        desk.verifies(by=flip(desk.by, place)) for place in range(len(desk.by))
    )
    assert not desk.verifies(by=sign_file(OTHER, desk.sealed))
    assert not desk.verifies(by=desk.by[:-1])
    assert not desk.verifies(by=b"")


@pytest.fixture
def gpg() -> Iterator[GnuPG]:
    with gnupg() as found:
        yield found


def test_gpg_opens_nothing_that_openssl_has_not_verified(
    folder: Path, gpg: GnuPG
) -> None:
    made = gpg("--quick-gen-key", "s@example.org", "default", "default", "never")
    sealed = sealed_for_gpg(gpg("--armor", "--export").stdout.decode())
    desk = Desk(folder, "case.pgp", sealed, gpg.home)
    unread = [flip(sealed, place) for place in (2, 13)]
    places = (*range(16), len(sealed) // 2, len(sealed) - 1)

    assert made.returncode == 0
    assert desk.takes()
    assert any(desk.opens(each) for each in unread)  # else nothing is shown here
    assert not any(desk.takes(flip(sealed, place)) for place in places)


def test_the_documents_have_the_commands_that_are_tried_here() -> None:
    page = Path(__file__).parents[3] / "docs/howto/partners.md"
    text = " ".join(page.read_text(encoding="utf-8").split())
    gpg = "gpg --decrypt --output case.eml case.pgp"
    for line in (
        PUBLIC,
        f"{VERIFY.format('case.p7m')} && {CMS}",
        f"{VERIFY.format('case.pgp')} && {gpg}",
        FROM_HEADER.replace("NAME", "case.p7m"),
        "gpg --dearmor --output case.pgp encrypted.asc",
    ):
        assert " ".join(line.split()) in text
