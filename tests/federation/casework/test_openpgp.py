# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from functools import cache
from typing import Any, Final

import pytest
from tests.support.gnupg import GnuPG, gnupg
from tests.support.sealed_package import (
    NOW,
    SHEET,
    SIGNER,
    full_package,
    small_package,
)

from fedsafe_federation.casework.errors import (
    PartnerKeyError,
    SealedFault,
    SealedPackageError,
)
from fedsafe_federation.casework.keys import key_fingerprint
from fedsafe_federation.casework.openpgp import (
    OpenPgpKey,
    open_openpgp,
    openpgp_identity,
    read_openpgp,
    read_openpgp_key,
    seal_openpgp,
)
from fedsafe_federation.casework.sealing import open_with, read_identity
from fedsafe_federation.casework.statement import Sealing
from fedsafe_policies.escalation.package import encode_package

sequoia: Final = pytest.importorskip("pysequoia")
_UNREAD: Final = {2, 13}
"""Where gpg reads over a byte: the version of the packet, the bits of a number."""


@cache
def secret() -> Any:  # noqa: ANN401
    return sequoia.Tsk.generate("Erfundene Stelle <stelle@example.org>")


def public() -> str:
    return str(secret().extract_certificate())


def key() -> OpenPgpKey:
    return read_openpgp_key(str(secret()).encode())


def sealed(*, full: bool = False, certificate: Any = None) -> bytes:  # noqa: ANN401
    recipient = certificate or read_openpgp(public(), NOW)
    sealing = Sealing(
        recipient=openpgp_identity(recipient), signer=SIGNER, dispatch="0d" * 32, at=NOW
    )
    if full:
        return seal_openpgp(full_package(), sealing, recipient, (SHEET,))
    return seal_openpgp(small_package(), sealing, recipient)


def fault_of(package: bytes, opener: OpenPgpKey) -> SealedFault:
    with pytest.raises(SealedPackageError) as caught:
        open_openpgp(package, opener)
    return caught.value.fault


def test_the_partner_opens_what_was_sealed_to_its_certificate() -> None:
    opened = open_openpgp(sealed(full=True), key())

    assert opened.package == full_package()
    assert opened.documents[1] == SHEET
    assert opened.fingerprint == key_fingerprint(SIGNER.public)


def test_every_flipped_byte_of_a_package_is_refused() -> None:
    package, opener = sealed(), key()
    for place in range(len(package)):
        changed = bytearray(package)
        changed[place] ^= 1
        with pytest.raises(SealedPackageError):
            open_openpgp(bytes(changed), opener)


def test_nobody_else_opens_it() -> None:
    other = read_openpgp_key(str(sequoia.Tsk.generate("x@example.org")).encode())

    assert fault_of(sealed(), other) is SealedFault.OTHER_KEY


def test_what_a_partner_seals_anew_for_another_is_refused_there() -> None:
    other = sequoia.Tsk.generate("x@example.org")
    recipient = other.extract_certificate()
    inside = sequoia.decrypt(sealed(), decryptor=key().decryptor).bytes
    anew = sequoia.encrypt(bytes(inside), recipients=[recipient], armor=False)
    opener = read_openpgp_key(str(other).encode())

    assert fault_of(bytes(anew), opener) is SealedFault.RECIPIENT


def test_what_gpg_has_decrypted_is_verified_with_the_certificate_alone() -> None:
    plain = bytes(sequoia.decrypt(sealed(), decryptor=key().decryptor).bytes or b"")
    other = str(sequoia.Tsk.generate("x@example.org").extract_certificate())

    assert open_with(plain, read_identity(public())).package == small_package()
    for message, own in ((plain, other), (plain[:-1], public()), (sealed(), public())):
        with pytest.raises(SealedPackageError):
            open_with(message, read_identity(own))


def test_a_certificate_that_cannot_be_sealed_to_is_refused() -> None:
    short = sequoia.Tsk.generate("x@example.org", validity_seconds=86_400)
    weak = sequoia.Tsk.generate("x", cipher_suite=sequoia.CipherSuite.RSA2k)
    kind = sequoia.ArmorKind.PublicKey
    disguised = str(sequoia.armor(bytes(secret()), kind))
    late = NOW + timedelta(days=36_500)
    for text, at, says in (
        (str(short.extract_certificate()), late, "is expired"),
        (str(weak.extract_certificate()), NOW, "BSI TR-02102-1"),
        (str(secret()), NOW, "private key"),
        (disguised, NOW, "private key"),
        (public() * 2, NOW, "want one OpenPGP"),
        (public()[:200] + "\n-----END PGP PUBLIC KEY BLOCK-----\n", NOW, "want one"),
        ("fedsafe-partner-public-v1\nAAAA\n", NOW, "want one OpenPGP"),
    ):
        with pytest.raises(PartnerKeyError, match=says):
            read_openpgp(text, at)


def test_a_public_key_opens_nothing() -> None:
    for data in (public().encode(), b"", b"\xff", b"-----BEGIN PGP MESSAGE-----\n"):
        with pytest.raises(PartnerKeyError):
            read_openpgp_key(data)


@pytest.fixture
def gpg() -> Iterator[GnuPG]:
    with gnupg() as found:
        yield found


def test_gpg_decrypts_with_its_own_key_and_refuses_flipped_bytes(gpg: GnuPG) -> None:
    made = gpg("--quick-gen-key", "s@example.org", "default", "default", "never")
    armor = gpg("--armor", "--export").stdout.decode()
    private = gpg("--export-secret-keys").stdout
    certificate = read_openpgp(armor, NOW)
    package = sealed(full=True, certificate=certificate)
    found = gpg("--decrypt", data=package)
    message = message_from_bytes(found.stdout, policy=policy.default)
    parts = {part.get_filename(): part.get_content() for part in message.iter_parts()}
    opened = open_openpgp(package, read_openpgp_key(private))

    assert (made.returncode, found.returncode) == (0, 0)
    assert parts["package.json"] == encode_package(full_package())
    assert opened.package == full_package()
    words = ("--trust-model", "always", "--encrypt", "--recipient", "s@example.org")
    bomb = gpg(*words, data=bytes(64 << 20)).stdout
    assert len(bomb) < 1 << 20
    bomb = b"\xc1" + bomb[1:]  # as newer programs write the first packet's tag
    assert fault_of(bomb, read_openpgp_key(private)) is SealedFault.CHANGED
    accepted = set[int]()
    for place in (*range(100), len(package) // 2, len(package) - 1):
        changed = bytearray(package)
        changed[place] ^= 1
        outcome = gpg("--decrypt", data=bytes(changed))
        if outcome.returncode == 0 and outcome.stdout:
            accepted.add(place)
            assert outcome.stdout == found.stdout
    assert accepted <= _UNREAD
