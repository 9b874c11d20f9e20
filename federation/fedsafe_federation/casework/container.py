# SPDX-License-Identifier: Apache-2.0
r"""The sealed package: signed by the provider, then sealed to one partner's key.

    "fedsafe sealed package v1\n" ‖ SHA-256 of the recipient's key ‖ HPKE(content)
    content = signer (32) ‖ signature (64) ‖ length (4) ‖ statement ‖ documents

The head before the HPKE value enters its context; the statement names the recipient,
the package, and each document by length and SHA-256. So no byte is free: whoever
changes one, or seals the content to somebody else, is noticed. The first document is
the case package itself, and says nothing else than the statement.

HPKE does not authenticate who sealed. The signature does, as far as the reader knows
the signer's key: by its fingerprint, told by another way.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Final, Literal, NoReturn
from uuid import UUID

import msgspec

from fedsafe_crypto.errors import CryptoError, OpenError
from fedsafe_crypto.identity import (
    PUBLIC_KEY_BYTES,
    SIGNATURE_BYTES,
    SigningKey,
    sign,
    verify,
)
from fedsafe_crypto.seal import RecipientKey, open_sealed, seal
from fedsafe_federation.casework.errors import SealedFault, SealedPackageError
from fedsafe_federation.casework.keys import key_fingerprint
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wireformat import decode
from fedsafe_policies.errors import CasePackageError
from fedsafe_policies.escalation.manifest import Digest, Moment, require_utc
from fedsafe_policies.escalation.package import (
    CasePackage,
    decode_package,
    encode_package,
    refuse_media,
)
from fedsafe_policies.escalation.vocabulary import PartnerClass

MAGIC: Final = b"fedsafe sealed package v1\n"
LONGEST: Final = 8 << 20
"""How many bytes a sealed package has at most."""

PACKAGE: Final = "package.json"
MOST_DOCUMENTS: Final = 20
_HEAD: Final = len(MAGIC) + 32
_STATEMENT: Final = "case.package"
_INFO: Final = b"fedsafe/v1/case package"
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
    """Whom a package is sealed for, by which key of the provider's, and when."""

    recipient: bytes
    signer: SigningKey = field(repr=False)
    dispatch: str
    at: Moment


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


def seal_package(
    package: CasePackage, sealing: Sealing, renderings: Sequence[Document] = ()
) -> bytes:
    """Sign a package with its renderings and seal it to a partner's key.

    Raises:
        CasePackageError: media bytes are in it.
        SealedPackageError: it is too long, or its documents do not fit.
        MalformedKeyError: nothing can be sealed to the recipient's key.
    """
    first = Document(PACKAGE, "application/json", encode_package(package))
    documents = (first, *renderings)
    for each in renderings:
        _refuse_media(each)
    statement = _state(package, sealing, documents)
    signature = sign(sealing.signer, _STATEMENT, _NO_FEDERATION, statement)
    content = b"".join(
        (
            sealing.signer.public,
            signature,
            len(statement).to_bytes(4),
            statement,
            *(each.content for each in documents),
        )
    )
    head = MAGIC + sha256(sealing.recipient).digest()
    sealed = head + seal(sealing.recipient, content, info=_INFO, aad=head)
    if len(sealed) > LONGEST:
        raise SealedPackageError(SealedFault.TOO_LONG)
    return sealed


def open_package(sealed: bytes, key: RecipientKey) -> Opened:
    """Open a sealed package and verify all that is in it.

    Raises:
        SealedPackageError: it is none, is sealed to somebody else, was changed, or
            its parts do not fit each other; `fault` says which.
    """
    if len(sealed) > LONGEST:
        _refuse(SealedFault.TOO_LONG)
    if not sealed.startswith(MAGIC) or len(sealed) <= _HEAD:
        _refuse(SealedFault.NO_PACKAGE)
    head, own = sealed[:_HEAD], sha256(key.public).digest()
    if head[len(MAGIC) :] != own:
        _refuse(SealedFault.OTHER_KEY)
    try:
        content = open_sealed(key, sealed[_HEAD:], info=_INFO, aad=head)
    except OpenError:
        _refuse(SealedFault.CHANGED)
    return _read(content, own.hex())


def _state(
    package: CasePackage, sealing: Sealing, documents: Sequence[Document]
) -> bytes:
    if len({each.name for each in documents}) != len(documents):
        _refuse(SealedFault.DOCUMENTS)
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
        _refuse(SealedFault.DOCUMENTS)
    return data


def _read(content: bytes, recipient: str) -> Opened:
    signed = PUBLIC_KEY_BYTES + SIGNATURE_BYTES
    signer, signature = content[:PUBLIC_KEY_BYTES], content[PUBLIC_KEY_BYTES:signed]
    start = signed + 4
    end = start + int.from_bytes(content[signed:start])
    data = content[start:end]
    try:
        verify(signer, _STATEMENT, _NO_FEDERATION, data, signature)
    except CryptoError:
        _refuse(SealedFault.SIGNATURE)
    try:
        statement = decode(data, Statement)
    except MalformedError:
        _refuse(SealedFault.STATEMENT)
    if statement.recipient != recipient:
        _refuse(SealedFault.RECIPIENT)
    documents = _split(content[end:], statement)
    package = _package(documents[0], statement)
    return Opened(
        statement=statement, package=package, documents=documents, signer=signer
    )


def _split(rest: bytes, statement: Statement) -> tuple[Document, ...]:
    found: list[Document] = []
    at = 0
    for listed in statement.documents:
        content = rest[at : at + listed.size]
        at += listed.size
        if sha256(content).hexdigest() != listed.sha256:
            _refuse(SealedFault.DOCUMENTS)
        document = Document(listed.name, listed.media_type, content)
        try:
            _refuse_media(document)
        except CasePackageError:
            _refuse(SealedFault.MEDIA)
        found.append(document)
    if at != len(rest):
        _refuse(SealedFault.DOCUMENTS)
    return tuple(found)


def _package(document: Document, statement: Statement) -> CasePackage:
    if document.name != PACKAGE:
        _refuse(SealedFault.DOCUMENTS)
    try:
        package = decode_package(document.content)
    except CasePackageError:
        _refuse(SealedFault.PACKAGE)
    said = (statement.package_id, statement.partner_class, statement.test)
    if (package.package_id, package.partner_class, package.test) != said:
        _refuse(SealedFault.PACKAGE)
    return package


def _refuse_media(document: Document) -> None:
    try:
        text = document.content.decode()
    except UnicodeDecodeError:
        raise CasePackageError("a document is no UTF-8 text") from None
    refuse_media(text)


def _refuse(fault: SealedFault) -> NoReturn:
    raise SealedPackageError(fault) from None
