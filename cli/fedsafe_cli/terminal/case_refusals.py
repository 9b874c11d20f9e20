# SPDX-License-Identifier: Apache-2.0
"""Ways out of what the node refuses of a case, in the words of `fedsafe case`."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from fedsafe_cli.terminal.texts import Pattern, matched, patterns
from fedsafe_policies.ground.catalogue import Phrase, joined

_ABOUT: Final = "dispatch"
_UNCLEAR: Final = "The threat is unclear"
_WITHOUT: Final = " receives nothing without "
_OF_CLASSES: Final = frozenset({"not_releasable", "not_renderable"})
_OPINION: Final = Phrase(
    "a legal adviser answers it with `fedsafe case assess CASE --opinion REF`; "
    "`fedsafe case show CASE` says what waits"
)
_THREAT: Final = Phrase(
    "once it is decided, enter it as an element: `fedsafe case assess CASE "
    '--elements FILE`, with {"threat": {"danger": "yes", "reason": "..."}} in '
    'FILE; if there is none, "no", and --urgency u2'
)

_CHANGED: Final = "the case has changed meanwhile"
_ANEW: Final = Phrase(
    "`fedsafe case show CASE` shows it as it is now; then have it approved anew: "
    "`fedsafe case approve CASE --partner CLASS`"
)
_WAITING: Final = "an approval of this case "
_AT_ONCE: Final = Phrase(
    "have another person approve that one (`fedsafe act approve {0}`); or withdraw "
    "it (`fedsafe act withdraw {0}`), and ask once for all classes: --partner may "
    "be repeated"
)


def _assess(option: str) -> Phrase:
    return joined("", ["`fedsafe case assess CASE ", option, "`"])


_ANSWERED: Final[Mapping[str, Phrase]] = {
    "phenomenon": _assess("--phenomenon PHENOMENON"),
    "feature": _assess("--feature NAME"),
    "help": _assess("--help-offered HELP"),
    "threat": _assess("--elements FILE"),
    "opinion": _assess("--opinion REF"),
    "level": _assess("--level LEVEL"),
    "evidence": _assess("--evidence-decision DECISION"),
    "second_look": Phrase(
        "`fedsafe case approve CASE --partner CLASS`, by another person"
    ),
    "inquiry": Phrase(
        "`fedsafe case supplemented CASE --reference REF`, also if the answer was "
        "refused (REF as `fedsafe case show CASE` has it)"
    ),
}
_OPEN: Final = Phrase("not answered yet: {}")
_RECORD: Final = Phrase("if given, record it: {}")


def way_out_of(code: str, detail: str, about: object) -> Phrase | None:
    """Say what to do about a case that may not go yet; None for all else."""
    if code == "legal_review" and about == _ABOUT:
        return _OPINION
    if code == "not_releasable" and _UNCLEAR in detail:
        return _THREAT
    if code == "act_changed" and detail == _CHANGED:
        return _ANEW
    if code == "already_asked" and detail.startswith(_WAITING):
        act = detail.rpartition(" ")[2]
        return _AT_ONCE.filled(act)
    if code in _OF_CLASSES and _WITHOUT in detail:
        return _record(detail.partition(_WITHOUT)[2].split(", "))
    return None


def _record(conditions: Sequence[str]) -> Phrase:
    """Say how what a class of partner needs is recorded, once it is there."""
    options = " ".join(f"--condition {each}" for each in conditions)
    command = f"`fedsafe case assess CASE {options}`"
    return _RECORD.filled(command)


def told_of(detail: str) -> Phrase | None:
    """Take up what the node says of cases and partners, as far as it is known."""
    return matched(detail, _patterns(), _inner)


@cache
def _patterns() -> list[Pattern]:
    from fedsafe_cli.terminal.case_refusal_texts import REFUSALS  # noqa: PLC0415 (slow to load)

    return patterns(REFUSALS)


def open_questions(detail: str) -> tuple[Phrase, Phrase] | None:
    """Say what is open before closing, and how it is answered, in both languages.

    None if the node has said something else.
    """
    from fedsafe_cli.terminal.casework_words import QUESTIONS  # noqa: PLC0415

    names = detail.partition(": ")[2].split(", ")
    if not set(names) <= _ANSWERED.keys():
        return None

    words = [QUESTIONS[name] for name in names]
    ways = [joined(": ", [QUESTIONS[name], _ANSWERED[name]]) for name in names]
    return _OPEN.filled(joined(", ", words)), joined("; ", ways)


def _inner(name: str, text: str) -> str | Phrase:
    """Say a state, that of a case beside its code, or classes of partner."""
    from fedsafe_cli.terminal.casework_words import (  # noqa: PLC0415
        DISPATCH_STATES,
        STATES,
        class_phrase,
        coded_phrase,
    )

    if name == "classes":
        return joined("; ", map(class_phrase, text.split(", ")))
    if name in {"state", "following"}:
        return coded_phrase(STATES, text)
    if name == "sent":
        return DISPATCH_STATES.get(text, text)
    return text
