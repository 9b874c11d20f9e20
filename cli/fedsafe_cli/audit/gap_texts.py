# SPDX-License-Identifier: Apache-2.0
"""What `fedsafe audit gaps` says of the gaps of a log, in German and in English."""

from collections.abc import Mapping
from typing import Any, Final

from fedsafe_cli.terminal.labels import headings, say
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.settings import Settings

Words = Mapping[str, tuple[str, str]]
KINDS: Final[Words] = {
    "unwritable": ("nichts zu schreiben", "could write nothing"),
    "unclean_end": ("Ende ohne Vermerk", "ended without saying so"),
    "period_key": ("Schlüssel eines Monats", "key of a month"),
    "quarter_key": ("Schlüssel eines Quartals", "key of a quarter"),
    "epoch_key": ("Schlüssel einer Epoche", "key of an epoch"),
}
REASONS: Final[Words] = {
    "full": ("Datenträger voll", "disk full"),
    "busy": ("Datenbank belegt", "database busy"),
    "failed": ("Datenbank gestört", "database failed"),
    "no_end": ("abgestürzt oder abgeschaltet", "crashed, or switched off"),
    "restored": ("aus einer Sicherung zurückgeholt", "restored from a backup"),
}
ERASED: Final[Words] = {
    "retention": ("Frist abgelaufen", "its time was over"),
    "subject": ("Löschung eines Kontos", "an account was erased"),
    "signal": ("Ende eines Signals", "a signal ended"),
}


def gap_rows(answer: dict[str, Any], settings: Settings) -> list[list[object]]:
    """Give a row for each gap, and for each key that was to be destroyed."""
    rows: list[list[object]] = [
        [
            _said(KINDS, gap["kind"], settings),
            _said(REASONS, gap["reason"], settings),
            shown(gap["since"]),
            shown(gap["until"]) or say("LASTS", settings),
        ]
        for gap in answer["gaps"]
    ]
    return rows + [
        [
            _said(KINDS, key["key"], settings),
            key["target"],
            shown(key["begun_at"]),
            shown(key["ended_at"]) or say("UNFINISHED", settings),
        ]
        for key in answer["keys"]
    ]


def erased_rows(answer: dict[str, Any], settings: Settings) -> list[tuple[str, object]]:
    """Count erased openings by the reason."""
    return [
        (
            say("erased ({reason})", settings, reason=_said(ERASED, reason, settings)),
            count,
        )
        for reason, count in answer["erased"].items()
    ]


def failing_row(answer: dict[str, Any], settings: Settings) -> tuple[str, object]:
    """Say why nothing can be written now."""
    (name,) = headings(settings, "fails now")
    why = answer.get("failing")
    return name, None if why is None else _said(REASONS, why, settings)


def _said(table: Words, code: object, settings: Settings) -> str:
    pair = table.get(str(code))
    return str(code) if pair is None else pair[0 if settings.german else 1]
