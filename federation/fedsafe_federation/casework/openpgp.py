# SPDX-License-Identifier: Apache-2.0
"""Packages as OpenPGP messages, for partners that have GnuPG.

    gpg --decrypt --output case.eml case.pgp

Sequoia encrypts, decrypts and verifies, from the extra `openpgp`; nothing else needs
it. Inside is the MIME message of `multipart`, and the statement in it says who has
sealed: the OpenPGP message itself carries no signature, so gpg alone does not tell the
sender.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from fedsafe_federation.casework.errors import (
    OpenPgpMissingError,
    PartnerKeyError,
    SealedFault,
)
from fedsafe_federation.casework.keys import refuse_private
from fedsafe_federation.casework.multipart import read_multipart, write_multipart
from fedsafe_federation.casework.statement import (
    LONGEST,
    Document,
    Opened,
    Sealing,
    refuse,
    sign_package,
)
from fedsafe_policies.escalation.package import CasePackage
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from pysequoia import Cert, PyDecryptor
    from pysequoia.packet import Packet

_MOST_OPENED: Final = 2 * LONGEST
LEAST_RSA_BITS: Final = 3_000
_MARK: Final = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_NO_CERTIFICATE: Final = Phrase("want one OpenPGP certificate, in ASCII armor")
_RSA: Final = frozenset({1, 2, 3})
_OLD: Final = frozenset({16, 17, 20})
"""ElGamal and DSA, which nothing is sealed to any more."""

_FAULTS: Final = (RuntimeError, ValueError, OSError)
"""What Sequoia raises."""

_PKESK: Final = 0xC1
_TWO_OCTETS: Final = 192
"""From here on, a packet's length has two octets: so it is with RSA."""

_KEY_ID_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class OpenPgpKey:
    """A partner's private OpenPGP key, unlocked."""

    fingerprint: bytes
    names: frozenset[bytes]
    decryptor: "PyDecryptor" = field(repr=False)


def read_openpgp(text: str, at: datetime) -> "Cert":
    """Read a partner's certificate, to which packages can be sealed at that moment.

    Raises:
        PartnerKeyError: it is none, expired, revoked, too weak, or nothing can be
            encrypted to it; it says which, and quotes nothing.
        OpenPgpMissingError: this FedSafe was installed without OpenPGP.
    """
    found = parse_openpgp(text)
    try:
        weak = _weak(bytes(found))
        ended = found.expiration is not None and found.expiration <= at
        secret, revoked = _secret(text.encode()), found.is_revoked
    except _FAULTS:
        raise PartnerKeyError(_NO_CERTIFICATE) from None
    if secret:
        raise PartnerKeyError(
            Phrase("that is a private key: give nobody this file, but its public half")
        )
    if revoked or ended:
        raise PartnerKeyError(
            Phrase("the OpenPGP certificate is revoked")
            if revoked
            else Phrase("the OpenPGP certificate is expired")
        )
    if weak:
        raise PartnerKeyError(
            Phrase(
                "the OpenPGP certificate has an ElGamal or DSA key, or one of RSA "
                "with less than the {least} bits of BSI TR-02102-1"
            ).filled(least=LEAST_RSA_BITS)
        )
    _encrypt(b"", found)
    return found


def parse_openpgp(text: str) -> "Cert":
    """Read one certificate, whatever may be sealed to it.

    Raises:
        PartnerKeyError: it is none, or a private key.
        OpenPgpMissingError: this FedSafe was installed without OpenPGP.
    """
    refuse_private(text)
    sequoia = _sequoia()
    if text.count(_MARK) != 1:
        raise PartnerKeyError(_NO_CERTIFICATE)
    try:
        found: Cert
        (found,) = sequoia.Cert.split_bytes(text.encode())
    except _FAULTS:
        raise PartnerKeyError(_NO_CERTIFICATE) from None
    return found


def openpgp_fingerprint(certificate: "Cert") -> str:
    """Give what `gpg --fingerprint` shows, in groups of four digits."""
    digits = certificate.fingerprint.lower()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def openpgp_identity(certificate: "Cert") -> bytes:
    """Give the bytes that a statement names the certificate by."""
    return bytes.fromhex(certificate.fingerprint)


def read_openpgp_key(data: bytes, password: str | None = None) -> OpenPgpKey:
    """Read what `gpg --export-secret-keys` writes.

    Raises:
        PartnerKeyError: it is no private key, or another password unlocks it.
        OpenPgpMissingError: this FedSafe was installed without OpenPGP.
    """
    sequoia = _sequoia()
    try:
        key = sequoia.Tsk.from_bytes(data)
        certificate = key.extract_certificate()
        names = _names(bytes(certificate))
        decryptor = key.decryptor(password)
    except _FAULTS:
        raise PartnerKeyError(
            Phrase("no private OpenPGP key, or a wrong password")
        ) from None
    return OpenPgpKey(openpgp_identity(certificate), names, decryptor)


def seal_openpgp(
    package: CasePackage,
    sealing: Sealing,
    recipient: "Cert",
    renderings: Sequence[Document] = (),
) -> bytes:
    """Sign a package with its renderings, and seal it to an OpenPGP certificate.

    Raises:
        CasePackageError: media bytes are in it.
        SealedPackageError: it is too long, or its documents do not fit.
        PartnerKeyError: nothing can be encrypted to the certificate any more.
    """
    signed = sign_package(package, sealing, renderings)
    sealed = _encrypt(write_multipart(signed), recipient)
    if len(sealed) > LONGEST:
        refuse(SealedFault.TOO_LONG)
    return sealed


def open_openpgp(sealed: bytes, key: OpenPgpKey) -> Opened:
    """Open what `seal_openpgp` sealed, and verify all that is in it.

    Raises:
        SealedPackageError: it is none, is sealed to somebody else, was changed, or
            its parts do not fit each other; `fault` says which.
    """
    if len(sealed) > LONGEST:
        refuse(SealedFault.TOO_LONG)
    if _addressed(sealed) not in key.names:
        refuse(SealedFault.OTHER_KEY)
    return read_multipart(_decrypted(sealed, key), key.fingerprint)


def signed_by(
    certificate: "Cert", content: bytes, signature: bytes | None = None
) -> bytes | None:
    """Return what a certificate has signed: all of the content, or what it has inside.

    Without a *signature* beside it the content is a signed text (RFC 9580, 7). None if
    no signature of the certificate fits; what Sequoia says of it is dropped, since it
    may quote.

    Raises:
        OpenPgpMissingError: this FedSafe was installed without OpenPGP.
    """
    sequoia = _sequoia()
    try:
        beside = None if signature is None else sequoia.Sig.from_bytes(signature)
        found = sequoia.verify(content, store=lambda _: [certificate], signature=beside)
        names = {each.certificate for each in found.valid_sigs}
    except _FAULTS:
        return None
    return bytes(found.bytes) if certificate.fingerprint in names else None


def _decrypted(sealed: bytes, key: OpenPgpKey) -> bytes:
    """Decrypt into memory of bounded length: anybody can seal what unpacks to much.

    On Linux only; elsewhere Sequoia unpacks all that there is. While it unpacks, no
    file of this process grows beyond that length: `fedsafe open` writes no other.
    """
    if not hasattr(os, "memfd_create"):
        return _unbounded(sealed, key)
    import resource  # noqa: PLC0415 - not everywhere, as memfd_create

    source, target = os.memfd_create("sealed"), os.memfd_create("opened")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with open(source, "wb", closefd=False) as file:
            file.write(sealed)
        paths = [f"/proc/self/fd/{each}" for each in (source, target)]
        resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_OPENED, before[1]))
        try:
            _sequoia().decrypt_file(*paths, decryptor=key.decryptor)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        return Path(paths[1]).read_bytes()
    except _FAULTS:
        refuse(SealedFault.CHANGED)
    finally:
        os.close(source)
        os.close(target)


def _unbounded(sealed: bytes, key: OpenPgpKey) -> bytes:
    try:
        content = _sequoia().decrypt(sealed, decryptor=key.decryptor).bytes
    except _FAULTS:
        refuse(SealedFault.CHANGED)
    return bytes(content or b"")


def _addressed(sealed: bytes) -> bytes:
    """Return which key the message names first: Sequoia takes that for a hint only.

    A key id in version 3, as GnuPG's keys ask for; a fingerprint behind the version of
    the key in version 6.
    """
    start = 2 if sealed[1:2] < bytes([_TWO_OCTETS]) else 3  # behind tag and length
    version, rest = sealed[start : start + 1], sealed[start + 1 :]
    if sealed[:1] != bytes([_PKESK]) or version not in {b"\x03", b"\x06"}:
        refuse(SealedFault.NO_PACKAGE)
    if version == b"\x03":
        return rest[:_KEY_ID_BYTES]
    return rest[1 : 1 + int.from_bytes(rest[:1])]


def _encrypt(content: bytes, recipient: "Cert") -> bytes:
    try:
        found = _sequoia().encrypt(content, recipients=[recipient], armor=False)
    except _FAULTS:
        raise PartnerKeyError(
            Phrase("nothing can be encrypted to the OpenPGP certificate")
        ) from None
    return bytes(found)


def _names(certificate: bytes) -> frozenset[bytes]:
    """Give all that messages name the keys of a certificate by."""
    found: set[bytes] = set()
    for packet in _packets(certificate):
        if packet.key_created is None or packet.fingerprint is None:
            continue
        digits = bytes.fromhex(packet.fingerprint)
        found.add(bytes(packet.body)[:1] + digits)
        found.add(bytes.fromhex(packet.key_id or ""))
    return frozenset(found)


def _secret(data: bytes) -> bool:
    """Tell whether a private key is in it, whatever its armor calls it."""
    tag = _sequoia("pysequoia.packet").Tag
    kinds = (tag.SecretKey, tag.SecretSubkey)
    return any(packet.tag in kinds for packet in _packets(data))


def _weak(certificate: bytes) -> bool:
    """Tell whether one of its keys is too weak to seal to."""
    for packet in _packets(certificate):
        if packet.key_id is None or packet.key_created is None:
            continue
        body = bytes(packet.body)
        algorithm, bits = body[5], int.from_bytes(body[6:8])
        if algorithm in _OLD or (algorithm in _RSA and bits < LEAST_RSA_BITS):
            return True
    return False


def _packets(data: bytes) -> "list[Packet]":
    return list(_sequoia("pysequoia.packet").PacketPile.from_bytes(data))


def _sequoia(module: str = "pysequoia") -> ModuleType:
    """Return the extra, which partners with other keys do without."""
    if _MODULES is None:
        raise OpenPgpMissingError
    return _MODULES[module]


def _load() -> dict[str, ModuleType] | None:
    try:
        names = ("pysequoia", "pysequoia.packet")
        return {name: import_module(name) for name in names}
    except ImportError:
        return None


_MODULES: Final = _load()
"""Loaded at the start, and not while a node serves."""
