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
_DIGIT = re.compile(r"[0-9]")
_HOST = re.compile(r"(?<![0-9])[0-9]{1,3}(\.[0-9]{1,3}){3}(?![0-9])|[A-Za-z]\.[A-Za-z]")
_SEPARATORS = re.compile(r"[._/:-]+")
_YEAR = re.compile(r"(19|20)[0-9]{2}")
_TOO_LONG: Final = 9
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
DPO_MAILBOXES: Final = frozenset(
    {"data-protection", "datenschutz", "dpo", "dsb", "privacy"}
)
"""What the mailbox of the data protection officer may be called."""
BARRIER_MAILBOXES: Final = MAILBOXES | {"accessibility", "barrierefreiheit"}
"""What the mailbox for reports of barriers may be called."""
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


def is_case_number(value: str) -> bool:
    """Tell whether `value` can be the number of a case, and nothing of a person.

    Stricter than a label: it has a digit and at most one word beside its numbers
    (``case-7``, ``file-2026-31``), and is no address of a host, no domain, no name
    with a dot, and no number of nine digits however it is cut, as that of a telephone,
    an account or a card. A year in front is not counted.
    """
    if not is_reference(value) or not _DIGIT.search(value):
        return False
    if _HOST.search(value) or value.count(":") > 1:
        return False
    parts: list[str] = _SEPARATORS.split(value)
    if sum(part.isalpha() for part in parts) > 1:
        return False
    numbers = [part for part in parts if not part.isalpha()]
    if len(numbers) > 1 and _YEAR.fullmatch(numbers[0]):
        numbers = numbers[1:]
    return sum(letter.isdigit() for part in numbers for letter in part) < _TOO_LONG


def is_contact(value: str, mailboxes: frozenset[str] = MAILBOXES) -> bool:
    """Tell whether `value` is an https address or a role mailbox of a provider."""
    if len(value) > _LONGEST_CONTACT:
        return False
    if _HTTPS.fullmatch(value) is not None:
        return True
    mailbox = _MAILBOX.fullmatch(value)
    return mailbox is not None and mailbox[1] in mailboxes
