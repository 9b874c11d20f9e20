# SPDX-License-Identifier: Apache-2.0
"""Reads the head of a mail that answers a package, and looks who signed the mail.

Nothing but header fields is read, and none of them is kept: the body and what is
attached are the partner's own. A token proves that whoever wrote had it, no more. What
a machine writes by itself (RFC 3834, RFC 6522) acknowledges nothing.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import (
    MessageDefect,
    MessageError,
    MultipartInvariantViolationDefect,
)
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import compat32, default
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from fedsafe_federation.casework.errors import PartnerKeyError, SignedMailError
from fedsafe_federation.casework.openpgp import openpgp_identity, read_openpgp
from fedsafe_federation.casework.signed_mail import signed_text
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.ground.errors import BadRequestError
from fedsafe_node.store.casework_rows import PartnerRow
from fedsafe_policies.escalation.partners import Partner
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from pysequoia import Cert

_MOST_VALUE: Final = 2_000
"""Characters of one header field that are looked at (RFC 5322 has lines of 998)."""
_MOST_TOKENS: Final = 8
_TO: Final = frozenset({"to", "cc", "delivered-to", "x-original-to", "envelope-to"})
_PLUS: Final = re.compile(r"\+([A-Za-z0-9_-]{22,43})@")
_SUBJECT: Final = re.compile(
    r"(?<![A-Za-z0-9_-])FedSafe\s+([A-Za-z0-9_-]{22,43})(?![A-Za-z0-9_-])"
)
_COMMENT: Final = re.compile(r"\([^()]*\)")
_MARKS: Final = frozenset(
    {
        "x-auto-response-suppress",
        "x-autoreply",
        "x-autorespond",
        "x-failed-recipients",
    }
)
_BULK: Final = frozenset({"auto-reply", "bulk", "junk", "list"})
_END: Final = re.compile(rb"\r?\n\r?\n|\A\r?\n")
_POINTER: Final = "/headers"
_AUTOMATIC: Final = Phrase("this is an automatic reply ({field})")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the head of a reply says: tokens it may carry, and which message it is.

    `bounced`: a mail server wrote it, because it did not bring ours there.
    """

    tokens: tuple[str, ...] = field(repr=False)
    proof: str
    bounced: bool = False


def read_reply(headers: bytes) -> Reply:
    """Read the head of a message; what follows the first empty line is left alone.

    Raises:
        BadRequestError: a machine wrote it, it has no Message-ID, a line of it is no
            header field, or it has more tokens than a reply has.
    """
    found = _fields(headers)
    why, bounced = _machine(found), _is_bounce(found)
    if why is not None and not bounced:
        raise BadRequestError(
            "automatic_reply",
            Phrase("{why}: that acknowledges nothing; call the partner").filled(
                why=why
            ),
            pointer=_POINTER,
        )
    ids = [value for name, value in found if name == "message-id" and value]
    if not ids:
        raise _unfit(
            Phrase("this message has no Message-ID by which it is known again")
        )
    digest = sha256(ids[0].encode("utf-8", "surrogateescape")).hexdigest()
    tokens = dict.fromkeys(_tokens(found))
    if len(tokens) > _MOST_TOKENS:
        raise _unfit(Phrase("this message carries many tokens"))
    return Reply(tuple(tokens), f"message-id:sha256:{digest}", bounced)


def _fields(headers: bytes) -> list[tuple[str, str]]:
    """Split the head into fields, none of which is parsed for what it means.

    The library's newer policy parses some fields as it reads them, and takes minutes
    over a hostile one. Behind a line that is no field it stops to read: what hides
    there might say that a machine wrote this.
    """
    head = _END.split(headers, maxsplit=1)[0]
    message = BytesHeaderParser(policy=compat32).parsebytes(head + b"\n\n")
    if any(map(_hides, message.defects)) or str(message.get_payload()).strip():
        raise _unfit(Phrase("a line of this message's head is no header field"))
    return [(name.lower(), _flat(value)) for name, value in message.raw_items()]


def _hides(defect: MessageDefect) -> bool:
    # Until Python 3.11.3 a head alone was blamed for the parts that its body has.
    return not isinstance(defect, MultipartInvariantViolationDefect)


def _unfit(why: Phrase) -> BadRequestError:
    return BadRequestError(
        "bad_reply",
        Phrase("{why}; note by hand what you know: `fedsafe case acknowledged`").filled(
            why=why
        ),
        pointer=_POINTER,
    )


def _machine(found: Iterable[tuple[str, str]]) -> Phrase | None:
    """Say by which field a machine has written this by itself, if one has."""
    for name, value in found:
        said = _without_comments(value).lower()
        word = said.partition(";")[0].strip()
        if name == "return-path" and "".join(said.split()) == "<>":
            return Phrase("this is a bounce (its Return-Path is empty)")
        if name == "content-type" and word == "multipart/report":
            return Phrase("this is a report of a mail program (multipart/report)")
        if name in {"from", "sender"} and "mailer-daemon" in value.lower():
            return Phrase("this is a bounce (its sender is MAILER-DAEMON)")
        if (name == "auto-submitted" and word != "no") or name in _MARKS:
            return _AUTOMATIC.filled(field=name.title())
        if name == "precedence" and word.replace("_", "-") in _BULK:
            return _AUTOMATIC.filled(field="Precedence")
    return None


def _is_bounce(found: Iterable[tuple[str, str]]) -> bool:
    """Tell whether a mail server reports that it did not deliver (RFC 3464).

    A report that our mail was read is none, whatever else its head says.
    """
    says = False
    for name, value in found:
        said = "".join(_without_comments(value).lower().split())
        if name == "content-type" and said.startswith("multipart/report"):
            if "report-type=disposition-notification" in said.replace('"', ""):
                return False
            says |= "report-type=delivery-status" in said.replace('"', "")
        says |= name == "x-failed-recipients"
        says |= name in {"from", "sender"} and "mailer-daemon" in said
    return says


def _without_comments(value: str) -> str:
    """Take comments out, those within others first (RFC 5322, 3.2.2)."""
    while (shorter := _COMMENT.sub("", value)) != value:
        value = shorter
    return value


def _tokens(found: Iterable[tuple[str, str]]) -> Iterable[str]:
    for name, value in found:
        if name in _TO:
            yield from _PLUS.findall(value)
        elif name == "subject":
            yield from _SUBJECT.findall(_decoded(value))


def _flat(value: object) -> str:
    """Unfold a field as it stands, and bound it."""
    return " ".join(str(value)[: 2 * _MOST_VALUE].split())[:_MOST_VALUE]


def _decoded(value: str) -> str:
    """Decode the encoded words of a subject (RFC 2047), as far as they can be."""
    if "=?" not in value:
        return value
    made = EmailMessage(policy=default)
    try:
        made["Subject"] = value
        return str(made["Subject"])
    except (MessageError, ValueError, LookupError, AttributeError, TypeError):
        return value  # the library stumbles over some words that are none


def key_to_verify(partner: PartnerRow, now: int) -> "Cert | None":
    """Return the OpenPGP key of an entry whose verification counts; None without one.

    A key that nobody has compared with the partner proves nothing.
    """
    if partner.verified_until is None or partner.verified_until <= now:
        return None
    text = decode(partner.record, Partner).openpgp
    if text is None:
        return None
    try:
        return read_openpgp(text, datetime.fromtimestamp(now, UTC))
    except PartnerKeyError:
        return None


def signer_of(mail: bytes, token: str, key: "Cert") -> str | None:
    """Return the fingerprint of the key if it has signed the token; None if not.

    A signature on something else, which may be as old as the partner, says nothing of
    this dispatch.

    Raises:
        BadRequestError: a signature on it is none of the key, or does not verify.
    """
    try:
        signed = signed_text(mail, key)
    except SignedMailError as error:
        raise BadRequestError(
            "bad_signature",
            Phrase(
                "this message is not signed as it says, {error}: call the partner"
            ).filled(error=error),
            pointer="/body",
        ) from None
    whole = rb"(?<![A-Za-z0-9_-])" + re.escape(token.encode()) + rb"(?![A-Za-z0-9_-])"
    if signed is None or re.search(whole, signed) is None:
        return None
    return openpgp_identity(key).hex()
