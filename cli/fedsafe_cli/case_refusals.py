# SPDX-License-Identifier: Apache-2.0
"""Ways out of what the node refuses of a case, in the words of `fedsafe case`."""

from typing import Final

_ABOUT: Final = "dispatch"
_UNCLEAR: Final = "The threat is unclear"
_OPINION: Final = (
    "a legal adviser answers it with `fedsafe case assess CASE --opinion REF`; "
    "`fedsafe case show CASE` says what waits"
)
_THREAT: Final = (
    "once it is decided, enter it as an element: `fedsafe case assess CASE --elements "
    'FILE`, with {"threat": {"danger": "yes", "reason": "..."}} in FILE; if there is '
    'none, "no", and --urgency u2'
)
_ASSESS: Final = "`fedsafe case assess CASE {}`"
_ANSWERED: Final = {
    "phenomenon": _ASSESS.format("--phenomenon PHENOMENON"),
    "feature": _ASSESS.format("--feature NAME"),
    "help": _ASSESS.format("--help-offered HELP"),
    "threat": _ASSESS.format("--elements FILE"),
    "opinion": _ASSESS.format("--opinion REF"),
    "level": _ASSESS.format("--level LEVEL"),
    "evidence": _ASSESS.format("--evidence-decision DECISION"),
    "second_look": "`fedsafe case approve CASE --partner CLASS`, by another person",
    "inquiry": "`fedsafe case supplemented CASE --reference REF`, also if the answer "
    "was refused (REF as `fedsafe case show CASE` has it)",
}
_OPEN: Final = ("noch nicht beantwortet: {}", "not answered yet: {}")


def way_out_of(code: str, detail: str, about: object) -> str | None:
    """Say what to do about a case that may not go yet; None for all else."""
    if code == "legal_review" and about == _ABOUT:
        return _OPINION
    if code == "not_releasable" and _UNCLEAR in detail:
        return _THREAT
    return None


def open_questions(detail: str) -> tuple[str, str, str] | None:
    """Say in German and in English what is open before closing, and how it is answered.

    None if the node has said something else.
    """
    from fedsafe_cli.casework_words import QUESTIONS, word  # noqa: PLC0415

    names = detail.partition(": ")[2].split(", ")
    if not set(names) <= _ANSWERED.keys():
        return None
    german, english = (
        text.format(", ".join(word(QUESTIONS, name, language) for name in names))
        for language, text in enumerate(_OPEN)
    )
    how = (f"{word(QUESTIONS, name, 1)}: {_ANSWERED[name]}" for name in names)
    return german, english, "; ".join(how)
