# SPDX-License-Identifier: Apache-2.0
"""Reads the head of a mail that answers a package: which tokens, and by whom not.

Nothing but header fields is read, and none of them is kept: the body and what is
attached are the partner's own. A token proves that whoever wrote had it, no more. What
a machine writes by itself (RFC 3834, RFC 6522) acknowledges nothing.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.errors import MessageError
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import default
from hashlib import sha256
from typing import Final

from fedsafe_node.errors import BadRequestError

_MOST_VALUE: Final = 2_000
"""Characters of one header field that are looked at (RFC 5322 has lines of 998)."""
_MOST_TOKENS: Final = 8
_TO: Final = frozenset({"to", "cc", "delivered-to", "x-original-to", "envelope-to"})
_PLUS: Final = re.compile(r"\+([A-Za-z0-9_-]{22,43})@")
_SUBJECT: Final = re.compile(
    r"(?<![A-Za-z0-9_-])FedSafe\s+([A-Za-z0-9_-]{22,43})(?![A-Za-z0-9_-])"
)
_COMMENT: Final = re.compile(r"\([^()]*\)")
_MARKS: Final = frozenset({"x-autoreply", "x-autorespond", "x-failed-recipients"})
_BULK: Final = frozenset({"auto_reply", "bulk", "junk", "list"})
_POINTER: Final = "/headers"
_BY_HAND: Final = "note by hand what you know: `fedsafe case acknowledged`"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the head of a reply says: tokens it may carry, and which message it is."""

    tokens: tuple[str, ...] = field(repr=False)
    proof: str


def read_reply(headers: bytes) -> Reply:
    """Read the head of a message; what follows the first empty line is left alone.

    Raises:
        BadRequestError: a machine wrote it, or it has no Message-ID.
    """
    message = BytesHeaderParser(policy=default).parsebytes(headers)
    found = [(name.lower(), _flat(value)) for name, value in message.raw_items()]
    why = _machine(found)
    if why is not None:
        raise BadRequestError(
            "automatic_reply",
            f"{why}: that acknowledges nothing; call the partner",
            pointer=_POINTER,
        )
    ids = [value for name, value in found if name == "message-id" and value]
    if not ids:
        raise BadRequestError(
            "bad_reply",
            f"this message has no Message-ID by which it is known again; {_BY_HAND}",
            pointer=_POINTER,
        )
    digest = sha256(ids[0].encode("utf-8", "surrogateescape")).hexdigest()
    tokens = dict.fromkeys(_tokens(found))
    return Reply(tuple(tokens)[:_MOST_TOKENS], f"message-id:sha256:{digest}")


def _machine(found: Iterable[tuple[str, str]]) -> str | None:
    """Say by which field a machine has written this by itself, if one has."""
    for name, value in found:
        word = _COMMENT.sub("", value).partition(";")[0].strip().lower()
        if name == "return-path" and word == "<>":
            return "this is a bounce (its Return-Path is empty)"
        if name == "content-type" and word == "multipart/report":
            return "this is a report of a mail program (multipart/report)"
        if name == "from" and "mailer-daemon@" in word:
            return "this is a bounce (its sender is MAILER-DAEMON)"
        if (name == "auto-submitted" and word != "no") or name in _MARKS:
            return f"this is an automatic reply ({name.title()})"
        if name == "precedence" and word in _BULK:
            return "this is an automatic reply (Precedence)"
    return None


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
