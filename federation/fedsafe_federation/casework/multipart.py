# SPDX-License-Identifier: Apache-2.0
"""A signed package as a MIME message, as mail programs show it; pure.

Its parts are the statement, who has signed it, and the documents, each in base64. One
package is written in one way only, and `read_multipart` refuses every other.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Final

from fedsafe_crypto.primitives.identity import PUBLIC_KEY_BYTES
from fedsafe_federation.casework.errors import SealedFault
from fedsafe_federation.casework.statement import (
    Opened,
    Signed,
    read_signed,
    read_statement,
    refuse,
)

STATEMENT: Final = "statement.json"
SIGNATURE: Final = "statement.sig"
_BOUNDARY: Final = b"fedsafe-sealed-package-v1"
"""No base64 has a hyphen, so it never occurs in a part."""

_HEAD: Final = (
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="' + _BOUNDARY + b'"\r\n\r\n'
)
_LIMIT: Final = b"--" + _BOUNDARY
_WIDTH: Final = 76


def write_multipart(signed: Signed) -> bytes:
    """Write a signed package as a MIME message."""
    listed = read_statement(signed.signer, signed.signature, signed.statement).documents
    who = signed.signer + signed.signature
    parts = [
        _part(STATEMENT, "application/json", signed.statement),
        _part(SIGNATURE, "application/octet-stream", who),
    ]
    for each, content in zip(listed, signed.documents, strict=True):
        parts.append(_part(each.name, each.media_type, content))
    return _HEAD + b"".join(parts) + _LIMIT + b"--\r\n"


def read_multipart(message: bytes, recipient: bytes) -> Opened:
    """Read what `write_multipart` wrote for this recipient, and verify all of it.

    Raises:
        SealedPackageError: it is none, or something of it does not fit; `fault` says.
    """
    _, *parts = message.split(_LIMIT)
    contents = [_content(part) for part in parts[:-1]]
    if len(contents) <= len((STATEMENT, SIGNATURE)):
        refuse(SealedFault.STATEMENT)
    statement, who, *documents = contents
    signed = Signed(
        signer=who[:PUBLIC_KEY_BYTES],
        signature=who[PUBLIC_KEY_BYTES:],
        statement=statement,
        documents=tuple(documents),
    )
    opened = read_signed(signed, recipient)
    if write_multipart(signed) != message:
        refuse(SealedFault.CHANGED)
    return opened


def encode_base64(data: bytes) -> bytes:
    """Write base64 as MIME has it, in lines that end as those of mails do."""
    text = b64encode(data)
    lines = (text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH))
    return b"".join(line + b"\r\n" for line in lines)


def decode_base64(text: bytes) -> bytes | None:
    """Read what `encode_base64` wrote; None if it is none."""
    try:
        return b64decode(text.replace(b"\r\n", b""), validate=True)
    except Base64Error:
        return None


def _part(name: str, media_type: str, content: bytes) -> bytes:
    charset = "" if media_type == "application/octet-stream" else "; charset=utf-8"
    head = (
        f"Content-Type: {media_type}{charset}\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="{name}"\r\n\r\n'
    )
    return _LIMIT + b"\r\n" + head.encode() + encode_base64(content)


def _content(part: bytes) -> bytes:
    _, _, body = part.partition(b"\r\n\r\n")
    content = decode_base64(body)
    if content is None:
        refuse(SealedFault.CHANGED)
    return content
