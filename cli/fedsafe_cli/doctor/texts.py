# SPDX-License-Identifier: Apache-2.0
"""What `fedsafe doctor` and `fedsafe audit` read of a node, in the reader's words."""

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any, Final

from fedsafe_cli.terminal.moments import in_moments
from fedsafe_cli.terminal.settings import printable
from fedsafe_policies.ground.catalogue import Phrase, received

_AUDIT: Final = Phrase.within("audit log", "log {log}")
_OTHER: Final = Phrase("log {log}")


def said(text: str | Phrase, *, language: str) -> str:
    """Say what was found, or the way out, in a language, with moments for people."""
    return in_moments(text.said(language) if isinstance(text, Phrase) else text)


def told(english: object, made: object) -> Phrase:
    """Take up a sentence of the node's, and how it was made.

    An older node does not say how: what it says stays English.
    """
    return received(made, printable(str(english)), _printed)


def sentences(status: Mapping[str, Any], name: str) -> list[Phrase]:
    """Take up the sentences of a field of the node's state: one, several or none."""
    said, made = status.get(name) or [], status.get(f"{name}_made") or []
    if not isinstance(said, list):
        said, made = [said], [made]
    return [told(*each) for each in zip_longest(said, made[: len(said)])]


def log_named(log: str) -> Phrase:
    """Name a log: the audit log of a node, or what it publishes."""
    name = _AUDIT if log.endswith("/audit") else _OTHER
    return name.filled(log=printable(log))


def _printed(_name: str, value: object) -> object:
    return printable(value) if isinstance(value, str) else value
