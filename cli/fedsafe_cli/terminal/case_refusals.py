# SPDX-License-Identifier: Apache-2.0
"""Ways out of what the node refuses of a case, in the words of `fedsafe case`."""

from collections.abc import Mapping, Sequence
from typing import Final

from fedsafe_policies.ground.catalogue import Phrase, joined

_ABOUT: Final = "dispatch"
_OPINION: Final = Phrase(
    "a legal adviser answers it with `fedsafe case assess CASE --opinion REF`; "
    "`fedsafe case show CASE` says what waits"
)
_THREAT: Final = Phrase(
    "once it is decided, enter it as an element: `fedsafe case assess CASE "
    '--elements FILE`, with {"threat": {"danger": "yes", "reason": "..."}} in '
    'FILE; if there is none, "no", and --urgency u2'
)
_ANEW: Final = Phrase(
    "`fedsafe case show CASE` shows it as it is now; then have it approved anew: "
    "`fedsafe case approve CASE --partner CLASS`"
)
_AT_ONCE: Final = Phrase(
    "have another person approve that one (`fedsafe act approve {0}`); or let whoever "
    "asked withdraw it (`fedsafe act withdraw {0}`), and ask once for all classes: "
    "--partner may be repeated"
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


def way_out_of(code: str, about: object, params: Mapping[str, object]) -> Phrase | None:
    """Say what to do about a case that may not go yet; None for all else."""
    if code == "legal_review" and about == _ABOUT:
        return _OPINION
    if code == "threat_unclear":
        return _THREAT
    if code == "case_changed":
        return _ANEW
    if code == "approval_waits" and isinstance(act := params.get("act"), str):
        return _AT_ONCE.filled(act)
    if code == "conditions_missing":
        return _record(str(params.get("conditions", "")).split(", "))
    return None


def _record(conditions: Sequence[str]) -> Phrase:
    """Say how what a class of partner needs is recorded, once it is there."""
    options = " ".join(f"--condition {each}" for each in conditions)
    command = f"`fedsafe case assess CASE {options}`"
    return _RECORD.filled(command)


def open_questions(params: Mapping[str, object]) -> tuple[Phrase, Phrase] | None:
    """Say what is open before closing, and how it is answered, in both languages.

    None if the node has named something else.
    """
    from fedsafe_node.words.casework import QUESTIONS  # noqa: PLC0415

    names = str(params.get("questions", "")).split(", ")
    if not set(names) <= _ANSWERED.keys():
        return None

    words = [QUESTIONS[name] for name in names]
    ways = [joined(": ", [QUESTIONS[name], _ANSWERED[name]]) for name in names]
    return _OPEN.filled(joined(", ", words)), joined("; ", ways)


def word_of(name: str, value: object) -> object:
    """Say a value of a refusal that is a code: a state, or classes of partner.

    The names of the places that hold such codes say of which kind they are.
    """
    if name not in _CODED:
        return value
    from fedsafe_node.words.casework import (  # noqa: PLC0415
        DISPATCH_STATES,
        STATES,
        class_phrase,
        coded_phrase,
    )

    code = str(value)
    if name in _OF_CLASSES:
        return joined("; ", map(class_phrase, code.split(", ")))
    if name in _OF_STATES:
        return coded_phrase(STATES, code)
    return DISPATCH_STATES.get(code, code)


_OF_CLASSES: Final = frozenset({"partner_class", "partner_classes"})
_OF_STATES: Final = frozenset({"case_state", "following_case_state"})
_CODED: Final = _OF_CLASSES | _OF_STATES | {"dispatch_state"}
