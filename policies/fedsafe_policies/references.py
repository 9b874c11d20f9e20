# SPDX-License-Identifier: Apache-2.0
"""P2, no accusation: fields that may only refer, never tell.

A signal says that an account was removed under a rule. What could say more (free
text, a section of the criminal code, an address of a person) does not fit through
these checks. They look at the shape only: a reference is a short label without
blanks, a contact is an https address or a role mailbox.
"""

import re
from typing import Final

_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:-]{0,63}", re.ASCII)
_CRIMINAL_CODE = re.compile(r"(?<![a-z])(stgb|paragraph|par)(?![a-z])")
_LONG_NUMBER = re.compile(r"[0-9]{9}")
_HTTPS = re.compile(r"https://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?(/[A-Za-z0-9._/-]*)?")
_MAILBOX = re.compile(r"([a-z][a-z-]{1,31})@([A-Za-z0-9-]+\.)+[A-Za-z0-9-]{2,63}")
MAILBOXES: Final = frozenset(
    {
        "abuse",
        "child-safety",
        "compliance",
        "contact",
        "evidence",
        "legal",
        "privacy",
        "report",
        "safety",
        "trust",
        "trust-safety",
    }
)
"""What a contact's mailbox may be called: the names of roles, not of persons."""
_LONGEST_CONTACT = 200


def is_reference(value: str) -> bool:
    """Tell whether `value` is a label that refers and says nothing.

    Up to 64 letters, digits and ``. _ / : -``; no section of the criminal code,
    and no run of nine digits, since that may be somebody's number.
    """
    return (
        _REFERENCE.fullmatch(value) is not None
        and _CRIMINAL_CODE.search(value.lower()) is None
        and _LONG_NUMBER.search(value) is None
    )


def is_contact(value: str) -> bool:
    """Tell whether `value` is an https address or a role mailbox of a provider."""
    if len(value) > _LONGEST_CONTACT:
        return False
    if _HTTPS.fullmatch(value) is not None:
        return True
    mailbox = _MAILBOX.fullmatch(value)
    return mailbox is not None and mailbox[1] in MAILBOXES
