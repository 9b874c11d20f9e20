# SPDX-License-Identifier: Apache-2.0
"""Days and moments as people and programs read them; the node speaks seconds, UTC."""

import re
from datetime import UTC, date, datetime, time
from typing import Any, Final

import click

from fedsafe_cli.terminal.help_texts import unfit
from fedsafe_policies.ground.catalogue import Phrase

_TIMES: Final = frozenset(
    {
        *("at", "since", "until", "expires"),
        *("confirm_by", "dispatch_by", "second_by", "stolen_since"),
    }
)
_WRITTEN: Final = re.compile(
    r"\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)"
)
"""A moment of RFC 3339, or one without its seconds."""
ENDS: Final = "Valid until this day begins (UTC)."
"""What a day says that is given as the end of something that lasts until it."""
_EARLIEST: Final = 1_000_000_000
"""What is less is a number of an entry, though its name be `since`."""


def shown(seconds: object) -> str:
    """Show a moment of the node's, to the second, in UTC and in the reader's zone.

    Where that is UTC it is shown once. The zone is called by its name, not "here":
    what one prints is read elsewhere as well.
    """
    if not isinstance(seconds, int):
        return ""
    moment = datetime.fromtimestamp(seconds, UTC)
    text = moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    local = moment.astimezone()
    if not local.utcoffset():
        return text
    form = "%H:%M %Z" if local.date() == moment.date() else "%Y-%m-%d %H:%M %Z"
    return f"{text} ({local.strftime(form)})"


def written(seconds: int) -> str:
    """Write a moment of the node's as programs read it (RFC 3339, UTC)."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def readable(name: str, value: Any) -> Any:  # noqa: ANN401 (JSON)
    """Show a field's value: a moment in the one form that people read, all else as is.

    Moments that the node itself has written take this form too.
    """
    if _is_moment(name, value):
        return shown(value)
    if _is_time(name) and isinstance(value, str) and "T" in value:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return value
        return shown(int(moment.timestamp())) if moment.tzinfo else value
    return value


def in_moments(text: str) -> str:
    """Show moments that a sentence of the node's has as people read them."""
    return _WRITTEN.sub(lambda found: str(readable("at", found[0])), text)


def with_moments(value: Any, name: str = "") -> Any:  # noqa: ANN401 (JSON)
    """Return JSON in which every moment is written in the one form for programs."""
    if isinstance(value, dict):
        return {key: with_moments(each, key) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [with_moments(each) for each in value]
    if isinstance(value, str) and _is_time(name) and _WRITTEN.fullmatch(value):
        return _in_utc(value)
    return written(int(value)) if _is_moment(name, value) else value


def _in_utc(text: str) -> str:
    """Write a moment with ``Z``, to the fraction that it has."""
    if text.endswith(("Z", "+00:00")):
        return f"{text.removesuffix('+00:00').removesuffix('Z')}Z"
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return moment.isoformat().replace("+00:00", "Z")


def _is_moment(name: str, value: object) -> bool:
    return isinstance(value, int) and value >= _EARLIEST and _is_time(name)


def _is_time(name: str) -> bool:
    return name in _TIMES or name.endswith(("_at", "_until", "_due"))


def moment_of(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> int | None:
    """Read a moment, as click's callback: with its zone, or a day's first second."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is not None and len(text) == len("2027-11-03"):
        moment = moment.replace(tzinfo=UTC)
    if moment is None or moment.tzinfo is None:
        raise unfit(
            Phrase(
                "want a moment with its zone: YYYY-MM-DDTHH:MMZ, or with +01:00 for Z"
            )
        )
    return int(moment.timestamp())


def start_of(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> int | None:
    """Read a day, as click's callback: its first second, in UTC."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise unfit(Phrase("want a day such as 2027-11-03")) from None
    return int(datetime.combine(day, time(), UTC).timestamp())
