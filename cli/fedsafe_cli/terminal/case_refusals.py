# SPDX-License-Identifier: Apache-2.0
"""Ways out of what the node refuses of a case, in the words of `fedsafe case`."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from fedsafe_cli.terminal.texts import Pattern, matched, patterns
from fedsafe_cli.terminal.ways_out import Both

_ABOUT: Final = "dispatch"
_UNCLEAR: Final = "The threat is unclear"
_WITHOUT: Final = " receives nothing without "
_OF_CLASSES: Final = frozenset({"not_releasable", "not_renderable"})
_OPINION: Final = (
    (
        "das beantwortet die Rechtsberatung mit `fedsafe case assess CASE --opinion "
        "REF`; `fedsafe case show CASE` sagt, was wartet"
    ),
    (
        "a legal adviser answers it with `fedsafe case assess CASE --opinion REF`; "
        "`fedsafe case show CASE` says what waits"
    ),
)
_THREAT: Final = (
    (
        "ist es entschieden, als Element eintragen: `fedsafe case assess CASE "
        '--elements FILE`, mit {"threat": {"danger": "yes", "reason": "..."}} in FILE; '
        'ist es keine, "no" und --urgency u2'
    ),
    (
        "once it is decided, enter it as an element: `fedsafe case assess CASE "
        '--elements FILE`, with {"threat": {"danger": "yes", "reason": "..."}} in '
        'FILE; if there is none, "no", and --urgency u2'
    ),
)

_CHANGED: Final = "the case has changed meanwhile"
_ANEW: Final = (
    (
        "`fedsafe case show CASE` zeigt ihn, wie er jetzt ist; dann neu freigeben "
        "lassen: `fedsafe case approve CASE --partner CLASS`"
    ),
    (
        "`fedsafe case show CASE` shows it as it is now; then have it approved anew: "
        "`fedsafe case approve CASE --partner CLASS`"
    ),
)
_WAITING: Final = "an approval of this case "
_AT_ONCE: Final = (
    (
        "diese freigeben, durch eine andere Person (`fedsafe act approve {0}`); oder "
        "sie zurückziehen (`fedsafe act withdraw {0}`) und für alle Klassen auf einmal "
        "fragen: --partner geht mehrmals"
    ),
    (
        "have another person approve that one (`fedsafe act approve {0}`); or withdraw "
        "it (`fedsafe act withdraw {0}`), and ask once for all classes: --partner may "
        "be repeated"
    ),
)


def _assess(option: str) -> Both:
    command = f"`fedsafe case assess CASE {option}`"
    return command, command


_ANSWERED: Final[Mapping[str, Both]] = {
    "phenomenon": _assess("--phenomenon PHENOMENON"),
    "feature": _assess("--feature NAME"),
    "help": _assess("--help-offered HELP"),
    "threat": _assess("--elements FILE"),
    "opinion": _assess("--opinion REF"),
    "level": _assess("--level LEVEL"),
    "evidence": _assess("--evidence-decision DECISION"),
    "second_look": (
        "`fedsafe case approve CASE --partner CLASS`, durch eine andere Person",
        "`fedsafe case approve CASE --partner CLASS`, by another person",
    ),
    "inquiry": (
        (
            "`fedsafe case supplemented CASE --reference REF`, auch wenn die Antwort "
            "verweigert wurde (REF steht in `fedsafe case show CASE`)"
        ),
        (
            "`fedsafe case supplemented CASE --reference REF`, also if the answer was "
            "refused (REF as `fedsafe case show CASE` has it)"
        ),
    ),
}
_OPEN: Final = ("noch nicht beantwortet: {}", "not answered yet: {}")


def way_out_of(code: str, detail: str, about: object) -> Both | None:
    """Say what to do about a case that may not go yet; None for all else."""
    if code == "legal_review" and about == _ABOUT:
        return _OPINION
    if code == "not_releasable" and _UNCLEAR in detail:
        return _THREAT
    if code == "act_changed" and detail == _CHANGED:
        return _ANEW
    if code == "already_asked" and detail.startswith(_WAITING):
        act = detail.rpartition(" ")[2]
        return _AT_ONCE[0].format(act), _AT_ONCE[1].format(act)
    if code in _OF_CLASSES and _WITHOUT in detail:
        return _record(detail.partition(_WITHOUT)[2].split(", "))
    return None


def _record(conditions: Sequence[str]) -> Both:
    """Say how what a class of partner needs is recorded, once it is there."""
    options = " ".join(f"--condition {each}" for each in conditions)
    command = f"`fedsafe case assess CASE {options}`"
    return f"liegt es vor, festhalten: {command}", f"if given, record it: {command}"


def in_german(detail: str) -> str | None:
    """Say in German what the node says of cases and partners, as far as it is known."""
    found = matched(detail, _patterns(), _inner)
    return None if found == detail else found


@cache
def _patterns() -> list[Pattern]:
    from fedsafe_cli.terminal.case_refusal_texts import GERMAN  # noqa: PLC0415 (slow to load)

    return patterns(GERMAN)


def open_questions(detail: str) -> tuple[Both, Both] | None:
    """Say what is open before closing, and how it is answered, in both languages.

    None if the node has said something else.
    """
    from fedsafe_cli.terminal.casework_words import QUESTIONS, word  # noqa: PLC0415

    names = detail.partition(": ")[2].split(", ")
    if not set(names) <= _ANSWERED.keys():
        return None

    def listed(language: int) -> tuple[str, str]:
        words = [word(QUESTIONS, name, language) for name in names]
        how = [_ANSWERED[name][language] for name in names]
        ways = (f"{name}: {way}" for name, way in zip(words, how, strict=True))
        return _OPEN[language].format(", ".join(words)), "; ".join(ways)

    (german, in_german_), (english, in_english) = listed(0), listed(1)
    return (german, english), (in_german_, in_english)


def _inner(name: str, text: str) -> str:
    """Say a state, that of a case beside its code, or classes of partner."""
    from fedsafe_cli.terminal.casework_words import (  # noqa: PLC0415
        DISPATCH_STATES,
        STATES,
        class_word,
        coded,
        word,
    )

    if name == "classes":
        return "; ".join(class_word(each, 0) for each in text.split(", "))
    if name in {"state", "following"}:
        return coded(STATES, text, 0)
    if name == "sent":
        return word(DISPATCH_STATES, text, 0)
    return text
