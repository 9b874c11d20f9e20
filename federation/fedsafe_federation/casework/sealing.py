# SPDX-License-Identifier: Apache-2.0
"""Seal a package to whichever key a partner has, and open it with that; pure.

A partner may have several: the strongest is taken. HPKE comes first, as its key is
safe from quantum computers too; then OpenPGP, then S/MIME.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_federation.casework.certificates import (
    CertifiedKey,
    certificate_der,
    certificate_fingerprint,
    parse_certificate,
    read_certificate,
)
from fedsafe_federation.casework.container import MAGIC, open_package, seal_package
from fedsafe_federation.casework.errors import (
    PartnerKeyError,
    SealedFault,
    SealedPackageError,
)
from fedsafe_federation.casework.keys import (
    key_fingerprint,
    read_public,
    refuse_private,
    same_fingerprint,
)
from fedsafe_federation.casework.multipart import read_multipart
from fedsafe_federation.casework.openpgp import (
    OpenPgpKey,
    open_openpgp,
    openpgp_fingerprint,
    openpgp_identity,
    parse_openpgp,
    read_openpgp,
    seal_openpgp,
)
from fedsafe_federation.casework.smime import open_smime, seal_smime
from fedsafe_federation.casework.statement import (
    LONGEST,
    Document,
    Opened,
    Sealing,
    refuse,
)
from fedsafe_policies.errors import CasePackageError
from fedsafe_policies.escalation.package import CasePackage
from fedsafe_policies.escalation.partners import Partner
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from pysequoia import Cert

_DER_SEQUENCE: Final = 0x30
_PACKET: Final = 0x80


@dataclass(frozen=True, slots=True)
class PublicIdentity:
    """Whom a statement names as the recipient: a certificate, of either kind.

    Enough for what gpg, OpenSSL or a smart card has decrypted already.
    """

    name: bytes


PartnerKey = RecipientKey | CertifiedKey | OpenPgpKey | PublicIdentity
"""What a partner opens packages with."""


@unique
class Format(StrEnum):
    """How a package is sealed."""

    HPKE = "hpke"
    OPENPGP = "openpgp"
    SMIME = "smime"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerKeys:
    """The public keys of a partner, each read and found fit to be sealed to."""

    key: bytes | None
    certificate: "Certificate | None"
    openpgp: "Cert | None"

    def fingerprints(self) -> dict[str, str]:
        """Give what is compared on the telephone, by the name of the key."""
        found: dict[str, str] = {}
        if self.key is not None:
            found["key"] = key_fingerprint(self.key)
        if self.certificate is not None:
            found["certificate"] = certificate_fingerprint(self.certificate)
        if self.openpgp is not None:
            found["openpgp"] = openpgp_fingerprint(self.openpgp)
        return found

    def same(self, name: str, read_out: str) -> bool:
        """Tell whether a fingerprint that was read out is that of a key.

        OpenSSL shows that of a certificate whole, with twice as many digits.
        """
        if name == "certificate" and self.certificate is not None:
            whole = sha256(certificate_der(self.certificate)).hexdigest()
            if same_fingerprint(whole, read_out):
                return True
        return same_fingerprint(self.fingerprints()[name], read_out)


class KeyRefusedError(PartnerKeyError):
    """A key of an entry is refused; `field` says which."""

    def __init__(self, field: str, problem: Phrase) -> None:
        super().__init__(problem)
        self.field = field


def examine_keys(entry: Partner, at: datetime) -> tuple[PartnerKeys, dict[str, Phrase]]:
    """Read the keys of an entry that are good at a moment, and say why others aren't.

    What was good when it was entered can have expired since.
    """
    found: dict[str, Any] = {"key": None, "certificate": None, "openpgp": None}
    faults: dict[str, Phrase] = {}
    readers: dict[str, Callable[[str], object]] = {
        "key": lambda text: read_public(text.encode()),
        "certificate": lambda text: read_certificate(text, at),
        "openpgp": lambda text: read_openpgp(text, at),
    }
    for name, read in readers.items():
        text = getattr(entry, name)
        if text is None:
            continue
        try:
            refuse_private(text)
            found[name] = read(text)
        except PartnerKeyError as error:
            faults[name] = error.phrase or Phrase(str(error))
    return PartnerKeys(**found), faults


def read_keys(entry: Partner, at: datetime) -> PartnerKeys:
    """Read the keys of an entry, as they are good at a moment.

    Raises:
        KeyRefusedError: one is none, or nothing may be sealed to it then.
    """
    keys, faults = examine_keys(entry, at)
    for name, problem in faults.items():
        raise KeyRefusedError(name, problem)
    return keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who seals, under which number of the dispatch, and when.

    `provider` is the name that the certificate of the key bears, if it does.
    """

    signer: SigningKey
    dispatch: str
    at: datetime
    provider: str | None = None


def seal_for(
    entry: Partner,
    package: CasePackage,
    sender: Sender,
    renderings: Sequence[Document] = (),
) -> tuple[Format, bytes]:
    """Sign a package with its renderings and seal it to a key of a partner.

    Raises:
        CasePackageError: the partner has no key, or media bytes are in it.
        SealedPackageError: it is too long, or its documents do not fit.
        KeyRefusedError: a key of the partner is not fit any more.
    """
    keys = read_keys(entry, sender.at)

    def sealing(recipient: bytes) -> Sealing:
        return Sealing(
            recipient=recipient,
            signer=sender.signer,
            dispatch=sender.dispatch,
            at=sender.at,
            provider=sender.provider,
        )

    if keys.key is not None:
        return Format.HPKE, seal_package(package, sealing(keys.key), renderings)
    if keys.openpgp is not None:
        about = sealing(openpgp_identity(keys.openpgp))
        sealed = seal_openpgp(package, about, keys.openpgp, renderings)
        return Format.OPENPGP, sealed
    if keys.certificate is not None:
        about = sealing(certificate_der(keys.certificate))
        sealed = seal_smime(package, about, keys.certificate, renderings)
        return Format.SMIME, sealed
    raise CasePackageError(Phrase("the partner has no key to seal a package to"))


def open_with(sealed: bytes, key: PartnerKey) -> Opened:
    """Open a sealed package in whichever format, and verify all that is in it.

    What another program has decrypted is a MIME message; only its seal is not verified
    then.

    Raises:
        SealedPackageError: it is none, is sealed to somebody else, was changed, or
            its parts do not fit each other; `fault` says which.
    """
    found = format_of(sealed)
    if isinstance(key, PublicIdentity):
        if found is not None or len(sealed) > LONGEST:
            refuse(SealedFault.OTHER_FORMAT if found else SealedFault.TOO_LONG)
        return read_multipart(sealed, key.name)
    if found is None:
        refuse(SealedFault.NO_PACKAGE)
    if found is Format.HPKE and isinstance(key, RecipientKey):
        return open_package(sealed, key)
    if found is Format.SMIME and isinstance(key, CertifiedKey):
        return open_smime(sealed, key)
    if found is Format.OPENPGP and isinstance(key, OpenPgpKey):
        return open_openpgp(sealed, key)
    raise SealedPackageError(SealedFault.OTHER_FORMAT)


def read_identity(text: str) -> PublicIdentity:
    """Read a partner's own certificate, X.509 or OpenPGP; it may have expired.

    Raises:
        PartnerKeyError: it is none.
    """
    if "-----BEGIN CERTIFICATE-----" in text:
        return PublicIdentity(certificate_der(parse_certificate(text)))
    return PublicIdentity(openpgp_identity(parse_openpgp(text)))


def format_of(sealed: bytes) -> Format | None:
    """Tell the format by how a package begins; None if none begins so."""
    if sealed.startswith(MAGIC):
        return Format.HPKE
    if sealed[:1] == bytes([_DER_SEQUENCE]):
        return Format.SMIME
    if sealed and sealed[0] & _PACKET:
        return Format.OPENPGP
    return None
