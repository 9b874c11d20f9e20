# SPDX-License-Identifier: Apache-2.0
"""Find what could name somebody in a text that must name nobody.

Refuses rather too much: whoever writes an anonymous text can say it otherwise. It
knows the shapes of addresses, numbers, links, digests and account names, and the
identifiers of the case itself; a name or a story that only people would recognise, it
does not know, and a person still reads the text.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final
from unicodedata import normalize

from msgspec import UNSET

from fedsafe_policies.escalation.package import Elements

_SHAPES: Final = (
    (
        "email",
        re.compile(r"[^\s@]{1,64}\s*(?:@|\(at\)|\[at\])\s*[^\s@]{2,}", re.IGNORECASE),
    ),
    ("url", re.compile(r"\b(?:[a-z][a-z0-9+.-]{1,9}://|www\.)\S", re.IGNORECASE)),
    (
        "domain",
        re.compile(
            r"\b(?:[a-z0-9-]{2,}\.)+(?:[a-z]{3,6}|de|eu|at|ch|io)\b", re.IGNORECASE
        ),
    ),
    ("ip", re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")),
    (
        "ip",
        re.compile(
            r"\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}\b|::[0-9a-f]", re.IGNORECASE
        ),
    ),
    ("digest", re.compile(r"\b[0-9a-f]{16,}\b", re.IGNORECASE)),
    ("uuid", re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-", re.IGNORECASE)),
    ("account", re.compile(r"(?<![\w@])@\w{2,}")),
    (
        "account",
        re.compile(
            r"\b(?=\w*\d)(?=\w*[a-z])\w*_\w*\b|\b[a-z]+\d{2,}\w*\b", re.IGNORECASE
        ),
    ),
    ("number", re.compile(r"(?:\+|\b00|\b0)\d(?:[ /().-]{0,2}\d){5,}|\b\d{7,}\b")),
    ("iban", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,}")),
    (
        "date",
        re.compile(
            r"\b\d{1,2}\.\s?\d{1,2}\.\s?(?:19|20)?\d{2}\b|\b(?:19|20)\d\d-\d\d-\d\d"
        ),
    ),
    ("postcode", re.compile(r"\b\d{5}\s+[A-ZÄÖÜ][a-zäöüß]+")),
)
"""What each kind of identifier looks like."""

_SHORTEST: Final = 3
"""How many letters an identifier of the case has at least, to be looked for."""


def find_identifier(texts: Iterable[str], known: Elements | None = None) -> str | None:
    """Name the kind of the first identifier in a text; None where there is none."""
    names = frozenset(_of_case(known)) if known is not None else frozenset()
    for text in texts:
        read = normalize("NFKC", text)
        for kind, shape in _SHAPES:
            if shape.search(read):
                return kind
        folded = read.casefold()
        if any(_stands_in(name, folded) for name in names):
            return "case"
    return None


def _stands_in(name: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def _of_case(known: Elements) -> Iterator[str]:
    """List what the case itself calls its people, places and objects by."""
    whole: list[object] = []
    persons: list[object] = []
    if known.case is not UNSET:
        whole += [known.case.case_ref, *known.case.prior_refs]
    if known.sender is not UNSET:
        whole += [known.sender.provider, known.sender.node]
    for each in () if known.suspects is UNSET else known.suspects:
        whole += [each.account_id, each.email, each.phone]
        persons.append(each.name)
    for victim in () if known.victims is UNSET else known.victims:
        whole += [victim.account_id, victim.contact]
    if known.reporter is not UNSET:
        whole.append(known.reporter.contact)
        persons.append(known.reporter.name)
    if known.location is not UNSET:
        whole.append(known.location.place)
    for value in (*whole, *persons):
        if isinstance(value, str):
            folded = normalize("NFKC", value).casefold()
            words = folded.split() if value in persons else ()
            yield from (each for each in (folded, *words) if len(each) >= _SHORTEST)
