# SPDX-License-Identifier: Apache-2.0
"""Mails that a partner has signed with OpenPGP; pure.

Signed are a mail's parts (RFC 3156, 5: `multipart/signed`), or a stretch of its text
(RFC 9580, 7). Sequoia verifies, from the extra `openpgp`. What stands beside a
signature is not signed, so nothing but what it covers is given back. S/MIME signatures
are left alone: no library that FedSafe has verifies them.
"""

import re
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import compat32
from typing import TYPE_CHECKING, Final

from fedsafe_federation.casework.errors import SignedMailError
from fedsafe_federation.casework.openpgp import signed_by
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from pysequoia import Cert

LONGEST_MAIL: Final = 262_144
"""Bytes of a mail that are looked at."""

_MOST_VALUE: Final = 2_000
_MOST_WITHIN: Final = 32
_WITHIN: Final = (b"boundary", b"message/")  # no part has parts without either word
_HALVES: Final = re.compile(rb"\r\n\r\n")
_NEWLINE: Final = re.compile(rb"\r\n|\n|\r")
_CLEAR: Final = re.compile(rb"^-----BEGIN PGP SIGNED MESSAGE-----$", re.MULTILINE)
_CLEAR_END: Final = re.compile(rb"^-----END PGP SIGNATURE-----$", re.MULTILINE)
_DETACHED: Final = re.compile(rb"-----BEGIN PGP SIGNATURE-----")
_DETACHED_END: Final = re.compile(rb"-----END PGP SIGNATURE-----")
_PGP_SIGNATURE: Final = "application/pgp-signature"
_HEAD: Final = BytesHeaderParser(policy=compat32)
_WHOLE: Final = BytesParser(policy=compat32)


def signed_text(mail: bytes, certificate: "Cert") -> bytes | None:
    """Return all that a partner has signed of a mail; None if nothing of it is signed.

    It is given as it was signed, followed by its texts as a reader sees them.

    Raises:
        SignedMailError: it is too long, or a signature on it is not of that
            certificate, is over, or does not fit what it stands on.
        OpenPgpMissingError: this FedSafe was installed without OpenPGP.
    """
    if len(mail) > LONGEST_MAIL:
        raise SignedMailError(
            Phrase("it is longer than {most} bytes").filled(most=LONGEST_MAIL)
        )
    lines = _NEWLINE.sub(b"\r\n", mail)
    kind = _kind(lines)
    if kind.get_content_type() == "multipart/signed":
        if str(kind.get_param("protocol", "")).lower() != _PGP_SIGNATURE:
            return None
        signed, signature = _parts(lines, kind.get_boundary())
        found = _signed(certificate, signed, signature)
        return found + b"\r\n" + _texts(found)
    clear = _stretch(_NEWLINE.sub(b"\n", _texts(lines)), _CLEAR, _CLEAR_END)
    if clear is None:
        return None
    return _signed(certificate, clear)


def _signed(
    certificate: "Cert", content: bytes, signature: bytes | None = None
) -> bytes:
    found = signed_by(certificate, content, signature)
    if found is None:
        raise SignedMailError(
            Phrase("no signature on it is a valid one of the partner's key")
        )
    return found


def _kind(mail: bytes) -> Message:
    """Read how a mail says that it is made; a hostile field is cut, not parsed."""
    head = _HALVES.split(mail, maxsplit=1)[0]
    kind = Message(policy=compat32)
    for name, value in _HEAD.parsebytes(head + b"\r\n\r\n").raw_items():
        if name.lower() == "content-type" and "content-type" not in kind:
            kind["Content-Type"] = " ".join(str(value)[:_MOST_VALUE].split())
    return kind


def _parts(mail: bytes, boundary: str | None) -> tuple[bytes, bytes]:
    """Split a signed mail into what is signed and the signature (RFC 3156, 5)."""
    _, _, body = mail.partition(b"\r\n\r\n")
    limit = b"\r\n--" + (boundary or "").encode("ascii", "replace")
    _, *parts = (b"\r\n" + body).split(limit)
    if not boundary or len(parts) != len(("signed", "signature", "end")):
        raise SignedMailError(Phrase("it is not made of a text and a signature"))
    signed = parts[0].partition(b"\r\n")[2]
    signature = _stretch(parts[1], _DETACHED, _DETACHED_END)
    if signature is None:
        raise SignedMailError(Phrase("it is not made of a text and a signature"))
    return signed, signature


def _stretch(
    text: bytes, begin: re.Pattern[bytes], end: re.Pattern[bytes]
) -> bytes | None:
    """Find what lies from the first beginning to the first end after it.

    Each is looked for once: where the first beginning has no end, no other has one.
    """
    first = begin.search(text)
    last = end.search(text, first.end()) if first else None
    return text[first.start() : last.end()] if first and last else None


def _texts(mail: bytes) -> bytes:
    """Decode the texts of a mail or a part of one."""
    lower = mail.lower()
    # It would take seconds, or more depth than a thread has.
    if any(lower.count(word) > _MOST_WITHIN for word in _WITHIN):
        raise SignedMailError(Phrase("too many parts lie within each other"))
    parts = _WHOLE.parsebytes(mail).walk()
    texts = (each for each in parts if each.get_content_maintype() == "text")
    decoded = (each.get_payload(decode=True) for each in texts)
    return b"\r\n".join(each for each in decoded if isinstance(each, bytes))
