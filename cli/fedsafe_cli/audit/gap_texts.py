# SPDX-License-Identifier: Apache-2.0
"""What `fedsafe audit gaps` says of the gaps of a log, in German and in English."""

from collections.abc import Mapping
from typing import Any, Final

from fedsafe_cli.terminal.labels import headings, say
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.settings import Settings
from fedsafe_policies.ground.catalogue import Phrase

Words = Mapping[str, Phrase]
KINDS: Final[Words] = {
    "unwritable": Phrase("could write nothing"),
    "unclean_end": Phrase("ended without saying so"),
    "period_key": Phrase("key of a month"),
    "quarter_key": Phrase("key of a quarter"),
    "epoch_key": Phrase("key of an epoch"),
}
REASONS: Final[Words] = {
    "full": Phrase("disk full"),
    "busy": Phrase("database busy"),
    "failed": Phrase("database failed"),
    "no_end": Phrase("crashed, or switched off"),
    "restored": Phrase("restored from a backup"),
}
ERASED: Final[Words] = {
    "retention": Phrase("its time was over"),
    "subject": Phrase("an account was erased"),
    "signal": Phrase("a signal ended"),
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
    return str(code) if pair is None else pair.said(settings.language)
