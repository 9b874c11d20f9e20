# SPDX-License-Identifier: Apache-2.0
"""Who let a case go to whom, in words, and who has still to stand by it."""

from collections.abc import Iterable
from typing import Any, Final

from fedsafe_cli.terminal.casework_words import class_word, role_word
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.output import line

_RELEASE: Final = ("freigegeben für {} von {}", "approved for {} by {}")
_BEFORE: Final = (
    "vor dem Rückruf freigegeben für {} von {}; erst ändern, dann neu freigeben",
    "approved before the recall for {} by {}; change it first, then approve it anew",
)
_ENDED: Final = (
    "vor dem Rückruf freigegeben für {} von {}; das gilt nicht mehr",
    "approved before the recall for {} by {}; that counts no more",
)
_SECOND: Final = (
    (
        "eine zweite Person, nicht {}, sieht den Fall an, bis {}: fedsafe case approve "
        "{} --partner {}"
    ),
    (
        "a second person, other than {}, looks at the case by {}: fedsafe case approve "
        "{} --partner {}"
    ),
)
_WAITS: Final = (
    (
        "die Freigabe für {} hat {} beantragt; sie wartet bis {} auf eine zweite "
        "Person ({}): fedsafe act approve {}"
    ),
    (
        "the approval for {} was asked for by {}, and waits until {} for a second "
        "person ({}): fedsafe act approve {}"
    ),
)


def tell_release(answer: dict[str, Any], language: int) -> None:
    """Tell who let a case go, and whose word or look it waits for, with the command."""
    release, waiting = answer["release"], answer.get("approval")
    if release is not None:
        people = ", ".join(filter(None, (release["first"], release["second"])))
        classes = _classes(release["partners"], language)
        line(_words(answer)[language].format(classes, people))
        if release["second_by"] is not None:
            by, first = shown(release["second_by"]), release["first"]
            case, partner = answer["case"], release["partners"][0]
            line(_SECOND[language].format(first, by, case, partner))
    if waiting is not None:
        classes = _classes(waiting["partners"], language)
        roles = ", ".join(role_word(each, language) for each in waiting["roles"])
        by, until = waiting["asked_by"], shown(waiting["expires_at"])
        line(_WAITS[language].format(classes, by, until, roles, waiting["act"]))


def _classes(codes: Iterable[str], language: int) -> str:
    return "; ".join(class_word(each, language) for each in codes)


def _words(answer: dict[str, Any]) -> tuple[str, str]:
    """Say of an approval whether it counts: a recall ends it for good."""
    if answer["state"] == "recalled":
        return _BEFORE
    ways = [step["state"] for step in answer["steps"]]
    last = [state for state in ways if state in {"approved", "recalled"}][-1:]
    return _ENDED if last == ["recalled"] else _RELEASE
