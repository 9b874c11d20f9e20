# SPDX-License-Identifier: Apache-2.0
"""What a provider signs about a package, however it is sealed then; pure.

The statement names the recipient's key, the package, and each document by length and
SHA-256; the first document is the case package itself, and says nothing else than the
statement. So who opens it knows that nothing was changed, left out or added, and that
it was not meant for somebody else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Final, Literal, NoReturn
from uuid import UUID

import msgspec

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.identity import SigningKey, sign, verify
from fedsafe_federation.casework.errors import SealedFault, SealedPackageError
from fedsafe_federation.casework.keys import key_fingerprint
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wire.wireformat import decode
from fedsafe_policies.errors import CasePackageError
from fedsafe_policies.escalation.manifest import Digest, Moment, require_utc
from fedsafe_policies.escalation.package import (
    CasePackage,
    decode_package,
    encode_package,
    refuse_media,
)
from fedsafe_policies.escalation.vocabulary import PartnerClass
from fedsafe_policies.ground.catalogue import Phrase

LONGEST: Final = 8 << 20
"""How many bytes a sealed package has at most."""

PACKAGE: Final = "package.json"
MOST_DOCUMENTS: Final = 20
_STATEMENT: Final = "case.package"
_NO_FEDERATION: Final = ""
"""A partner belongs to no federation, and never saw a charter."""

DocumentName = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}\.[a-z0-9]{1,8}$(?!\n)")
]
DocumentType = Literal["application/json", "application/xml", "text/html", "text/plain"]
"""What a document can be: text in which media bytes can be found, and no archive."""


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A document of a sealed package, as the signed statement names it."""

    name: DocumentName
    media_type: DocumentType
    size: Annotated[int, msgspec.Meta(ge=1, le=LONGEST)]
    sha256: Digest


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the provider signs: for whom, which package, with which documents.

    `dispatch` is one value for all attempts to deliver the same revision of a case
    to the same partner: who receives it twice has received one package.
    """

    format: Literal["fedsafe-sealed-package-v1"]
    recipient: Digest
    package_id: UUID
    dispatch: Digest
    partner_class: PartnerClass
    test: bool
    sealed_at: Moment
    documents: Annotated[
        tuple[Listed, ...], msgspec.Meta(min_length=1, max_length=MOST_DOCUMENTS)
    ]

    def __post_init__(self) -> None:
        """Refuse a moment that is not in UTC, and two documents of one name."""
        require_utc(self.sealed_at)
        if len({each.name for each in self.documents}) != len(self.documents):
            raise ValueError("two documents have one name")


@dataclass(frozen=True, slots=True)
class Document:
    """A rendering that travels with the package."""

    name: str
    media_type: DocumentType
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """Whom a package is sealed for, by which key of the provider's, and when.

    `recipient` is the partner's public key as its format has it: that of HPKE, an
    X.509 certificate as DER, or the fingerprint of an OpenPGP certificate. `provider`
    is the name that the certificate of that key bears, if it does.
    """

    recipient: bytes
    signer: SigningKey = field(repr=False)
    dispatch: str
    at: Moment
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class Signed:
    """A package with its renderings, signed for one recipient and not yet sealed."""

    signer: bytes
    signature: bytes
    statement: bytes
    documents: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A package that opened, with everything about it verified but its signer."""

    statement: Statement
    package: CasePackage = field(repr=False)
    documents: tuple[Document, ...]
    signer: bytes

    @property
    def fingerprint(self) -> str:
        """What the reader compares with what the provider told it."""
        return key_fingerprint(self.signer)


def sign_package(
    package: CasePackage, sealing: Sealing, renderings: Sequence[Document] = ()
) -> Signed:
    """Sign a package with its renderings for one recipient.

    Raises:
        CasePackageError: media bytes are in it.
        SealedPackageError: its documents do not fit.
    """
    first = Document(PACKAGE, "application/json", encode_package(package))
    documents = (first, *renderings)
    for each in renderings:
        _refuse_media(each)
    statement = _state(package, sealing, documents)
    return Signed(
        signer=sealing.signer.public,
        signature=sign(sealing.signer, _STATEMENT, _NO_FEDERATION, statement),
        statement=statement,
        documents=tuple(each.content for each in documents),
    )


def read_statement(signer: bytes, signature: bytes, data: bytes) -> Statement:
    """Check who signed a statement, and read it.

    Raises:
        SealedPackageError: the signature does not verify, or it is no statement.
    """
    try:
        verify(signer, _STATEMENT, _NO_FEDERATION, data, signature)
    except CryptoError:
        refuse(SealedFault.SIGNATURE)
    try:
        return decode(data, Statement)
    except MalformedError:
        refuse(SealedFault.STATEMENT)


def read_signed(signed: Signed, recipient: bytes) -> Opened:
    """Verify all of what `sign_package` signed for this recipient.

    Raises:
        SealedPackageError: it is for somebody else, was changed, or its parts do not
            fit each other; `fault` says which.
    """
    statement = read_statement(signed.signer, signed.signature, signed.statement)
    if statement.recipient != sha256(recipient).hexdigest():
        refuse(SealedFault.RECIPIENT)
    documents = _documents(signed.documents, statement)
    return Opened(
        statement=statement,
        package=_package(documents[0], statement),
        documents=documents,
        signer=signed.signer,
    )


def _state(
    package: CasePackage, sealing: Sealing, documents: Sequence[Document]
) -> bytes:
    if len({each.name for each in documents}) != len(documents):
        refuse(SealedFault.DOCUMENTS)
    listed = tuple(
        Listed(
            name=each.name,
            media_type=each.media_type,
            size=len(each.content),
            sha256=sha256(each.content).hexdigest(),
        )
        for each in documents
    )
    statement = Statement(
        format="fedsafe-sealed-package-v1",
        recipient=sha256(sealing.recipient).hexdigest(),
        package_id=package.package_id,
        dispatch=sealing.dispatch,
        partner_class=package.partner_class,
        test=package.test,
        sealed_at=sealing.at,
        documents=listed,
    )
    data = msgspec.json.encode(statement, order="deterministic")
    try:
        decode(data, Statement)  # as strictly as whoever opens it
    except MalformedError:
        refuse(SealedFault.DOCUMENTS)
    return data


def _documents(contents: Sequence[bytes], statement: Statement) -> tuple[Document, ...]:
    if len(contents) != len(statement.documents):
        refuse(SealedFault.DOCUMENTS)
    found: list[Document] = []
    for content, listed in zip(contents, statement.documents, strict=True):
        if len(content) != listed.size or sha256(content).hexdigest() != listed.sha256:
            refuse(SealedFault.DOCUMENTS)
        document = Document(listed.name, listed.media_type, content)
        try:
            _refuse_media(document)
        except CasePackageError:
            refuse(SealedFault.MEDIA)
        found.append(document)
    return tuple(found)


def _package(document: Document, statement: Statement) -> CasePackage:
    if document.name != PACKAGE:
        refuse(SealedFault.DOCUMENTS)
    try:
        package = decode_package(document.content)
    except CasePackageError:
        refuse(SealedFault.PACKAGE)
    said = (statement.package_id, statement.partner_class, statement.test)
    if (package.package_id, package.partner_class, package.test) != said:
        refuse(SealedFault.PACKAGE)
    return package


def _refuse_media(document: Document) -> None:
    try:
        text = document.content.decode()
    except UnicodeDecodeError:
        raise CasePackageError(Phrase("a document is no UTF-8 text")) from None
    refuse_media(text)


def refuse(fault: SealedFault) -> NoReturn:
    """Refuse a sealed package, with nothing of what caused it."""
    raise SealedPackageError(fault) from None
