# SPDX-License-Identifier: Apache-2.0
r"""CMS (RFC 5652, RFC 5083): signed data in an authenticated envelope; pure.

    signed = sign_cms(content, key, certificate, at)      ECDSA, P-256, SHA-256
    sealed = seal_cms(signed, recipient)                  RSA-OAEP, AES-256-GCM

The envelope is AuthEnvelopedData, as S/MIME 4 (RFC 8551) has it: with CBC, whoever
carries a message could change it so that a mail program gives its text away.

What is read has to be, byte for byte, what this module writes: it takes the few parts
that are free (keys, nonce, signature), builds the message anew and compares. So there
is no byte that says nothing, and no second way to write one message.
"""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from secrets import token_bytes
from typing import Annotated, Final, TypeVar

from cryptography import x509
from cryptography.exceptions import (
    InvalidSignature,
    InvalidTag,
    UnsupportedAlgorithm,
)
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ObjectIdentifier

from fedsafe_crypto.errors import (
    MalformedInputError,
    MalformedKeyError,
    OpenError,
    SignatureError,
)

T = TypeVar("T")

_DATA: Final = ObjectIdentifier("1.2.840.113549.1.7.1")
_SIGNED: Final = ObjectIdentifier("1.2.840.113549.1.7.2")
_AUTH_ENVELOPED: Final = ObjectIdentifier("1.2.840.113549.1.9.16.1.23")
_CONTENT_TYPE: Final = ObjectIdentifier("1.2.840.113549.1.9.3")
_MESSAGE_DIGEST: Final = ObjectIdentifier("1.2.840.113549.1.9.4")
_SIGNING_TIME: Final = ObjectIdentifier("1.2.840.113549.1.9.5")
_SHA256: Final = ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_ECDSA_SHA256: Final = ObjectIdentifier("1.2.840.10045.4.3.2")
_OAEP: Final = ObjectIdentifier("1.2.840.113549.1.1.7")
_MGF1: Final = ObjectIdentifier("1.2.840.113549.1.1.8")
_AES256_GCM: Final = ObjectIdentifier("2.16.840.1.101.3.4.1.46")
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_PADDING: Final = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


@asn1.sequence
class _Algorithm:
    algorithm: ObjectIdentifier
    parameters: asn1.TLV


@asn1.sequence
class _Plain:
    """An algorithm without parameters."""

    algorithm: ObjectIdentifier


@asn1.sequence
class _Oaep:
    digest: Annotated[_Plain, asn1.Explicit(0)]
    mask: Annotated[_Algorithm, asn1.Explicit(1)]


@asn1.sequence
class _Gcm:
    nonce: bytes
    tag_bytes: int


@asn1.sequence
class _Named:
    """How a certificate is named: by its issuer and serial number."""

    issuer: asn1.TLV
    serial: int


@asn1.sequence
class _Recipient:
    version: int
    named: _Named
    algorithm: _Algorithm
    key: bytes


@asn1.sequence
class _Encrypted:
    content_type: ObjectIdentifier
    algorithm: _Algorithm
    content: Annotated[bytes, asn1.Implicit(0)]


@asn1.sequence
class _AuthEnveloped:
    version: int
    recipients: asn1.SetOf[_Recipient]
    encrypted: _Encrypted
    tag: bytes


@asn1.sequence
class _Envelope:
    content_type: ObjectIdentifier
    content: Annotated[_AuthEnveloped, asn1.Explicit(0)]


@asn1.sequence
class _Attribute:
    kind: ObjectIdentifier
    values: asn1.SetOf[asn1.TLV]


@asn1.sequence
class _Signer:
    version: int
    named: _Named
    digest: _Plain
    attributes: Annotated[asn1.SetOf[_Attribute], asn1.Implicit(0)]
    algorithm: _Plain
    signature: bytes


@asn1.sequence
class _Content:
    content_type: ObjectIdentifier
    content: Annotated[bytes, asn1.Explicit(0)]


@asn1.sequence
class _SignedData:
    version: int
    digests: asn1.SetOf[_Plain]
    content: _Content
    certificates: Annotated[asn1.SetOf[x509.Certificate], asn1.Implicit(0)]
    signers: asn1.SetOf[_Signer]


@asn1.sequence
class _Signed:
    content_type: ObjectIdentifier
    content: Annotated[_SignedData, asn1.Explicit(0)]


@asn1.sequence
class _Certified:
    """The outermost parts of a certificate."""

    facts: asn1.TLV
    algorithm: asn1.TLV
    signature: asn1.BitString


@dataclass(frozen=True, slots=True)
class Verified:
    """What was signed, and the certificate whose key has signed it."""

    content: bytes = field(repr=False)
    certificate: x509.Certificate


def sign_cms(
    content: bytes,
    key: ec.EllipticCurvePrivateKey,
    certificate: x509.Certificate,
    at: datetime,
) -> bytes:
    """Sign content, which is inside the message then, with its certificate."""
    attributes = _attributes(content, _tlv(asn1.UTCTime(at)))
    algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    signature = key.sign(asn1.encode_der(attributes), algorithm)
    return _signed(content, certificate, attributes, signature)


def verify_cms(signed: bytes) -> Verified:
    """Check a message of `sign_cms`; who has the key of its certificate is open.

    Raises:
        MalformedInputError: it is none.
        SignatureError: it was changed, or the signature does not verify.
    """
    data = _decode(_Signed, signed).content
    certificates, signers = data.certificates.as_list(), data.signers.as_list()
    if len(certificates) != 1 or len(signers) != 1:
        raise MalformedInputError("want one signer, and its certificate")
    content, (signer,) = data.content.content, signers
    certificate, key = _own(certificates[0])
    times = [
        value
        for each in signer.attributes.as_list()
        if each.kind == _SIGNING_TIME
        for value in each.values.as_list()
    ]
    if len(times) != 1:
        raise MalformedInputError("want one moment of signing")
    attributes = _attributes(content, times[0])
    if _signed(content, certificate, attributes, signer.signature) != signed:
        raise SignatureError("a signed message is not written as we write it")
    try:
        algorithm = ec.ECDSA(hashes.SHA256())
        key.verify(signer.signature, asn1.encode_der(attributes), algorithm)
    except InvalidSignature:
        raise SignatureError("signature does not verify") from None
    return Verified(content, certificate)


def seal_cms(content: bytes, recipient: x509.Certificate) -> bytes:
    """Encrypt content for the RSA key of a certificate.

    Raises:
        MalformedInputError: the certificate has no RSA key.
    """
    key = recipient.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise MalformedInputError("want a certificate with an RSA key")
    secret, nonce = token_bytes(_KEY_BYTES), token_bytes(_NONCE_BYTES)
    sealed = AESGCM(secret).encrypt(nonce, content, None)
    return _enveloped(recipient, key.encrypt(secret, _PADDING), nonce, sealed)


def open_cms(
    sealed: bytes, key: rsa.RSAPrivateKey, recipient: x509.Certificate
) -> bytes:
    """Decrypt what `seal_cms` sealed for a certificate, with its private key.

    Raises:
        MalformedInputError: it is no such message.
        MalformedKeyError: it is for another certificate.
        OpenError: it was changed, or is for another key.
    """
    content = _decode(_Envelope, sealed).content
    recipients = content.recipients.as_list()
    if len(recipients) != 1:
        raise MalformedInputError("want one recipient")
    (wrapped,) = recipients
    if not _same(wrapped.named, _named(recipient)):
        raise MalformedKeyError("sealed for another certificate")
    encrypted = content.encrypted
    nonce = _decode(_Gcm, asn1.encode_der(encrypted.algorithm.parameters)).nonce
    whole = encrypted.content + content.tag
    if _enveloped(recipient, wrapped.key, nonce, whole) != sealed:
        raise OpenError("an envelope is not written as we write it")
    try:
        secret = key.decrypt(wrapped.key, _PADDING)
        return AESGCM(secret).decrypt(nonce, whole, None)
    except (ValueError, InvalidTag):
        raise OpenError("an envelope does not open") from None


def _enveloped(
    recipient: x509.Certificate, key: bytes, nonce: bytes, sealed: bytes
) -> bytes:
    digest = _Plain(algorithm=_SHA256)
    mask = _Algorithm(algorithm=_MGF1, parameters=_tlv(digest))
    oaep = _tlv(_Oaep(digest=digest, mask=mask))
    gcm = _tlv(_Gcm(nonce=nonce, tag_bytes=_TAG_BYTES))
    encrypted = _Encrypted(
        content_type=_DATA,
        algorithm=_Algorithm(algorithm=_AES256_GCM, parameters=gcm),
        content=sealed[:-_TAG_BYTES],
    )
    wrapped = _Recipient(
        version=0,
        named=_named(recipient),
        algorithm=_Algorithm(algorithm=_OAEP, parameters=oaep),
        key=key,
    )
    content = _AuthEnveloped(
        version=0,
        recipients=asn1.SetOf([wrapped]),
        encrypted=encrypted,
        tag=sealed[-_TAG_BYTES:],
    )
    return asn1.encode_der(_Envelope(content_type=_AUTH_ENVELOPED, content=content))


def _attributes(content: bytes, time: asn1.TLV) -> asn1.SetOf[_Attribute]:
    def one(kind: ObjectIdentifier, value: asn1.TLV) -> _Attribute:
        return _Attribute(kind=kind, values=asn1.SetOf([value]))

    return asn1.SetOf(
        [
            one(_CONTENT_TYPE, _tlv(_DATA)),
            one(_SIGNING_TIME, time),
            one(_MESSAGE_DIGEST, _tlv(sha256(content).digest())),
        ]
    )


def _signed(
    content: bytes,
    certificate: x509.Certificate,
    attributes: asn1.SetOf[_Attribute],
    signature: bytes,
) -> bytes:
    signer = _Signer(
        version=1,
        named=_named(certificate),
        digest=_Plain(algorithm=_SHA256),
        attributes=attributes,
        algorithm=_Plain(algorithm=_ECDSA_SHA256),
        signature=signature,
    )
    data = _SignedData(
        version=1,
        digests=asn1.SetOf([_Plain(algorithm=_SHA256)]),
        content=_Content(content_type=_DATA, content=content),
        certificates=asn1.SetOf([certificate]),
        signers=asn1.SetOf([signer]),
    )
    return asn1.encode_der(_Signed(content_type=_SIGNED, content=data))


def _own(
    certificate: x509.Certificate,
) -> tuple[x509.Certificate, ec.EllipticCurvePublicKey]:
    """Return a certificate that its own EC key has signed, and the key.

    The signature of the message covers the key, and not what else is said with it.
    """
    parts = _decode(_Certified, certificate.public_bytes(Encoding.DER))
    if parts.signature.padding_bits():  # which verifying ignores
        raise SignatureError("the signer's certificate was changed")
    try:
        certificate.verify_directly_issued_by(certificate)
        key = certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature):
        raise SignatureError("the signer's certificate was changed") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise MalformedInputError("want a signer with an EC key")
    return certificate, key


def _named(certificate: x509.Certificate) -> _Named:
    issuer = _decode(asn1.TLV, certificate.issuer.public_bytes())
    return _Named(issuer=issuer, serial=certificate.serial_number)


def _same(one: _Named, other: _Named) -> bool:
    return asn1.encode_der(one) == asn1.encode_der(other)


def _tlv(value: object) -> asn1.TLV:
    return asn1.decode_der(asn1.TLV, asn1.encode_der(value))


def _decode(kind: type[T], data: bytes) -> T:
    try:
        return asn1.decode_der(kind, data)
    except (ValueError, x509.InvalidVersion):
        raise MalformedInputError("this is no such CMS message") from None
