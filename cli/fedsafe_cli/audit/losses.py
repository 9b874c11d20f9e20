# SPDX-License-Identifier: Apache-2.0
"""What `fedsafe audit verify|status|gaps` say of entries that a restore lost."""

from typing import Any, Final

from fedsafe_cli.terminal.labels import say
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.output import line
from fedsafe_cli.terminal.settings import Settings

_LOST: Final = (
    "incomplete: entries {first} to {last} were lost and declared lost on {at}, "
    "in entry {entry}"
)


def count_lost(answer: dict[str, Any]) -> int | None:
    """Count the entries that were declared lost; None if there are none."""
    lost = answer.get("lost") or []
    return sum(each["last"] - each["first"] + 1 for each in lost) or None


def tell_lost(answer: dict[str, Any], settings: Settings) -> None:
    """Name each range that was declared lost, with the entry that says so."""
    for each in answer.get("lost") or []:
        line(say(_LOST, settings, **each | {"at": shown(each["at"])}))
