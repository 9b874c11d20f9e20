# SPDX-License-Identifier: Apache-2.0
"""Days and moments as people write and read them; the node speaks seconds, UTC."""

from datetime import UTC, date, datetime, time

import click


def shown(seconds: object) -> str:
    """Show a moment of the node's, to the second, in UTC."""
    if not isinstance(seconds, int):
        return ""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def written(seconds: int | None) -> str | None:
    """Write a moment of the node's as programs read it (ISO 8601, UTC)."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def start_of(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> int | None:
    """Read a day, as click's callback: its first second, in UTC."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("want a day such as 2027-11-03") from None
    return int(datetime.combine(day, time(), UTC).timestamp())
