# SPDX-License-Identifier: Apache-2.0
"""What `fedsafe doctor` finds, and the way out.

What a node says of itself in English is known again by its template, as in
`damage_texts`, which knows what is damaged.
"""

from typing import Final

from fedsafe_cli.doctor.damage_texts import damage
from fedsafe_cli.doctor.node_texts import CHECKS, NODE_SAID
from fedsafe_cli.terminal.moments import in_moments
from fedsafe_cli.terminal.texts import matched, patterns
from fedsafe_policies.ground.catalogue import Phrase

_BY_TEXT: Final = {each.english: each for each in NODE_SAID}
_INNER: Final = frozenset({"why", "when"})
_PATTERNS: Final = patterns(NODE_SAID)
_CHECKED: Final = patterns(CHECKS)


def said(text: str | Phrase, *, language: str) -> str:
    """Say what was found, or the way out, in a language, with moments for people."""
    words = text if isinstance(text, Phrase) else told(text)
    return in_moments(words.said(language))


def told(text: object) -> Phrase:
    """Take up a sentence of the node's, which is German if it is known here."""
    english = str(text)
    known = damage(english) or matched(in_moments(english), _PATTERNS, _inner)
    return Phrase(english) if known is None else known


def checked(name: str, *, language: str) -> str:
    """Name what was checked, in the reader's language if that is known here."""
    found = matched(name, _CHECKED, _inner)
    return name if found is None else found.said(language)


def _inner(name: str, text: str) -> str | Phrase:
    """Say what stands in a text and is one itself."""
    return _BY_TEXT.get(text, text) if name in _INNER else text
