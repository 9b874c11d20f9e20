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
from fedsafe_policies.ground.catalogue import Phrase


class PartnerKeyError(FederationError):
    """A file is no key of a partner; never quotes it."""

    def __init__(self, why: str | Phrase) -> None:
        super().__init__(str(why))
        self.phrase = why if isinstance(why, Phrase) else None


class OpenPgpMissingError(PartnerKeyError):
    """FedSafe was installed without its extra for OpenPGP."""

    def __init__(self) -> None:
        told = Phrase("OpenPGP is not installed: {why}")
        super().__init__(told.filled(why="pip install 'fedsafe[openpgp]'"))


class SignedMailError(FederationError):
    """A mail says that a partner has signed it, and that does not hold."""

    def __init__(self, why: str | Phrase) -> None:
        super().__init__(str(why))
        self.phrase = why if isinstance(why, Phrase) else None


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
    SealedFault.NO_PACKAGE: Phrase("this is no sealed package"),
    SealedFault.TOO_LONG: Phrase("it is longer than a sealed package can be"),
    SealedFault.OTHER_KEY: Phrase("it is sealed for another key than this"),
    SealedFault.OTHER_FORMAT: Phrase(
        "it is sealed in another format than your key is for"
    ),
    SealedFault.CHANGED: Phrase("it does not open: some byte of it was changed"),
    SealedFault.SIGNATURE: Phrase("the signature inside does not verify"),
    SealedFault.STATEMENT: Phrase("what was signed is no statement about a package"),
    SealedFault.RECIPIENT: Phrase("it was signed for somebody else and sealed anew"),
    SealedFault.DOCUMENTS: Phrase("its documents are not those that were signed"),
    SealedFault.PACKAGE: Phrase(
        "the case package in it does not fit its schema or what was signed"
    ),
    SealedFault.MEDIA: Phrase("media bytes are in it, or a document is no text"),
}


class SealedPackageError(FederationError):
    """A sealed case package is refused; never quotes anything out of it."""

    def __init__(self, fault: SealedFault) -> None:
        self.fault = fault
        words = _SEALED_SENTENCES[fault]
        self.phrase = words
        self.message = words.english
        super().__init__(self.message)
