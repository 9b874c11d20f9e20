# SPDX-License-Identifier: Apache-2.0
r"""A signed statement: exact payload bytes, who signed them, and the signature.

The signature covers `"fedsafe/v1/" ‖ type ‖ "\n" ‖ lp(federation id) ‖ payload`
(protocol 3.7), so a statement of one type or federation never passes for another.
The payload travels as base64: a mail program or an editor that reformats JSON
cannot break a signature.
"""

from typing import Annotated, Final, TypeVar

import msgspec

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.identity import SigningKey, sign, verify
from fedsafe_federation.errors import UntrustedError
from fedsafe_federation.wire.wireformat import decode, encode

T = TypeVar("T")

NodeName = Annotated[
    str,
    msgspec.Meta(
        # Patterns end in `$(?!\n)`: Python's `$` alone also matches before a newline.
        pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$(?!\n)",
        max_length=253,
    ),
]
Bytes16 = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
Bytes32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Bytes64 = Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=253402300799)]

TYPE: Final = r"^[a-z][a-z._-]*$(?!\n)"
"""How the type of a statement is written."""


class Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A payload with its type, its signer's name and the signature."""

    type: Annotated[str, msgspec.Meta(max_length=64, pattern=TYPE)]
    signer: NodeName
    payload: bytes
    signature: Bytes64


def sign_payload(
    payload: bytes, *, type_: str, signer: str, key: SigningKey, federation: str
) -> Signed:
    """Sign exact bytes as a statement of *type_*."""
    signature = sign(key, type_, federation, payload)
    return Signed(type=type_, signer=signer, payload=payload, signature=signature)


def open_payload(
    statement: Signed, *, type_: str, public: bytes, federation: str
) -> bytes:
    """Check type and signature of a statement; give its exact payload.

    Raises:
        UntrustedError: another type, or a signature that does not verify.
    """
    if statement.type != type_:
        raise UntrustedError(statement.signer, f"a statement of type {type_} is needed")
    try:
        verify(public, type_, federation, statement.payload, statement.signature)
    except CryptoError:
        raise UntrustedError(statement.signer, f"bad signature on {type_}") from None
    return statement.payload


def sign_statement(
    value: object, *, type_: str, signer: str, key: SigningKey, federation: str
) -> Signed:
    """Encode *value* and sign it as a statement of *type_*."""
    return sign_payload(
        encode(value), type_=type_, signer=signer, key=key, federation=federation
    )


def open_statement(
    statement: Signed, kind: type[T], *, type_: str, public: bytes, federation: str
) -> T:
    """Check type and signature, then decode the payload.

    Raises:
        UntrustedError: another type, or a signature that does not verify.
        MalformedError: the payload does not fit *kind*.
    """
    payload = open_payload(statement, type_=type_, public=public, federation=federation)
    return decode(payload, kind)
