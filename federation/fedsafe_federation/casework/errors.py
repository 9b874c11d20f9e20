# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with keys of partners and sealed packages.

* FederationError
  + PartnerKeyError          a file is no key of a partner
    - OpenPgpMissingError    FedSafe was installed without OpenPGP
  + SealedPackageError       a sealed case package is refused
  + SignedMailError          a mail is not signed as it says
"""

from enum import StrEnum, unique
from typing import Final

from fedsafe_federation.errors import FederationError


class PartnerKeyError(FederationError):
    """A file is no key of a partner; never quotes it."""


class OpenPgpMissingError(PartnerKeyError):
    """FedSafe was installed without its extra for OpenPGP."""

    def __init__(self) -> None:
        super().__init__("OpenPGP is not installed: pip install 'fedsafe[openpgp]'")


class SignedMailError(FederationError):
    """A mail says that a partner has signed it, and that does not hold."""


@unique
class SealedFault(StrEnum):
    """Why a sealed case package is refused; these codes travel."""

    NO_PACKAGE = "no_package"
    TOO_LONG = "too_long"
    OTHER_KEY = "other_key"
    OTHER_FORMAT = "other_format"
    CHANGED = "changed"
    SIGNATURE = "signature"
    STATEMENT = "statement"
    RECIPIENT = "recipient"
    DOCUMENTS = "documents"
    PACKAGE = "package"
    MEDIA = "media"


_SEALED_SENTENCES: Final = {
    SealedFault.NO_PACKAGE: (
        "this is no sealed package",
        "das ist kein versiegeltes Paket",
    ),
    SealedFault.TOO_LONG: (
        "it is longer than a sealed package can be",
        "es ist länger, als ein versiegeltes Paket sein kann",
    ),
    SealedFault.OTHER_KEY: (
        "it is sealed for another key than this",
        "es ist für einen anderen Schlüssel versiegelt",
    ),
    SealedFault.OTHER_FORMAT: (
        "it is sealed in another format than your key is for",
        "es ist in einem anderen Format versiegelt, als zu Ihrem Schlüssel passt",
    ),
    SealedFault.CHANGED: (
        "it does not open: some byte of it was changed",
        "es öffnet sich nicht: ein Byte darin wurde verändert",
    ),
    SealedFault.SIGNATURE: (
        "the signature inside does not verify",
        "die Signatur im Paket ist ungültig",
    ),
    SealedFault.STATEMENT: (
        "what was signed is no statement about a package",
        "was unterschrieben ist, ist keine Erklärung zu einem Paket",
    ),
    SealedFault.RECIPIENT: (
        "it was signed for somebody else and sealed anew",
        "es wurde für jemand anderen unterschrieben und neu versiegelt",
    ),
    SealedFault.DOCUMENTS: (
        "its documents are not those that were signed",
        "seine Dokumente sind nicht die unterschriebenen",
    ),
    SealedFault.PACKAGE: (
        "the case package in it does not fit its schema or what was signed",
        "das Fallpaket darin passt nicht zum Schema oder zur Unterschrift",
    ),
    SealedFault.MEDIA: (
        "media bytes are in it, or a document is no text",
        "es enthält Mediendaten, oder ein Dokument ist kein Text",
    ),
}


class SealedPackageError(FederationError):
    """A sealed case package is refused; never quotes anything out of it."""

    def __init__(self, fault: SealedFault) -> None:
        self.fault = fault
        self.message, self.message_de = _SEALED_SENTENCES[fault]
        super().__init__(self.message)
