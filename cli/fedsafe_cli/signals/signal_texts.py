# SPDX-License-Identifier: Apache-2.0
"""Signals of this provider in words: how one stands, and how far it is erased."""

from typing import Final

from fedsafe_cli.terminal.client import Json
from fedsafe_cli.terminal.moments import readable
from fedsafe_cli.terminal.output import document, pairs
from fedsafe_cli.terminal.texts import words
from fedsafe_node.words.codes import FINDINGS, SIGNAL_WORDS, label

STATED: Final = ("provenance", "findings", "legal_review")
"""What is shown of a signal only where somebody has stated it."""
_ENDED: Final = frozenset({"withdrawn", "revoked", "expired", "erased"})


def show_signal(answer: Json, *, as_json: bool, language: str) -> None:
    """Print a signal's state."""
    if as_json:
        document(answer)
        return
    names = ["signal", "state", "scope", "plane", "origin", "author", "approver"]
    if answer.get("group") is not None:
        names.append("group")
    if answer.get("state") not in _ENDED:  # else it matches no more, planned or not
        names.append("match_until")
    if answer.get("nodes") is not None:
        answer = answer | {"nodes": ", ".join(answer["nodes"]) or "-"}
        names.append("nodes")
    if answer.get("erasure") is not None:
        answer = answer | {"erasure": _erasure(answer["erasure"], language=language)}
        names.append("erasure")
    names += [name for name in STATED if answer.get(name)]
    told = in_words(answer, language=language)
    pairs(
        [(words(name, language=language), told.get(name)) for name in names], indent=""
    )


def _erasure(found: Json, *, language: str) -> str:
    """Say how many of those who received a signal have signed that it is erased."""
    until = readable("residual_until", found.get("residual_until")) or "-"
    counts = {name: found[name] for name in ("receipts", "recipients")}
    return words("erasure_told", language=language, until=until, **counts)


def in_words(answer: Json, *, language: str) -> Json:
    """Say the codes of a signal in the reader's language."""
    stated = [
        label(FINDINGS, str(word), language=language)
        for word in answer.get("findings") or ()
    ]
    return (
        answer
        | {"findings": ", ".join(stated)}
        | {
            name: label(table_, str(answer[name]), language=language)
            for name, table_ in SIGNAL_WORDS.items()
            if answer.get(name) is not None
        }
    )
