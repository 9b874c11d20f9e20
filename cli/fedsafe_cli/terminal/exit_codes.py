# SPDX-License-Identifier: Apache-2.0
"""The one table of exit statuses, and which of several wins.

A caller that sees 10 creates the account restricted and reviews, and one that sees 14
reviews without restricting anybody; there is no status that means "refuse this person".
"""

from collections.abc import Iterable
from enum import IntEnum, unique
from typing import Any, Final


@unique
class ExitStatus(IntEnum):
    """What the process tells its caller."""

    NO_SIGNAL = 0
    INTERNAL = 1
    USAGE = 2
    DENIED = 3
    UNREACHABLE = 4
    BAD_INPUT = 5
    MATCH = 10
    DEFERRED = 11
    INCOMPLETE = 12
    WAITING = 13
    FLOOD = 14
    LOG_TAMPERED = 20
    LOG_INCOMPLETE = 21
    LOG_UNREADABLE = 22


OK: Final = ExitStatus.NO_SIGNAL
"""The same number, for commands that ask nothing."""
INTERRUPTED: Final = 130
"""Ctrl-C, as shells count it: 128 + SIGINT."""
BROKEN_PIPE: Final = 141
"""The reader of our output went away: 128 + SIGPIPE."""

SEVERITY: Final = (
    ExitStatus.INTERNAL,
    ExitStatus.UNREACHABLE,
    ExitStatus.DENIED,
    ExitStatus.MATCH,
    ExitStatus.FLOOD,
    ExitStatus.BAD_INPUT,
    ExitStatus.DEFERRED,
    ExitStatus.INCOMPLETE,
    ExitStatus.NO_SIGNAL,
)
"""Most serious first. USAGE is absent: it ends a command before any input; so are
WAITING and those of `fedsafe audit verify`, which have none."""


def worst(statuses: Iterable[ExitStatus]) -> ExitStatus:
    """Return the most serious of several statuses; of none, `NO_SIGNAL`."""
    return min(statuses, key=SEVERITY.index, default=OK)


_DAMAGE: Final = {  # the most serious first
    "tampered": ExitStatus.LOG_TAMPERED,
    "incomplete": ExitStatus.LOG_INCOMPLETE,
    "unreadable": ExitStatus.LOG_UNREADABLE,
}


def damage_status(answer: dict[str, Any]) -> ExitStatus:
    """Return the exit status of the most serious damage that was found."""
    checks = [*answer["logs"], *(answer.get("tables") or [])]
    found = {check.get("damage") for check in checks}
    return next(
        (_DAMAGE[word] for word in _DAMAGE if word in found), ExitStatus.LOG_TAMPERED
    )
