# SPDX-License-Identifier: Apache-2.0
"""Whom of a partner to call, in words: who answers first, and who is called next."""

from collections.abc import Iterator
from typing import Any, Final

_CALL: Final = ("anrufen: {}", "call: {}")
_HOURS: Final = (" ({})", " ({})")
_NO_PHONE: Final = ("keine Nummer eingetragen", "no number entered")
_STANDS: Final = {
    "unverified": (
        "diesen Eintrag hat niemand geprüft: Nummer erst woanders nachsehen",
        "nobody has verified this entry: look the number up elsewhere first",
    ),
    "expired": (
        "die Prüfung dieses Eintrags ist abgelaufen: Nummer erst nachsehen",
        "the verification of this entry has expired: look the number up first",
    ),
}


def reach_lines(reach: dict[str, Any] | None, language: int) -> Iterator[str]:
    """Say whom to call, in order, and whether the entry counts."""
    if reach is None:
        return
    hours = _HOURS[language].format(reach["hours"]) if reach["hours"] else ""
    for place, each in enumerate(reach["chain"]):
        phone = each["phone"] or _NO_PHONE[language]
        said = f"{reach['name']}, {each['function']}: {phone}"
        yield _CALL[language].format(said) + (hours if place == 0 else "")
    if reach["standing"] in _STANDS:
        yield _STANDS[reach["standing"]][language]
