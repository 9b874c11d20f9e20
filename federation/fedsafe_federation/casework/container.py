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
from hashlib import sha256
from typing import Final

from fedsafe_crypto.errors import OpenError
from fedsafe_crypto.primitives.identity import PUBLIC_KEY_BYTES, SIGNATURE_BYTES
from fedsafe_crypto.seal.hpke import RecipientKey, open_sealed, seal
from fedsafe_federation.casework.errors import SealedFault, SealedPackageError
from fedsafe_federation.casework.statement import (
    LONGEST,
    Document,
    Opened,
    Sealing,
    Signed,
    read_signed,
    read_statement,
    refuse,
    sign_package,
)
from fedsafe_policies.escalation.package import CasePackage

MAGIC: Final = b"fedsafe sealed package v1\n"
_HEAD: Final = len(MAGIC) + 32
_INFO: Final = b"fedsafe/v1/case package"


def seal_package(
    package: CasePackage, sealing: Sealing, renderings: Sequence[Document] = ()
) -> bytes:
    """Sign a package with its renderings and seal it to a partner's key.

    Raises:
        CasePackageError: media bytes are in it.
        SealedPackageError: it is too long, or its documents do not fit.
        MalformedKeyError: nothing can be sealed to the recipient's key.
    """
    signed = sign_package(package, sealing, renderings)
    content = b"".join(
        (
            signed.signer,
            signed.signature,
            len(signed.statement).to_bytes(4),
            signed.statement,
            *signed.documents,
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
        refuse(SealedFault.TOO_LONG)
    if not sealed.startswith(MAGIC) or len(sealed) <= _HEAD:
        refuse(SealedFault.NO_PACKAGE)
    head = sealed[:_HEAD]
    if head[len(MAGIC) :] != sha256(key.public).digest():
        refuse(SealedFault.OTHER_KEY)
    try:
        content = open_sealed(key, sealed[_HEAD:], info=_INFO, aad=head)
    except OpenError:
        refuse(SealedFault.CHANGED)
    return read_signed(_split(content), key.public)


def _split(content: bytes) -> Signed:
    """Tell the parts of the content; the statement says how long the documents are."""
    signed = PUBLIC_KEY_BYTES + SIGNATURE_BYTES
    signer, signature = content[:PUBLIC_KEY_BYTES], content[PUBLIC_KEY_BYTES:signed]
    start = signed + 4
    at = start + int.from_bytes(content[signed:start])
    data = content[start:at]
    documents: list[bytes] = []
    for listed in read_statement(signer, signature, data).documents:
        documents.append(content[at : at + listed.size])
        at += listed.size
    if at != len(content):
        refuse(SealedFault.DOCUMENTS)
    return Signed(signer, signature, data, tuple(documents))
